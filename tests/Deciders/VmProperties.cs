using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using static Orchestrator.Actors.Vm.VmCommand;
using static Orchestrator.Actors.Vm.VmState;

namespace Orchestrator.Tests.Deciders;

/// <summary>Laws that hold on every history of a VM, possible or not.</summary>
public sealed class VmProperties
{
    [Fact]
    public void On_20_000_histories_the_laws_of_a_vm_hold() => Seeds.Each(20_000, (random, history) =>
    {
        var making = new Making(random);
        VmState vm = VmDecider.Initial(new VmId(Making.Id(0)));
        for (var step = 0; step < 30; step++)
        {
            var command = Next(making, random, vm);
            history.Add($"{vm.GetType().Name} lease {vm.Core.Lease}: {command}");
            var decision = VmDecider.Decide(vm, command);
            if (decision is not Decision<VmEvent, VmEffect>.Accept accept) continue;
            history[^1] += $" => {string.Join(" + ", accept.Facts.Select(f => f.GetType().Name))}";

            var before = vm;
            foreach (var fact in accept.Facts)
            {
                var next = VmDecider.Evolve(vm, fact);
                Assert.True(next.Core.Lease >= vm.Core.Lease, "the lease fell");
                Assert.True(vm is not Gone || next is Gone, "what was removed came back");
                vm = next;
            }

            Assert.True(
                (vm is Absent or Down or PoweringUp or Up or Paused or Suspended or Gone && vm.Core is { Action: null, Reshape: null, Snapshotting: null, Lent.IsEmpty: true, Leftovers.IsEmpty: true }) == VmDecider.Outstanding(vm).IsEmpty,
                $"{vm.GetType().Name} owes {VmDecider.Outstanding(vm).Length}");
            Assert.True(
                vm.Core.Memory is null || vm is Suspending or Suspended or Sought or Placing { Cause: StartCause.User } or Starting { Cause: StartCause.User } or Stopping,
                $"{vm.GetType().Name} has a memory of a time after which the guest has run on");
            Leaves(before, command, vm);
            Asked(command, vm);
        }
    });

    [Fact]
    public void A_journal_read_back_gives_the_same_vm() => Seeds.Each(1_000, (random, history) =>
    {
        var making = new Making(random);
        VmState vm = VmDecider.Initial(new VmId(Making.Id(0))), again = vm;
        for (var step = 0; step < 30; step++)
        {
            if (VmDecider.Decide(vm, Next(making, random, vm)) is not Decision<VmEvent, VmEffect>.Accept accept) continue;
            foreach (var fact in accept.Facts)
            {
                history.Add(WireJson.Write(fact));
                var stored = fact is VmEvent.RestorationSeen
                    ? fact
                    : (VmEvent)WireJson.Read(WireJson.Write(fact), WireNames.TypeOf(WireNames.NameOf(fact.GetType())!)!);
                (vm, again) = (VmDecider.Evolve(vm, fact), VmDecider.Evolve(again, stored));
            }
        }

        Assert.Equal(vm.GetType(), again.GetType());
        Assert.Equal(WireJson.Write(vm), WireJson.Write(again));
    });

    [Fact]
    public void No_sequence_of_facts_however_impossible_makes_the_rules_throw() => Seeds.Each(5_000, (random, history) =>
    {
        var making = new Making(random);
        VmState vm = VmDecider.Initial(new VmId(Making.Id(0)));
        for (var step = 0; step < 30; step++)
        {
            var fact = making.Any<VmEvent>();
            history.Add(fact.ToString());
            var next = VmDecider.Evolve(vm, fact);
            _ = VmDecider.Outstanding(next);
            _ = VmStory.View(next);
            _ = VmStory.Line(vm, fact, next);
            _ = VmStory.Jobs(vm, fact, next);
            vm = next;
            _ = VmDecider.Decide(vm, Next(making, random, vm));
        }
    });

    /// <summary>Where it may run nowhere else, the seat's copy was proved dead, and no other end of a migration is left.</summary>
    private static void Leaves(VmState before, VmCommand command, VmState after)
    {
        Assert.False(
            before is Sought && after is Placing or Starting or Down or Suspended && command is not ReportNowhere,
            $"sought no more by {command.GetType().Name}");
        if (before.Seat is not { } seat || after.Seat == seat || after is Gone) return;
        if (after is Sought sought)
        {
            Assert.True(command is TakeUpRestored && sought.Known.Contains(seat) && Others(before).All(sought.Known.Contains), "forgot where it may run");
            return;
        }

        Assert.False(after is Starting, "it was placed elsewhere without a word");
        var others = Others(before);
        var endedHere = command is ReportGuest r && r.Lease == seat.Lease && r.Host == seat.Host
            && r.State is GuestState.Down or GuestState.Saved;
        var handedOver = command is ReportGuest h && h.Lease == seat.Lease && h.State == GuestState.HandedOver;
        var dead = command switch
        {
            ConfirmFence c => c.Host == seat.Host && c.Incarnation > seat.Incarnation,
            ReportMissing c => c.Host == seat.Host && c.Lease == seat.Lease,
            RefuseLaunch c => before is Starting && c.Host == seat.Host && c.Lease == seat.Lease,
            _ => endedHere || handedOver,
        };
        var arrived = command is ReportGuest a && after.Seat is { } there && a.Host == there.Host && a.Lease == there.Lease;
        // By a migration of the time that a restored database does not know.
        if (arrived && after.Seat!.Lease > before.Core.Lease && after.Seat!.Lease <= before.Core.Floor()) return;
        Assert.True(dead || (arrived && others.Contains(after.Seat!)), $"left its seat by {command.GetType().Name}");
        if (after.Seat is { } now) Assert.True(others.Contains(now), "moved to where no migration goes");
        else if (others.Length > 0) Assert.True(endedHere, "forgot the other end of a migration");
        Assert.False(handedOver && after is Placing, "restarted though it runs where it was handed over to");
    }

    /// <summary>Other places at which the guest may be: the other end of its migration, and of those that were given up.</summary>
    private static Seat[] Others(VmState vm) => vm switch
    {
        Migrating m => [m.To, .. vm.Core.Others()],
        Stopping { Also: { } also } => [also, .. vm.Core.Others()],
        _ => [.. vm.Core.Others()],
    };

    private static void Asked(VmCommand command, VmState after)
    {
        if (command.GetType().GetProperty("Origin") is null) return;
        Assert.True(
            VmDecider.Decide(after, command) is Decision<VmEvent, VmEffect>.AlreadyDone,
            $"{command.GetType().Name} asked again under the same job is not already done");
    }

    /// <summary>Mostly words that fit the VM's present, sometimes any word at all.</summary>
    internal static VmCommand Next(Making making, Random random, VmState vm)
    {
        var command = making.Any<VmCommand>();
        if (vm is Absent && random.Next(2) == 0) command = making.One<Create>();
        var place = random.Next(4) switch
        {
            0 => null,
            1 when Others(vm) is { Length: > 0 } others => others[random.Next(others.Length)],
            _ => vm.Seat,
        };
        return command switch
        {
            Create c => c with
            {
                Config = c.Config with
                {
                    Name = "web",
                    Memory = 1,
                    Sockets = 1,
                    Cores = 1,
                    Threads = 1,
                    Hardware = Furnished(c.Config.Hardware),
                    Disks = [.. c.Config.Disks.Select(Unlimited)],
                    Nics = [.. c.Config.Nics.Select(Unlimited)],
                },
            },
            Update c => c with
            {
                Patch = new VmPatch { HighlyAvailable = c.Patch.HighlyAvailable, Comment = "x", Hardware = Furnished(c.Patch.Hardware), Initialization = c.Patch.Initialization },
            },
            AttachDisk c when random.Next(4) > 0 => c with { Disk = Unlimited(c.Disk) },
            UpdateDisk c when random.Next(4) > 0 => c with { Disk = Unlimited(c.Disk) },
            AddNic c when random.Next(4) > 0 => c with { Nic = Unlimited(c.Nic) },
            UpdateNic c when random.Next(4) > 0 => c with { Nic = Unlimited(c.Nic) },
            OfferHost c when random.Next(4) > 0 => c with { AskedAt = vm.Core.Lease },
            RefusePlacement c when random.Next(4) > 0 => c with { AskedAt = vm.Core.Lease },
            ReportGuest c when place is { } p => c with
            {
                Host = p.Host,
                Lease = p.Lease,
                Move = random.Next(2) == 0 && Others(vm) is { Length: > 0 } ends ? ends[random.Next(ends.Length)].Lease : c.Move,
            },
            ReportNowhere c when random.Next(4) > 0 => c with { Restoration = vm.Core.Restoration },
            ReportUnheard c when random.Next(4) > 0 => c with { Restoration = vm.Core.Restoration },
            ReportMemoryDeleted c when vm.Core.Leftovers is [var left, ..] => c with { Path = left },
            LendDisk c when vm.Core.Config?.Disks is [var disk, ..] => c with { Disk = disk.Disk },
            TakeSnapshot c when vm.Core.Config?.Disks is [var disk, ..] => c with { Disks = [.. c.Disks.Take(1).Select(d => d with { Disk = disk.Disk })] },
            RemoveSnapshot c when vm.Core.Snapshots is [var first, ..] => c with { Snapshot = first.Id },
            PreviewSnapshot c when vm.Core.Snapshots is [var first, ..] => c with
            {
                Snapshot = first.Id,
                Disks = [.. c.Disks.Take(1).Select(d => d with { Disk = first.Disks.FirstOrDefault() })],
            },
            ReportLayer c when vm.Core.Snapshotting is { } task && random.Next(4) > 0 => c with
            {
                Work = task.Work,
                Disk = task.Waiting is [var waiting, ..] ? waiting : c.Disk,
            },
            ReportSnapshotTaken c when vm.Core.Snapshotting is { } task && random.Next(4) > 0 => c with
            {
                Work = task.StepWork(vm is Up or PoweringUp or Paused ? vm.Seat : null),
            },
            ReturnDisk c when vm.Core.Lent is [var lent, ..] => c with { Work = lent.Work },
            ReportMissing c when place is { } p => c with { Host = p.Host, Lease = p.Lease },
            RefuseLaunch c when place is { } p => c with { Host = p.Host, Lease = p.Lease },
            RefuseMigration c when place is { } p => c with { DestinationLease = p.Lease },
            ReportIncomingReady c when place is { } p => c with { Host = p.Host, Lease = p.Lease },
            LoseHost c when place is { } p => c with { Host = p.Host, Incarnation = p.Incarnation },
            ConfirmFence c when place is { } p => c with { Host = p.Host, Incarnation = p.Incarnation + random.Next(2) },
            _ => command,
        };
    }

    /// <summary>So much of it that makes sense always.</summary>
    private static VmHardware? Furnished(VmHardware? any) =>
        any is null ? null : new VmHardware { Sound = any.Sound, CpuShares = any.CpuShares == 1 ? 0 : any.CpuShares, StateFolder = any.StateFolder };

    private static DiskAttachment Unlimited(DiskAttachment any) => any with { Qos = any.Qos is { } qos ? qos with { ReadBytes = 0, WriteBytes = 0, ReadOperations = 0, WriteOperations = 0 } : null };

    private static Nic Unlimited(Nic any) => any with { Qos = null };
}
