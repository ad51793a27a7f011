using System.Collections.Immutable;
using System.Globalization;
using static Orchestrator.Actors.Cluster.ClusterEvent;
using static Orchestrator.Actors.Cluster.ClusterState;
using Decision = Orchestrator.Actors.Decision<
    Orchestrator.Actors.Cluster.ClusterEvent, Orchestrator.Actors.Cluster.ClusterEffect>;

namespace Orchestrator.Actors.Cluster;

/// <param name="Attempt">Number of the host's power action: the next one needs a turn of its own.</param>
public sealed record FenceTurn(HostId Host, long Attempt);

/// <summary>
/// The one place that decides how many silent hosts are fenced at a time: a switch that takes many hosts away must not cost
/// them their power before it is back. Who has failed less often goes first, then who fell silent first. Pure.
/// Turns are journaled, so a cluster that has just moved gives none twice; who waits asks again within seconds. A turn ends
/// when a report of its host says so, and holds nobody up once its host has not asked for 15 s.
/// </summary>
public static class FenceQueue
{
    public static Decision Join(Active s, ClusterCommand.AskFence c)
    {
        var give = new ClusterEffect.GiveFenceTurn(c.Host, c.Wish.Attempt);
        if (s.Config.MaxFencesAtOnce == 0) return new Decision.Relay(give);
        // It may not have heard the answer, or has another owner now.
        if (Has(s, c.Host, c.Wish.Attempt)) return new Decision.Accept(new FenceAwaited(c.Host, c.Wish)) { Then = [give] };

        var asked = (Active)After(s, new FenceAwaited(c.Host, c.Wish));
        var ahead = Line(asked).TakeWhile(host => host != c.Host).Count();
        return ahead < Free(asked)
            ? new Decision.Accept(new FenceTurnGiven(c.Host, c.Wish, c.At)) { Then = [give] }
            : new Decision.Accept(new FenceAwaited(c.Host, c.Wish))
            {
                Then = [new ClusterEffect.DeferFence(c.Host, c.Wish.Attempt, Words(asked, ahead))],
            };
    }

    public static Decision End(Active s, ClusterCommand.EndFence c)
    {
        if (!Has(s, c.Host, c.Attempt))
            return s.Room.Fences.TryGetValue(c.Host, out var ask) && ask.Wish.Attempt <= c.Attempt
                ? new Decision.Accept(new FenceLeft(c.Host))
                : new Decision.AlreadyDone();

        var ended = new FenceTurnEnded(c.Host, c.Attempt, c.At);
        var left = (Active)After(s, ended);
        HostId[] next = [.. Line(left).Take(Free(left))];
        return new Decision.Accept([ended, .. next.Select(h => new FenceTurnGiven(h, left.Room.Fences[h].Wish, c.At))])
        {
            Then = [.. next.Select(h => new ClusterEffect.GiveFenceTurn(h, left.Room.Fences[h].Wish.Attempt))],
        };
    }

    /// <summary>A report may say that the host is not fenced any more, or not in the attempt that has the turn.</summary>
    public static Decision Note(Active s, HostReport report, Decision decision) =>
        decision is Decision.Accept accept
        && s.Core.FenceTurns.FirstOrDefault(t => t.Host == report.Host) is { } turn && turn.Attempt != report.Fencing
            ? accept with { Then = accept.Then.Add(new ClusterEffect.NoteFenceOver(turn.Host, turn.Attempt)) }
            : decision;

    public static ClusterState After(Active s, ClusterEvent fact) => fact switch
    {
        FenceTurnGiven e => With(s, [.. Others(s, e.Host), new FenceTurn(e.Host, e.Wish.Attempt)], s.Room.Fencing(e.Host, e.Wish)),
        FenceTurnEnded e => With(s, [.. s.Core.FenceTurns.Where(t => t != new FenceTurn(e.Host, e.Attempt))],
            s.Room.Fences.TryGetValue(e.Host, out var ask) && ask.Wish.Attempt == e.Attempt ? Without(s.Room, e.Host) : s.Room),
        FenceAwaited e => With(s, s.Core.FenceTurns, s.Room.Fencing(e.Host, e.Wish) with { Beats = true }),
        FenceLeft e => With(s, s.Core.FenceTurns, Without(s.Room, e.Host)),
        _ => s,
    };

    internal static int Waiting(ClusterState cluster) => cluster is Active s ? Line(s).Count() : 0;

    /// <summary>Who waits, the next one first.</summary>
    private static IEnumerable<HostId> Line(Active s) => s.Room.Fences
        .Where(f => !Has(s, f.Key, f.Value.Wish.Attempt))
        .OrderBy(f => f.Value.Wish.Failures).ThenBy(f => f.Value.Wish.SilentSince).ThenBy(f => f.Key.Value)
        .Select(f => f.Key);

    private static int Free(Active s) =>
        s.Config.MaxFencesAtOnce == 0 ? int.MaxValue : Math.Max(0, s.Config.MaxFencesAtOnce - Held(s));

    private static int Held(Active s) => s.Room.Fences.Count(f => Has(s, f.Key, f.Value.Wish.Attempt));

    private static bool Has(Active s, HostId host, long attempt) => s.Core.FenceTurns.Contains(new FenceTurn(host, attempt));

    private static IEnumerable<FenceTurn> Others(Active s, HostId host) => s.Core.FenceTurns.Where(t => t.Host != host);

    private static Room Without(Room room, HostId host) => room with { Fences = room.Fences.Remove(host) };

    private static Active With(Active s, ImmutableArray<FenceTurn> turns, Room room) =>
        s with { Core = s.Core with { FenceTurns = turns }, Room = room };

    private static string Words(Active s, int ahead) => string.Create(CultureInfo.InvariantCulture,
        $"hosts of cluster {s.Config.Name} that are being fenced: {Held(s)}, at most {s.Config.MaxFencesAtOnce} at a time; that wait before it: {ahead}");
}
