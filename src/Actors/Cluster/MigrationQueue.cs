using System.Collections.Immutable;
using static Orchestrator.Actors.Cluster.ClusterEvent;
using static Orchestrator.Actors.Cluster.ClusterState;
using Decision = Orchestrator.Actors.Decision<
    Orchestrator.Actors.Cluster.ClusterEvent, Orchestrator.Actors.Cluster.ClusterEffect>;

namespace Orchestrator.Actors.Cluster;

/// <summary>
/// The one place that decides how many guests move at a time. A host sends, and takes, as many as their policy allows; the
/// others wait for their turn, who asked first goes first, and run on meanwhile. Pure.
/// </summary>
public static class MigrationQueue
{
    /// <summary>A promise that has not become a migration after 10 s holds up no other one. In beats.</summary>
    private const long BeginAwaited = 80;

    public static Decision Join(Active s, ClusterCommand.Place ask) =>
        Serve(s, new Decision.Accept([new QueuedToMove(ask)]), ask.Vm);

    /// <summary>Gives those that wait what hosts have, after the facts of the decision.</summary>
    /// <param name="asker">The VM that is told when there is no host for it; the others have been told.</param>
    public static Decision Serve(Active before, Decision decision, VmId? asker = null)
    {
        if (decision is not Decision.Accept accept) return decision;
        var s = (Active)accept.Facts.Aggregate((ClusterState)before, ClusterDecider.Evolve);
        if (s.Room.Moves.IsEmpty) return decision;

        var network = MigrationNetwork.Of(s.Config);
        var traffic = new Traffic(s.Room);
        var facts = accept.Facts.ToBuilder();
        var said = accept.Then.ToBuilder();
        foreach (var (vm, waiting) in s.Room.Moves.OrderBy(m => m.Value.Since).ThenBy(m => m.Key.Value))
        {
            var ask = waiting.Ask;
            var move = ask.Move!;
            var atOnce = MigrationTerms.AtOnce(s.Config.Migration, move, ask.Shape.VCpus);
            if (traffic.Leaving(move.From, vm) >= atOnce) continue;
            if (network is not null && !IsHeard(s.Room, move.From)) continue;
            ImmutableArray<HostId> busy = [.. s.Room.Hosts.Keys.Where(h => traffic.Arriving(h, vm) >= atOnce)];
            switch (Find(s, network, ask, [.. ask.Excluded, .. busy]))
            {
                case Choice.Found found:
                    var promised = ClusterDecider.Promise(s.Room, ask, found.Host);
                    facts.Add(promised);
                    said.Add(ClusterDecider.Offer(s, ask, found.Host));
                    s = (Active)ClusterDecider.Evolve(s, promised);
                    traffic.Add(promised.Reservation);
                    break;
                case Choice.None none when vm == asker && s.Room.Heard && (busy.IsEmpty || Find(s, network, ask, ask.Excluded) is Choice.None):
                    facts.Add(new Unqueued(vm));
                    said.Add(new ClusterEffect.Refuse(vm, ask.AskedAt, none.Reasons));
                    break;
            }
        }

        return new Decision.Accept(facts.ToImmutable()) { Then = said.ToImmutable() };
    }

    /// <summary>Its addresses are known as soon as its owner has heard its agent, and the CPUs with them.</summary>
    private static bool IsHeard(Room room, HostId host) => room.Hosts.GetValueOrDefault(host) is { Cpus: > 0 };

    private static Choice Find(Active s, MigrationNetwork? network, ClusterCommand.Place ask, ImmutableArray<HostId> excluded) =>
        network is not null && s.Room.Hosts.GetValueOrDefault(ask.Move!.From) is { } source && network.Way(source) is null
            ? new Choice.None([$"{source.Name}: is the source, and {network.Lacks}", .. Lacking(s.Room, network, source.Host)])
            : Placement.Choose(s.Room, s.Config.MemoryOvercommitPercent, ask.Shape, ask.Vm, excluded, ask.Wanted, network);

    private static IEnumerable<string> Lacking(Room room, MigrationNetwork network, HostId but) =>
        room.Hosts.Values.Where(h => h.Host != but && h.TakesGuests && network.Way(h) is null)
            .OrderBy(h => h.Host.Value).Select(h => $"{h.Name}: {network.Lacks}");

    /// <summary>Who leaves and who arrives where: as the two hosts say, each for itself and before the other, or as was promised.
    /// </summary>
    private sealed class Traffic
    {
        private readonly HashSet<(HostId Host, VmId Vm)> _leaving = [], _arriving = [];
        private readonly Dictionary<HostId, int> _leave = [], _arrive = [];

        public Traffic(Room room)
        {
            var awaited = new Dictionary<VmId, HostId>();
            foreach (var host in room.Hosts.Values)
                foreach (var guest in host.Guests)
                {
                    if (guest.Leaving) Count(_leaving, _leave, host.Host, guest.Vm);
                    if (!guest.Arriving) continue;
                    Count(_arriving, _arrive, host.Host, guest.Vm);
                    awaited[guest.Vm] = host.Host;
                }

            foreach (var promise in room.Promised.Values)
                if (room.Now - promise.At < BeginAwaited)
                    Add(promise);
            if (awaited.Count == 0) return;
            foreach (var host in room.Hosts.Values)
                foreach (var guest in host.Guests)
                    if (awaited.TryGetValue(guest.Vm, out var to) && to != host.Host)
                        Count(_leaving, _leave, host.Host, guest.Vm);
        }

        public void Add(Reservation promise)
        {
            if (promise.From is not { } from) return;
            Count(_leaving, _leave, from, promise.Vm);
            Count(_arriving, _arrive, promise.Host, promise.Vm);
        }

        public int Leaving(HostId host, VmId but) => _leave.GetValueOrDefault(host) - (_leaving.Contains((host, but)) ? 1 : 0);

        public int Arriving(HostId host, VmId but) => _arrive.GetValueOrDefault(host) - (_arriving.Contains((host, but)) ? 1 : 0);

        private static void Count(HashSet<(HostId, VmId)> all, Dictionary<HostId, int> counts, HostId host, VmId vm)
        {
            if (all.Add((host, vm))) counts[host] = counts.GetValueOrDefault(host) + 1;
        }
    }
}
