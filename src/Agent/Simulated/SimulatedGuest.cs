using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Agent.Simulated;

/// <summary>A QEMU process that is not there.</summary>
internal sealed class SimulatedGuest(GuestKey key, VmDefinition definition, long since)
{
    public GuestKey Key { get; } = key;
    public VmDefinition Definition { get; set; } = definition;

    /// <summary>Disks that have been worked on while it runs.</summary>
    public Dictionary<Guid, GuestDisk> Open { get; } = [];

    /// <summary>It lets no device go.</summary>
    public bool Deaf { get; set; }
    public long Since { get; } = since;
    public GuestState State { get; set; }
    public string? PauseReason { get; set; }
    public WatchdogReport? Watchdog { get; set; }
    public bool ShutsDown { get; set; }

    /// <summary>The password for its screen, and how often one was set.</summary>
    public (string Password, long Number) Ticket { get; set; } = ("", 0);

    /// <summary>How many times as fast as it is copied it writes its memory; 0: not at all.</summary>
    public double Dirties { get; set; }
    public ITimer? Timer { get; set; }
    public CancellationTokenSource? Leaving { get; set; }

    /// <summary>Not null while it is moved away; never fails.</summary>
    public Task? Job { get; set; }

    /// <summary>The lease to which that job carries it.</summary>
    public long Destination { get; set; }

    /// <summary>An agent came to it while it was moved: it is told when the guest stays.</summary>
    public bool Found { get; set; }
    public MigrationProgress? Progress { get; set; }

    public GuestReport Report(long elapsedMs) => new(Key.Vm, Key.Lease, Found ? GuestState.MigratingOut : State)
    {
        ElapsedMs = elapsedMs,
        MemoryBytes = Definition.MemoryBytes,
        Devices = SimulatedMachine.DevicesOf(Definition),
        VirtualCpus = Definition.VirtualCpus,
        PauseReason = PauseReason,
        OnStorageError = Definition.OnStorageError,
        Watchdog = Watchdog,
        Migration = Progress,
        Console = Definition.Headless ? null : new ConsoleAddress("127.0.0.1", 5900 + (int)(Key.Lease % 100)),
    };

    /// <summary>A quiet guest: a tenth of its CPUs, half of its memory, and a kilobyte a second on each line.</summary>
    public GuestObservation Observe(TimeSpan age) => new(Key.Vm, Key.Lease)
    {
        CpuPercent = 10,
        MemoryBytes = Definition.MemoryBytes,
        MemoryUnusedBytes = Definition.MemoryBytes / 2,
        MemoryUsableBytes = Definition.MemoryBytes / 2,
        Disks =
        [
            .. Definition.Disks.Select(d => new DiskTraffic(d.Id, 0, 1000 * (long)age.TotalSeconds) { ReadBytesPerSecond = 0, WrittenBytesPerSecond = 1000 }),
        ],
        Nics =
        [
            .. Definition.Nics.Select(n => new NicTraffic(n.Mac, 1000 * (long)age.TotalSeconds, 1000 * (long)age.TotalSeconds)
            {
                ReceivedBytesPerSecond = 1000,
                SentBytesPerSecond = 1000,
            }),
        ],
        Facts = State is GuestState.Up or GuestState.MigratingOut
            ? new GuestFacts { HostName = Definition.Name, System = new GuestSystem("simulated", "Simulated", "1", "1.0", "x86_64") }
            : null,
    };

    /// <summary>What a disk is after the work, the definition says, too: it is carried along by migrations.</summary>
    /// <exception cref="GuestAwayException">It has no such disk.</exception>
    public void Work(Guid disk, Action<GuestDisk> work)
    {
        var at = Definition.Disks.FirstOrDefault(d => d.Id == disk)
            ?? throw new GuestAwayException($"simulated QEMU: the guest {Key} has no disk {disk}");
        if (!Open.TryGetValue(disk, out var open)) Open[disk] = open = new GuestDisk(at.Path);
        work(open);
        Definition = Definition with { Disks = Definition.Disks.Replace(at, at with { Path = open.Source }) };
    }
}
