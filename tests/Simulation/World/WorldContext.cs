namespace Orchestrator.Tests.Simulation.World;

/// <summary>
/// Where everything outside the engine continues: one queue, emptied before time goes on. A node that is killed or
/// paused takes none of the world with it, because nothing of the world waits on a node's own context.
/// </summary>
internal sealed class WorldContext : SynchronizationContext, IDisposable
{
    private readonly Queue<(SendOrPostCallback Call, object? State)> _posts = new();
    private readonly ITimer _wake;
    private bool _running;

    public WorldContext(TimeProvider clock) =>
        _wake = clock.CreateTimer(
            static c => ((WorldContext)c!).Run(static _ => { }, null), this,
            Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    public void Run(Action act) => Run(static a => ((Action)a!)(), act);

    /// <summary>Does it here and now, and all that follows from it at this moment.</summary>
    public void Run(TimerCallback act, object? state)
    {
        if (_running)
        {
            act(state);
            return;
        }

        var outside = Current;
        SetSynchronizationContext(this);
        _running = true;
        try
        {
            act(state);
            while (_posts.TryDequeue(out var post)) post.Call(post.State);
        }
        finally
        {
            _running = false;
            SetSynchronizationContext(outside);
        }
    }

    public override void Post(SendOrPostCallback d, object? state)
    {
        _posts.Enqueue((d, state));
        if (!_running) _wake.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
    }

    public override void Send(SendOrPostCallback d, object? state) => Run(() => d(state));

    public override SynchronizationContext CreateCopy() => this;

    public void Dispose() => _wake.Dispose();
}
