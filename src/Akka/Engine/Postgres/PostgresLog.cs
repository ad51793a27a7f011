using Microsoft.Extensions.Logging;

namespace Orchestrator.Engine.Postgres;

/// <summary>The log lines of the database: 1201 and up.</summary>
internal static partial class PostgresLog
{
    [LoggerMessage(1201, LogLevel.Information, "database: {Server} is the primary, term {Term}, timeline {Timeline}")]
    public static partial void Primary(ILogger log, ServerAddress server, long term, int timeline);

    [LoggerMessage(1202, LogLevel.Warning,
        "database: {Server} took over as primary (it was {Former}); this node leaves its session and joins again there")]
    public static partial void Moved(ILogger log, ServerAddress server, ServerAddress former);

    [LoggerMessage(1203, LogLevel.Warning, "database: {Why}")]
    public static partial void NoPrimary(ILogger log, string why);

    [LoggerMessage(1204, LogLevel.Warning,
        "database: several servers are configured, but commits on {Server} do not wait for a standby: a failover may lose "
        + "commands that were accepted. Set synchronous_standby_names (and synchronous_commit = on) as soon as a standby runs")]
    public static partial void NotReplicated(ILogger log, ServerAddress server);

    [LoggerMessage(1205, LogLevel.Information, "database: commits on {Server} wait for a standby")]
    public static partial void Replicated(ILogger log, ServerAddress server);

    [LoggerMessage(1206, LogLevel.Information, "database: schema step {Number} ('{Name}') is done")]
    public static partial void Step(ILogger log, int number, string name);
}
