using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Deciders;

/// <summary>When another way to an agent is looked for. Times in ms, with the default of 5 s until a host is silent.</summary>
public sealed class WayWatchTests
{
    private static readonly WayRules _rules = new(TimeSpan.FromSeconds(5));
    private static readonly WayWatch _since0 = WayWatch.Since(_rules, 0);

    [Theory]
    [InlineData(1999, WayKind.Straight, WayStep.Nothing)]
    [InlineData(2000, WayKind.Straight, WayStep.AskAll)]
    [InlineData(1999, WayKind.Around, WayStep.Nothing)]
    [InlineData(2000, WayKind.Around, WayStep.AskAll)]
    public void A_way_that_says_nothing_for_two_seconds_is_doubted(long now, WayKind used, WayStep step) =>
        Assert.Equal(step, _since0.Next(now, used));

    [Fact]
    public void A_way_that_speaks_is_left_alone()
    {
        var watch = _since0;
        for (var now = 500; now < 60_000; now += 500)
        {
            Assert.Equal(WayStep.Nothing, watch.Next(now, WayKind.Straight));
            watch = watch.Hear(now);
        }
    }

    [Fact]
    public void Other_nodes_that_refuse_are_asked_again_before_the_host_is_silent_and_then_less_and_less()
    {
        var watch = _since0;
        var asked = new List<long>();
        for (long now = 0; now < 60_000; now += 50)
        {
            if (watch.Next(now, WayKind.Straight) != WayStep.AskAll) continue;
            asked.Add(now);
            watch = watch.FoundNone(now);
        }

        Assert.Equal([2000, 2500, 3500], asked.TakeWhile(a => a < 5000));
        var pauses = asked.Zip(asked.Skip(1), (a, b) => b - a).ToList();
        Assert.Equal(pauses.Order(), pauses);
        Assert.Equal((long)_rules.LongestPause.TotalMilliseconds, pauses[^1]);
    }

    [Fact]
    public void A_way_that_was_found_is_tried_for_as_long_as_the_first()
    {
        var watch = _since0.FoundNone(3000).FoundNone(6000).Found(7000);
        Assert.True(watch.MayAskOthers(7000));
        Assert.Equal(WayStep.Nothing, watch.Next(8900, WayKind.Straight));
        Assert.Equal(WayStep.AskAll, watch.Next(9000, WayKind.Straight));
    }

    [Fact]
    public void The_straight_way_is_taken_again_after_two_answers_in_a_row()
    {
        var watch = _since0.Hear(4900);
        Assert.Equal(WayStep.Nothing, watch.Next(4999, WayKind.Around));
        Assert.Equal(WayStep.TryStraight, watch.Next(5000, WayKind.Around));
        Assert.Equal(WayStep.Nothing, watch.Next(5000, WayKind.Straight));

        watch = watch.TriedStraight(5000, WayAnswer.Came);
        Assert.False(watch.IsStraightAgain);
        Assert.Equal(WayStep.Nothing, watch.Hear(9900).Next(9999, WayKind.Around));
        watch = watch.TriedStraight(10_000, WayAnswer.Failed).TriedStraight(15_000, WayAnswer.Came);
        Assert.False(watch.IsStraightAgain);
        Assert.True(watch.TriedStraight(20_000, WayAnswer.Came).IsStraightAgain);
    }

    [Fact]
    public void Who_was_heard_lately_is_asked_by_others_soon_and_who_may_be_starting_later()
    {
        Assert.Equal(_rules.First, WayWatch.New(_rules).Pace(0));
        Assert.True(WayWatch.New(_rules).MayAskOthers(0));
        Assert.Equal(_rules.Calm, _since0.Pace(4999));
        Assert.Equal(_rules.First, _since0.Pace(5000));
        Assert.Equal(_rules.Calm, _since0.FoundNone(3000).Pace(4000));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(30)]
    public void A_way_that_is_found_at_once_is_heard_well_before_the_host_is_silent(int silentAfter)
    {
        var rules = new WayRules(TimeSpan.FromSeconds(silentAfter));
        Assert.True(rules.DoubtedAfter + rules.Doubting.First < rules.SilentAfter);
        Assert.True(rules.First.HeadStart + rules.Calm.HeadStart < rules.SilentAfter, "a new owner hears it in time");
        Assert.True(rules.DoubtedAfter >= TimeSpan.FromSeconds(1), "two heartbeats may be late");
    }

    [Fact]
    public void Nobody_wakes_more_often_than_something_can_be_due()
    {
        for (long now = 0; now < 30_000; now += 77)
        {
            var wait = _since0.Hear(now).UntilNext(now, WayKind.Straight);
            Assert.Equal(_rules.DoubtedAfter, wait);
            Assert.True(_since0.UntilNext(now, WayKind.Around) >= TimeSpan.FromMilliseconds(50));
        }
    }
}
