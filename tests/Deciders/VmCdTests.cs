using Orchestrator.Actors;
using Orchestrator.Actors.Vm;
using static Orchestrator.Actors.Vm.VmCommand;

namespace Orchestrator.Tests.Deciders;

/// <summary>The CD of a guest that runs is its own; the definition's is for the next one.</summary>
public sealed class VmCdTests
{
    private static readonly DateTimeOffset _at = Making.Start;
    private static readonly DiskId _cd = new(Making.Id(8)), _other = new(Making.Id(9));

    [Fact]
    public void A_guest_gets_a_cd_and_its_definition_does_not()
    {
        var vm = Take(Up(), new ChangeCd(By(1), _cd));
        Assert.IsType<VmEffect.Reshape>(Assert.Single(VmDecider.Outstanding(vm)));
        Assert.Equal(_cd, vm.Core.Reshape!.Definition.Cdrom);
        vm = Take(vm, Told(vm) with { Reshaped = true });
        Assert.Equal((_cd, null), (vm.Core.Running!.Cdrom, vm.Core.Config!.Cdrom));
        Assert.False(vm.Core.HasNextRun);
        Assert.Equal(_cd, VmStory.View(vm)!.Cdrom);
        Assert.IsType<Decision<VmEvent, VmEffect>.AlreadyDone>(VmDecider.Decide(vm, new ChangeCd(By(2), _cd)));

        // Another change of the machine leaves the CD in.
        vm = Take(vm, new Update(By(3), new VmPatch { Sockets = vm.Core.Config!.Sockets + 1 }));
        Assert.Equal(_cd, vm.Core.Reshape!.Definition.Cdrom);
    }

    [Fact]
    public void A_cd_that_the_guest_did_not_get_is_not_in_its_drive()
    {
        var vm = Take(Up(), new ChangeCd(By(1), _cd));
        vm = Take(vm, Told(vm) with { ReshapeError = "no such file" });
        Assert.Null(vm.Core.Running!.Cdrom);
        Assert.NotNull(vm.Core.ReshapeFault);
        Assert.False(vm.Core.HasNextRun);
    }

    [Fact]
    public void The_cd_of_the_next_run_waits_and_needs_no_cold_reboot()
    {
        var vm = Take(Up(), new Update(By(1), new VmPatch { Cdrom = _other }) { NextRun = true });
        Assert.Equal((_other, null), (vm.Core.Config!.Cdrom, vm.Core.Running!.Cdrom));
        Assert.Empty(VmDecider.Outstanding(vm));
        Assert.False(vm.Core.HasNextRun);
        Assert.Null(Take(vm, new Update(By(2), new VmPatch { Cdrom = new DiskId(Guid.Empty) })).Core.Config!.Cdrom);
    }

    private static VmState Up()
    {
        var vm = VmTable.Phases.Single(p => p.Name == "Up").State;
        return vm with { Core = vm.Core with { Running = vm.Core.Config! } };
    }

    private static ReportGuest Told(VmState vm) => new(
        vm.Seat!.Host, vm.Seat!.HostName, vm.Seat!.Incarnation, vm.Seat!.Lease, GuestState.Up, VmExit.Never, null, null, _at)
    {
        Reshape = vm.Core.Reshape!.Number,
    };

    private static VmState Take(VmState vm, VmCommand command) => VmDecider.Decide(vm, command) is Decision<VmEvent, VmEffect>.Accept accept
        ? accept.Facts.Aggregate(vm, VmDecider.Evolve)
        : throw new InvalidOperationException($"{command} was not accepted");

    private static Origin By(int job) => Origin.System(Making.Id(100 + job), _at);
}
