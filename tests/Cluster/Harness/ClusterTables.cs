using System.Globalization;
using System.Text;
using Npgsql;
using Orchestrator.Tests.Cluster.Checkers;

namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>
/// What the database says, read past the engine. Also watches it: triggers note when each journal row and each epoch
/// was really written, on the database's own clock, so that no node can lie about it.
/// </summary>
/// <param name="postgres">Answers the server that is the primary now.</param>
public sealed class ClusterTables(Func<PrivatePostgres> postgres)
{
    /// <summary>The default of orchestrator.entities.shards.</summary>
    private const uint Shards = 30;

    /// <summary>Put in place once the nodes have made their schema and before the first command.</summary>
    public Task<int> Watch() => postgres().Execute("""
        CREATE SCHEMA harness;
        CREATE TABLE harness.epochs (
            n bigint GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
            shard text NOT NULL, epoch bigint NOT NULL, owner text NOT NULL);
        CREATE TABLE harness.writes (
            ordering bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
            session text NOT NULL DEFAULT current_setting('application_name'));
        CREATE FUNCTION harness.note_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO harness.epochs (shard, epoch, owner)
            VALUES (NEW.shard_type || '/' || NEW.shard, NEW.epoch, coalesce(NEW.owner::text, ''));
            RETURN NULL;
        END $$;
        CREATE FUNCTION harness.note_write() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO harness.writes (ordering) VALUES (NEW.ordering);
            RETURN NULL;
        END $$;
        CREATE TRIGGER note_epoch AFTER INSERT OR UPDATE ON cluster.shards
            FOR EACH ROW EXECUTE FUNCTION harness.note_epoch();
        -- After the trigger has locked the table: no change slips between.
        INSERT INTO harness.epochs (shard, epoch, owner)
            SELECT shard_type || '/' || shard, epoch, coalesce(owner::text, '') FROM cluster.shards;
        CREATE TRIGGER note_write AFTER INSERT ON akka.journal
            FOR EACH ROW EXECUTE FUNCTION harness.note_write();
        """);

    /// <summary>All rows since <see cref="Watch"/>.</summary>
    public async Task<IReadOnlyList<JournalFact>> Journal()
    {
        var rows = new List<JournalFact>();
        await using var connection = await postgres().Open();
        await using var command = new NpgsqlCommand("""
            SELECT j.ordering, j.persistence_id, j.sequence_number, coalesce(j.writer_uuid, ''), coalesce(j.manifest, ''),
                   j.message, coalesce(w.session, ''), coalesce(w.at, 'epoch'::timestamptz)
            FROM akka.journal j LEFT JOIN harness.writes w USING (ordering)
            ORDER BY j.ordering
            """, connection);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            rows.Add(new JournalFact(
                reader.GetInt64(0), reader.GetString(1), reader.GetInt64(2), reader.GetString(3), reader.GetString(4),
                Encoding.UTF8.GetString(reader.GetFieldValue<byte[]>(5)), NodeOf(reader.GetString(6)),
                reader.GetFieldValue<DateTime>(7)));
        }

        return rows;
    }

    public async Task<IReadOnlyList<EpochFact>> Epochs()
    {
        var facts = new List<EpochFact>();
        await using var connection = await postgres().Open();
        await using var command = new NpgsqlCommand(
            "SELECT shard, epoch, owner, at FROM harness.epochs ORDER BY n", connection);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            facts.Add(new EpochFact(
                reader.GetString(0), reader.GetInt64(1), reader.GetString(2), reader.GetFieldValue<DateTime>(3)));
        }

        return facts;
    }

    /// <summary>Address and cluster port ("127.0.9.1:7001") of the member that last wrote for each VM. Right after a
    /// write, that is the owner.</summary>
    public async Task<IReadOnlyDictionary<Guid, string>> LastWriters(string kind = "vm")
    {
        var writers = new Dictionary<Guid, string>();
        await using var connection = await postgres().Open();
        await using var command = new NpgsqlCommand("""
            SELECT last.persistence_id, m.host || ':' || m.port
            FROM (SELECT DISTINCT ON (j.persistence_id) j.persistence_id, w.session
                  FROM akka.journal j JOIN harness.writes w USING (ordering)
                  WHERE j.persistence_id LIKE $1 || '-%'
                  ORDER BY j.persistence_id, j.ordering DESC) last
            JOIN cluster.members m ON last.session = 'orchestrator/' || replace(m.node_id::text, '-', '')
            """, connection);
        command.Parameters.Add(new NpgsqlParameter { Value = kind });
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync()) writers[Guid.Parse(reader.GetString(0)[(kind.Length + 1)..])] = reader.GetString(1);
        return writers;
    }

    /// <summary>The shard ("vm/17") of a persistence id ("vm-" and a UUID), by the same hash as the engine's: FNV-1a with
    /// a final mix, over orchestrator.entities.shards shards.</summary>
    public static string? ShardOf(string persistenceId)
    {
        var dash = persistenceId.IndexOf('-', StringComparison.Ordinal);
        if (dash < 0 || !Guid.TryParse(persistenceId[(dash + 1)..], out var id)) return null;
        var hash = 2166136261u;
        foreach (var unit in id.ToString()) hash = (hash ^ unit) * 16777619u;
        hash ^= hash >> 16;
        hash *= 0x7feb352du;
        hash ^= hash >> 15;
        return string.Create(CultureInfo.InvariantCulture, $"{persistenceId[..dash]}/{hash % Shards}");
    }

    /// <summary>"127.0.9.1:7001" of each member row.</summary>
    public async Task<IReadOnlySet<string>> Members()
    {
        var members = new HashSet<string>();
        await using var connection = await postgres().Open();
        await using var command = new NpgsqlCommand("SELECT host || ':' || port FROM cluster.members", connection);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync()) members.Add(reader.GetString(0));
        return members;
    }

    public async Task<long> Count(string from)
    {
        await using var connection = await postgres().Open();
        await using var command = new NpgsqlCommand($"SELECT count(*) FROM {from}", connection);
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }

    /// <summary>A node's connections are named "orchestrator/" and its id without hyphens.</summary>
    private static string NodeOf(string session) =>
        Guid.TryParse(session[(session.IndexOf('/', StringComparison.Ordinal) + 1)..], out var node)
            ? node.ToString()
            : "";
}
