using System.Diagnostics;
using Npgsql;
using NpgsqlTypes;
using Orchestrator.Tests.Cluster.Harness;

namespace Orchestrator.Bench.Engine;

/// <summary>What PostgreSQL alone does: rows like the engine's into a journal like the engine's, so many a commit over
/// so many connections, prepared, without fences and without anybody to be answered.</summary>
internal sealed class RawInserts(string connectionString, int bytes)
{
    private readonly byte[] _payload = new byte[bytes];

    public async Task<double> Rate(int connections, int rowsPerCommit, TimeSpan length)
    {
        var clock = Stopwatch.StartNew();
        var rows = await Task.WhenAll(Enumerable.Range(0, connections).Select(_ => Write(rowsPerCommit, length)));
        return rows.Sum() / clock.Elapsed.TotalSeconds;
    }

    private async Task<long> Write(int rowsPerCommit, TimeSpan length)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var insert = new NpgsqlCommand(
            """
            INSERT INTO akka.journal (created, deleted, persistence_id, sequence_number, message, manifest, identifier, writer_uuid)
            SELECT $1, false, p, n, m, f, i, w FROM unnest($2, $3, $4, $5, $6, $7) AS u(p, n, m, f, i, w)
            """, connection);
        var writer = Guid.NewGuid().ToString("N");
        string[] ids = [.. Enumerable.Range(0, rowsPerCommit).Select(n => $"raw-{writer}-{n}")];
        var numbers = new NpgsqlParameter<long[]> { TypedValue = new long[rowsPerCommit] };
        insert.Parameters.Add(new NpgsqlParameter<long> { TypedValue = DateTime.UtcNow.Ticks });
        insert.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = ids });
        insert.Parameters.Add(numbers);
        insert.Parameters.Add(new NpgsqlParameter<byte[][]>
        {
            TypedValue = [.. ids.Select(_ => _payload)],
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea,
        });
        insert.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. ids.Select(_ => "datacenter.removed.1")] });
        insert.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. ids.Select(_ => 1001)] });
        insert.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. ids.Select(_ => writer)] });
        await insert.PrepareAsync();
        var clock = Stopwatch.StartNew();
        long commits = 0;
        while (clock.Elapsed < length)
        {
            commits++;
            Array.Fill(numbers.TypedValue!, commits);
            await insert.ExecuteNonQueryAsync();
        }

        return commits * rowsPerCommit;
    }

    /// <summary>How long one statement needs to give all rows of these entities to one reader.</summary>
    public static async Task<(TimeSpan Took, long Rows)> Read(PrivatePostgres postgres, string[] persistenceIds)
    {
        await using var connection = await postgres.Open();
        await using var ask = new NpgsqlCommand(
            """
            SELECT persistence_id, sequence_number, manifest, identifier, message, created FROM akka.journal
            WHERE persistence_id = ANY($1) ORDER BY persistence_id, sequence_number
            """, connection);
        ask.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = persistenceIds });
        var clock = Stopwatch.StartNew();
        await using var reader = await ask.ExecuteReaderAsync();
        var rows = 0L;
        for (; await reader.ReadAsync(); rows++) _ = reader.GetFieldValue<byte[]>(4);
        return (clock.Elapsed, rows);
    }
}
