using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Engine;
using Orchestrator.Tests.Simulation.Installation;
using Orchestrator.Tests.Simulation.World;

namespace Orchestrator.Tests.Scenarios;

/// <summary>Whom a script means: "host-2", "the host of web", "the destination of web", "the node of web".</summary>
public sealed class Cast(Simulation.Simulation simulation, IReadOnlyDictionary<string, Guid> vms)
{
    private readonly Dictionary<string, Guid> _hosts = [];

    public Guid Vm(string name) => vms[name];

    public WorldHost Host(string words) => Named(words switch
    {
        _ when words.StartsWith("the host of ", StringComparison.Ordinal) =>
            NameOf(View(words["the host of ".Length..]).Host ?? throw new FormatException($"there is none: {words}")),
        _ when words.StartsWith("the destination of ", StringComparison.Ordinal) =>
            NameOf(View(words["the destination of ".Length..]).Destination ?? throw new FormatException($"there is none: {words}")),
        _ => words,
    });

    /// <summary>Also of a host that has been removed meanwhile.</summary>
    public Guid HostId(string words)
    {
        var name = Host(words).Name;
        return _hosts.TryGetValue(name, out var known)
            ? known
            : _hosts[name] = simulation.Database.Read.Of(Kinds.Host).Single(h => h.Document.Name == name).Document.Id;
    }

    public SimulatedNode Node(string words)
    {
        if (!words.StartsWith("the node of ", StringComparison.Ordinal)) return simulation.Nodes.Single(n => n.Name == words);
        var of = words["the node of ".Length..];
        var (kind, id) = of == "the cluster" ? (Kinds.Cluster, simulation.Database.Read.Of(Kinds.Cluster).Single().Document.Id)
            : vms.TryGetValue(of, out var vm) ? (Kinds.Vm, vm) : (Kinds.Host, HostId(of));
        var owner = simulation.Database.Engine.View.Shards[new ShardKey(kind, simulation.Nodes[0].ShardOf(id))].Owner;
        return simulation.Nodes.Single(n => n.Membership?.Self == owner);
    }

    /// <summary>What is said of a VM, and what is true of it.</summary>
    public string Story(string vm)
    {
        var where = simulation.World.Running().Where(g => g.Vm == Vm(vm)).Select(g => g.Host.Name).ToArray();
        if (simulation.Database.Read.Find(Kinds.Vm, Vm(vm)) is null)
            return where.Length == 0 ? $"VM {vm} is removed" : $"VM {vm} is not known, and runs on {string.Join(" and ", where)}";
        var view = View(vm);
        var said = view.Host is { } host ? $"{view.Status} on {NameOf(host)}" : view.Status;
        return $"VM {vm} is said to be {said}, and runs {(where.Length == 0 ? "nowhere" : $"on {string.Join(" and ", where)}")}";
    }

    /// <summary>What a VM's definition has and what its guest has, where a change of them was asked; null otherwise.</summary>
    public string? Machine(string vm)
    {
        if (simulation.Database.Read.Find(Kinds.Vm, Vm(vm)) is null) return null;
        var config = View(vm).Config;
        var said = Words(config.Disks.Count(d => d.Active), config.Nics.Count(n => n.Plugged), config.Sockets, config.Memory);
        var real = simulation.World.Hosts.SelectMany(h => h.Guests).Where(g => g.Key.Vm == Vm(vm)).Select(g => g.Definition)
            .Select(d => Words(d.Disks.Length, d.Nics.Length, d.Sockets, d.MemoryBytes)).FirstOrDefault() ?? "nothing";
        return config.Nics.IsEmpty && config.Disks.Length < 2 && config.Sockets == 1 && !(real != "nothing" && real != said)
            ? null
            : $"VM {vm} is defined with {said}, and its guest has {(real == said ? "the same" : real)}";

        static string Words(int disks, int nics, int sockets, long memory) =>
            $"{disks} disks, {nics} NICs, {sockets} sockets, {memory >> 20} MiB";
    }

    public VmView View(string vm) =>
        WireJson.Read<VmView>(simulation.Database.Read.Find(Kinds.Vm, Vm(vm))!.Document.Json);

    private string NameOf(HostId id) => simulation.Database.Read.Find(Kinds.Host, id.Value)!.Document.Name;

    private WorldHost Named(string name) => simulation.World.Hosts.SingleOrDefault(h => h.Name == name)
        ?? throw new FormatException($"no host is called {name}");
}
