using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Npgsql;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Api.ReadModel;

/// <summary>Observations in a table that no crash need keep. A database that is away is not waited for: there is another
/// observation soon, and who reads does without.</summary>
public sealed class PostgresObservations(PrimarySource database) : IObservations
{
    private static readonly AgentJson Json = AgentJson.Default;

    public Task Put(HostId host, HostObservations seen, CancellationToken cancel)
    {
        Guid[] ids = [host.Value, .. seen.Guests.Select(g => g.Vm)];
        string[] kinds = [Kinds.Host, .. seen.Guests.Select(_ => Kinds.Vm)];
        long[] leases = [0, .. seen.Guests.Select(g => g.Lease)];
        string[] documents =
        [
            JsonSerializer.Serialize(seen with { Guests = [] }, Json.HostObservations),
            .. seen.Guests.Select(g => JsonSerializer.Serialize(g, Json.GuestObservation)),
        ];
        return Run("""
            INSERT INTO read.observed AS o (kind, id, lease, at, doc)
            SELECT DISTINCT ON (k, i) k, i, l, now(), d::jsonb FROM unnest($1, $2, $3, $4) AS u(k, i, l, d) ORDER BY k, i, l DESC
            ON CONFLICT (kind, id) DO UPDATE SET lease = excluded.lease, at = excluded.at, doc = excluded.doc
            WHERE o.lease <= excluded.lease
            """, [kinds, ids, leases, documents], cancel);
    }

    public async Task<HostObservations?> OfHost(HostId host, CancellationToken cancel) =>
        (await Read(Kinds.Host, [host.Value], Json.HostObservations, cancel)).GetValueOrDefault(host.Value);

    public async Task<IReadOnlyDictionary<Guid, GuestObservation>> OfGuests(IReadOnlyCollection<Guid> vms, CancellationToken cancel) =>
        vms.Count == 0 ? new Dictionary<Guid, GuestObservation>() : await Read(Kinds.Vm, [.. vms], Json.GuestObservation, cancel);

    public Task DropOld(CancellationToken cancel) =>
        Run("DELETE FROM read.observed WHERE at < now() - interval '1 hour'", [], cancel);

    private async Task Run(string sql, object[] values, CancellationToken cancel)
    {
        try
        {
            await using var command = database().CreateCommand(sql);
            foreach (var value in values) command.Parameters.Add(new NpgsqlParameter { Value = value });
            await command.ExecuteNonQueryAsync(cancel);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException or ObjectDisposedException)
        {
            throw new EntityUnavailableException($"the database does not answer: {e.Message}", TimeSpan.FromSeconds(2));
        }
    }

    private async Task<Dictionary<Guid, T>> Read<T>(string kind, Guid[] ids, JsonTypeInfo<T> shape, CancellationToken cancel)
    {
        var found = new Dictionary<Guid, T>();
        try
        {
            await using var command = database().CreateCommand(
                "SELECT id, doc::text FROM read.observed WHERE kind = $1 AND id = ANY($2) AND at > now() - interval '3 minutes'");
            command.Parameters.Add(new NpgsqlParameter { Value = kind });
            command.Parameters.Add(new NpgsqlParameter { Value = ids });
            await using var rows = await command.ExecuteReaderAsync(cancel);
            while (await rows.ReadAsync(cancel)) found[rows.GetGuid(0)] = JsonSerializer.Deserialize(rows.GetString(1), shape)!;
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException or ObjectDisposedException)
        {
            // What is known for sure is shown without it.
        }

        return found;
    }
}
