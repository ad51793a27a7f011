using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.DataCenter;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Template;

namespace Orchestrator.Tests.Deciders;

/// <summary>Laws of all the other entities, on random histories.</summary>
public sealed class OtherProperties
{
    [Fact]
    public void A_host_keeps_the_laws() => Keep<HostState, HostCommand, HostEvent, HostEffect>(
        HostDecider.Initial(new HostId(Making.Id(0))), HostDecider.Decide, HostDecider.Evolve, HostDecider.Outstanding,
        (h, e, n) => (HostStory.View(n), HostStory.Line(h, e, n)), (before, command, after) =>
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
                _ => false,
            }, $"a new life without proof, by {command.GetType().Name}");
        });

    [Fact]
    public void A_cluster_keeps_the_laws() => Keep<ClusterState, ClusterCommand, ClusterEvent, ClusterEffect>(
        ClusterDecider.Initial(new ClusterId(Making.Id(0))), ClusterDecider.Decide, ClusterDecider.Evolve,
        ClusterDecider.Outstanding, (h, e, n) => (ClusterStory.View(n), ClusterStory.Line(h, e, n)));

    [Fact]
    public void A_storage_domain_keeps_the_laws() =>
        Keep<StorageDomainState, StorageDomainCommand, StorageDomainEvent, StorageDomainEffect>(
            StorageDomainDecider.Initial(new StorageDomainId(Making.Id(0))), StorageDomainDecider.Decide,
            StorageDomainDecider.Evolve, StorageDomainDecider.Outstanding,
            (h, e, n) => (StorageDomainStory.View(n), StorageDomainStory.Line(h, e, n)));

    [Fact]
    public void A_disk_keeps_the_laws() => Keep<DiskState, DiskCommand, DiskEvent, DiskEffect>(
        DiskDecider.Initial(new DiskId(Making.Id(0))), DiskDecider.Decide, DiskDecider.Evolve, DiskDecider.Outstanding,
        (h, e, n) => (DiskStory.View(n), DiskStory.Line(h, e, n)), (before, _, after) => Assert.True(
            after.Core.Vms.Length <= 1 || after.Core.Vms.Length <= before.Core.Vms.Length || after.Core.Config!.Shareable,
            "two VMs on a disk that is not shareable"));

    [Fact]
    public void A_template_keeps_the_laws() => Keep<TemplateState, TemplateCommand, TemplateEvent, TemplateEffect>(
        TemplateDecider.Initial(new TemplateId(Making.Id(0))), TemplateDecider.Decide, TemplateDecider.Evolve,
        TemplateDecider.Outstanding, (h, e, n) => (TemplateStory.View(n), TemplateStory.Line(h, e, n)));

    [Fact]
    public void A_data_center_keeps_the_laws() =>
        Keep<DataCenterState, DataCenterCommand, DataCenterEvent, DataCenterEffect>(
            DataCenterDecider.Initial(new DataCenterId(Making.Id(0))), DataCenterDecider.Decide, DataCenterDecider.Evolve,
            DataCenterDecider.Outstanding, (h, e, n) => (DataCenterStory.View(n), DataCenterStory.Line(h, e, n)));

    /// <summary>No command and no fact throws; Gone stays Gone; what was accepted is already done when asked again.</summary>
    private static void Keep<TState, TCommand, TEvent, TEffect>(
        TState initial, Func<TState, TCommand, Decision<TEvent, TEffect>> decide, Func<TState, TEvent, TState> evolve,
        Func<TState, ImmutableArray<TEffect>> outstanding, Func<TState, TEvent, TState, object?> story,
        Action<TState, TCommand, TState>? law = null)
        where TState : class
        where TCommand : class
        where TEvent : class
    {
        Seeds.Each(4_000, (random, history) =>
        {
            var making = new Making(random);
            var state = initial;
            for (var step = 0; step < 30; step++)
            {
                var command = making.Any<TCommand>();
                history.Add($"{state.GetType().Name}: {command}");
                if (decide(state, command) is not Decision<TEvent, TEffect>.Accept accept) continue;
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
                if (command.GetType().GetProperty("Origin") is not null && command is not HostCommand.Fence)
                    Assert.True(
                        decide(state, command) is Decision<TEvent, TEffect>.AlreadyDone,
                        $"{command.GetType().Name} asked again under the same job is not already done");
            }
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
    }
}
