using System.Collections.Immutable;

namespace Orchestrator.Agent.Protocol;

/// <summary>What a host sees of itself and of its guests at one moment. Nothing is decided by it, and nothing of it is kept.</summary>
public sealed record HostObservations(HostStatistics Host)
{
    public ImmutableArray<GuestObservation> Guests { get => field.IsDefault ? [] : field; init; }

    /// <summary>Scripts that are run there at moments of a guest's life.</summary>
    public ImmutableArray<HostHook> Hooks { get => field.IsDefault ? [] : field; init; }
}

/// <param name="Point">When it is run, in vdsm's words: "before_vm_start"…</param>
/// <param name="Digest">MD5 of the script, in hexadecimal, as oVirt shows it.</param>
public sealed record HostHook(string Point, string Name, string Digest);

/// <summary>Rates are since the observation before, and null of the first one.</summary>
public sealed record GuestObservation(Guid Vm, long Lease)
{
    /// <summary>Of all its virtual CPUs, in percent.</summary>
    public double? CpuPercent { get; init; }

    /// <summary>That it has at present, in bytes.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>That nobody in the guest uses, in bytes; null where its balloon driver does not tell.</summary>
    public long? MemoryUnusedBytes { get; init; }

    /// <summary>That the guest could give away without swapping, in bytes.</summary>
    public long? MemoryUsableBytes { get; init; }

    /// <summary>In its page cache, in bytes.</summary>
    public long? MemoryCachedBytes { get; init; }

    public ImmutableArray<DiskTraffic> Disks { get => field.IsDefault ? [] : field; init; }

    public ImmutableArray<NicTraffic> Nics { get => field.IsDefault ? [] : field; init; }

    /// <summary>What the guest's own agent says; null where there is none, or it has not said yet.</summary>
    public GuestFacts? Facts { get; init; }
}

/// <summary>Since the guest was started on this host.</summary>
public sealed record DiskTraffic(Guid Disk, long ReadBytes, long WrittenBytes)
{
    public double? ReadBytesPerSecond { get; init; }
    public double? WrittenBytesPerSecond { get; init; }

    /// <summary>Of a read, in seconds, on average; null when there was none.</summary>
    public double? ReadLatency { get; init; }
    public double? WriteLatency { get; init; }
}

/// <summary>Seen from the guest, since it was started on this host.</summary>
public sealed record NicTraffic(string Mac, long ReceivedBytes, long SentBytes)
{
    public double? ReceivedBytesPerSecond { get; init; }
    public double? SentBytesPerSecond { get; init; }
    public long ReceiveErrors { get; init; }
    public long SendErrors { get; init; }
}

/// <summary>All of it as the guest's own agent says it: not to be trusted.</summary>
public sealed record GuestFacts
{
    /// <summary>Fully qualified where the guest has a domain.</summary>
    public string HostName { get => field ?? ""; init; }

    public GuestSystem? System { get; init; }

    /// <summary>The zone's name, and its distance from UTC in seconds.</summary>
    public string TimeZone { get => field ?? ""; init; }
    public int? UtcOffset { get; init; }

    /// <summary>Who is logged in.</summary>
    public ImmutableArray<string> Users { get => field.IsDefault ? [] : field; init; }
    public ImmutableArray<GuestInterface> Interfaces { get => field.IsDefault ? [] : field; init; }
    public ImmutableArray<GuestFileSystem> FileSystems { get => field.IsDefault ? [] : field; init; }
}

/// <param name="Id">As /etc/os-release has it: "debian", "mswindows"…</param>
public sealed record GuestSystem(string Id, string Name, string Version, string Kernel, string Architecture);

/// <param name="Addresses">Without loopback and link-local ones.</param>
public sealed record GuestInterface(string Name, string Mac, ImmutableArray<string> Addresses);

/// <param name="TotalBytes">0: not known.</param>
public sealed record GuestFileSystem(string Path, string Type, long TotalBytes, long UsedBytes);
