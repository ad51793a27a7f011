using System.Diagnostics.CodeAnalysis;
using Orchestrator.Engine;

namespace Orchestrator.Tests.Simulation.Machine;

public enum ProcessState { Running, Paused, Dead }

/// <summary>
/// What an operating system calls a process: all that runs in it (turns of actors, what follows an await, timers) ends
/// with it, waits while it is stopped, and goes slowly while it is slow. It has a wall clock of its own.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Its timers hold nothing outside the simulation.")]
public sealed class SimulatedProcess : SynchronizationContext, IEngineDispatcher
{
    private readonly Queue<Turn> _withheld = new();
    private SimulatedTimer? _slowly;

    public SimulatedProcess(SimulatedThread thread, string name)
    {
        (Thread, Name) = (thread, name);
        Clock = new ProcessClock(this);
    }

    public SimulatedThread Thread { get; }

    public string Name { get; }

    public ProcessClock Clock { get; }

    public ProcessState State { get; private set; }

    /// <summary>Time that each turn takes while the process is slow; zero: none at all.</summary>
    public TimeSpan TurnTime { get; private set; }

    public void Schedule(Action turn) => Enqueue(new Turn(this, turn, null, null));

    public override void Post(SendOrPostCallback d, object? state) => Enqueue(new Turn(this, d, state, null));

    public override void Send(SendOrPostCallback d, object? state) =>
        throw new NotSupportedException("Nobody waits in a simulation.");

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>kill -9: nothing of it happens any more.</summary>
    public void Kill()
    {
        State = ProcessState.Dead;
        _withheld.Clear();
    }

    /// <summary>SIGSTOP.</summary>
    public void Pause()
    {
        if (State == ProcessState.Running) State = ProcessState.Paused;
    }

    /// <summary>SIGCONT: everything that waited happens now, late; by the operating system's whim the timers first.</summary>
    public void Wake(bool timersFirst)
    {
        if (State != ProcessState.Paused) return;
        State = ProcessState.Running;
        if (TurnTime > TimeSpan.Zero) return;
        Turn[] waiting = timersFirst
            ? [.. _withheld.Where(t => t.Timer is not null), .. _withheld.Where(t => t.Timer is null)]
            : [.. _withheld];
        _withheld.Clear();
        foreach (var turn in waiting) Thread.Enqueue(turn);
    }

    /// <summary>From now on each turn takes so much time; zero: as fast as ever.</summary>
    public void Slow(TimeSpan turnTime)
    {
        TurnTime = turnTime;
        _slowly?.Dispose();
        _slowly = null;
        if (State == ProcessState.Dead) return;
        if (turnTime > TimeSpan.Zero)
        {
            _slowly = new SimulatedTimer(this, _ => TakeOneSlowly(), null) { IsOutside = true };
            _slowly.Change(turnTime, turnTime);
            return;
        }

        if (State == ProcessState.Paused) return;
        while (_withheld.TryDequeue(out var turn)) Thread.Enqueue(turn);
    }

    internal void Enqueue(in Turn turn)
    {
        if (State == ProcessState.Dead)
        {
            Thread.Guard();
            return;
        }

        if (State == ProcessState.Paused || TurnTime > TimeSpan.Zero)
        {
            Thread.Guard();
            _withheld.Enqueue(turn);
            return;
        }

        Thread.Enqueue(turn);
    }

    internal void Take(in Turn turn)
    {
        if (State == ProcessState.Dead) return;
        if (State == ProcessState.Paused) _withheld.Enqueue(turn);
        else Run(turn);
    }

    private void TakeOneSlowly()
    {
        if (State == ProcessState.Running && _withheld.TryDequeue(out var turn)) Run(turn);
    }

    private void Run(in Turn turn)
    {
        SetSynchronizationContext(this);
        switch (turn.Call)
        {
            case Action act:
                act();
                break;
            case SendOrPostCallback posted:
                posted(turn.State);
                break;
            case TimerCallback timed:
                turn.Timer!.IsWaiting = false;
                timed(turn.State);
                break;
        }
    }
}
