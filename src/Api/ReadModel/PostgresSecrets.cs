using System.Security.Cryptography;
using System.Text;
using Npgsql;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Api.ReadModel;

/// <summary>
/// Passwords of devices in PostgreSQL, sealed by AES-256-GCM under a key that only the nodes have. A row is nonce
/// (12 bytes), tag (16 bytes), sealed text; the secret's name is authenticated with it.
/// </summary>
public sealed class PostgresSecrets(PrimarySource database, ReadOnlyMemory<byte> nodeKey)
    : ISecrets, Actors.Host.IDevicePasswords
{
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private readonly byte[] _key = HKDF.DeriveKey(
        HashAlgorithmName.SHA256, nodeKey.ToArray(), 32, info: "orchestrator secrets"u8.ToArray());

    public async Task Put(string name, string value, CancellationToken cancel)
    {
        var text = Encoding.UTF8.GetBytes(value);
        var row = new byte[NonceBytes + TagBytes + text.Length];
        RandomNumberGenerator.Fill(row.AsSpan(0, NonceBytes));
        using (var aes = new AesGcm(_key, TagBytes))
            aes.Encrypt(
                row.AsSpan(0, NonceBytes), text, row.AsSpan(NonceBytes + TagBytes), row.AsSpan(NonceBytes, TagBytes),
                Encoding.UTF8.GetBytes(name));
        await Run(
            "INSERT INTO secret.secrets (name, sealed) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET sealed = $2",
            name, row, cancel);
    }

    public Task Remove(string name, CancellationToken cancel) =>
        Run("DELETE FROM secret.secrets WHERE name = $1", name, null, cancel);

    public async Task<string?> Get(string name, CancellationToken cancel)
    {
        try
        {
            await using var query = database().CreateCommand("SELECT sealed FROM secret.secrets WHERE name = $1");
            query.Parameters.AddWithValue(name);
            return await query.ExecuteScalarAsync(cancel) is byte[] row ? Open(name, row) : null;
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
        {
            throw Away(e);
        }
    }

    private string Open(string name, byte[] row)
    {
        var text = new byte[row.Length - NonceBytes - TagBytes];
        using var aes = new AesGcm(_key, TagBytes);
        aes.Decrypt(
            row.AsSpan(0, NonceBytes), row.AsSpan(NonceBytes + TagBytes), row.AsSpan(NonceBytes, TagBytes), text,
            Encoding.UTF8.GetBytes(name));
        return Encoding.UTF8.GetString(text);
    }

    private async Task Run(string sql, string name, byte[]? row, CancellationToken cancel)
    {
        try
        {
            await using var command = database().CreateCommand(sql);
            command.Parameters.AddWithValue(name);
            if (row is not null) command.Parameters.AddWithValue(row);
            await command.ExecuteNonQueryAsync(cancel);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
        {
            throw Away(e);
        }
    }

    private static EntityUnavailableException Away(Exception e) =>
        new($"the database does not answer: {e.Message}", TimeSpan.FromSeconds(2));
}
