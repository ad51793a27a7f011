namespace Orchestrator.Agent.Protocol;

/// <summary>A way to an agent.</summary>
/// <param name="By">The engine node that passes the bytes on; null: straight.</param>
public sealed record AgentWay(string? By, IAgent Agent)
{
    public WayKind Kind => By is null ? WayKind.Straight : WayKind.Around;
}

public enum WayKind { Straight, Around }

/// <summary>How patient a node is with one way to an agent before it tries others. All times follow from that after which
/// a host is silent: other ways are tried early enough to be heard in time.</summary>
public sealed record WayRules(TimeSpan SilentAfter)
{
    /// <summary>So long a stream says nothing before other ways are tried: four heartbeats of the default.</summary>
    public TimeSpan DoubtedAfter => SilentAfter * 0.4;

    /// <summary>It was heard until now: a connection that broke is made anew, straight if that goes.</summary>
    public WayPace Calm => new(SilentAfter * 0.1, SilentAfter * 0.05, Timeout.InfiniteTimeSpan, TimeSpan.FromSeconds(2));

    /// <summary>It was not heard lately: it may be starting, or many hosts have a new owner at the same time. A host with a new
    /// owner is heard before it counts as silent all the same.</summary>
    public WayPace First => Calm with { HeadStart = SilentAfter * 0.2, Other = TimeSpan.FromSeconds(1.7) };

    /// <summary>The way in use says nothing: all are asked at once, and have nearly until the host counts as silent.</summary>
    public WayPace Doubting => new(TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(50), SilentAfter * 0.55, SilentAfter * 0.55);

    /// <summary>After a question that nobody answered by any way the other nodes are left in peace for so long, and twice as
    /// long after each further one.</summary>
    public TimeSpan FirstPause => SilentAfter * 0.1;

    public TimeSpan LongestPause { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>How often the straight way is tried while another is in use.</summary>
    public TimeSpan TryStraightEvery { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The straight way is taken again after so many answers in a row: one that comes and goes is no way.</summary>
    public int StraightAnswers { get; init; } = 2;
}

/// <summary>How fast one way after the other is tried.</summary>
/// <param name="HeadStart">So long an advantage the first way has over the second; less when it fails sooner.</param>
/// <param name="Step">And each further one over the next.</param>
/// <param name="First">How long the first way has to answer; infinite: as long as its client waits.</param>
/// <param name="Other">How long each further one has.</param>
public readonly record struct WayPace(TimeSpan HeadStart, TimeSpan Step, TimeSpan First, TimeSpan Other);

/// <summary>What is to be done about the way in use.</summary>
public enum WayStep { Nothing, AskAll, TryStraight }

/// <summary>
/// Decides when another way to an agent is looked for. Pure: the time comes as an argument, in ms of a clock that only
/// runs forward. It judges ways, not hosts: an agent that hangs answers by no way, so nothing changes.
/// </summary>
/// <param name="Heard">When anything came by the way in use.</param>
/// <param name="AskAt">The other nodes are not asked before.</param>
/// <param name="Pause">How long they are left in peace next time, in ms; 0: the first pause.</param>
/// <param name="StraightAt">When the straight way is tried next.</param>
/// <param name="Answers">How often in a row it has answered.</param>
public sealed record WayWatch(WayRules Rules, long Heard, long AskAt, long Pause, long StraightAt, int Answers)
{
    public static WayWatch Since(WayRules rules, long now) => new(rules, now, now, 0, now + Ms(rules.TryStraightEvery), 0);

    /// <summary>Nothing was heard yet.</summary>
    public static WayWatch New(WayRules rules) => new(rules, long.MinValue / 2, 0, 0, 0, 0);

    public bool MayAskOthers(long now) => now >= AskAt;

    /// <param name="used">The way in use.</param>
    public WayStep Next(long now, WayKind used) =>
        now >= DoubtAt && MayAskOthers(now) ? WayStep.AskAll
        : used == WayKind.Around && now >= StraightAt ? WayStep.TryStraight
        : WayStep.Nothing;

    /// <summary>How a host that nobody follows at the moment is asked.</summary>
    public WayPace Pace(long now) => now - Heard < Ms(Rules.SilentAfter) ? Rules.Calm : Rules.First;

    /// <summary>When <see cref="Next"/> may say something new; never less than a moment away.</summary>
    public TimeSpan UntilNext(long now, WayKind used)
    {
        var at = Math.Max(DoubtAt, AskAt);
        if (used == WayKind.Around) at = Math.Min(at, StraightAt);
        return TimeSpan.FromMilliseconds(Math.Max(50, at - now));
    }

    public WayWatch Hear(long now) => this with { Heard = now };

    /// <summary>A way was found, or the one in use is whole after all.</summary>
    public WayWatch Found(long now) => Since(Rules, now);

    /// <summary>Nobody has answered by any way.</summary>
    public WayWatch FoundNone(long now)
    {
        var pause = Pause == 0 ? Ms(Rules.FirstPause) : Math.Min(Pause * 2, Ms(Rules.LongestPause));
        return this with { AskAt = now + pause, Pause = pause };
    }

    public WayWatch TriedStraight(long now, WayAnswer answer) => this with
    {
        StraightAt = now + Ms(Rules.TryStraightEvery),
        Answers = answer == WayAnswer.Came ? Answers + 1 : 0,
    };

    public bool IsStraightAgain => Answers >= Rules.StraightAnswers;

    private long DoubtAt => Heard + Ms(Rules.DoubtedAfter);

    private static long Ms(TimeSpan time) => (long)time.TotalMilliseconds;
}

/// <summary>What came of a question by one way.</summary>
public enum WayAnswer { Came, Failed }
