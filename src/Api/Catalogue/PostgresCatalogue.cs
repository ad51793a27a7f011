using System.Security.Cryptography;
using Npgsql;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.ReadModel;

namespace Orchestrator.Api.Catalogue;

/// <summary>The catalogue in catalogue.objects, and given addresses in catalogue.macs.</summary>
public sealed class PostgresCatalogue(PrimarySource database) : ICatalogue
{
    private const int Attempts = 16;
    private const int MostEnumerated = 65_536;
    private const string Columns = "kind, id, parent, name, doc::text";

    /// <summary>An address is free when it was never given, or a minute ago and no VM has it now.</summary>
    private const string Free = """
        m.at < now() - interval '1 minute' AND NOT EXISTS (
            SELECT 1 FROM read.objects o WHERE o.kind = 'vm'
                AND (o.doc #> '{config,nics}') @> jsonb_build_array(jsonb_build_object('mac', m.mac)))
        """;

    public Task<CatalogueItem?> Get(string kind, Guid id, CancellationToken cancel) => Guarded(async () =>
    {
        await using var connection = await database().OpenConnectionAsync(cancel);
        return await new Rows(connection, null).Get(kind, id, cancel);
    });

    public Task<IReadOnlyList<CatalogueItem>> List(string kind, Guid? parent, CancellationToken cancel) => Guarded(async () =>
    {
        await using var connection = await database().OpenConnectionAsync(cancel);
        return await new Rows(connection, null).List(kind, parent, cancel);
    });

    public Task<T> Change<T>(Func<ICatalogueWriting, Task<T>> work, CancellationToken cancel) => Guarded(async () =>
    {
        await using var connection = await database().OpenConnectionAsync(cancel);
        await using var transaction = await connection.BeginTransactionAsync(cancel);

        // Writers are few, and each may look at everything before it writes: one at a time.
        await using (var alone = new NpgsqlCommand("LOCK TABLE catalogue.objects IN SHARE ROW EXCLUSIVE MODE", connection, transaction))
            await alone.ExecuteNonQueryAsync(cancel);
        var result = await work(new Rows(connection, transaction));
        await transaction.CommitAsync(cancel);
        return result;
    });

    public Task<string?> TakeMac(IReadOnlyList<MacRange> ranges, CancellationToken cancel) => Guarded<string?>(async () =>
    {
        var count = ranges.Sum(range => range.Count);
        for (var attempt = 0; attempt < Attempts && count > 0; attempt++)
        {
            var mac = At(ranges, (long)(BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8)) % (ulong)count));
            if (await Take(mac, cancel)) return mac;
        }

        if (count is 0 or > MostEnumerated) return null;
        var all = new string[count];
        for (var at = 0; at < all.Length; at++) all[at] = At(ranges, at);
        foreach (var mac in await Left(all, cancel))
            if (await Take(mac, cancel)) return mac;
        return null;
    });

    public Task KeepMac(string mac, CancellationToken cancel) => Guarded(async () =>
    {
        await using var command = database().CreateCommand(
            "INSERT INTO catalogue.macs (mac, at) VALUES ($1, now()) ON CONFLICT (mac) DO UPDATE SET at = now()");
        command.Parameters.AddWithValue(mac);
        return await command.ExecuteNonQueryAsync(cancel);
    });

    private static string At(IReadOnlyList<MacRange> ranges, long number)
    {
        foreach (var range in ranges)
        {
            if (number < range.Count) return MacRange.Text(range.From + number);
            number -= range.Count;
        }

        throw new ArgumentOutOfRangeException(nameof(number));
    }

    private async Task<bool> Take(string mac, CancellationToken cancel)
    {
        await using var command = database().CreateCommand($"""
            INSERT INTO catalogue.macs AS m (mac, at) VALUES ($1, now())
            ON CONFLICT (mac) DO UPDATE SET at = now() WHERE {Free} RETURNING 1
            """);
        command.Parameters.AddWithValue(mac);
        return await command.ExecuteScalarAsync(cancel) is not null;
    }

    private async Task<List<string>> Left(string[] all, CancellationToken cancel)
    {
        await using var command = database().CreateCommand($"""
            SELECT u.mac FROM unnest($1) AS u(mac) WHERE NOT EXISTS (
                SELECT 1 FROM catalogue.macs m WHERE m.mac = u.mac AND NOT ({Free})) LIMIT {Attempts}
            """);
        command.Parameters.AddWithValue(all);
        await using var rows = await command.ExecuteReaderAsync(cancel);
        var found = new List<string>();
        while (await rows.ReadAsync(cancel)) found.Add(rows.GetString(0));
        return found;
    }

    private static async Task<T> Guarded<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (e is NpgsqlException { SqlState: null } or TimeoutException or IOException or ObjectDisposedException)
        {
            throw new EntityUnavailableException($"the database does not answer: {e.Message}", TimeSpan.FromSeconds(2));
        }
    }

    private sealed class Rows(NpgsqlConnection connection, NpgsqlTransaction? transaction) : ICatalogueWriting
    {
        public async Task<CatalogueItem?> Get(string kind, Guid id, CancellationToken cancel)
        {
            var found = await Read($"SELECT {Columns} FROM catalogue.objects WHERE kind = $1 AND id = $2", cancel, kind, id);
            return found.Count == 0 ? null : found[0];
        }

        public async Task<IReadOnlyList<CatalogueItem>> List(string kind, Guid? parent, CancellationToken cancel) => parent is { } of
            ? await Read($"SELECT {Columns} FROM catalogue.objects WHERE kind = $1 AND parent = $2 ORDER BY name COLLATE \"C\", id", cancel, kind, of)
            : await Read($"SELECT {Columns} FROM catalogue.objects WHERE kind = $1 ORDER BY name COLLATE \"C\", id", cancel, kind);

        public async Task Put(CatalogueItem item, CancellationToken cancel)
        {
            await using var command = Command("""
                INSERT INTO catalogue.objects AS o (kind, id, parent, name, version, doc) VALUES ($1, $2, $3, $4, 1, $5::jsonb)
                ON CONFLICT (kind, id) DO UPDATE SET name = excluded.name, version = o.version + 1, doc = excluded.doc
                """, item.Kind, item.Id, item.Parent, item.Name, item.Json);
            await command.ExecuteNonQueryAsync(cancel);
        }

        public async Task Remove(string kind, Guid id, CancellationToken cancel)
        {
            await using var command = Command("DELETE FROM catalogue.objects WHERE kind = $1 AND id = $2", kind, id);
            await command.ExecuteNonQueryAsync(cancel);
        }

        private async Task<List<CatalogueItem>> Read(string sql, CancellationToken cancel, params object[] values)
        {
            await using var command = Command(sql, values);
            await using var rows = await command.ExecuteReaderAsync(cancel);
            var found = new List<CatalogueItem>();
            while (await rows.ReadAsync(cancel))
                found.Add(new CatalogueItem(rows.GetString(0), rows.GetGuid(1), rows.GetGuid(2), rows.GetString(3), rows.GetString(4)));
            return found;
        }

        private NpgsqlCommand Command(string sql, params object[] values)
        {
            var command = new NpgsqlCommand(sql, connection, transaction);
            foreach (var value in values) command.Parameters.Add(new NpgsqlParameter { Value = value });
            return command;
        }
    }
}
