namespace Orchestrator.Engine;

/// <summary>Where actors run. Each call is one turn of one actor; turns of one actor never overlap.</summary>
public interface IEngineDispatcher
{
    /// <summary>Runs the turn later, never inside this call.</summary>
    void Schedule(Action turn);
}

/// <summary>The .NET thread pool: what a node uses.</summary>
public sealed class ThreadPoolDispatcher : IEngineDispatcher
{
    public static ThreadPoolDispatcher Instance { get; } = new();

    public void Schedule(Action turn) =>
        ThreadPool.UnsafeQueueUserWorkItem(static work => work(), turn, preferLocal: false);
}
