using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Deciders.Simulation;

/// <summary>What an agent answers to an order.</summary>
internal abstract record Answer
{
    public sealed record Accepted(long Sequence, Told? Guest) : Answer;

    /// <param name="Final">Never to be carried out under this lease.</param>
    public sealed record Refused(string Code, bool Final) : Answer;
}

internal sealed record Told(int Vm, long Lease, GuestState State, VmExit Exit, long? Move = null)
{
    public Guid? Save { get; init; }

    public bool SaveFailed { get; init; }

    public bool MemoryGone { get; init; }

    public long? Reshape { get; init; }

    public bool? Reshaped { get; init; }
}

/// <summary>
/// A machine with its agent: a ledger that outlives power cuts, guests that do not. The rules of orders are the
/// agent protocol's: only a higher lease begins, an ended one never starts again, a power off buries what never came.
/// </summary>
internal sealed class SimAgent(World world, int number)
{
    private readonly Dictionary<int, Record> _records = [];
    private readonly HashSet<(int Vm, long Lease)> _began = [];

    public int Number => number;

    public bool Powered { get; private set; } = true;

    /// <summary>Between engine and agent; machines reach each other always.</summary>
    public bool Reachable { get; set; } = true;

    public int Boot { get; private set; } = 1;

    public bool FenceWorks { get; set; } = true;

    public Action<Told, long>? Listener { get; set; }

    public long Sequence { get; private set; }

    /// <summary>A process of the guest has its disks open here, or may have at any moment.</summary>
    public bool Runs(int vm) => Powered && _records.TryGetValue(vm, out var r) && !r.Ended && r.State != GuestState.Incoming;

    /// <summary>Leases under which the guest has run here, ever.</summary>
    public IEnumerable<long> Began(int vm) => _began.Where(b => b.Vm == vm).Select(b => b.Lease);

    public IReadOnlyList<Told> Report() => [.. _records.Where(r => !r.Value.Forgotten).Select(r => r.Value.Told(r.Key))];

    public Answer Launch(int vm, long lease) => Begin(vm, lease, GuestState.WaitForLaunch, record =>
        world.After(50, 800, () => Alive(record), () =>
        {
            if (world.Chance(0.05)) End(vm, record, GuestState.Down, VmExitKind.Error);
            else
            {
                Say(vm, record, GuestState.PoweringUp);
                world.After(50, 1500, () => Alive(record), () =>
                {
                    if (record.State == GuestState.PoweringUp) Say(vm, record, GuestState.Up);
                });
            }
        }));

    /// <summary>Goes on from a memory, which only one start ever gets.</summary>
    public Answer Restore(int vm, long lease, string memory) => Begin(vm, lease, GuestState.WaitForLaunch, record =>
        world.After(50, 800, () => Alive(record), () =>
        {
            if (!world.Chance(0.1) && world.Memories.Remove(memory, out var from))
            {
                world.WentOn(vm, from, lease);
                Say(vm, record, GuestState.Up);
                return;
            }

            record.MemoryGone = !world.Memories.ContainsKey(memory);
            End(vm, record, GuestState.Down, VmExitKind.Error);
        }));

    public Answer Save(int vm, long lease, Guid order, string memory)
    {
        if (About(vm, lease) is { } refusal) return refusal;
        var here = _records[vm];
        if (here.Save == order) return Receipt(vm);
        if (here.State is not (GuestState.Up or GuestState.PoweringUp or GuestState.Paused))
            return new Answer.Refused("wrong-state", true);
        (here.Save, here.SaveFailed) = (order, false);
        world.After(100, 2500, () => Alive(here), () =>
        {
            if (world.Chance(0.15))
            {
                here.SaveFailed = true;
                Say(vm, here, here.State);
                return;
            }

            world.Memories[memory] = lease;
            End(vm, here, GuestState.Saved, VmExitKind.Normal);
        });
        return Receipt(vm);
    }

    public Answer ExpectIncoming(int vm, long lease) => Begin(vm, lease, GuestState.Incoming, record =>
        world.After(8000, 8000, () => Alive(record), () =>
        {
            if (record.State == GuestState.Incoming) End(vm, record, GuestState.Down, VmExitKind.Error);
        }));

    public Answer Stop(int vm, long lease, StopMode mode)
    {
        var known = _records.GetValueOrDefault(vm);
        if (known is null || (known.Ended && lease > known.Lease))
        {
            if (mode != StopMode.PowerOff) return new Answer.Refused("unknown-vm", false);
            var buried = new Record(lease, Boot) { State = GuestState.WaitForLaunch };
            _records[vm] = buried;
            End(vm, buried, GuestState.Down, VmExitKind.Normal);
        }
        else if (lease < known.Lease) return new Answer.Refused("stale-lease", true);
        else if (lease > known.Lease) return new Answer.Refused("occupied", false);
        else if (!known.Ended)
            world.After(20, 600, () => Alive(known), () => End(vm, known, GuestState.Down, VmExitKind.Normal));
        return Receipt(vm);
    }

    public Answer Migrate(int vm, long lease, SimAgent to, long toLease)
    {
        if (About(vm, lease) is { } refusal) return refusal;
        var here = _records[vm];
        if (here.State == GuestState.MigratingOut)
            return here.Move == toLease ? Receipt(vm) : new Answer.Refused("wrong-state", true);
        if (toLease <= here.Move) return new Answer.Refused("stale-lease", true);
        if (here.State is not (GuestState.Up or GuestState.PoweringUp or GuestState.Paused))
            return new Answer.Refused("wrong-state", true);
        (here.Failed, here.Cancelled, here.Move) = (false, false, toLease);
        Say(vm, here, GuestState.MigratingOut);
        world.After(100, 2500, () => Alive(here) && here.State == GuestState.MigratingOut, () =>
        {
            if (!here.Cancelled && !world.Chance(0.15) && to.Arrive(vm, toLease))
                End(vm, here, GuestState.HandedOver, VmExitKind.Normal);
            else
            {
                here.Failed = true;
                Say(vm, here, GuestState.Up);
            }
        });
        return Receipt(vm);
    }

    public Answer CancelMigration(int vm, long lease)
    {
        if (About(vm, lease) is { } refusal) return refusal;
        _records[vm].Cancelled = true;
        return Receipt(vm);
    }

    /// <summary>Reboot, reset, resume: the guest stays where it is.</summary>
    public Answer Act(int vm, long lease) =>
        About(vm, lease) is { } refusal ? refusal
        : _records[vm].State is GuestState.Up or GuestState.PoweringUp or GuestState.Paused ? Receipt(vm)
        : new Answer.Refused("wrong-state", true);

    public Answer Reshape(int vm, long lease, long number)
    {
        if (About(vm, lease) is { } refusal) return refusal;
        var here = _records[vm];
        if (number < here.Reshape) return new Answer.Refused("stale-order", true);
        if (number == here.Reshape) return Receipt(vm);
        if (here.State is not (GuestState.Up or GuestState.PoweringUp or GuestState.Paused)) return new Answer.Refused("wrong-state", true);
        (here.Reshape, here.Reshaped) = (number, null);
        world.After(100, 2500, () => Alive(here) && here.Reshape == number, () =>
        {
            here.Reshaped = !world.Chance(0.15);
            Say(vm, here, here.State);
        });
        return Receipt(vm);
    }

    public Answer AbandonIncoming(int vm, long lease)
    {
        if (About(vm, lease) is { } refusal) return refusal;
        var here = _records[vm];
        if (here.State != GuestState.Incoming) return new Answer.Refused("wrong-state", true);
        world.After(20, 600, () => Alive(here) && here.State == GuestState.Incoming,
            () => End(vm, here, GuestState.Down, VmExitKind.Error));
        return Receipt(vm);
    }

    public void Forget(int vm, long lease)
    {
        if (_records.GetValueOrDefault(vm) is { Ended: true } record && record.Lease == lease) record.Forgotten = true;
    }

    /// <summary>QEMU dies by itself.</summary>
    public void Crash(int vm)
    {
        if (Runs(vm)) End(vm, _records[vm], GuestState.Down, VmExitKind.Error);
    }

    public void PowerOff() => Powered = false;

    public void PowerOn()
    {
        if (Powered) return;
        (Powered, Boot) = (true, Boot + 1);
        foreach (var (vm, record) in _records)
            if (!record.Ended) End(vm, record, GuestState.Down, VmExitKind.Error);
    }

    public AgentFacts Facts => new($"uuid-{number}", $"boot-{Boot}", "1", "sim", "sim", 64, "sim", 1L << 36, "sim://");

    private bool Arrive(int vm, long lease)
    {
        if (!Powered || !_records.TryGetValue(vm, out var record) || record.Ended || record.Lease != lease
            || record.State != GuestState.Incoming) return false;
        Say(vm, record, GuestState.Up);
        return true;
    }

    private Answer Begin(int vm, long lease, GuestState state, Action<Record> act)
    {
        var known = _records.GetValueOrDefault(vm);
        if (known is not null && lease < known.Lease) return new Answer.Refused("stale-lease", true);
        if (known is { Ended: true } && lease == known.Lease) return new Answer.Refused("lease-ended", true);
        if (known is { Ended: false } && lease > known.Lease) return new Answer.Refused("occupied", false);
        if (known is null || lease > known.Lease)
        {
            var record = new Record(lease, Boot);
            _records[vm] = record;
            Say(vm, record, state);
            act(record);
        }

        return Receipt(vm);
    }

    private Answer.Refused? About(int vm, long lease) => _records.GetValueOrDefault(vm) switch
    {
        null => new Answer.Refused("unknown-vm", false),
        { } r when lease < r.Lease => new Answer.Refused("stale-lease", true),
        { } r when lease > r.Lease => new Answer.Refused("unknown-vm", false),
        { Ended: true } => new Answer.Refused("lease-ended", true),
        _ => null,
    };

    private Answer.Accepted Receipt(int vm) => new(
        Sequence, _records.TryGetValue(vm, out var record) && !record.Forgotten ? record.Told(vm) : null);

    private bool Alive(Record record) => Powered && record.Boot == Boot && !record.Ended;

    private void Say(int vm, Record record, GuestState state)
    {
        record.State = state;
        if (state is GuestState.PoweringUp or GuestState.Up) _began.Add((vm, record.Lease));
        Listener?.Invoke(record.Told(vm), ++Sequence);
    }

    private void End(int vm, Record record, GuestState how, VmExitKind kind)
    {
        (record.Ended, record.Exit) = (true, new VmExit(kind, ""));
        Say(vm, record, how);
    }

    private sealed class Record(long lease, int boot)
    {
        public long Lease => lease;

        public int Boot => boot;

        public GuestState State { get; set; }

        public bool Ended { get; set; }

        public bool Forgotten { get; set; }

        public bool Failed { get; set; }

        public bool Cancelled { get; set; }

        /// <summary>The destination's lease of the newest migration that was ordered here.</summary>
        public long? Move { get; set; }

        public VmExit Exit { get; set; } = VmExit.Never;

        public Guid? Save { get; set; }

        public bool SaveFailed { get; set; }

        public bool MemoryGone { get; set; }

        public long? Reshape { get; set; }

        public bool? Reshaped { get; set; }

        /// <summary>A failed migration is told of until the next one begins, as the agent does.</summary>
        public Told Told(int vm) => new(
            vm, Lease, State == GuestState.Up && Failed ? GuestState.MigrationFailed : State, Exit, Move)
        {
            Save = Save,
            SaveFailed = SaveFailed,
            MemoryGone = MemoryGone,
            Reshape = Reshape,
            Reshaped = Reshaped,
        };
    }
}
