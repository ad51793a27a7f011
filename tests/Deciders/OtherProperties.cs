using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.DataCenter;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Template;

namespace Orchestrator.Tests.Deciders;

/// <summary>Laws of all the other entities, on random histories.</summary>
public sealed class OtherProperties
{
    [Fact]
    public void A_host_keeps_the_laws() => Keep<HostState, HostCommand, HostEvent, HostEffect>(
        HostDecider.Initial(new HostId(Making.Id(0))), HostDecider.Decide, HostDecider.Evolve, HostDecider.Outstanding,
        (h, e, n) => (HostStory.View(n), HostStory.Line(h, e, n), HostStory.Jobs(h, e, n)), (before, command, after) =>
        {
            Assert.True(after.Core.Incarnation >= before.Core.Incarnation, "the host's life fell");
            Assert.True(after.Core.Attempt >= before.Core.Attempt, "the attempt fell");
            if (after.Core.Incarnation == before.Core.Incarnation) return;
            Assert.True(command switch
            {
                HostCommand.ConfirmRebooted => true,
                HostCommand.ReportReached c => before.Core.Facts is { } known && known.BootId != c.Facts.BootId,
                HostCommand.ReportPower c => c is { Action: PowerAction.Off, Ok: true, Power: PowerState.Off }
                                               && c.Attempt == before.Core.Attempt,
                HostCommand.ReportSelfFenced c => before is HostState.NonResponsive && c.Incarnation == before.Core.Incarnation
                                                  && before.Core.Bond is { } bond && bond.BootId == before.Core.Facts?.BootId,
                HostCommand.ReportKdump => before is HostState.NonResponsive && before.Core.Config is { KdumpDetection: true },
                _ => false,
            }, $"a new life without proof, by {command.GetType().Name}");
        });

    [Fact]
    public void A_cluster_keeps_the_laws() => Keep<ClusterState, ClusterCommand, ClusterEvent, ClusterEffect>(
        ClusterDecider.Initial(new ClusterId(Making.Id(0))), ClusterDecider.Decide, ClusterDecider.Evolve,
        ClusterDecider.Outstanding,
        (h, e, n) => (ClusterStory.View(n), ClusterStory.Line(h, e, n), ClusterStory.Jobs(h, e, n)));

    [Fact]
    public void A_storage_domain_keeps_the_laws() =>
        Keep<StorageDomainState, StorageDomainCommand, StorageDomainEvent, StorageDomainEffect>(
            StorageDomainDecider.Initial(new StorageDomainId(Making.Id(0))), StorageDomainDecider.Decide,
            StorageDomainDecider.Evolve, StorageDomainDecider.Outstanding,
            (h, e, n) => (StorageDomainStory.View(n), StorageDomainStory.Line(h, e, n), StorageDomainStory.Jobs(h, e, n)),
            likely: (domain, command, _) => command switch
            {
                StorageDomainCommand.ReportImageWork c when domain is StorageDomainState.Preparing s => c with { Work = s.Work },
                StorageDomainCommand.ReportImageWork c when domain is StorageDomainState.Activating s => c with { Work = s.Work },
                StorageDomainCommand.ReportImageWork c when domain is StorageDomainState.Detaching s => c with { Work = s.Work },
                StorageDomainCommand.ReportImageWork c when domain is StorageDomainState.Wiping s => c with { Work = s.Work },
                _ => command,
            });

    [Fact]
    public void A_disk_keeps_the_laws() => Keep<DiskState, DiskCommand, DiskEvent, DiskEffect>(
        DiskDecider.Initial(new DiskId(Making.Id(0))), DiskDecider.Decide, DiskDecider.Evolve, DiskDecider.Outstanding,
        (h, e, n) => (DiskStory.View(n), DiskStory.Line(h, e, n), DiskStory.Jobs(h, e, n)),
        (_, _, after) =>
        {
            if (after.Core.Config is not { } config) return;
            Assert.True(after.Core.Vms.Length <= 1 || config.Shareable, "two VMs on a disk that is not shareable");
            Assert.True(!config.Shareable || config.Format == "raw", "a cow disk is shareable");
            string[] images = [after.Core.Path, .. after.Core.Below.Select(l => l.Path)];
            Assert.True(images.Distinct().Count() == images.Length, "an image rests on itself");
            if (after is not DiskState.Removing)
                Assert.True(!after.Core.Leftovers.Any(l => images.Contains(l.Path)), "an image that the disk has is to be deleted");
            Assert.True(after.Core.Below.Count(l => l.Snapshot is null) <= 1 || after is DiskState.Merging or DiskState.Ok, "more than one image that nobody needs");
            Assert.True(after is not (DiskState.Removing or DiskState.Gone) || after.Core.Vms.IsEmpty, "removed from under a VM");
        },
        (disk, command, random) => command switch
        {
            DiskCommand.Create c => c with
            {
                Config = c.Config with { ProvisionedSize = 1, Format = random.Next(2) == 0 ? "cow" : "raw" },
            },
            DiskCommand.ReportImageWork c when disk is DiskState.Creating s => c with { Work = s.Work },
            DiskCommand.ReportImageWork c when disk is DiskState.Removing s => c with { Work = s.Work },
            DiskCommand.ReportImageWork c when disk is DiskState.Moving s => c with { Work = s.StepWork() },
            DiskCommand.ReportImageWork c when disk is DiskState.Growing s => c with { Work = s.StepWork() },
            DiskCommand.ReportIdle c when disk is DiskState.Growing s => c with { Work = s.LoanWork() },
            DiskCommand.ReportLent c when disk is DiskState.Growing s => c with { Work = s.LoanWork(), Guest = random.Next(2) == 0 ? c.Guest : s.Guest ?? c.Guest },
            DiskCommand.ReportNotLent c when disk is DiskState.Growing s => c with { Work = s.LoanWork() },
            DiskCommand.Move c => c with { To = c.To with { Path = $"/e/{random.NextInt64()}" } },
            DiskCommand.Rewrite c => c with { Path = $"/r/{random.NextInt64()}", Format = random.Next(2) == 0 ? "raw" : "cow" },
            DiskCommand.ReportImageWork c when disk is DiskState.Rewriting s => c with { Work = s.StepWork() },
            DiskCommand.ReportIdle c when disk is DiskState.Rewriting s => c with { Work = s.Work },
            DiskCommand.ReportLent c when disk is DiskState.Rewriting s => c with { Work = s.Work },
            DiskCommand.ReportNotLent c when disk is DiskState.Rewriting s => c with { Work = s.Work },
            DiskCommand.AddLayer c => c with
            {
                Vm = disk.Core.Vms.FirstOrDefault(),
                Snapshot = c.Preview && disk.Core.Below is [{ Snapshot: { } shot }, ..] ? shot : c.Origin.Job.Value,
                Path = $"/d/{random.NextInt64()}",
            },
            DiskCommand.DropSnapshot c => c with { Snapshot = disk.Core.Below is [{ Snapshot: { } shot }, ..] ? shot : c.Snapshot },
            DiskCommand.EndLayer c when disk is DiskState.Layering s => c with { Work = s.Work },
            DiskCommand.EndPreview c when disk.Core.Preview is { } seen => c with { Preview = seen.Work },
            DiskCommand.ReportImageWork c when disk is DiskState.Layering s => c with { Work = s.StepWork() },
            DiskCommand.ReportImageWork c when disk is DiskState.Merging s => c with { Work = s.StepWork() },
            DiskCommand.ReportIdle c when disk is DiskState.Merging s => c with { Work = s.LoanWork() },
            DiskCommand.ReportLent c when disk is DiskState.Merging s => c with { Work = s.LoanWork(), Guest = random.Next(2) == 0 ? c.Guest : s.Guest ?? c.Guest },
            DiskCommand.ReportNotLent c when disk is DiskState.Merging s => c with { Work = s.LoanWork() },
            DiskCommand.ReportIdle c when disk is DiskState.Moving s => c with { Work = s.Work },
            DiskCommand.ReportLent c when disk is DiskState.Moving s => c with { Work = s.Work, Guest = random.Next(2) == 0 ? c.Guest : s.Guest ?? c.Guest },
            DiskCommand.ReportNotLent c when disk is DiskState.Moving s => c with { Work = s.Work },
            DiskCommand.BeginTransfer c => c with { Transfer = c.Transfer with { Step = TransferStep.Asking, Session = 1, WasOpen = false, Before = "" } },
            DiskCommand.ReportImageWork c when disk is DiskState.Transferring s => c with { Work = s.CloseWork() },
            DiskCommand.ReportIdle c when disk is DiskState.Transferring s => c with { Work = s.Transfer.Id },
            DiskCommand.ReportLent c when disk is DiskState.Transferring s => c with { Work = s.Transfer.Id },
            DiskCommand.ReportNotLent c when disk is DiskState.Transferring s => c with { Work = s.Transfer.Id },
            DiskCommand.OrderTransfer c when disk is DiskState.Transferring s => c with { Transfer = s.Transfer.Id },
            DiskCommand.ReportTicket c when disk is DiskState.Transferring s => c with { Transfer = s.Transfer.Id, Session = s.Transfer.Session },
            DiskCommand.ReportNoTicket c when disk is DiskState.Transferring s => c with { Transfer = s.Transfer.Id, Session = s.Transfer.Session },
            DiskCommand.ReportTransferHostAway c when disk is DiskState.Transferring s => c with { Transfer = s.Transfer.Id, Session = s.Transfer.Session },
            _ => command,
        });

    [Fact]
    public void A_template_keeps_the_laws() => Keep<TemplateState, TemplateCommand, TemplateEvent, TemplateEffect>(
        TemplateDecider.Initial(new TemplateId(Making.Id(0))), TemplateDecider.Decide, TemplateDecider.Evolve,
        TemplateDecider.Outstanding,
        (h, e, n) => (TemplateStory.View(n), TemplateStory.Line(h, e, n), TemplateStory.Jobs(h, e, n)));

    [Fact]
    public void A_data_center_keeps_the_laws() =>
        Keep<DataCenterState, DataCenterCommand, DataCenterEvent, DataCenterEffect>(
            DataCenterDecider.Initial(new DataCenterId(Making.Id(0))), DataCenterDecider.Decide, DataCenterDecider.Evolve,
            DataCenterDecider.Outstanding,
            (h, e, n) => (DataCenterStory.View(n), DataCenterStory.Line(h, e, n), DataCenterStory.Jobs(h, e, n)));

    /// <summary>
    /// No command and no fact throws; Gone stays Gone; what was accepted is already done when asked again, and is never
    /// accepted a second time, however late; a history without what it refused, and as the journal gives it back, ends in
    /// the same state.
    /// </summary>
    private static void Keep<TState, TCommand, TEvent, TEffect>(
        TState initial, Func<TState, TCommand, Decision<TEvent, TEffect>> decide, Func<TState, TEvent, TState> evolve,
        Func<TState, ImmutableArray<TEffect>> outstanding, Func<TState, TEvent, TState, object?> story,
        Action<TState, TCommand, TState>? law = null, Func<TState, TCommand, Random, TCommand>? likely = null)
        where TState : class
        where TCommand : class
        where TEvent : class
    {
        Seeds.Each(4_000, (random, history) =>
        {
            var making = new Making(random);
            var state = initial;
            var accepted = new List<(TCommand Command, Decision<TEvent, TEffect>.Accept Decision)>();
            for (var step = 0; step < 30; step++)
            {
                var command = Fit(making.Any<TCommand>(), state, random, step);
                history.Add($"{state.GetType().Name}: {command}");
                if (accepted.Where(a => Once(a.Command)).ToList() is [_, ..] earlier)
                    Assert.False(
                        decide(state, earlier[random.Next(earlier.Count)].Command) is Decision<TEvent, TEffect>.Accept,
                        "a late copy is carried out once more");
                if (decide(state, command) is not Decision<TEvent, TEffect>.Accept accept) continue;
                accepted.Add((command, accept));
                var before = state;
                foreach (var fact in accept.Facts)
                {
                    var next = evolve(state, fact);
                    _ = story(state, fact, next);
                    Assert.False(state.GetType().Name == "Gone" && next.GetType().Name != "Gone", "what was removed came back");
                    state = next;
                }

                _ = outstanding(state);
                law?.Invoke(before, command, state);
                if (Once(command))
                    Assert.True(
                        decide(state, command) is Decision<TEvent, TEffect>.AlreadyDone,
                        $"{command.GetType().Name} asked again under the same job is not already done");
            }

            Assert.Equal(WireJson.Write(state), WireJson.Write(accepted.Aggregate(initial, Again)));
            Assert.Equal(WireJson.Write(state), WireJson.Write(accepted.SelectMany(a => a.Decision.Facts).Select(Stored)
                .Aggregate(initial, evolve)));
        });
        Seeds.Each(2_000, (random, history) =>
        {
            var making = new Making(random);
            var state = initial;
            for (var step = 0; step < 30; step++)
            {
                var fact = making.Any<TEvent>();
                history.Add(fact.ToString()!);
                var next = evolve(state, fact);
                _ = outstanding(next);
                _ = story(state, fact, next);
                state = next;
                _ = decide(state, making.Any<TCommand>());
            }
        });

        TState Again(TState state, (TCommand Command, Decision<TEvent, TEffect>.Accept Decision) was)
        {
            var accept = Assert.IsType<Decision<TEvent, TEffect>.Accept>(decide(state, was.Command));
            return accept.Facts.Aggregate(state, evolve);
        }

        // Mostly asked under a job of its own, and in words that fit.
        TCommand Fit(TCommand command, TState state, Random random, int step)
        {
            if (random.Next(4) == 0) return command;
            if (command.GetType().GetProperty("Origin") is { } property && property.GetValue(command) is Origin origin)
                property.SetValue(command, origin with { Job = new JobId(Making.Id(100 + step)) });
            return likely is null ? command : likely(state, command, random);
        }

        static TEvent Stored(TEvent fact) => fact is IUnrecorded
            ? fact
            : (TEvent)WireJson.Read(WireJson.Write(fact), WireNames.TypeOf(WireNames.NameOf(fact.GetType())!)!);

        static bool Once(TCommand command) =>
            command.GetType().GetProperty("Origin") is not null && command is not HostCommand.Fence;
    }
}
