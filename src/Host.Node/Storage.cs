using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Api.ReadModel;
using Orchestrator.Api.Sso;
using Orchestrator.Engine;
using Orchestrator.Engine.Postgres;

namespace Orchestrator.Host.Node;

/// <summary>The store, with every schema and every kind of row that this product adds to the engine's own.</summary>
internal static class Storage
{
    public static PostgresEngineStore Open(NodeConfig config) => new(new PostgresSettings(config.ConnectionString)
    {
        Companions = [.. ReadSchema.Companions.Select(c => new Statement(c.Kind, c.Statement))],
        Migrations =
        [
            .. ReadSchema.Migrations.Select(m => new Migration(m.Number, m.Name, m.Sql)),
            .. SsoSchema.Migrations.Select(m => new Migration(200 + m.Number, "users and revoked tokens", m.Sql)),
        ],
        JournalConnections = config.Number("database.journal-connections"),
        CommandTimeout = config.Time("database.command-timeout"),
        WriteFencing = config.Is("testing.write-fence") ? WriteFencing.On : WriteFencing.Off,
    });

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
