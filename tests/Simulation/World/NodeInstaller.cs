using Orchestrator.Actors.Host;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>How an engine node installs machines by ssh: in steps, each of which needs a running system and a line. The same steps of
/// another node may be done in between.</summary>
internal sealed class NodeInstaller(SimulatedWorld world, string node) : IHostInstaller
{
    public const string Password = "right", Fingerprint = "SHA256:of-its-key";

    private static readonly TimeSpan LogsIn = TimeSpan.FromMilliseconds(400), Copies = TimeSpan.FromSeconds(3), Joins = TimeSpan.FromSeconds(1),
        GivesUp = TimeSpan.FromSeconds(15);

    public async Task<InstallEnd> Run(InstallOrder order, Action<string, string?> step, CancellationToken cancel)
    {
        var host = world.Hosts.Single(h => h.Address.Host == order.Config.Address);
        step($"Connecting as {order.User} to {order.Config.Address}", order.Config.Ssh!.Fingerprint == "" ? Fingerprint : null);
        if (await Lost(host, LogsIn, cancel)) return new InstallEnd(false, $"no SSH service answers at {order.Config.Address}");
        if (order.Password is { } password && password != Password) return new InstallEnd(false, "the login failed: Permission denied");
        step("Copying the agent", null);
        if (await Lost(host, Copies, cancel)) return new InstallEnd(false, "the agent could not be copied: the line broke");
        step("Starting the agent", null);
        if (await Lost(host, Joins, cancel, () =>
            {
                world.Note($"{host.Name}: {(order.Kind == DeployKind.Install ? "joins" : "its new agent is started")}, by {node}");
                host.RestartAgent(world.Options.AgentRestartTime);
            })) return new InstallEnd(false, "the host did not join: the line broke");
        return new InstallEnd(true, "The agent is new");
    }

    private Task<bool> Lost(WorldHost host, TimeSpan takes, CancellationToken cancel, Action? there = null)
    {
        var lost = new TaskCompletionSource<bool>();
        world.Context.Run(() => _ = Step(host, takes, there, lost));
        return lost.Task.WaitAsync(cancel);
    }

    private async Task Step(WorldHost host, TimeSpan takes, Action? there, TaskCompletionSource<bool> lost)
    {
        await Task.Delay(takes, world.OwnClock);
        var carries = host.SystemRuns && host.Isolated == 0 && world.Line(node, host).Cut == 0;
        if (carries) there?.Invoke();
        else await Task.Delay(GivesUp, world.OwnClock);
        lost.TrySetResult(!carries);
    }
}

/// <summary>Signs all that it is asked for; what is signed lives as long as the world says.</summary>
internal sealed class WorldAuthority : IHostAuthority
{
    public string Authorities => "the world's";

    public string Sign(string signingRequest, string name, IReadOnlyList<string> addresses) => $"certificate for {signingRequest}";
}
