using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Orchestrator.Engine.Postgres;

/// <summary>What a <see cref="PostgresEngineStore"/> is made of. The connection string is Npgsql's and may name several
/// hosts (Host=a,b:5433); which of them is the primary is found out by <see cref="PrimaryRoute"/>.</summary>
public sealed record PostgresSettings(string ConnectionString)
{
    public ImmutableArray<ICompanionSql> Companions { get; init; } = [];

    /// <summary>Steps of the composition's own schemas, after the engine's.</summary>
    public ImmutableArray<Migration> Migrations { get; init; } = [];

    /// <summary>Connections for the journal; membership has its own, so that a busy journal never costs a lease.</summary>
    public int JournalConnections { get; init; } = 8;

    /// <summary>How long one statement may take before the store counts as unavailable.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Recorded with each schema step that this program does.</summary>
    public string EngineVersion { get; init; } = "0.0.0";

    /// <summary>Where this node keeps the newest term of the database that it has seen; "" = in memory only.</summary>
    public string TermFile { get; init; } = "";

    /// <summary>One of several servers that says nothing for this long does not count at this moment.</summary>
    public TimeSpan ProbeTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often all servers are asked who is the primary.</summary>
    public TimeSpan ProbeInterval { get; init; } = TimeSpan.FromSeconds(1);

    public ILogger Log { get; init; } = NullLogger.Instance;

    /// <summary>Only the test that proves the cluster checker switches it off: then epochs are not checked.</summary>
    public WriteFencing WriteFencing { get; init; } = WriteFencing.On;
}

public enum WriteFencing { On, Off }
