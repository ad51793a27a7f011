using System.Security.Cryptography;
using System.Text;

namespace Orchestrator.Actors.Disk;

/// <summary>The right to a transfer's bytes. Every node finds the same ticket for itself, so it is in no journal, no row and no
/// message between nodes.</summary>
/// <param name="key">What all nodes share and nobody else has.</param>
public sealed class TransferTickets(byte[] key)
{
    public Guid Of(Guid transfer, int session) => new(
        HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"image transfer {transfer} {session}")).AsSpan(0, 16));
}
