using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Orchestrator.Actors;
using Orchestrator.Api.Catalogue;
using Orchestrator.Api.ReadModel;
using Orchestrator.Api.Sso;
using Orchestrator.Engine;
using Orchestrator.Engine.Postgres;

namespace Orchestrator.Host.Node;

/// <summary>The store, with every schema and every kind of row that this product adds to the engine's own.</summary>
internal static class Storage
{
    /// <summary>The steps of the whole product's schema beside the engine's. Never change a released one; a new one gets
    /// the next number over all areas (docs/decisions/0009).</summary>
    public static ImmutableArray<Migration> Steps { get; } =
    [
        .. ReadSchema.Migrations.Select(m => new Migration(m.Number, m.Name, m.Sql)),
        .. SsoSchema.Migrations.Select(m => new Migration(200 + m.Number, "users and revoked tokens", m.Sql)),
        .. CatalogueSchema.Migrations.Select(m => new Migration(m.Number, m.Name, m.Sql)),
    ];

    public static PostgresEngineStore Open(NodeConfig config, ILoggerFactory logs) => new(
        new PostgresSettings(config.ConnectionString)
        {
            Companions = [.. ReadSchema.Companions.Select(c => new Statement(c.Kind, c.Statement))],
            Migrations = Steps,
            JournalConnections = config.Number("database.journal-connections"),
            CommandTimeout = config.Time("database.command-timeout"),
            WriteFencing = config.Is("testing.write-fence") ? WriteFencing.On : WriteFencing.Off,
            EngineVersion = Node.Version,
            TermFile = config.Text("database.term-file"),
            ProbeTimeout = config.Time("database.probe-timeout"),
            ProbeInterval = config.Time("database.probe-interval"),
            Log = logs.CreateLogger("Orchestrator.Database"),
        });

    /// <summary>The pool for everything but the engine itself: read model, sign-on, jobs. A server that hangs is given up
    /// by its keep-alive.</summary>
    public static PrimarySource Documents(PostgresEngineStore store) => () =>
        store.Route.Pool("orchestrator/documents", 100, c => (c.NoResetOnClose, c.KeepAlive) = (false, 2));

    private sealed record Statement(string Kind, string Sql) : ICompanionSql
    {
        string ICompanionSql.Statement => Sql;
    }
}

/// <summary>Takes a fact and its rows apart for the journal.</summary>
internal sealed class Records : IUnwrapRecords
{
    public (object Event, ImmutableArray<CompanionRow> Companions) Unwrap(object persisted) =>
        persisted is Recorded record
            ? (record.Fact, [.. record.Rows.Select(r => new CompanionRow(r.Kind, r.Key, r.Version, r.Json))])
            : (persisted, []);
}
