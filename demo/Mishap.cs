namespace Orchestrator.Demo;

/// <summary>What may befall a migration.</summary>
public enum MishapKind
{
    SourcePower,
    DestinationPower,
    HostsApart,
    EngineApart,
    AgentKilled,
    LibvirtKilled,
    EngineNodeKilled,
    Cancelled,
}

/// <summary>One mishap of one round: drawn from the round's seed, done at its moment, taken back at the end.</summary>
/// <param name="Words">What happens, for the round's line.</param>
/// <param name="OnceReceiving">Its moment counts from the first sight of the receiving QEMU, else from the command.</param>
/// <param name="After">How long after that.</param>
/// <param name="Lasts">From the cut to the healing; zero where nothing heals but by itself.</param>
public sealed record Mishap(
    MishapKind Kind, string Words, bool OnceReceiving, TimeSpan After, TimeSpan Lasts, Func<Task> Cut, Func<Task> Heal)
{
    private static readonly TimeSpan _longestWait = TimeSpan.FromMilliseconds(900);
    private static readonly TimeSpan _shortestCut = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestCut = TimeSpan.FromSeconds(14);

    public static Mishap Draw(
        Random random, MishapKind kind, int from, int to, EngineApi api, LabHosts hosts, Installation installation, DemoVm vm)
    {
        var receiving = random.Next(3) > 0;
        var after = _longestWait * random.NextDouble();
        var lasts = _shortestCut + ((_longestCut - _shortestCut) * random.NextDouble());
        var (one, end) = random.Next(2) == 0 ? (from, "source") : (to, "destination");
        var none = () => Task.CompletedTask;
        Mishap Of(string words, Func<Task> cut, Func<Task>? heal = null) =>
            new(kind, words, receiving, after, heal is null ? TimeSpan.Zero : lasts, cut, heal ?? none);

        return kind switch
        {
            MishapKind.SourcePower => Of("source loses its power", () => hosts.LosePower(from)),
            MishapKind.DestinationPower => Of("destination loses its power", () => hosts.LosePower(to)),
            MishapKind.HostsApart => Of($"hosts apart for {lasts.TotalSeconds:0.0} s",
                () => hosts.Act(from, "cut", $"{to}"), () => hosts.Act(from, "heal")),
            MishapKind.EngineApart => Of($"{end} and engine apart for {lasts.TotalSeconds:0.0} s",
                () => hosts.Act(one, "cut", "engine"), () => HealIfOn(hosts, one)),
            MishapKind.AgentKilled => Of($"agent of the {end} killed", () => hosts.Act(one, "agent", "kill")),
            MishapKind.LibvirtKilled => Of($"libvirtd of the {end} killed", () => hosts.Act(one, "libvirt", "kill")),
            MishapKind.EngineNodeKilled => OfNode(),
            _ => Of("cancelled by the API", () => Cancel(api, vm)),
        };

        Mishap OfNode()
        {
            var takeover = new Takeover(api, hosts, installation, vm);
            var victim = 0;
            return Of("engine node that owns the VM killed", async () => victim = await takeover.Kill(),
                () => victim == 0 ? Task.CompletedTask : takeover.Restart(victim));
        }
    }

    /// <summary>A host that was fenced meanwhile has a new network, without the cut.</summary>
    private static Task HealIfOn(LabHosts hosts, int host) =>
        hosts.IsOn(host) ? hosts.Act(host, "heal") : Task.CompletedTask;

    /// <summary>It may be over before: the engine then refuses, and that is an answer.</summary>
    private static async Task Cancel(EngineApi api, DemoVm vm)
    {
        foreach (var node in api.Nodes)
            if (await api.Try(node, HttpMethod.Post, $"{vm.Path}/cancelmigration",
                new System.Text.Json.Nodes.JsonObject(), CancellationToken.None)) return;
    }
}
