using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Orchestrator.Api.Sso;

/// <param name="Id">What a revocation names.</param>
public sealed record Token(Guid Id, Identity User, DateTimeOffset Issued, DateTimeOffset Expires);

/// <summary>
/// Makes and reads tokens: version, id, user id, admin flag, issue, expiry, name, and an HMAC-SHA256 over all of it,
/// in base64url. A token carries all that a node needs, so it is good on every node and outlives the one that gave it.
/// </summary>
public sealed class Tokens(ReadOnlyMemory<byte> key, ITokenRevocations revocations, TimeProvider clock)
{
    private const byte Version = 1;
    private const int FixedBytes = 1 + 16 + 16 + 1 + 8 + 8;
    private const int SignatureBytes = HMACSHA256.HashSizeInBytes;
    private const int MaxTextLength = 1024;

    public string Give(Identity user, TimeSpan life)
    {
        var now = clock.GetUtcNow();
        var name = Encoding.UTF8.GetBytes(user.Name);
        var bytes = new byte[FixedBytes + name.Length + SignatureBytes];
        bytes[0] = Version;
        Guid.NewGuid().TryWriteBytes(bytes.AsSpan(1));
        user.Id.TryWriteBytes(bytes.AsSpan(17));
        bytes[33] = user.IsAdmin ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(34), now.ToUnixTimeMilliseconds());
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(42), (now + life).ToUnixTimeMilliseconds());
        name.CopyTo(bytes, FixedBytes);
        var signed = bytes.Length - SignatureBytes;
        HMACSHA256.HashData(key.Span, bytes.AsSpan(0, signed), bytes.AsSpan(signed));
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>The token when its signature holds, it has not expired and was not revoked; else null.</summary>
    public Token? Read(string text)
    {
        if (text.Length is 0 or > MaxTextLength) return null;
        Span<byte> buffer = stackalloc byte[MaxTextLength];
        if (!Base64Url.IsValid(text) || !Base64Url.TryDecodeFromChars(text, buffer, out var length)) return null;
        var bytes = buffer[..length];
        if (length < FixedBytes + SignatureBytes || bytes[0] != Version) return null;

        Span<byte> signature = stackalloc byte[SignatureBytes];
        HMACSHA256.HashData(key.Span, bytes[..^SignatureBytes], signature);
        if (!CryptographicOperations.FixedTimeEquals(signature, bytes[^SignatureBytes..])) return null;

        var name = Encoding.UTF8.GetString(bytes[FixedBytes..^SignatureBytes]);
        var token = new Token(
            new Guid(bytes.Slice(1, 16)), new Identity(new Guid(bytes.Slice(17, 16)), name, bytes[33] == 1),
            DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(bytes[34..])),
            DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(bytes[42..])));
        return token.Expires <= clock.GetUtcNow() || revocations.IsRevoked(token.Id) ? null : token;
    }
}
