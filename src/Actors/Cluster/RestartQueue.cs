using System.Collections.Immutable;
using static Orchestrator.Actors.Cluster.ClusterEvent;
using static Orchestrator.Actors.Cluster.ClusterState;
using Decision = Orchestrator.Actors.Decision<
    Orchestrator.Actors.Cluster.ClusterEvent, Orchestrator.Actors.Cluster.ClusterEffect>;

namespace Orchestrator.Actors.Cluster;

/// <summary>
/// The order in which VMs come back after a failure: the highest priority first, as oVirt's AutoStartVmsRunner sorts them,
/// then who has waited longest. So many are launched at once on each host; the next follows when one of them runs. Pure.
/// </summary>
public static class RestartQueue
{
    /// <summary>The VMs of a dead host ask within this time of each other; then the first gets its host.</summary>
    public static readonly TimeSpan GatheredAfter = TimeSpan.FromMilliseconds(250);

    /// <summary>Guests that one host launches at a time; below the 20 calls that libvirt's daemon works on at once.</summary>
    public const int LaunchesAtOnce = 16;

    /// <summary>A promise that has not become a launch after this time holds up no other restart.</summary>
    private static readonly TimeSpan LaunchAwaited = TimeSpan.FromSeconds(10);

    /// <summary>A VM that has not asked for this long waits no more: it was stopped, say.</summary>
    private static readonly TimeSpan AskHolds = TimeSpan.FromSeconds(15);

    public static Decision Join(Active s, ClusterCommand.Place ask)
    {
        var first = s.Room.Restarts.IsEmpty && !s.Room.Gathers;
        if (!first) return Serve(s, [new Queued(ask)], ask.At, ask.Vm);
        return new Decision.Accept(new Queued(ask)) { Then = [new ClusterEffect.LookAgain(GatheredAfter)] };
    }

    /// <summary>Takes the facts in, and gives the VMs that wait what hosts have.</summary>
    /// <param name="asker">The VM that is told when there is no host for it; the others have been told.</param>
    public static Decision Serve(Active before, ImmutableArray<ClusterEvent> facts, DateTimeOffset at, VmId? asker = null)
    {
        var s = (Active)facts.Aggregate((ClusterState)before, ClusterDecider.Evolve);
        if (s.Room.Restarts.IsEmpty || s.Room.Gathers) return new Decision.Accept(facts);

        var said = ImmutableArray.CreateBuilder<ClusterEffect>();
        var all = facts.ToBuilder();
        void Take(ClusterEvent fact)
        {
            all.Add(fact);
            s = (Active)ClusterDecider.Evolve(s, fact);
        }

        var (busy, most) = Space(s, at);
        foreach (var (vm, restart) in s.Room.Restarts.OrderByDescending(r => r.Value.Ask.Shape.Priority)
            .ThenBy(r => r.Value.Since).ThenBy(r => r.Key.Value))
        {
            var ask = restart.Ask;
            if (at - ask.At > AskHolds)
            {
                Take(new Unqueued(vm));
                continue;
            }

            // Looked at in one pass: that thousands wait for room must not cost a search each at every report.
            if (ask.Shape.Memory > most && vm != asker) continue;
            switch (Placement.Choose(s.Room, s.Config.MemoryOvercommitPercent, ask.Shape, vm, [.. ask.Excluded, .. busy], ask.Wanted, at))
            {
                case Choice.Found found:
                    Take(ClusterDecider.Promise(ask, found.Host));
                    said.Add(ClusterDecider.Offer(ask, found.Host));
                    (busy, most) = Space(s, at);
                    break;
                case Choice.None none when vm == asker && busy.IsEmpty && ClusterDecider.Heard(s.Room, at):
                    said.Add(new ClusterEffect.Refuse(vm, ask.AskedAt, none.Reasons));
                    break;
            }
        }

        return new Decision.Accept(all.ToImmutable()) { Then = said.ToImmutable() };
    }

    /// <summary>The hosts that launch as many as they may, and the bytes of the one with most room among the others.</summary>
    private static (ImmutableArray<HostId> Busy, long Most) Space(Active s, DateTimeOffset at)
    {
        var promised = s.Room.Promised.Values.Where(p => at - p.At < LaunchAwaited).CountBy(p => p.Host).ToDictionary();
        ImmutableArray<HostId> busy = [.. s.Room.Hosts.Values
            .Where(h => h.TakesGuests
                && promised.GetValueOrDefault(h.Host)
                    + h.Guests.Count(g => g.Launching && !s.Room.Promised.ContainsKey(g.Vm)) >= LaunchesAtOnce)
            .Select(h => h.Host)];
        return (busy, Placement.Most(s.Room, s.Config.MemoryOvercommitPercent, busy, at));
    }
}
