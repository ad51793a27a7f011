using System.Collections.Immutable;
using static Orchestrator.Actors.Vm.VmCommand;
using static Orchestrator.Actors.Vm.VmDecider;
using static Orchestrator.Actors.Vm.VmEvent;
using static Orchestrator.Actors.Vm.VmState;
using Decision = Orchestrator.Actors.Decision<Orchestrator.Actors.Vm.VmEvent, Orchestrator.Actors.Vm.VmEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Vm;

/// <summary>
/// What becomes of a change of devices, CPU or memory. Of a VM that is down it is its definition's alone. The guest of one that
/// is up gets it while it runs: one order at a time, with the whole machine that is wanted, said again until the host tells
/// how it ended.
/// <list type="number">
/// <item>The definition lists a disk before the guest may have it, and until it certainly has it no more.</item>
/// <item>A disk or NIC that could not be plugged or unplugged is in the definition as the guest has it; CPU and memory that
/// could not wait for the next start.</item>
/// <item>When the guest ends first, the definition is as it was asked.</item>
/// </list>
/// </summary>
internal static class VmReshape
{
    /// <summary>Memory is plugged in by as much, or a multiple (oVirt's HotPlugMemoryBlockSize).</summary>
    public const long MemoryBlock = 256L << 20;

    public static Decision Attach(VmState vm, AttachDisk c) =>
        vm.Config.Disks.Any(d => d.Disk == c.Disk.Disk) ? No(Fault.VmDiskAlreadyAttached)
        : vm is Down ? Accept(new Redefined(c.Origin, "disk attached", vm.Config with { Disks = vm.Config.Disks.Add(c.Disk) }))
        : Prevented(vm) ?? Fits(vm, c.Disk, null) ?? Live(
            vm, c.Origin, "disk attached", vm.Config with { Disks = vm.Config.Disks.Add(c.Disk with { Active = false }) },
            With(vm, disks: d => d.Add(c.Disk)));

    public static Decision Change(VmState vm, UpdateDisk c) =>
        vm.Config.Disks.FirstOrDefault(d => d.Disk == c.Disk.Disk) is not { } old ? (vm is Down ? No(Fault.VmDiskNotAttached) : Prevented(vm) ?? No(Fault.VmDiskNotAttached))
        : vm is Down ? Accept(new Redefined(c.Origin, "disk changed", vm.Config with { Disks = vm.Config.Disks.Replace(old, c.Disk) }))
        : Prevented(vm) ?? Fits(vm, c.Disk, old) ?? Live(
            vm, c.Origin, "disk changed", vm.Config with { Disks = vm.Config.Disks.Replace(old, c.Disk with { Active = old.Active }) },
            With(vm, disks: d => d.Replace(d.First(x => x.Disk == old.Disk), c.Disk)));

    public static Decision Detach(VmState vm, DetachDisk c) =>
        vm.Config.Disks.FirstOrDefault(d => d.Disk == c.Disk) is not { } old ? (vm is Down ? No(Fault.VmDiskNotAttached) : Prevented(vm) ?? No(Fault.VmDiskNotAttached))
        : vm is Down ? Accept(new Redefined(c.Origin, "disk detached", vm.Config with { Disks = vm.Config.Disks.Remove(old) }))
        : Prevented(vm) ?? (old.Active ? Fits(vm, old with { Active = false }, old) : null) ?? Live(
            vm, c.Origin, "disk detached", old.Active ? vm.Config : vm.Config with { Disks = vm.Config.Disks.Remove(old) },
            With(vm, disks: d => d.RemoveAll(x => x.Disk == old.Disk)));

    public static Decision Plug(VmState vm, AddNic c) =>
        vm.Config.Nics.Any(n => n.Name == c.Nic.Name) ? No(Fault.AlreadyExists, c.Nic.Name)
        : vm is Down ? Accept(new Redefined(c.Origin, "NIC added", vm.Config with { Nics = vm.Config.Nics.Add(c.Nic) }))
        : Prevented(vm) ?? Live(
            vm, c.Origin, "NIC added", vm.Config with { Nics = vm.Config.Nics.Add(c.Nic with { Plugged = false }) },
            With(vm, nics: n => n.Add(c.Nic)));

    public static Decision Rewire(VmState vm, UpdateNic c) =>
        vm.Config.Nics.FirstOrDefault(n => n.Id == c.Nic.Id) is not { } old ? (vm is Down ? No(Fault.VmNicUnknown) : Prevented(vm) ?? No(Fault.VmNicUnknown))
        : vm is Down ? Accept(new Redefined(c.Origin, "NIC changed", vm.Config with { Nics = vm.Config.Nics.Replace(old, c.Nic) }))
        // Another card or address is another device.
        : Prevented(vm) ?? (old.Plugged && (old.Interface, old.Mac) != (c.Nic.Interface, c.Nic.Mac) ? No(Fault.VmNicPlugged) : null) ?? Live(
            vm, c.Origin, "NIC changed",
            vm.Config with
            {
                Nics = vm.Config.Nics.Replace(old, old.Plugged || c.Nic.Plugged ? old with { Name = c.Nic.Name } : c.Nic),
            },
            With(vm, nics: n => n.Replace(n.First(x => x.Id == old.Id), c.Nic)));

    public static Decision Unplug(VmState vm, RemoveNic c) =>
        vm.Config.Nics.FirstOrDefault(n => n.Id == c.Nic) is not { } old ? (vm is Down ? No(Fault.VmNicUnknown) : Prevented(vm) ?? No(Fault.VmNicUnknown))
        : vm is not Down && Prevented(vm) is { } no ? no
        : vm is not Down && old.Plugged ? No(Fault.VmNicPlugged)
        : Accept(new Redefined(c.Origin, "NIC removed", vm.Config with { Nics = vm.Config.Nics.Remove(old) }));

    /// <summary>Only of the guest: what the next one has in its drive is its definition's matter.</summary>
    public static Decision Load(VmState vm, ChangeCd c) =>
        vm is Down ? No(Fault.VmNotRunning)
        : Prevented(vm) ?? (Machine(vm).Cdrom == c.Disk ? Done : Accept(Asked(vm, c.Origin, With(vm) with { Cdrom = c.Disk })));

    /// <summary>A new definition, and what of it the guest can get while it runs.</summary>
    public static Decision Redefine(VmState vm, Update c)
    {
        var config = c.Patch.Apply(vm.Config);
        var redefined = new Redefined(c.Origin, "", config);
        if (vm is not Up || c.NextRun) return Accept(redefined);
        var (running, live) = (Machine(vm), Machine(vm));
        if (c.Patch.Sockets is not null && (running.Cores, running.Threads) == (config.Cores, config.Threads))
            live = live with { Sockets = config.Sockets };
        if (c.Patch.Memory is not null && config.Memory > running.Memory && config.Memory <= running.MaxMemory
            && (config.Memory - running.Memory) % MemoryBlock == 0)
            live = live with { Memory = config.Memory };
        if (c.Patch.Hardware is not null && Shares(config) != Shares(running))
            live = live with { Hardware = (running.Hardware ?? VmHardware.Usual) with { CpuShares = Shares(config) } };
        if (live == running) return Accept(redefined);
        return Prevented(vm) ?? Accept(redefined, Asked(vm, c.Origin, live));
    }

    /// <summary>What the guest's host tells of the change under way, and of devices that have left it since the last one.</summary>
    public static VmEvent? Heard(VmState vm, ReportGuest r) => (vm, vm.Core.Reshape) switch
    {
        (not (Up or PoweringUp or Paused), _) => null,
        _ when vm.Core.Reshapes == 0 || r.Reshape != vm.Core.Reshapes || r.State == GuestState.Down => null,
        (_, { } pending) when r.Reshaped => new Reshaped(pending.Number, r.At),
        (_, { } pending) when r.ReshapeError is { } why => new ReshapeFailed(pending.Number, why, Left(vm, pending, r), r.At),
        (_, null) when Gone(vm, r) is { } left => new DevicesLeft(left, r.At),
        _ => null,
    };

    public static VmState Evolve(VmState vm, VmEvent fact)
    {
        var core = vm.Core;
        return fact switch
        {
            ReshapeRequested e => vm with
            {
                Core = VmHistory.Asked(core, e.Origin) with
                {
                    Reshape = new PendingReshape(e.Number, e.Origin.Job, e.Definition),
                    Reshapes = e.Number,
                    Job = new Job(e.Origin.Job, $"Changing the machine of VM {VmHistory.Name(core)}", e.Origin),
                },
            },
            Reshaped when core.Reshape is { } pending => vm with { Core = Over(core, pending, pending.Definition, null) },
            ReshapeFailed e when core.Reshape is { } pending =>
                vm with { Core = Over(core, pending, e.Definition, new ReshapeFault(pending.Job, e.Reason)) },
            DevicesLeft e => vm with { Core = core with { Running = e.Definition, Config = Follow(core.Config, core.Running, e.Definition, e.Definition) } },
            _ => vm,
        };
    }

    /// <summary>A guest that is no more has all that was asked of it behind it: its definition is as it was asked.</summary>
    /// <param name="ran">The machine that it had before the change.</param>
    public static VmCore WithoutGuest(VmCore core, PendingReshape pending, VmConfig? ran) => core with
    {
        Reshape = null,
        Config = Follow(core.Config, ran, pending.Definition, pending.Definition),
    };

    /// <summary>Disks that the guest is to get.</summary>
    public static ImmutableArray<DiskId> New(VmConfig running, PendingReshape pending) =>
    [
        .. pending.Definition.Disks.Where(d => d.Active && !running.Disks.Any(r => r.Disk == d.Disk && r.Active)).Select(d => d.Disk),
    ];

    /// <summary>The machine that the guest has certainly: while it is changed, what it had before and is to have.</summary>
    public static VmConfig Certain(VmCore core, VmConfig running) => core.Reshape is not { } pending
        ? running
        : running with { Disks = running.Disks.RemoveAll(d => !d.Active || !pending.Definition.Disks.Any(p => p.Disk == d.Disk && p.Active)) };

    private static VmCore Over(VmCore core, PendingReshape pending, VmConfig machine, ReshapeFault? fault) => core with
    {
        Config = Follow(core.Config, core.Running, pending.Definition, machine),
        Running = machine,
        Reshape = null,
        ReshapeFault = fault,
        Job = core.Job?.Id == pending.Job ? null : core.Job,
    };

    /// <summary>The definition, with each disk and NIC by which two machines differ as a third one has it.</summary>
    private static VmConfig? Follow(VmConfig? config, VmConfig? from, VmConfig to, VmConfig has) => config is null ? null : config with
    {
        Disks = Follow(config.Disks, (from ?? config).Disks, to.Disks, has.Disks, d => d.Disk.Value),
        Nics = Follow(config.Nics, (from ?? config).Nics, to.Nics, has.Nics, n => n.Id),
    };

    private static ImmutableArray<T> Follow<T>(
        ImmutableArray<T> mine, ImmutableArray<T> from, ImmutableArray<T> to, ImmutableArray<T> has, Func<T, Guid> idOf) where T : class
    {
        T? Of(ImmutableArray<T> all, Guid id) => all.FirstOrDefault(x => idOf(x) == id);

        foreach (var id in from.Concat(to).Select(idOf).Distinct().Where(id => Of(from, id) != Of(to, id)))
            mine = (Of(mine, id), Of(has, id)) switch
            {
                (null, null)             => mine,
                ({ } old, null)          => mine.Remove(old),
                (null, { } one)          => mine.Add(one),
                ({ } old, { } one)       => mine.Replace(old, one),
            };
        return mine;
    }

    /// <summary>The machine after a change that failed: each device that was to change as the guest has it. Where that is not
    /// known, a disk counts as plugged: nobody else gets it.</summary>
    private static VmConfig Left(VmState vm, PendingReshape pending, ReportGuest r)
    {
        var (before, wanted) = (Machine(vm), pending.Definition);
        var disks = before.Disks;
        foreach (var disk in wanted.Disks.Where(w => w.Active && !before.Disks.Any(b => b.Disk == w.Disk && b.Active) && Has(r, w.Disk)))
            disks = disks.RemoveAll(d => d.Disk == disk.Disk).Add(disk);
        foreach (var disk in before.Disks.Where(b => b.Active && !wanted.Disks.Any(w => w.Disk == b.Disk && w.Active) && !Has(r, b.Disk)))
            disks = disks.Replace(disk, disk with { Active = false });
        var nics = before.Nics;
        foreach (var nic in wanted.Nics.Where(w => w.Plugged && !before.Nics.Any(b => b.Id == w.Id && b.Plugged) && Has(r, w)))
            nics = nics.RemoveAll(n => n.Id == nic.Id).Add(nic);
        foreach (var nic in before.Nics.Where(b => b.Plugged && !wanted.Nics.Any(w => w.Id == b.Id && w.Plugged) && !Has(r, b)))
            nics = nics.Replace(nic, nic with { Plugged = false });
        return before with
        {
            Disks = disks,
            Nics = nics,
            Sockets = r.VCpus == wanted.VCpus ? wanted.Sockets : before.Sockets,
            Memory = r.Memory >= wanted.Memory ? wanted.Memory : before.Memory,
        };
    }

    /// <summary>The machine without what has left the guest by itself, or later than was waited for; null: nothing has.</summary>
    private static VmConfig? Gone(VmState vm, ReportGuest r)
    {
        if (r.Devices is null) return null;
        var running = Machine(vm);
        var disks = running.Disks.Select(d => d.Active && Pluggable(d) && !Has(r, d.Disk) ? d with { Active = false } : d).ToImmutableArray();
        var nics = running.Nics.Select(n => n.Plugged && !Has(r, n) ? n with { Plugged = false } : n).ToImmutableArray();
        return disks.SequenceEqual(running.Disks) && nics.SequenceEqual(running.Nics) ? null : running with { Disks = disks, Nics = nics };
    }

    private static bool Has(ReportGuest r, DiskId disk) => r.Devices is not { } devices || devices.Contains(disk.Value.ToString());

    private static bool Has(ReportGuest r, Nic nic) => r.Devices is not { } devices || devices.Contains(nic.Mac);

    private static VmConfig Machine(VmState vm) => vm.Core.Running ?? vm.Config;

    private static VmConfig With(
        VmState vm, Func<ImmutableArray<DiskAttachment>, ImmutableArray<DiskAttachment>>? disks = null,
        Func<ImmutableArray<Nic>, ImmutableArray<Nic>>? nics = null) => Machine(vm).Taking(vm.Config) with
        {
            Disks = disks is null ? vm.Config.Disks : disks(vm.Config.Disks),
            Nics = nics is null ? vm.Config.Nics : nics(vm.Config.Nics),
        };

    /// <param name="meanwhile">The definition until the guest has the machine.</param>
    private static Decision Live(VmState vm, Origin origin, string what, VmConfig meanwhile, VmConfig machine)
    {
        if (SameForTheGuest(Machine(vm), machine))
            return Accept(new Redefined(origin, what, vm.Config with { Disks = machine.Disks, Nics = machine.Nics }));
        return meanwhile.Says(vm.Config)
            ? Accept(Asked(vm, origin, machine))
            : Accept(new Redefined(origin, what, meanwhile), Asked(vm, origin, machine));
    }

    private static bool SameForTheGuest(VmConfig one, VmConfig other) =>
        one.Disks.Where(d => d.Active).Select(d => d with { Bootable = false }).ToHashSet()
            .SetEquals(other.Disks.Where(d => d.Active).Select(d => d with { Bootable = false }))
        && one.Nics.Where(n => n.Plugged).Select(n => n with { Name = "" }).ToHashSet()
            .SetEquals(other.Nics.Where(n => n.Plugged).Select(n => n with { Name = "" }));

    private static int Shares(VmConfig config) => config.Hardware?.CpuShares ?? 0;

    private static ReshapeRequested Asked(VmState vm, Origin origin, VmConfig machine) =>
        new(origin, Math.Max(vm.Core.Reshapes + 1, origin.At.ToUnixTimeMilliseconds()), machine);

    /// <summary>Why the machine cannot be changed now, or null.</summary>
    private static Decision.Refuse? Prevented(VmState vm) => vm switch
    {
        Orphaned                        => new Decision.Refuse(Fault.VmHostUnknown),
        not Up                          => new Decision.Refuse(Fault.VmStatusIllegal),
        { Core.Snapshotting: not null } => new Decision.Refuse(Fault.VmSnapshotBusy),
        { Core.Reshape: not null }      => new Decision.Refuse(Fault.VmBeingChanged),
        { Core.Action: not null }       => new Decision.Refuse(Fault.VmStatusIllegal),
        _                               => null,
    };

    private static Decision.Refuse? Fits(VmState vm, DiskAttachment wanted, DiskAttachment? old) => (wanted, old) switch
    {
        _ when vm.Core.Lent.Any(l => l.Disk == wanted.Disk)              => new Decision.Refuse(Fault.DiskLocked),
        // What a stateless guest writes goes to images of its own, which are made when it starts.
        _ when Machine(vm).Stateless && (wanted.Active || old?.Active == true) => new Decision.Refuse(Fault.VmMustBeDown),
        ({ Active: true }, { Active: true } o) when (o.Interface, o.ReadOnly, o.PassDiscard) != (wanted.Interface, wanted.ReadOnly, wanted.PassDiscard) =>
            new Decision.Refuse(Fault.VmDiskPlugged),
        ({ Active: true }, not { Active: true }) when !Pluggable(wanted) => new Decision.Refuse(Fault.VmDiskNotPluggable),
        ({ Active: false }, { Active: true } o) when !Pluggable(o)       => new Decision.Refuse(Fault.VmDiskNotPluggable),
        _                                                                => null,
    };

    /// <summary>QEMU takes disks of virtio while the guest runs, and none of SATA and IDE.</summary>
    private static bool Pluggable(DiskAttachment disk) => disk.Interface is "virtio" or "virtio_scsi";
}
