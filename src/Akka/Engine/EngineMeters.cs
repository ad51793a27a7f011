using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Orchestrator.Engine;

/// <summary>
/// What the engine counts and measures of this process, all its systems together. Names follow OpenTelemetry's
/// conventions. On the paths of single messages each thread counts for itself, which is added up when somebody collects;
/// histograms stand where the database is asked, and cost nothing while nobody listens.
/// </summary>
internal static class EngineMeters
{
    public const string Name = "Orchestrator.Engine";

    /// <summary>Between two looks at how many messages wait in one mailbox.</summary>
    private const int LookEveryMs = 100;

    private static readonly Meter _meter = new(Name, typeof(EngineMeters).Assembly.GetName().Version?.ToString(3));
    private static readonly ConcurrentDictionary<EngineObserver, byte> _systems = new();
    private static readonly double[] _seconds =
        [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

    private static readonly Tally[] _outcomes = [.. Enum.GetValues<WriteResult>().Select(_ => new Tally())];
    private static readonly Tally _recoveries = new();
    private static readonly Tally _isolations = new();
    private static readonly Tally _moves = new();
    private static readonly Tally _takeovers = new();
    private static readonly Tally _framesSent = new();
    private static readonly Tally _framesReceived = new();
    private static readonly Tally _bytesSent = new();
    private static readonly Tally _bytesReceived = new();
    private static readonly HighWater _depth = new();

    private static readonly Histogram<long> _groupSize = _meter.CreateHistogram<long>(
        "orchestrator.journal.group.size", "{batch}", "Batches that were written in one transaction.", null,
        new InstrumentAdvice<long> { HistogramBucketBoundaries = [1, 2, 5, 10, 20, 50, 100, 200, 500] });

    private static readonly Histogram<double> _writeTime = Seconds(
        "orchestrator.journal.write.duration", "Time that the store took for one group of batches.");

    private static readonly Histogram<double> _recoveryTime = Seconds(
        "orchestrator.recovery.duration", "Time from an entity's wish to read its past until all of it was read.");

    private static readonly Histogram<double> _renewTime = Seconds(
        "orchestrator.membership.renew.duration", "Time that the store took to renew this node's lease.");

    static EngineMeters()
    {
        Count("orchestrator.actor.messages", "{message}", "Messages and persisted turns that actors handled.", () => ThreadCounts.Sum(c => c.Messages));
        Count("orchestrator.actor.runs", "{run}", "Times that an actor had a thread.", () => ThreadCounts.Sum(c => c.Runs));
        Count("orchestrator.recovery.count", "{recovery}", "Entities that read their past.", () => _recoveries.Total);
        Count("orchestrator.membership.isolations", "{isolation}",
            "Times that this node stopped what it owned because it could not be sure of its lease.", () => _isolations.Total);
        Count("orchestrator.shard.moves", "{shard}", "Shards that came to this node from a living one.", () => _moves.Total);
        Count("orchestrator.shard.takeovers", "{shard}", "Shards that came to this node from one that is no member.",
            () => _takeovers.Total);
        _meter.CreateObservableCounter("orchestrator.remote.frames", () => Directions(_framesSent, _framesReceived),
            "{frame}", "Messages to and from other nodes.");
        _meter.CreateObservableCounter("orchestrator.remote.io", () => Directions(_bytesSent, _bytesReceived),
            "By", "Bytes to and from other nodes, before encryption.");
        _meter.CreateObservableCounter("orchestrator.journal.writes", () => Enum.GetValues<WriteResult>().Select(
            r => new Measurement<long>(_outcomes[(int)r].Total, Tag("outcome", Word(r)))),
            "{batch}", "Batches of events by what became of them.");
        _meter.CreateObservableUpDownCounter("orchestrator.ask.waiting", () => ThreadCounts.Sum(c => c.Asks),
            "{question}", "Questions whose answer is awaited.");
        _meter.CreateObservableGauge("orchestrator.mailbox.depth.max", _depth.Read, "{message}",
            "Most messages seen waiting in one mailbox in the last half minute to minute; looked at ten times a second.");
        _meter.CreateObservableGauge("orchestrator.journal.waiting", () => _systems.Keys.Sum(s => (long)s.WritesWaiting),
            "{batch}", "Batches that were given to the journal and not answered yet.");
        _meter.CreateObservableGauge("orchestrator.shard.owned", () => _systems.Keys.SelectMany(s => s.ShardsOwned())
            .GroupBy(s => s.Type).Select(g => new Measurement<long>(g.Sum(s => s.Count), Tag("kind", g.Key))),
            "{shard}", "Shards that this node owns.");
        _meter.CreateObservableGauge("orchestrator.membership.members", () => _systems.Keys.Max(s => (long?)s.Members) ?? 0,
            "{node}", "Members of the cluster as this node sees it.");
        _meter.CreateObservableGauge("orchestrator.membership.may_act", () => _systems.Keys.Any(s => s.MayAct) ? 1L : 0L,
            null, "1 while this node is sure of its lease.");
        _meter.CreateObservableGauge("orchestrator.remote.links", () => _systems.Keys.SelectMany(s => s.Links())
            .GroupBy(l => l).Select(g => new Measurement<long>(g.LongCount(), Tag("state", g.Key))),
            "{link}", "Outgoing links to other nodes: connected, or broken and tried again.");
    }

    /// <summary>What became of a batch: the store's answer, or none (unknown: it may be written or not).</summary>
    public enum WriteResult { Written, NotOwner, Conflict, Rejected, Unknown }

    public static void Add(EngineObserver system) => _systems[system] = 0;

    public static void Remove(EngineObserver system) => _systems.TryRemove(system, out _);

    /// <summary>An actor had its turn. Called once per turn, on the hottest path there is.</summary>
    public static void Ran(int handled)
    {
        var counts = ThreadCounts.Mine;
        counts.Messages += handled;
        counts.Runs++;
    }

    /// <summary>True at most ten times a second: then whoever used up his turn counts what still waits.</summary>
    public static bool LooksNow() => _depth.IsDue(LookEveryMs);

    public static void Seen(int waiting) => _depth.See(waiting);

    public static void AskBegun() => ThreadCounts.Mine.Asks++;

    public static void AskEnded() => ThreadCounts.Mine.Asks--;

    public static void Wrote(int batches, TimeSpan time)
    {
        _groupSize.Record(batches);
        _writeTime.Record(time.TotalSeconds);
    }

    public static void Answered(Exception? failure) => _outcomes[(int)(failure switch
    {
        null => WriteResult.Written,
        WriteRefusedException { Outcome: WriteOutcome.NotOwner } => WriteResult.NotOwner,
        WriteRefusedException { Outcome: WriteOutcome.Conflict } => WriteResult.Conflict,
        WriteRefusedException => WriteResult.Rejected,
        _ => WriteResult.Unknown,
    })].Add();

    public static void Recovered(TimeSpan time)
    {
        _recoveries.Add();
        _recoveryTime.Record(time.TotalSeconds);
    }

    public static void Renewed(TimeSpan time) => _renewTime.Record(time.TotalSeconds);

    public static void Isolated() => _isolations.Add();

    public static void ShardCame(bool fromTheLiving) => (fromTheLiving ? _moves : _takeovers).Add();

    public static void Sent(int frames, long bytes)
    {
        _framesSent.Add(frames);
        _bytesSent.Add(bytes);
    }

    public static void Received(long bytes)
    {
        _framesReceived.Add();
        _bytesReceived.Add(bytes);
    }

    private static void Count(string name, string unit, string what, Func<long> total) =>
        _meter.CreateObservableCounter(name, total, unit, what);

    private static Histogram<double> Seconds(string name, string what) => _meter.CreateHistogram<double>(
        name, "s", what, null, new InstrumentAdvice<double> { HistogramBucketBoundaries = _seconds });

    private static Measurement<long>[] Directions(Tally sent, Tally received) =>
    [
        new(sent.Total, Tag("direction", "transmit")), new(received.Total, Tag("direction", "receive")),
    ];

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);

    private static string Word(WriteResult result) => result switch
    {
        WriteResult.Written => "written",
        WriteResult.NotOwner => "not_owner",
        WriteResult.Conflict => "conflict",
        WriteResult.Rejected => "rejected",
        _ => "unknown",
    };

    /// <summary>The highest of what was seen in this half minute and the one before: several readers see the same.</summary>
    private sealed class HighWater
    {
        private const int WindowMs = 30_000;

        private readonly Lock _gate = new();
        private long _highest;
        private long _before;
        private long _since;
        private long _lookedAt;

        public bool IsDue(int everyMs)
        {
            var now = Environment.TickCount64;
            var last = Volatile.Read(ref _lookedAt);
            return now - last >= everyMs && Interlocked.CompareExchange(ref _lookedAt, now, last) == last;
        }

        public void See(long depth)
        {
            lock (_gate)
            {
                Turn();
                _highest = Math.Max(_highest, depth);
            }
        }

        public long Read()
        {
            lock (_gate)
            {
                Turn();
                return Math.Max(_highest, _before);
            }
        }

        private void Turn()
        {
            var now = Environment.TickCount64;
            if (now - _since < WindowMs) return;
            _before = now - _since < 2 * WindowMs ? _highest : 0;
            (_highest, _since) = (0, now);
        }
    }
}
