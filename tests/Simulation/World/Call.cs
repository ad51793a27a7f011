using Orchestrator.Agent;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>One question or order of a node, on its way there and back. It ends once, whatever arrives later.</summary>
internal abstract class Call(string what, bool isOrder)
{
    public string What => what;

    /// <summary>It changes something, so that its answer may be lost as a fault.</summary>
    public bool IsOrder => isOrder;

    public bool Done { get; protected set; }

    /// <summary>At the host: hands it to the agent and gives back what travels home, now or later.</summary>
    public abstract Task<Reply> Serve(HostAgent agent, Connection connection);

    public abstract void Take(object? answer);

    public abstract void Fail(Exception why);
}

/// <summary>What the agent's side says: an answer, or a refusal, or an error without an explanation.</summary>
internal readonly record struct Reply(object? Answer, AgentRefusal? Refusal = null, string? Broken = null);

internal sealed class Call<T>(string what, bool isOrder, Func<HostAgent, Connection, Task<Reply>> serve)
    : Call(what, isOrder)
{
    private readonly TaskCompletionSource<T> _answer = new();

    public Task<T> Answer => _answer.Task;

    public ITimer? Limit { get; set; }

    public override Task<Reply> Serve(HostAgent agent, Connection connection) => serve(agent, connection);

    public override void Take(object? answer)
    {
        if (End()) _answer.TrySetResult((T)answer!);
    }

    public override void Fail(Exception why)
    {
        if (End()) _answer.TrySetException(why);
    }

    public void Cancel(CancellationToken token)
    {
        if (End()) _answer.TrySetCanceled(token);
    }

    private bool End()
    {
        if (Done) return false;
        Done = true;
        Limit?.Dispose();
        return true;
    }
}
