using System.Buffers.Binary;
using System.Buffers.Text;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace Orchestrator.Api.Sso;

/// <summary>A program that sends its users here to log in.</summary>
/// <param name="Secret">By which it proves itself when it fetches the token.</param>
/// <param name="Redirects">Where users may be sent back to, each whole.</param>
public sealed record OAuthClient(string Id, string Secret, ImmutableArray<string> Redirects)
{
    public bool Proves(string secret) => CryptographicOperations.FixedTimeEquals(
        SHA256.HashData(Encoding.UTF8.GetBytes(secret)), SHA256.HashData(Encoding.UTF8.GetBytes(Secret)));
}

/// <summary>
/// Codes that a browser carries from the login page to a client's server: id, user, expiry, and an HMAC-SHA256 over all of it, the
/// client and the address. Good on every node, for a minute, once, and for that client alone.
/// </summary>
public sealed class AuthorizationCodes(ReadOnlyMemory<byte> key, ITokenRevocations revocations, TimeProvider clock)
{
    public static readonly TimeSpan Life = TimeSpan.FromSeconds(60);

    private const int FixedBytes = 16 + 16 + 1 + 8;
    private const int SignatureBytes = HMACSHA256.HashSizeInBytes;
    private const int MaxTextLength = 1024;

    public string Give(Identity user, string client, string redirect)
    {
        var name = Encoding.UTF8.GetBytes(user.Name);
        var bytes = new byte[FixedBytes + name.Length + SignatureBytes];
        Guid.NewGuid().TryWriteBytes(bytes);
        user.Id.TryWriteBytes(bytes.AsSpan(16));
        bytes[32] = user.IsAdmin ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(33), (clock.GetUtcNow() + Life).ToUnixTimeMilliseconds());
        name.CopyTo(bytes, FixedBytes);
        Sign(bytes.AsSpan()[..^SignatureBytes], client, redirect).CopyTo(bytes.AsSpan()[^SignatureBytes..]);
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>Who logged in; null when the code is another client's or address's, too old, or was used before.</summary>
    public async Task<Identity?> Use(string text, string client, string redirect, CancellationToken cancel)
    {
        if (text.Length is 0 or > MaxTextLength || !Base64Url.IsValid(text)) return null;
        var bytes = Base64Url.DecodeFromChars(text);
        if (bytes.Length < FixedBytes + SignatureBytes) return null;
        var signature = Sign(bytes.AsSpan()[..^SignatureBytes], client, redirect);
        if (!CryptographicOperations.FixedTimeEquals(signature, bytes.AsSpan()[^SignatureBytes..])) return null;
        var expires = DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(33)));
        if (expires <= clock.GetUtcNow() || !await revocations.Use(new Guid(bytes.AsSpan(0, 16)), expires, cancel)) return null;
        return new Identity(
            new Guid(bytes.AsSpan(16, 16)), Encoding.UTF8.GetString(bytes.AsSpan()[FixedBytes..^SignatureBytes]), bytes[32] == 1);
    }

    private byte[] Sign(ReadOnlySpan<byte> bytes, string client, string redirect)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key.Span);
        hash.AppendData("authorization-code-1:"u8);
        hash.AppendData(SHA256.HashData(Encoding.UTF8.GetBytes(client)));
        hash.AppendData(SHA256.HashData(Encoding.UTF8.GetBytes(redirect)));
        hash.AppendData(bytes);
        return hash.GetHashAndReset();
    }
}
