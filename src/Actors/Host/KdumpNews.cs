using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Actors.Host;

/// <summary>Brings the word of a crash kernel to the host that it comes from. Whom it finds decides what it means.</summary>
public sealed class KdumpNews(IEntities entities, IReadModel read, TimeProvider clock)
{
    private const uint Magic = 0x1B302A40;
    private const uint Version = 1;
    private const int Length = 8;

    /// <summary>What <c>fence_kdump_send</c> of fence-agents sends: two 32-bit numbers in its machine's own byte order.</summary>
    public static bool IsMessage(ReadOnlySpan<byte> datagram) =>
        datagram.Length >= Length
        && (BinaryPrimitives.ReadUInt32LittleEndian(datagram), BinaryPrimitives.ReadUInt32LittleEndian(datagram[4..])) is
            (Magic, Version) or (0x402A301B, 0x01000000);

    /// <summary>Only hosts that are silent are looked at: the message is said again every few seconds.</summary>
    /// <returns>Whether a silent host has this address.</returns>
    /// <exception cref="EntityUnavailableException">The read model does not answer.</exception>
    public async Task<bool> Heard(IPAddress from, CancellationToken cancel)
    {
        var found = false;
        foreach (var status in (string[])["non_responsive", "kdumping"])
        {
            var query = new ReadQuery(Kinds.Host, new Dictionary<string, string> { ["status"] = status });
            foreach (var document in await read.List(query, cancel))
            {
                if (!await Has(WireJson.Read<HostView>(document.Json).Config.Address, from, cancel)) continue;
                entities.Tell(Kinds.Host, document.Id, new HostCommand.ReportKdump(clock.GetUtcNow()));
                found = true;
            }
        }

        return found;
    }

    private static async Task<bool> Has(string address, IPAddress from, CancellationToken cancel)
    {
        if (IPAddress.TryParse(address, out var own)) return own.Equals(from);
        try
        {
            return (await Dns.GetHostAddressesAsync(address, cancel)).Contains(from);
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
