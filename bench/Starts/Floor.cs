using System.Diagnostics;
using Npgsql;
using Orchestrator.Tests.Cluster.Harness;

namespace Orchestrator.Bench.Starts;

/// <summary>
/// What the same number of journal rows costs PostgreSQL alone: a table like the journal, the same size of payload, one
/// row per transaction and ten rows per transaction. No engine can be cheaper on this database.
/// </summary>
internal static class Floor
{
    private const int Writers = 8;

    public static async Task<(TimeSpan Cpu, TimeSpan Took)> Insert(
        PrivatePostgres postgres, long rows, int bytes, int rowsPerTransaction)
    {
        await postgres.Execute("""
            CREATE SCHEMA IF NOT EXISTS floor;
            DROP TABLE IF EXISTS floor.journal;
            CREATE TABLE floor.journal (LIKE akka.journal INCLUDING ALL);
            """);
        var payload = new byte[bytes];
        Random.Shared.NextBytes(payload);
        var before = ProcessCost.CpuWithChildren(postgres.Pid!.Value);
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, Writers).Select(
            writer => Write(postgres, writer, rows / Writers, payload, rowsPerTransaction)));
        return (ProcessCost.CpuWithChildren(postgres.Pid!.Value) - before, clock.Elapsed);
    }

    private static async Task Write(
        PrivatePostgres postgres, int writer, long rows, byte[] payload, int rowsPerTransaction)
    {
        await using var connection = await postgres.Open();
        await using var insert = new NpgsqlCommand("""
            INSERT INTO floor.journal
                (created, deleted, persistence_id, sequence_number, message, manifest, identifier, writer_uuid)
            SELECT $1, false, $2, n, $3, 'vm.floor.1', 100, $2 FROM generate_series($4, $5) AS n
            """, connection)
        {
            Parameters =
            {
                new NpgsqlParameter<long> { TypedValue = DateTime.UtcNow.Ticks },
                new NpgsqlParameter<string> { TypedValue = $"floor-{writer}" },
                new NpgsqlParameter<byte[]> { TypedValue = payload },
                new NpgsqlParameter<long>(),
                new NpgsqlParameter<long>(),
            },
        };
        var first = (NpgsqlParameter<long>)insert.Parameters[3];
        var last = (NpgsqlParameter<long>)insert.Parameters[4];
        await PrepareWith(insert, first, last);
        for (var n = 1L; n <= rows; n += rowsPerTransaction)
        {
            first.TypedValue = n;
            last.TypedValue = Math.Min(n + rowsPerTransaction - 1, rows);
            await insert.ExecuteNonQueryAsync();
        }
    }

    private static Task PrepareWith(NpgsqlCommand insert, NpgsqlParameter<long> first, NpgsqlParameter<long> last)
    {
        first.TypedValue = 1;
        last.TypedValue = 1;
        return insert.PrepareAsync();
    }
}
