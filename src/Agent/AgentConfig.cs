using System.Collections.Immutable;
using System.Net;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent;

/// <summary>What a real hypervisor's agent needs to know. Each key's meaning and limits: hocon/agent.conf.</summary>
public sealed record AgentConfig
{
    public required LiveCredentials Credentials { get; init; }

    /// <summary>Where they are kept, for the engine to renew them; null: others see to that.</summary>
    public AgentCredentialFiles? CredentialFiles { get; init; }

    public IPEndPoint Listen { get; init; } = new(IPAddress.Any, 54321);

    /// <summary>Where clients read and write images; null: nowhere. Port 0 takes a free one.</summary>
    public IPEndPoint? Images { get; init; }

    /// <summary>Survives a power cut: ledger, jobs, the host's id.</summary>
    public string StateFolder { get; init; } = "/var/lib/orchestrator/agent";

    /// <summary>Lost at power off: boot id, domain leftovers.</summary>
    public string RunFolder { get; init; } = "/run/orchestrator/agent";

    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromMilliseconds(500);
    /// <summary>How long the host keeps its guests when neither the engine nor the storage renews its lease.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The watchdog's device; empty: none.</summary>
    public string Watchdog { get; init; } = "/dev/watchdog";

    public TimeSpan WatchdogTimeout { get; init; } = TimeSpan.FromSeconds(15);
    public TimeSpan IncomingTimeout { get; init; } = TimeSpan.FromSeconds(60);
    public long BodyLimitBytes { get; init; } = 1 << 20;
    public string FenceFolder { get; init; } = "/usr/sbin";

    public string LibvirtUri { get; init; } = "qemu:///system";

    /// <summary>The address of this host on the migration network; empty takes the host's name.</summary>
    public string MigrationAddress { get; init; } = "";

    /// <summary>The addresses that the host has; null asks the operating system.</summary>
    public Func<ImmutableArray<NetworkAddress>>? Addresses { get; init; }

    /// <summary>"auto", "kvm" or "tcg".</summary>
    public string Accelerator { get; init; } = "auto";

    /// <summary>Holds the word kvm where a probe guest has booted under it; read for "auto".</summary>
    public string AcceleratorProbe { get; init; } = "/var/lib/orchestrator/agent/accelerator";

    /// <summary>A guest without a guest agent counts as up after this time.</summary>
    public TimeSpan UpAfter { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a guest that was asked to let a device go is waited for (vdsm's hotunplug_timeout).</summary>
    public TimeSpan UnplugPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often a migration that does not get on is looked at, see <see cref="Convergence"/>.</summary>
    public TimeSpan MigrationLook { get; init; } = Convergence.LookEvery;

    /// <summary>Scripts at moments of a guest's life; empty: none are run.</summary>
    public string HooksFolder { get; init; } = "";

    public TimeSpan HookLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Where storage domains are mounted, each below it; the same on all hosts as engines have it.</summary>
    public string StorageFolder { get; init; } = "/var/lib/orchestrator/storage";

    /// <summary>How long one mount, or one step on a storage domain, may take.</summary>
    public TimeSpan StorageLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>CDs for guests' first start; the same on all hosts, since a guest that is moved finds its own under the same path.</summary>
    public string SeedFolder { get; init; } = "/run/orchestrator/seeds";

    /// <summary>Where libvirt has what its TPMs keep.</summary>
    public string SwtpmFolder { get; init; } = "/var/lib/libvirt/swtpm";

    public string ConsoleLogFolder { get; init; } = "/var/log/libvirt/qemu";
    public string VncListen { get; init; } = "127.0.0.1";
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
