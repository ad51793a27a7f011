using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;

namespace Orchestrator.Engine.Postgres;

/// <summary>What a <see cref="PostgresEngineStore"/> is made of. The connection string is Npgsql's and may name several
/// hosts (Host=a,b;Target Session Attributes=primary).</summary>
public sealed record PostgresSettings(string ConnectionString)
{
    public ImmutableArray<ICompanionSql> Companions { get; init; } = [];

    /// <summary>Steps of the composition's own schemas, after the engine's.</summary>
    public ImmutableArray<Migration> Migrations { get; init; } = [];

    /// <summary>Connections for the journal; membership has its own, so that a busy journal never costs a lease.</summary>
    public int JournalConnections { get; init; } = 8;

    /// <summary>How long one statement may take before the store counts as unavailable.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Only the test that proves the cluster checker switches it off: then epochs are not checked.</summary>
    public WriteFencing WriteFencing { get; init; } = WriteFencing.On;

    /// <summary>From orchestrator.database and orchestrator.testing; the connection string has no default.</summary>
    public static PostgresSettings Read(Config config) => new(
        config.GetString("orchestrator.database.connection-string")
        ?? throw new ConfigurationException("orchestrator.database.connection-string is not set: where is PostgreSQL?"))
    {
        JournalConnections = config.GetInt("orchestrator.database.journal-connections", 8),
        CommandTimeout = config.GetTimeSpan("orchestrator.database.command-timeout", TimeSpan.FromSeconds(5)),
        WriteFencing = config.GetBoolean("orchestrator.testing.write-fence", true) ? WriteFencing.On : WriteFencing.Off,
    };
}

public enum WriteFencing { On, Off }
