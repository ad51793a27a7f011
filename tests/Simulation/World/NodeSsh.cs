using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>What an engine node gets from the machines by ssh: they answer while their system runs and the line carries.</summary>
internal sealed class NodeSsh(SimulatedWorld world, string node) : ISoftFence
{
    private static readonly TimeSpan Answers = TimeSpan.FromMilliseconds(400), GivesUp = TimeSpan.FromSeconds(2);

    public Task<SoftFenceResult> RestartAgent(string address, CancellationToken cancel)
    {
        var done = new TaskCompletionSource<SoftFenceResult>();
        world.Context.Run(() => _ = Session(address, done));
        return done.Task.WaitAsync(cancel);
    }

    private async Task Session(string address, TaskCompletionSource<SoftFenceResult> done)
    {
        var host = world.Hosts.Single(h => h.Address.Host == address);
        await Task.Delay(Answers, world.OwnClock);
        if (!host.SystemRuns || host.Isolated != 0 || world.Line(node, host).Cut != 0)
        {
            await Task.Delay(GivesUp - Answers, world.OwnClock);
            done.TrySetResult(new SoftFenceResult(false, $"ssh: connect to host {address}: Connection timed out"));
            return;
        }

        world.Note($"{host.Name}: its agent is restarted over SSH by {node}");
        host.RestartAgent(world.Options.AgentRestartTime);
        done.TrySetResult(new SoftFenceResult(true, ""));
    }
}
