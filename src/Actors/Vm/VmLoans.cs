using System.Collections.Immutable;
using static Orchestrator.Actors.Vm.VmCommand;
using static Orchestrator.Actors.Vm.VmDecider;
using static Orchestrator.Actors.Vm.VmEvent;
using static Orchestrator.Actors.Vm.VmState;
using Decision = Orchestrator.Actors.Decision<Orchestrator.Actors.Vm.VmEvent, Orchestrator.Actors.Vm.VmEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Vm;

/// <summary>
/// What a VM says to a disk whose image is to be worked on. While its guest runs the VM lends it: the guest is not moved, and
/// not suspended, until the disk gives it back. Who ends and starts anew asks each disk first, so nothing need be given back then.
/// </summary>
internal static class VmLoans
{
    public static Decision Lend(VmState vm, LendDisk c) => vm switch
    {
        _ when vm.Core.Snapshotting is { What: not SnapshotOrder.Remove } => Answer(c, null, "a snapshot of its VM is worked on; try again when that is done"),
        Down                                       => Answer(c, null),
        VmState.Suspended                          => Answer(c, null, "its VM is suspended, and goes on only with the image it has; start it, or discard its memory"),
        Orphaned or Sought                         => Answer(c, null, "it is not known where its VM runs"),
        // Asked again: whether the guest has the disk open is known when its machine is no longer changed.
        Up or Paused or PoweringUp when vm.Core.Reshape is not null => No(Fault.VmStatusIllegal),
        Up or Paused or PoweringUp when !Has(vm.Core.Running ?? vm.Config, c.Disk) => Answer(c, null),
        Up or Paused when (vm.Core.Running ?? vm.Config).Stateless =>
            Answer(c, null, "its VM is stateless and runs; it can be worked on when the VM is down"),
        Up or Paused when vm.Core.Lent.Contains(new LentDisk(c.Disk, c.Work)) => Answer(c, vm.Seat),
        Up or Paused when vm.Core.Action is null   =>
            new Decision.Accept(new DiskLent(c.Disk, c.Work, c.At)) { Then = [new VmEffect.AnswerLoan(c.Disk, c.Work, vm.Seat, null)] },
        // Asked again: it is on its way to one of those.
        _                                          => No(Fault.VmStatusIllegal),
    };

    public static Decision Return(VmState vm, ReturnDisk c) =>
        vm.Core.Lent.Any(l => l.Work == c.Work) ? Accept(new DiskReturned(c.Work, c.At)) : Done;

    public static VmState Evolve(VmState vm, VmEvent fact) => fact switch
    {
        DiskLent e     => vm with { Core = vm.Core with { Lent = vm.Core.Lent.RemoveAll(l => l.Disk == e.Disk).Add(new LentDisk(e.Disk, e.Work)) } },
        DiskReturned e => vm with { Core = vm.Core with { Lent = vm.Core.Lent.RemoveAll(l => l.Work == e.Work) } },
        _              => vm,
    };

    /// <summary>Only a guest that has them open, or may, lends images.</summary>
    public static VmState WithoutPast(VmState vm) =>
        vm.Core.Lent.IsEmpty || vm is Up or Paused or PoweringUp or Stopping or Orphaned or Sought
            ? vm
            : vm with { Core = vm.Core with { Lent = [] } };

    public static ImmutableArray<VmEffect> Outstanding(VmState vm) => [.. vm.Core.Lent.Select(l => new VmEffect.AskWhetherLent(l))];

    private static bool Has(VmConfig running, DiskId disk) => running.Disks.Any(d => d.Disk == disk && d.Active);

    private static Decision Answer(LendDisk c, Seat? seat, string? why = null) =>
        new Decision.Relay(new VmEffect.AnswerLoan(c.Disk, c.Work, seat, why));
}
