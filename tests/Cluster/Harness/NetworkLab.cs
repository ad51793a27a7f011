using System.Security.Cryptography;

namespace Orchestrator.Tests.Cluster.Harness;

[Flags]
public enum Way { ToNode = 1, FromNode = 2, Both = ToNode | FromNode }

/// <summary>
/// A network namespace per node, joined by a bridge whose own address carries PostgreSQL and the fleet. Packets are
/// dropped inside the namespaces, silently, as a dead switch drops them: no reset tells anyone.
/// </summary>
public sealed class NetworkLab : IAsyncDisposable
{
    public const string BridgeAddress = "10.88.0.1";

    // The kernel takes a network apart in its own time: the next one has other names.
    private readonly string _tag = RandomNumberGenerator.GetHexString(6, lowercase: true);
    private readonly RunLog _log;
    private readonly int _nodes;

    private NetworkLab(RunLog log, int nodes)
    {
        _log = log;
        _nodes = nodes;
    }

    private string Bridge => $"ocbr{_tag}";

    public string NamespaceOf(int node) => $"oc{_tag}-{node + 1}";

    public static string AddressOf(int node) => $"10.88.0.{node + 11}";

    public static async Task<NetworkLab> Make(RunLog log, int nodes)
    {
        var lab = new NetworkLab(log, nodes);
        try
        {
            await lab.Build();
        }
        catch
        {
            await lab.DisposeAsync();
            throw;
        }

        return lab;
    }

    private async Task Build()
    {
        await Ip("link", "add", Bridge, "type", "bridge");
        await Ip("addr", "add", $"{BridgeAddress}/24", "dev", Bridge);
        await Ip("link", "set", Bridge, "up");
        for (var node = 0; node < _nodes; node++)
        {
            var space = NamespaceOf(node);
            var outside = $"oco{_tag}-{node + 1}";
            var inside = $"oci{_tag}-{node + 1}";
            await Ip("netns", "add", space);
            await Ip("link", "add", outside, "type", "veth", "peer", "name", inside);
            await Ip("link", "set", inside, "netns", space);
            await Ip("link", "set", outside, "master", Bridge);
            await Ip("link", "set", outside, "up");
            await Ip("-n", space, "link", "set", "lo", "up");
            await Ip("-n", space, "addr", "add", $"{AddressOf(node)}/24", "dev", inside);
            await Ip("-n", space, "link", "set", inside, "up");
        }
    }

    /// <summary>Drops what a node hears from, or says to, another node.</summary>
    public async Task CutNodes(int node, int other, Way way)
    {
        var space = NamespaceOf(node);
        await Table(space);
        if (way.HasFlag(Way.ToNode)) await Nft(space, $"add rule inet cut hear ip saddr {AddressOf(other)} drop");
        if (way.HasFlag(Way.FromNode)) await Nft(space, $"add rule inet cut say ip daddr {AddressOf(other)} drop");
        _log.Add("harness", $"network cut: {space} and {NamespaceOf(other)}, {way}");
    }

    /// <summary>Drops what a node hears from, or says to, PostgreSQL; the API and the fleet stay reachable.</summary>
    public async Task CutDatabase(int node, int port, Way way)
    {
        var space = NamespaceOf(node);
        await Table(space);
        if (way.HasFlag(Way.ToNode)) await Nft(space, $"add rule inet cut hear tcp sport {port} drop");
        if (way.HasFlag(Way.FromNode)) await Nft(space, $"add rule inet cut say tcp dport {port} drop");
        _log.Add("harness", $"network cut: {space} and PostgreSQL, {way}");
    }

    /// <summary>Drops what a node hears from, or says to, the hosts, which are all behind one port of the fleet.</summary>
    public async Task CutHosts(int node, int port, Way way)
    {
        var space = NamespaceOf(node);
        await Table(space);
        if (way.HasFlag(Way.ToNode)) await Nft(space, $"add rule inet cut hear tcp sport {port} drop");
        if (way.HasFlag(Way.FromNode)) await Nft(space, $"add rule inet cut say tcp dport {port} drop");
        _log.Add("harness", $"network cut: {space} and the hosts, {way}");
    }

    /// <summary>Turns away what a node says to the hosts, as a firewall with a reset does.</summary>
    public async Task RejectHosts(int node, int port)
    {
        var space = NamespaceOf(node);
        await Table(space);
        await Nft(space, $"add rule inet cut say tcp dport {port} reject with tcp reset");
        _log.Add("harness", $"network cut: {space} is turned away from the hosts");
    }

    public async Task Heal()
    {
        for (var node = 0; node < _nodes; node++)
        {
            await ChildProcess.Try("ip", "netns", "exec", NamespaceOf(node), "nft", "delete table inet cut");
        }

        _log.Add("harness", "network healed");
    }

    public async ValueTask DisposeAsync()
    {
        for (var node = 0; node < _nodes; node++)
        {
            await ChildProcess.Try("ip", "link", "del", $"oco{_tag}-{node + 1}");
            await ChildProcess.Try("ip", "netns", "del", NamespaceOf(node));
        }

        await ChildProcess.Try("ip", "link", "del", Bridge);
    }

    private static async Task Table(string space)
    {
        await Nft(space, "add table inet cut");
        await Nft(space, "add chain inet cut hear { type filter hook input priority 0; }");
        await Nft(space, "add chain inet cut say { type filter hook output priority 0; }");
    }

    private static Task<string> Nft(string space, string rule) =>
        ChildProcess.Run("ip", "netns", "exec", space, "nft", rule);

    private static Task<string> Ip(params IEnumerable<string> arguments) => ChildProcess.Run("ip", arguments);
}
