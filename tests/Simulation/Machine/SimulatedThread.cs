namespace Orchestrator.Tests.Simulation.Machine;

/// <summary>
/// The one thread and the one clock of a simulation: turns in the order in which they came, then the next timer. Time
/// moves only when nobody has anything left to do. Whoever comes from another thread is refused loudly: a turn that
/// slipped onto the thread pool would make two runs of one seed differ.
/// </summary>
public sealed class SimulatedThread
{
    private readonly PriorityQueue<(SimulatedTimer Timer, long Generation), Due> _timers = new(Due.Order);
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private Turn[] _turns = new Turn[1024];
    private int _head;
    private int _count;
    private long _order;

    public SimulatedThread(DateTimeOffset start) => (Start, Ticks) = (start, start.UtcTicks);

    public DateTimeOffset Start { get; }

    public long Ticks { get; private set; }

    public TimeSpan Elapsed => TimeSpan.FromTicks(Ticks - Start.UtcTicks);

    /// <summary>Turns taken so far: equal counts are the first sign of equal runs.</summary>
    public long Turns { get; private set; }

    /// <summary>Whose turn it is; null between turns.</summary>
    public SimulatedProcess? Running { get; private set; }

    public string? Leak { get; private set; }

    /// <summary>Takes one turn, or moves to the next timer; false when the bound is reached.</summary>
    public bool Step(long notAfter)
    {
        if (Leak is not null) throw new InvalidOperationException(Leak);
        if (_count > 0)
        {
            var turn = _turns[_head];
            _turns[_head] = default;
            _head = (_head + 1) & (_turns.Length - 1);
            _count--;
            Turns++;
            Running = turn.Process;
            turn.Process.Take(turn);
            Running = null;
            return true;
        }

        while (_timers.TryPeek(out var next, out var due) && due.Ticks <= notAfter)
        {
            _timers.Dequeue();
            if (next.Timer.Generation != next.Generation) continue;
            Ticks = Math.Max(Ticks, due.Ticks);
            next.Timer.FallDue();
            return true;
        }

        Ticks = Math.Max(Ticks, notAfter);
        return false;
    }

    internal void Enqueue(in Turn turn)
    {
        Guard();
        if (_count == _turns.Length)
        {
            var larger = new Turn[_turns.Length * 2];
            for (var i = 0; i < _count; i++) larger[i] = _turns[(_head + i) & (_turns.Length - 1)];
            (_turns, _head) = (larger, 0);
        }

        _turns[(_head + _count++) & (_turns.Length - 1)] = turn;
    }

    internal void Arm(SimulatedTimer timer, long due) =>
        _timers.Enqueue((timer, timer.Generation), new Due(Math.Max(due, Ticks), _order++));

    internal void Guard()
    {
        if (Environment.CurrentManagedThreadId == _thread) return;
        Leak ??= $"Something ran on another thread than the simulation's:\n{Environment.StackTrace}";
        throw new InvalidOperationException(Leak);
    }

    private readonly record struct Due(long Ticks, long Number)
    {
        public static readonly IComparer<Due> Order = Comparer<Due>.Create(static (a, b) =>
            a.Ticks != b.Ticks ? a.Ticks.CompareTo(b.Ticks) : a.Number.CompareTo(b.Number));
    }
}

/// <summary>One piece of work of one process.</summary>
internal readonly record struct Turn(SimulatedProcess Process, Delegate Call, object? State, SimulatedTimer? Timer);
