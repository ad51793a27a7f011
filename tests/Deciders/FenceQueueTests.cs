using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using static Orchestrator.Actors.Cluster.ClusterCommand;
using Decision = Orchestrator.Actors.Decision<
    Orchestrator.Actors.Cluster.ClusterEvent, Orchestrator.Actors.Cluster.ClusterEffect>;

namespace Orchestrator.Tests.Deciders;

public sealed class FenceQueueTests
{
    private static readonly DateTimeOffset _at = Making.Start;
    private readonly HashSet<HostId> _told = [];
    private ClusterState _cluster = new ClusterState.Active(
        new ClusterCore(new ClusterId(Making.Id(0)))
        {
            Config = new ClusterConfig { Name = "Default", DataCenter = new DataCenterId(Making.Id(0)), MaxFencesAtOnce = 2 },
        },
        Room.Unknown);

    private ClusterState.Active Active => (ClusterState.Active)_cluster;

    [Fact]
    public void Whoever_is_next_has_fallen_silent_before_the_others()
    {
        foreach (var n in (int[])[5, 3, 4, 1, 2]) Ask(n);
        Assert.Equal([Host(3), Host(5)], _told.OrderBy(h => h.Value));

        Do(new EndFence(Host(5), 1, _at));
        Assert.Equal([Host(1), Host(3), Host(5)], _told.OrderBy(h => h.Value));
    }

    [Fact]
    public void Whoever_has_failed_comes_after_those_who_have_not()
    {
        Ask(1);
        Ask(2);
        Ask(3);
        Do(new ReportHost(Report(1, fencing: 2), _at));
        Assert.Equal([Host(1), Host(2), Host(3)], _told.OrderBy(h => h.Value));

        _told.Clear();
        Ask(1, attempt: 2, failures: 1);
        Ask(4);
        Do(new EndFence(Host(2), 1, _at));
        Assert.Equal([Host(4)], _told);
        Do(new EndFence(Host(3), 1, _at));
        Assert.Equal([Host(4), Host(1)], _told);
    }

    [Fact]
    public void Whoever_is_heard_while_he_waits_gets_no_turn()
    {
        foreach (var n in (int[])[1, 2, 3, 4]) Ask(n);
        Do(new ReportHost(Report(3, fencing: null), _at));
        Do(new EndFence(Host(1), 1, _at));
        Assert.Equal([Host(1), Host(2), Host(4)], _told.OrderBy(h => h.Value));
    }

    /// <summary>Turns are in the journal, and who waits is not.</summary>
    [Fact]
    public void A_cluster_that_has_moved_gives_no_turn_twice()
    {
        foreach (var n in (int[])[1, 2, 3]) Ask(n);
        _cluster = new ClusterState.Active(Active.Core, Room.Unknown with
        {
            Fences = Active.Room.Fences.Where(f => Active.Core.FenceTurns.Any(t => t.Host == f.Key))
                .Aggregate(Room.Unknown.Fences, (all, f) => all.Add(f.Key, f.Value with { AskedAt = 0 })),
        });
        _told.Clear();

        Ask(3);
        Assert.Empty(_told);
        Ask(1);
        Assert.Equal([Host(1)], _told);
    }

    [Fact]
    public void A_turn_whose_host_asks_no_more_holds_nobody_up()
    {
        foreach (var n in (int[])[1, 2, 3]) Ask(n);
        for (var beat = 0; beat < RestartQueue.AskHolds; beat++) Do(new Beat());
        Ask(3);
        Assert.Contains(Host(3), _told);
    }

    [Fact]
    public void Without_a_limit_nobody_waits_and_nothing_is_written()
    {
        _cluster = Active with { Core = Active.Core with { Config = Active.Core.Config! with { MaxFencesAtOnce = 0 } } };
        Assert.All(Enumerable.Range(1, 9), n => Assert.IsType<Decision.Relay>(Ask(n)));
        Assert.Equal(9, _told.Count);
    }

    /// <summary>Whatever is asked and in whatever order: at no time more hosts have a turn than may, and when all is said nobody
    /// who still asks waits beside a free place.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Never_more_than_may_be(int seed)
    {
        var random = new Random(seed);
        var attempts = new long[8];
        for (var step = 0; step < 2000; step++)
        {
            var n = random.Next(8);
            switch (random.Next(6))
            {
                case 0:
                    attempts[n]++;
                    Do(new ReportHost(Report(n, attempts[n]), _at));
                    break;
                case 1:
                    Do(new ReportHost(Report(n, null), _at));
                    break;
                case 2:
                    Do(new EndFence(Host(n), attempts[n], _at));
                    break;
                case 3:
                    Do(new Beat());
                    break;
                default:
                    Ask(n, attempts[n]);
                    break;
            }

            var held = Active.Room.Fences.Count(f => Active.Core.FenceTurns.Contains(new FenceTurn(f.Key, f.Value.Wish.Attempt)));
            Assert.InRange(held, 0, 2);
        }

        foreach (var turn in Active.Core.FenceTurns) Do(new EndFence(turn.Host, turn.Attempt, _at));
        for (var beat = 0; beat < RestartQueue.AskHolds; beat++) Do(new Beat());
        _told.Clear();
        Ask(1, attempts[1] + 1);
        Assert.Equal([Host(1)], _told);
    }

    private static HostId Host(int n) => new(Making.Id(n));

    private static HostReport Report(int n, long? fencing) =>
        new(Host(n), $"host-{n}", 1, false, false, 8, 1L << 34, []) { Fencing = fencing };

    private Decision Ask(int n, long attempt = 1, int failures = 0) =>
        Do(new AskFence(Host(n), new FenceWish(attempt, failures, _at.AddSeconds(n)), _at));

    private Decision Do(ClusterCommand command)
    {
        var decision = ClusterDecider.Decide(_cluster, command);
        if (decision is Decision.Accept accept) _cluster = accept.Facts.Aggregate(_cluster, ClusterDecider.Evolve);
        var said = decision switch { Decision.Accept a => a.Then, Decision.Relay r => r.Effects, _ => [] };
        foreach (var effect in said)
            if (effect is ClusterEffect.GiveFenceTurn give) _told.Add(give.Host);
            else if (effect is ClusterEffect.NoteFenceOver over) Do(new EndFence(over.Host, over.Attempt, _at));
        return decision;
    }
}
