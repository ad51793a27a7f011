using System.Text.Json.Serialization;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Simulated;

/// <summary>What is wrong with a simulated host now. Setting faults replaces all of them.</summary>
public sealed record HostFaults
{
    /// <summary>Nothing comes in or goes out; guests run on. As a cut cable.</summary>
    public bool Silent { get; init; }

    /// <summary>Every request waits this long before it is looked at.</summary>
    public int AnswerDelayMs { get; init; }

    /// <summary>Share of orders that are carried out but whose answer is lost, 0 to 1.</summary>
    public double LostAnswers { get; init; }

    /// <summary>Share of launches that fail, 0 to 1; below 0: the profile's.</summary>
    public double LaunchFailures { get; init; } = -1;

    /// <summary>Launched guests never get as far as a QEMU process until the fault is taken away.</summary>
    public bool LaunchHangs { get; init; }

    /// <summary>Share of migrations from here that break off on their way, 0 to 1.</summary>
    public double MigrationFailures { get; init; }

    /// <summary>Share of changes of a guest's machine that fail, 0 to 1.</summary>
    public double PlugFailures { get; init; }

    /// <summary>Migrations from here take this many times as long; below 1 counts as 1.</summary>
    public double MigrationSlowness { get; init; } = 1;

    /// <summary>The interface that migrations have for themselves is down, and its address with it.</summary>
    public bool MigrationLineDown { get; init; }

    /// <summary>The storage is not there: guests with disks cannot start, those that run pause at their next write.</summary>
    public bool StorageGone { get; init; }

    /// <summary>The storage takes no more: the memory of no guest can be saved.</summary>
    public bool StorageFull { get; init; }

    /// <summary>The host's power device does not answer.</summary>
    public bool FenceBroken { get; init; }
}

/// <summary>One life of a guest on one simulated host, as the hypervisor itself saw it. Times: ms since the fleet began.</summary>
public sealed record GuestLife(Guid Vm, int Host, string BootId, long Lease, long FromMs)
{
    /// <summary>Null while it runs.</summary>
    public long? ToMs { get; init; }
    public string? End { get; init; }

    /// <summary>Came by live migration, from this host.</summary>
    public int? CameFrom { get; init; }

    /// <summary>Went on from the memory of the life under this lease.</summary>
    public long? WentOnFrom { get; init; }
}

/// <summary>
/// The hypervisors' truth. <paramref name="Doubles"/> has a sentence for each time a guest began to run while it ran
/// already, or went on from a memory although it had run since: it must stay empty.
/// </summary>
public sealed record FleetHistory(long NowMs, IReadOnlyList<GuestLife> Lives, IReadOnlyList<string> Doubles);

public sealed record FleetHost(int Host, bool Powered, string BootId, int Guests, HostFaults Faults);

public sealed record FleetHosts(IReadOnlyList<FleetHost> Hosts);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HostFaults))]
[JsonSerializable(typeof(FleetHistory))]
[JsonSerializable(typeof(FleetHosts))]
[JsonSerializable(typeof(FenceOrder))]
public sealed partial class FleetJson : JsonSerializerContext;
