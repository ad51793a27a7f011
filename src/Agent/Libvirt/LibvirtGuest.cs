using System.Collections.Immutable;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Libvirt;

/// <summary>What the driver keeps in memory of one domain; all of it can be read again from libvirt.</summary>
internal sealed class LibvirtGuest(GuestKey key, long started)
{
    public GuestKey Key { get; } = key;

    /// <summary>Unix time in ms; travels in the domain's metadata.</summary>
    public long Started { get; } = started;
    public GuestState State { get; set; } = GuestState.PoweringUp;

    /// <summary>libvirt is still creating it: its news wait, because the call's own answer is the better one.</summary>
    public bool Starting { get; set; }
    public LibvirtNews.Lifecycle? StoppedEarly { get; set; }
    public bool Arriving { get; set; }

    /// <summary>A migration that was under way when this connection was opened; completes when the guest has left.</summary>
    public Task? Leaving { get; set; }

    /// <summary>Migrated away; only libvirt's statistics of it are awaited.</summary>
    public bool Left { get; set; }

    /// <summary>Leaves by post-copy: it runs at the destination, and never here again.</summary>
    public bool PostCopy { get; set; }

    /// <summary>Why it is being ended by the agent itself; null while it is not.</summary>
    public string? Broken { get; set; }

    /// <summary>Its memory is being written: that it is paused meanwhile is nobody's matter, and its end is told when the
    /// file is flushed.</summary>
    public bool Saving { get; set; }
    public bool AgentConnected { get; set; }
    public ImmutableArray<string> Disks { get; set; } = [];
    public string? PauseReason { get; set; }
    public OnStorageError? OnStorageError { get; set; }

    /// <summary>Where what its TPM keeps is copied to; null: it has none.</summary>
    public string? StateFolder { get; set; }

    /// <summary>Told to hooks; as they were when it was found.</summary>
    public ImmutableDictionary<string, string>? Properties { get; init; }
    public WatchdogReport? Watchdog { get; set; }
    public MigrationProgress? Migration { get; set; }
    public ImmutableArray<string> Ips { get; set; } = [];
    public long MemoryBytes { get; set; }
    public ConsoleAddress? Console { get; set; }
    /// <summary>As <see cref="GuestReport.Devices"/>; null where it has not been looked at.</summary>
    public ImmutableArray<string>? Devices { get; set; }
    public int VirtualCpus { get; set; }
    public ITimer? Deadline { get; set; }

    /// <summary>A migration to this host was announced and has not begun: libvirt cannot know of it.</summary>
    public bool IsAwaited => State == GuestState.Incoming && !Arriving;

    public void Has(LiveMachine machine) => (Devices, VirtualCpus, MemoryBytes) = (machine.Devices, machine.VirtualCpus, machine.MemoryBytes);

    public void Has(GuestMachine machine, VmDefinition wanted)
    {
        (Devices, VirtualCpus, MemoryBytes) = (machine.Devices, machine.VirtualCpus, machine.MemoryBytes);
        Disks = [.. Disks.Union(wanted.Disks.Where(d => machine.Devices.Contains(d.Id.ToString())).Select(d => d.Path))];
    }

    /// <summary>Every running domain with our metadata.</summary>
    public static ImmutableArray<LibvirtGuest> ReadAll(LibvirtConnection connection) => connection.Use(Read);

    private static unsafe ImmutableArray<LibvirtGuest> Read(nint connection)
    {
        var count = Native.virConnectListAllDomains(connection, out var domains, Native.ActiveDomains);
        if (count < 0) throw LibvirtConnection.Failure(connection);
        var guests = ImmutableArray.CreateBuilder<LibvirtGuest>();
        for (var i = 0; i < count; i++)
        {
            if (ReadOne(domains[i]) is { } guest) guests.Add(guest);
            _ = Native.virDomainFree(domains[i]);
        }

        Native.Free((nint)domains);
        return guests.ToImmutable();
    }

    private static LibvirtGuest? ReadOne(nint domain)
    {
        var xml = Native.Take(Native.virDomainGetXMLDesc(domain, 0));
        if (xml is null || DomainXml.Owner(xml) is not { } owner) return null;
        if (Native.virDomainGetState(domain, out var state, out var reason, 0) < 0) return null;
        var connected = DomainXml.AgentConnected(xml);
        var machine = LiveMachine.Read(xml);
        return new LibvirtGuest(owner.Guest, owner.Started)
        {
            Devices = machine.Devices,
            VirtualCpus = machine.VirtualCpus,
            AgentConnected = connected,
            Console = DomainXml.Console(xml),
            MemoryBytes = DomainXml.MemoryBytes(xml),
            OnStorageError = DomainXml.OnStorageError(xml),
            Disks = [.. DomainXml.DiskPaths(xml)],
            StateFolder = DomainXml.StateFolder(xml),
            Properties = DomainXml.Properties(xml),
            State = StateOf(state, reason, connected),
            Arriving = state == 3 && reason == 2,
            PostCopy = state == 3 && reason is 12 or 13,
            Broken = (state, reason) is (3, 13) or (1, 11) ? PostCopyBroke : null,
            PauseReason = reason switch { 1 => "user", 5 => "io-error", 6 => "watchdog", _ => "unknown" },
        };
    }

    /// <summary>The state of a domain that is known to run here, or to be paused.</summary>
    public static GuestState Here(nint domain) =>
        Native.virDomainGetState(domain, out var state, out _, 0) >= 0 && state == 3 ? GuestState.Paused : GuestState.Up;

    /// <summary>virDomainPausedReason: 3 by a save, 2 by what QEMU takes for a migration (as each save is to it), 0 if libvirtd does not know.</summary>
    public static bool IsPausedBySave(nint domain) =>
        Native.virDomainGetState(domain, out var state, out var reason, 0) >= 0 && (state, reason) is (3, 0 or 2 or 3);

    public const string PostCopyBroke = "its migration broke in post-copy: its memory is in two halves";

    /// <summary>virDomainState and the reason of a pause: 2 is an arriving (or leaving) migration, 11 a start under way, 12
    /// and 13 a guest that has left by post-copy.</summary>
    private static GuestState StateOf(int state, int reason, bool connected) => (state, reason) switch
    {
        (3, 2) => GuestState.Incoming,
        (3, 11) => GuestState.PoweringUp,
        (3, 12 or 13) => GuestState.MigratingOut,
        (3, _) => GuestState.Paused,
        (4, _) => GuestState.PoweringDown,
        _ => connected ? GuestState.Up : GuestState.PoweringUp,
    };
}
