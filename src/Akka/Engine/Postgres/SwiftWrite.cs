using System.Collections.Concurrent;
using Npgsql;
using NpgsqlTypes;

namespace Orchestrator.Engine.Postgres;

/// <summary>
/// Insert and checks of one transaction in one statement, for batches that all may be written, as nearly all may. Its
/// snapshot is taken after the writer lock is held, as that of a check of its own would be. It writes all rows or fails;
/// which batch was at fault is not asked here. What it makes sure of: every fence is the present one; the event before
/// the first one is there, or none at all when the first one is number 1; the unique key does the rest.
/// </summary>
internal static class SwiftWrite
{
    private const string Columns =
        "INSERT INTO akka.journal (created, deleted, persistence_id, sequence_number, message, manifest, identifier, writer_uuid)\n";

    private static readonly ConcurrentDictionary<Shape, string> Texts = new();

    [Flags]
    private enum Shape { Alone = 1, Fenced = 2, Begins = 4, Continues = 8 }

    /// <summary>Only for batches with events.</summary>
    public static NpgsqlBatchCommand Command(NodeId self, JournalBatch[] batches, WriteFencing fencing, long now) =>
        batches is [{ Events: [var only] } batch]
            ? One(self, batch, only, fencing, now)
            : Many(self, batches, fencing, now);

    private static NpgsqlBatchCommand One(NodeId self, JournalBatch batch, JournalEvent e, WriteFencing fencing, long now)
    {
        var fence = fencing == WriteFencing.On ? batch.Fence : null;
        var shape = Shape.Alone | (fence is null ? 0 : Shape.Fenced) | (e.SequenceNr == 1 ? Shape.Begins : Shape.Continues);
        var command = new NpgsqlBatchCommand(Texts.GetOrAdd(shape, Text));
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = now });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = batch.PersistenceId });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = e.SequenceNr });
        command.Parameters.Add(new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = e.Payload, NpgsqlDbType = NpgsqlDbType.Bytea });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = e.Manifest });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = e.SerializerId });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = batch.WriterUuid });
        if (fence is null) return command;
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = fence.Shard.Type });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = fence.Shard.Shard });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = fence.Epoch });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = self.Value });
        return command;
    }

    private static NpgsqlBatchCommand Many(NodeId self, JournalBatch[] batches, WriteFencing fencing, long now)
    {
        var count = 0;
        foreach (var batch in batches) count += batch.Events.Length;
        var (ids, numbers, payloads) = (new string[count], new long[count], new ReadOnlyMemory<byte>[count]);
        var (manifests, serializers, writers) = (new string[count], new int[count], new string[count]);
        List<string> begun = [], continued = [];
        List<long> before = [];
        HashSet<WriteFence> fences = [];
        var row = 0;
        foreach (var batch in batches)
        {
            if (fencing == WriteFencing.On && batch.Fence is { } fence) fences.Add(fence);
            if (batch.Events[0].SequenceNr is var first and > 1)
            {
                continued.Add(batch.PersistenceId);
                before.Add(first - 1);
            }
            else
            {
                begun.Add(batch.PersistenceId);
            }

            foreach (var e in batch.Events)
            {
                (ids[row], numbers[row], payloads[row]) = (batch.PersistenceId, e.SequenceNr, e.Payload);
                (manifests[row], serializers[row], writers[row]) = (e.Manifest, e.SerializerId, batch.WriterUuid);
                row++;
            }
        }

        var shape = (fences.Count > 0 ? Shape.Fenced : 0) | (begun.Count > 0 ? Shape.Begins : 0)
            | (continued.Count > 0 ? Shape.Continues : 0);
        var command = new NpgsqlBatchCommand(Texts.GetOrAdd(shape, Text));
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = now });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = ids });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = numbers });
        command.Parameters.Add(new NpgsqlParameter<ReadOnlyMemory<byte>[]>
        {
            TypedValue = payloads,
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bytea,
        });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = manifests });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = serializers });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = writers });
        if (fences.Count > 0)
        {
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. fences.Select(f => f.Shard.Type)] });
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. fences.Select(f => f.Shard.Shard)] });
            command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. fences.Select(f => f.Epoch)] });
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = self.Value });
        }

        if (begun.Count > 0) command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. begun] });
        if (continued.Count > 0)
        {
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. continued] });
            command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. before] });
        }

        return command;
    }

    /// <summary>The statement for a shape. A row's place is looked up by key, once per batch (OFFSET 0 keeps the planner
    /// from reading the journal in another order); a guard that does not hold undoes the transaction.</summary>
    private static string Text(Shape shape)
    {
        var alone = shape.HasFlag(Shape.Alone);
        var next = 8;
        List<string> guards = [];
        if (shape.HasFlag(Shape.Fenced))
        {
            guards.Add(alone
                ? "EXISTS (SELECT 1 FROM cluster.shards s WHERE s.shard_type = $8 AND s.shard = $9 AND s.epoch = $10 AND s.owner = $11)"
                : """
                  (SELECT count(*) FROM unnest($8, $9, $10) AS f(t, s, epoch) CROSS JOIN LATERAL (
                      SELECT 1 FROM cluster.shards s
                      WHERE s.shard_type = f.t AND s.shard = f.s AND s.epoch = f.epoch AND s.owner = $11 OFFSET 0) AS l
                  ) = cardinality($8)
                  """);
            next = 12;
        }

        if (shape.HasFlag(Shape.Begins))
        {
            guards.Add(alone
                ? "NOT EXISTS (SELECT 1 FROM akka.journal j WHERE j.persistence_id = $2)"
                : $"""
                   NOT EXISTS (SELECT 1 FROM unnest(${next}) AS b(pid) CROSS JOIN LATERAL (
                       SELECT 1 FROM akka.journal j WHERE j.persistence_id = b.pid OFFSET 0) AS l)
                   """);
            next++;
        }

        if (shape.HasFlag(Shape.Continues))
        {
            guards.Add(alone
                ? "EXISTS (SELECT 1 FROM akka.journal j WHERE j.persistence_id = $2 AND j.sequence_number = $3 - 1)"
                : $"""
                   (SELECT count(*) FROM unnest(${next}, ${next + 1}) AS b(pid, before) CROSS JOIN LATERAL (
                       SELECT 1 FROM akka.journal j WHERE j.persistence_id = b.pid AND j.sequence_number = b.before OFFSET 0
                   ) AS l) = cardinality(${next})
                   """);
        }

        var rows = alone
            ? "SELECT $1, false, $2, $3, $4, $5, $6, $7"
            : "SELECT $1, false, p, n, m, f, i, w FROM unnest($2, $3, $4, $5, $6, $7) AS u(p, n, m, f, i, w)";
        return $"""
            {Columns}{rows}
            WHERE CASE WHEN {string.Join("\nAND ", guards)} THEN true ELSE cluster.refuse('') IS NULL END
            """;
    }
}
