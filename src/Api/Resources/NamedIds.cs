using System.Security.Cryptography;
using System.Text;

namespace Orchestrator.Api.Resources;

/// <summary>Ids of what has none of its own, and must keep it from one look to the next.</summary>
internal static class NamedIds
{
    public static Guid Of(string name) => new(SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 16));

    /// <summary>As oVirt makes the id of a statistic: Java's UUID of a name.</summary>
    public static Guid AsOvirt(string name)
    {
#pragma warning disable CA5351 // RFC 4122 prescribes MD5 for these; nothing is protected by it.
        var bytes = MD5.HashData(Encoding.UTF8.GetBytes(name));
#pragma warning restore CA5351
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x30);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
