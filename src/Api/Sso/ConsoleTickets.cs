using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Api.Sso;

/// <param name="Id">By which it is used once.</param>
public sealed record ConsoleTicket(Guid Id, Guid Vm, ConsoleKind Kind, string User, DateTimeOffset Expires);

/// <summary>
/// Makes and reads tickets for consoles: id, VM, kind, expiry, user, and an HMAC-SHA256 over all of it and a word that no
/// token begins with. As a token it is good on every node; other than a token, for one WebSocket alone.
/// </summary>
public sealed class ConsoleTickets(ReadOnlyMemory<byte> key, ITokenRevocations revocations, TimeProvider clock)
{
    /// <summary>As that of oVirt's WebSocket proxy.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromSeconds(120);

    private const int FixedBytes = 16 + 16 + 1 + 8;
    private const int SignatureBytes = HMACSHA256.HashSizeInBytes;
    private const int MaxTextLength = 1024;

    public string Give(Guid vm, ConsoleKind kind, string user)
    {
        var name = Encoding.UTF8.GetBytes(user);
        var bytes = new byte[FixedBytes + name.Length + SignatureBytes];
        Guid.NewGuid().TryWriteBytes(bytes);
        vm.TryWriteBytes(bytes.AsSpan(16));
        bytes[32] = (byte)kind;
        BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(33), (clock.GetUtcNow() + Life).ToUnixTimeMilliseconds());
        name.CopyTo(bytes, FixedBytes);
        Sign(bytes.AsSpan()[..^SignatureBytes]).CopyTo(bytes.AsSpan()[^SignatureBytes..]);
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>The ticket when its signature holds, it has not expired and was never used; it is used up then. Else null.</summary>
    public async Task<ConsoleTicket?> Use(string text, CancellationToken cancel)
    {
        if (Read(text) is not { } ticket || ticket.Expires <= clock.GetUtcNow()) return null;
        return await revocations.Use(ticket.Id, ticket.Expires, cancel) ? ticket : null;
    }

    private ConsoleTicket? Read(string text)
    {
        if (text.Length is 0 or > MaxTextLength || !Base64Url.IsValid(text)) return null;
        var bytes = Base64Url.DecodeFromChars(text);
        if (bytes.Length < FixedBytes + SignatureBytes) return null;
        if (!CryptographicOperations.FixedTimeEquals(Sign(bytes.AsSpan()[..^SignatureBytes]), bytes.AsSpan()[^SignatureBytes..])) return null;
        return new ConsoleTicket(
            new Guid(bytes.AsSpan(0, 16)), new Guid(bytes.AsSpan(16, 16)), (ConsoleKind)bytes[32],
            Encoding.UTF8.GetString(bytes.AsSpan()[FixedBytes..^SignatureBytes]),
            DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(33))));
    }

    private byte[] Sign(ReadOnlySpan<byte> bytes)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key.Span);
        hash.AppendData("console-ticket-1:"u8);
        hash.AppendData(bytes);
        return hash.GetHashAndReset();
    }
}
