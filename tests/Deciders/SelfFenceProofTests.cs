using System.Globalization;
using Orchestrator.Actors.Host;
using Orchestrator.Agent.Survival;

namespace Orchestrator.Tests.Deciders;

/// <summary>
/// What the engine concludes from a host's silence against what the host really does, by the rules of both sides
/// (<see cref="SelfFenceProof"/>, <see cref="HostLease"/>) and by chance: cuts that come and go, late answers, writes that
/// hang, a clock that runs wrong, an agent that stands still.
/// </summary>
public sealed class SelfFenceProofTests
{
    private const int LeaseMs = 10_000, WatchdogMs = 15_000;

    [Fact]
    public void The_engine_never_counts_a_host_as_dead_whose_guests_may_run() => Seeds.Each(800, (random, history) =>
    {
        var play = new Play(random, history);
        var proved = play.Run(until: 240_000);
        if (proved is not { } at) return;
        history.Add(Line(at, "the engine counts it as dead"));
        Assert.True(play.DeadAt is { } dead && dead <= at, $"dead at {play.DeadAt}, proved at {at}");
    });

    [Fact]
    public void A_host_that_loses_everything_is_proved_dead_within_36_seconds() => Seeds.Each(200, (random, history) =>
    {
        var play = new Play(random, history) { CutAt = 20_000, CutFor = 1_000_000, OnlyTheCut = true };
        var proved = play.Run(until: 120_000);
        Assert.InRange(proved!.Value - 20_000, 20_000, 36_000);
    });

    [Fact]
    public void A_reading_of_another_boot_or_from_before_what_the_host_told_proves_nothing()
    {
        var bond = new HostBond("boot-1", "/data", LeaseMs, WatchdogMs, 5);
        var proof = new SelfFenceProof(bond).Read(20_000, 20_001, "boot-1", 7, heard: 0, told: 7);
        Assert.Null(proof.Read(40_000, 40_001, "boot-2", 7, 0, 7).EndedAt);
        Assert.Null(proof.Read(40_000, 40_001, "boot-1", 6, 0, 7).EndedAt);
        Assert.Null(proof.Read(40_000, 40_001, "boot-1", 8, 0, 7).EndedAt);
        Assert.Equal(40_000, proof.Read(40_000, 40_001, "boot-1", 7, 0, 7).EndedAt);
    }

    [Fact]
    public void A_host_that_is_heard_again_is_not_proved_dead_by_what_was_read_before()
    {
        var proof = new SelfFenceProof(new HostBond("boot-1", "/data", LeaseMs, WatchdogMs, 5))
            .Read(20_000, 20_001, "boot-1", 7, heard: 0, told: 7).Read(40_000, 40_001, "boot-1", 7, heard: 0, told: 7);
        Assert.True(proof.IsComplete(60_000, heard: 0));
        Assert.False(proof.IsComplete(60_000, heard: 39_000));
    }

    private static string Line(long at, string what) => string.Create(CultureInfo.InvariantCulture, $"{at / 1000.0,8:F3} s  {what}");

    /// <summary>One host, one storage, one engine, in steps of 50 ms of true time.</summary>
    private sealed class Play
    {
        private readonly Random _random;
        private readonly List<string> _history;
        private readonly double _rate;
        private readonly PriorityQueue<Action, long> _coming = new();
        private readonly Dictionary<long, long> _sent = [];
        private HostLease _lease = new(Guid.Empty, "/data", LeaseMs, LeaseMs, 1);
        private SelfFenceProof _proof = new(new HostBond("boot-1", "/data", LeaseMs, WatchdogMs, 1));
        private long _now;
        private long _onStorage = 1;
        private long _heard;
        private long _told = 1;
        private long _number = 1;
        private long _petted;
        private bool _writing;
        private long _frozenUntil;

        public Play(Random random, List<string> history)
        {
            (_random, _history) = (random, history);
            _rate = 0.985 + (0.03 * random.NextDouble());
            (CutAt, CutFor) = (random.Next(5_000, 60_000), random.Next(1_000, 90_000));
        }

        public long CutAt { get; init; }

        public long CutFor { get; init; }

        /// <summary>Nothing else goes wrong.</summary>
        public bool OnlyTheCut { get; init; }

        public long? DeadAt { get; private set; }

        private bool Cut => _now >= CutAt && _now < CutAt + CutFor;

        private long HostClock => (long)(_now * _rate);

        private bool Runs => DeadAt is null && _now >= _frozenUntil;

        public long? Run(long until)
        {
            for (; _now < until; _now += 50)
            {
                while (_coming.TryPeek(out var act, out var due) && due <= _now)
                {
                    _coming.Dequeue();
                    act();
                }

                Host();
                Engine();
                if (_proof.IsComplete(_now, _heard)) return _now;
            }

            return null;
        }

        private void Host()
        {
            if (DeadAt is null && HostClock - _petted >= WatchdogMs) Die("its watchdog resets it");
            if (!Runs) return;
            if (!OnlyTheCut && _random.Next(2000) == 0)
            {
                _frozenUntil = _now + _random.Next(100, 40_000);
                _history.Add(Line(_now, $"stands still until {_frozenUntil}"));
            }

            if (_now % 250 != 0) return;
            if (_lease.HasEnded(HostClock))
            {
                Die("its lease has ended");
                return;
            }

            _petted = HostClock;
            if (_now % 500 == 0) Beat();
            if (_now % 2000 == 0 && !_writing) Write();
        }

        private void Beat()
        {
            var (beat, at) = (_now, HostClock);
            _sent[beat] = at;
            if (Cut) return;
            Later(_random.Next(1, 400), () =>
            {
                if (Cut) return;
                _heard = _now;
                // The engine's renewal, which may be long on its way.
                Later(_random.Next(10) == 0 ? _random.Next(1, 20_000) : _random.Next(1, 300), () =>
                {
                    if (Cut || !Runs || _lease.HasEnded(HostClock)) return;
                    _lease = _lease.Heard(_sent[beat], LeaseMs);
                    _told = Math.Max(_told, _lease.Number);
                });
            });
        }

        private void Write()
        {
            if (Cut) return;
            var (number, begun) = (++_number, HostClock);
            _writing = true;
            var takes = !OnlyTheCut && _random.Next(8) == 0 ? _random.Next(1, 15_000) : _random.Next(1, 200);
            Later(takes, () =>
            {
                _onStorage = Math.Max(_onStorage, number);
                // The host takes note of it when it runs again.
                Noted();

                void Noted()
                {
                    if (DeadAt is not null) return;
                    if (!Runs)
                    {
                        Later(50, Noted);
                        return;
                    }

                    _writing = false;
                    if (!_lease.HasEnded(HostClock)) _lease = _lease.Written(number, begun, LeaseMs);
                }
            });
        }

        private void Engine()
        {
            if (_now - _heard < 5_000 || _now % 1000 != 0) return;
            var asked = _now;
            Later(_random.Next(1, 2_000), () =>
            {
                var number = _onStorage;
                Later(_random.Next(1, 900), () => _proof = _proof.Read(asked, _now, "boot-1", number, _heard, _told));
            });
        }

        private void Die(string why)
        {
            DeadAt = _now;
            _history.Add(Line(_now, $"{why} (engine until {_lease.EngineUntil}, storage until {_lease.StorageUntil})"));
        }

        private void Later(long after, Action act) => _coming.Enqueue(act, _now + after);
    }
}
