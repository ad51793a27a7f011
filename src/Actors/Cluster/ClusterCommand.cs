using System.Collections.Immutable;

namespace Orchestrator.Actors.Cluster;

/// <summary>What may be asked of a cluster, and what may be reported to it.</summary>
public abstract record ClusterCommand : Traced
{
    private ClusterCommand()
    {
    }

    // from users
    public sealed record Create(Origin Origin, ClusterConfig Config) : ClusterCommand;

    public sealed record Update(Origin Origin, ClusterPatch Patch) : ClusterCommand;

    public sealed record Remove(Origin Origin) : ClusterCommand;

    // from VMs
    /// <summary>Find a host for a VM. Asked again until answered; the same VM never holds two reservations.</summary>
    public sealed record Place(
        VmId Vm, Lease AskedAt, VmShape Shape, ImmutableArray<HostId> Excluded, HostId? Wanted, DateTimeOffset At)
        : ClusterCommand
    {
        /// <summary>Back after a failure: it waits its turn among all that do, by priority.</summary>
        public bool Restart { get; init; }

        /// <summary>Runs, and is to run elsewhere; null: it runs nowhere.</summary>
        public Move? Move { get; init; }
    }

    // from hosts
    public sealed record ReportHost(HostReport Report, DateTimeOffset At) : ClusterCommand;

    public sealed record ForgetHost(HostId Host) : ClusterCommand;

    /// <summary>A silent host's power is to be cut. Asked again as long as it is.</summary>
    public sealed record AskFence(HostId Host, FenceWish Wish, DateTimeOffset At) : ClusterCommand;

    /// <summary>Its power is not to be cut any more, or not in this attempt. Whoever waits is next.</summary>
    public sealed record EndFence(HostId Host, long Attempt, DateTimeOffset At) : ClusterCommand;

    // from itself
    /// <summary>Which of its VMs that are not down are highly available: may it lose any one of its hosts?</summary>
    public sealed record ReportHighlyAvailable(ImmutableArray<VmId> Vms, DateTimeOffset At) : ClusterCommand;

    /// <summary><see cref="Room.Beat"/> has passed since the last one.</summary>
    public sealed record Beat : ClusterCommand;
}

/// <param name="Attempt">Number of the host's power action.</param>
/// <param name="Failures">Those before it that failed in a row.</param>
/// <param name="SilentSince">When the host was given up.</param>
public sealed record FenceWish(long Attempt, int Failures, DateTimeOffset SilentSince);

/// <param name="From">Where the guest runs.</param>
/// <param name="Options">The VM's own.</param>
/// <param name="DowntimeMs">The VM's own longest stop, milliseconds; null: none.</param>
public sealed record Move(HostId From, MigrationOptions Options, int? DowntimeMs);

/// <summary>What placement must know of a VM.</summary>
/// <param name="Memory">Bytes.</param>
public sealed record VmShape(
    string Name, long Memory, int VCpus, int Priority, ImmutableArray<HostId> Preferred, bool Pinned);

/// <summary>A host as placement sees it. Sent at every change and every few seconds.</summary>
/// <param name="Incarnation">Which life of the host.</param>
/// <param name="Memory">Bytes.</param>
/// <param name="Guests">Leases of the guests that the host holds now, by VM, with their memory in bytes.</param>
public sealed record HostReport(
    HostId Host, string Name, long Incarnation, bool TakesGuests, bool Reachable, int Cpus, long Memory,
    ImmutableArray<GuestShare> Guests)
{
    /// <summary>Mbit/s of the host's way to other hosts; 0: not known.</summary>
    public int LinkMbps { get; init; }

    /// <summary>Of its network interfaces; none of an agent of 0.1.0.</summary>
    public ImmutableArray<HostAddress> Addresses { get; init; } = [];

    /// <summary>Number of the power action by which it is to be fenced; null: it is not.</summary>
    public long? Fencing { get; init; }

    /// <summary>Its link broke a moment ago: within the limit of a silence it takes guests again, or is lost.</summary>
    public bool Awaited { get; init; }
}

/// <param name="Address">With the length of its prefix: 10.78.0.2/24.</param>
/// <param name="Mbps">Mbit/s of its interface; 0: not known.</param>
public sealed record HostAddress(string Address, int Mbps);

public sealed record GuestShare(VmId Vm, Lease Lease, long Memory)
{
    /// <summary>The hypervisor does not run it yet.</summary>
    public bool Launching { get; init; }

    /// <summary>It is on its way to another host.</summary>
    public bool Leaving { get; init; }

    /// <summary>It is awaited here.</summary>
    public bool Arriving { get; init; }
}

public sealed record ClusterConfig
{
    public required string Name { get; init; }

    public required DataCenterId DataCenter { get; init; }

    public string Description { get; init; } = "";

    public string Comment { get; init; } = "";

    public string CpuType { get; init; } = "";

    public string Architecture { get; init; } = "x86_64";

    /// <summary>Percent of physical memory that guests may be promised; 100 to 200.</summary>
    public int MemoryOvercommitPercent { get; init; } = 100;

    public bool FencingEnabled { get; init; } = true;

    /// <summary>Nobody is fenced who is seen to renew its lease on shared storage.</summary>
    public bool SkipFencingIfStorageActive { get; init; }

    /// <summary>Nobody is fenced while the share of hosts that are not reached is <see cref="BrokenConnectivityThreshold"/>
    /// or more: then it is more likely the engine that is cut off.</summary>
    public bool SkipFencingIfConnectivityBroken { get; init; }

    /// <summary>Percent; 1 to 100.</summary>
    public int BrokenConnectivityThreshold { get; init; } = 50;

    /// <summary>So many hosts are fenced at a time; the others wait for their turn. 0: as many as are silent. Three are what
    /// a small cluster loses at worst; where more are silent together, it is more likely their network.</summary>
    public int MaxFencesAtOnce { get; init; } = 3;

    /// <summary>An alert says when the highly available VMs of some host would find no room without it.</summary>
    public bool HaReservation { get; init; }

    public MigrationOptions Migration { get; init; } = new();

    /// <summary>The network that the memory of its guests goes by, 10.78.0.0/24; empty: whichever way hosts reach each other.</summary>
    public string MigrationNetwork { get; init; } = "";

    /// <summary>Which guests leave a host that has become non-operational for its storage or network.</summary>
    public MigrateOnError OnError { get; init; }
}

/// <summary>oVirt's MigrateOnError.</summary>
public enum MigrateOnError { Migrate, MigrateHighlyAvailable, DoNotMigrate }

public sealed record ClusterPatch
{
    public string? Name { get; init; }

    public string? Description { get; init; }

    public string? Comment { get; init; }

    public string? CpuType { get; init; }

    public int? MemoryOvercommitPercent { get; init; }

    public bool? FencingEnabled { get; init; }

    public bool? SkipFencingIfStorageActive { get; init; }

    public bool? SkipFencingIfConnectivityBroken { get; init; }

    public int? BrokenConnectivityThreshold { get; init; }

    public int? MaxFencesAtOnce { get; init; }

    public bool? HaReservation { get; init; }

    public MigrationOptions? Migration { get; init; }

    /// <summary>Empty: none any more.</summary>
    public string? MigrationNetwork { get; init; }

    public MigrateOnError? OnError { get; init; }

    public ClusterConfig Apply(ClusterConfig config) => config with
    {
        Name = Name ?? config.Name,
        Description = Description ?? config.Description,
        Comment = Comment ?? config.Comment,
        CpuType = CpuType ?? config.CpuType,
        MemoryOvercommitPercent = MemoryOvercommitPercent ?? config.MemoryOvercommitPercent,
        FencingEnabled = FencingEnabled ?? config.FencingEnabled,
        SkipFencingIfStorageActive = SkipFencingIfStorageActive ?? config.SkipFencingIfStorageActive,
        SkipFencingIfConnectivityBroken = SkipFencingIfConnectivityBroken ?? config.SkipFencingIfConnectivityBroken,
        BrokenConnectivityThreshold = BrokenConnectivityThreshold ?? config.BrokenConnectivityThreshold,
        MaxFencesAtOnce = MaxFencesAtOnce ?? config.MaxFencesAtOnce,
        HaReservation = HaReservation ?? config.HaReservation,
        Migration = Migration ?? config.Migration,
        MigrationNetwork = MigrationNetwork ?? config.MigrationNetwork,
        OnError = OnError ?? config.OnError,
    };
}
