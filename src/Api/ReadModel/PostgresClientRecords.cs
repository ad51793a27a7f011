using Npgsql;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Api.ReadModel;

/// <summary>Clients' own events in events.audit_log and jobs in read.objects.</summary>
public sealed class PostgresClientRecords(PrimarySource database) : IClientRecords
{
    public async Task<AuditRow> Tell(AuditLine line, CancellationToken cancel)
    {
        var key = $"client/{Guid.NewGuid()}";
        await Run(EventSchema.Insert, cancel, new[] { key }, new[] { 0L }, new[] { WireJson.Write(line) });
        return await Told("key = $1", cancel, key)
            ?? await Told("flood IS NOT NULL AND flood_until > $1 AND line->>'origin' = $2 AND line->>'description' = $3", cancel,
                line.At.ToUniversalTime(), line.Origin ?? "", line.Description)
            ?? throw new EntityUnavailableException("the event was removed as soon as it was told", TimeSpan.FromSeconds(1));
    }

    public async Task<bool> RemoveEvent(long id, CancellationToken cancel) =>
        await Run("UPDATE events.audit_log SET deleted = true WHERE id = $1 AND NOT deleted", cancel, id) > 0;

    public Task RestoreEvents(CancellationToken cancel) => Run("UPDATE events.audit_log SET deleted = false WHERE deleted", cancel);

    public Task AddJob(JobView job, CancellationToken cancel) => Run(
        "INSERT INTO read.objects (kind, id, name, version, doc) VALUES ('job', $1, '', 1, $2::jsonb) ON CONFLICT DO NOTHING", cancel,
        job.Id.Value, WireJson.Write(job));

    public async Task<bool> ReplaceJob(JobView job, long version, CancellationToken cancel) => await Run(
        "UPDATE read.objects SET doc = $3::jsonb, version = version + 1 WHERE kind = 'job' AND id = $1 AND version = $2", cancel,
        job.Id.Value, version, WireJson.Write(job)) > 0;

    private async Task<AuditRow?> Told(string where, CancellationToken cancel, params object[] values)
    {
        await using var command = Command($"SELECT id, line::text FROM events.audit_log WHERE {where} ORDER BY id DESC LIMIT 1", values);
        await using var row = await command.ExecuteReaderAsync(cancel);
        return await row.ReadAsync(cancel) ? new AuditRow(row.GetInt64(0), WireJson.Read<AuditLine>(row.GetString(1))) : null;
    }

    private async Task<int> Run(string sql, CancellationToken cancel, params object[] values)
    {
        await using var command = Command(sql, values);
        return await command.ExecuteNonQueryAsync(cancel);
    }

    private NpgsqlCommand Command(string sql, object[] values)
    {
        var command = database().CreateCommand(sql);
        foreach (var value in values) command.Parameters.Add(new NpgsqlParameter { Value = value });
        return command;
    }
}
