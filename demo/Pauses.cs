using System.Globalization;
using System.Text.Json.Nodes;

namespace Orchestrator.Demo;

/// <param name="Rounds">Pauses of one thing each.</param>
public sealed record PauseOptions(int Rounds = 12, int Seed = 1);

/// <summary>
/// Stops agents, libvirtd, whole hosts and engine nodes for less time than it takes to call a host lost; then cuts half of
/// the hosts off from the engine while the cluster's policy says that this is no reason to fence. In neither may a power
/// controller be asked to cut the power, nor a guest be touched.
/// </summary>
public sealed class Pauses(Installation installation, PauseOptions options)
{
    private const string Policy = "fencing_policy";
    private const int Skipped = 9013;
    private static readonly TimeSpan _shortest = TimeSpan.FromMilliseconds(500);

    // A host is lost after 5 s of silence; its beat may be half a second old when the pause begins.
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(4);

    // A node that is frozen for longer than its lease loses its shards to others, who must not blame the hosts.
    private static readonly TimeSpan _longestOfNode = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan _after = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _halfIsAwayFor = TimeSpan.FromSeconds(20);
    private readonly Verdict _verdict = new();
    private readonly LabHosts _hosts = new(installation);

    /// <returns>Whether every promise was kept.</returns>
    public async Task<bool> Run()
    {
        using var api = new EngineApi(installation);
        await api.LogIn("admin@internal", installation.Password);
        var fleet = new HostFleet(api);
        var vms = installation.Hosts
            .Select(host => new DemoVm(api, _hosts, $"paused-{DateTime.UtcNow:HHmmss}-{host}")).ToArray();
        Narrator.Chapter($"{vms.Length} guests; {options.Rounds} pauses, seed {options.Seed}");
        try
        {
            foreach (var vm in vms) await vm.Create(installation, new GuestShape(MemoryMiB: 128, HasDisk: false));
            foreach (var vm in vms) await vm.Act("start");
            foreach (var vm in vms) Narrator.Say($"{vm.Name} is up on host {await vm.AwaitUp(TimeSpan.FromSeconds(180))}");
            var before = Lives(vms);
            await Short(fleet, before, vms);
            await HalfAway(api, fleet, before, vms);
        }
        finally
        {
            foreach (var vm in vms) await vm.Remove();
        }

        _verdict.Print();
        return _verdict.Kept;
    }

    private async Task Short(HostFleet fleet, string before, DemoVm[] vms)
    {
        var random = new Random(options.Seed);
        var began = DateTimeOffset.UtcNow;
        for (var round = 1; round <= options.Rounds; round++)
        {
            var host = installation.Hosts[random.Next(installation.Hosts.Length)];
            var node = installation.Nodes[random.Next(installation.Nodes.Length)];
            var what = ((string[])["agent", "libvirt", "host", "node"])[(round - 1) % 4];
            var longest = what == "node" ? _longestOfNode : _longest;
            var time = _shortest + ((longest - _shortest) * random.NextDouble());
            var words = what switch
            {
                "node" => $"engine node {node}",
                "host" => $"all of host {host}",
                _ => $"{what} of host {host}",
            };
            Narrator.Say(string.Create(CultureInfo.InvariantCulture, $"{round,3}  {words,-22} stands still for {time.TotalSeconds:0.00} s"));
            if (what == "node") await PauseNode(node, time);
            else await PauseOnHost(host, what, time);
            await Task.Delay(_after);
            await fleet.AwaitAllUp(TimeSpan.FromSeconds(30));
        }

        Judge($"{options.Rounds} short pauses: no host was fenced, no guest touched", began, before, vms);
    }

    private async Task PauseOnHost(int host, string what, TimeSpan time)
    {
        await _hosts.Act(host, "pause", what);
        await Task.Delay(time);
        await _hosts.Act(host, "resume", what);
    }

    private async Task PauseNode(int node, TimeSpan time)
    {
        await _hosts.Run("lab/nodes.sh", ["pause", $"{node}"]);
        await Task.Delay(time);
        await _hosts.Run("lab/nodes.sh", ["resume", $"{node}"]);
        await _hosts.Run("lab/nodes.sh", ["await", $"{node}"]);
    }

    private async Task HalfAway(EngineApi api, HostFleet fleet, string before, DemoVm[] vms)
    {
        Narrator.Chapter("Half of the hosts unreachable at once, with skip_if_connectivity_broken");
        var clusters = EngineApi.Items(await api.Get($"{DemoVm.Folder}/clusters"), "cluster");
        var cluster = clusters.First(c => c["name"]?.ToString() == "Default");
        var path = $"{DemoVm.Folder}/clusters/{EngineApi.Text(cluster, "id")}";
        var former = cluster[Policy]?.DeepClone();
        var last = await LatestEvent(api);
        await api.Send(HttpMethod.Put, path, WithPolicy(new JsonObject
        {
            ["enabled"] = "true",
            ["skip_if_connectivity_broken"] = new JsonObject { ["enabled"] = "true", ["threshold"] = "50" },
        }));
        var half = installation.Hosts.Take((installation.Hosts.Length + 1) / 2).ToArray();
        var began = DateTimeOffset.UtcNow;
        try
        {
            await Task.WhenAll(half.Select(host => _hosts.Act(host, "cut", "engine")));
            Narrator.Say($"hosts {string.Join(' ', half)} are cut off from the engine for {_halfIsAwayFor.TotalSeconds:0} s");
            await Task.Delay(_halfIsAwayFor);
        }
        finally
        {
            foreach (var host in half) await _hosts.Act(host, "heal");
        }

        await fleet.AwaitAllUp(TimeSpan.FromSeconds(60));
        foreach (var vm in vms) await vm.AwaitUp(TimeSpan.FromSeconds(30));
        Narrator.Say("all hosts and guests are up again in the engine");
        if (former is not null) await api.Send(HttpMethod.Put, path, WithPolicy(former));
        Judge($"half of the hosts away: none was fenced, no guest touched", began, before, vms);
        var alerts = EngineApi.Items(await api.Get($"{DemoVm.Folder}/events?from={last}"), "event")
            .Where(e => EngineApi.Text(e, "code") == Skipped.ToString(CultureInfo.InvariantCulture)).ToArray();
        _verdict.Add("an alert says that fencing was skipped, and why",
            alerts.Length == 0 ? "none" : $"{EngineApi.Text(alerts[0], "severity")}: {EngineApi.Text(alerts[0], "description")}",
            alerts.Length > 0 && alerts.All(a => EngineApi.Text(a, "severity") == "alert"));
    }

    private static JsonObject WithPolicy(JsonNode policy) => new() { [Policy] = policy };

    private void Judge(string what, DateTimeOffset began, string before, DemoVm[] vms)
    {
        var asked = installation.Hosts.Where(host => ((string[])["off", "reset"]).Any(word =>
            _hosts.PowerController(host, began, $"{word} asked") is not null)).ToArray();
        var after = Lives(vms);
        _verdict.Add(what, (asked.Length == 0 ? "no power controller was asked" : $"cut: hosts {string.Join(' ', asked)}")
            + (before == after ? "" : $"; guests were {before}, are {after}"), asked.Length == 0 && before == after);
    }

    /// <summary>Which process on which host each guest is: it changes when a guest is started anew or moved.</summary>
    private string Lives(DemoVm[] vms) => string.Join("; ", vms.Select(vm =>
        string.Join(" and ", _hosts.Processes(vm.Id).Select(p => $"pid {p.Pid} on host {p.Host}"))));

    private static async Task<long> LatestEvent(EngineApi api) =>
        EngineApi.Items(await api.Get($"{DemoVm.Folder}/events?max=1"), "event")
            .Select(e => long.Parse(EngineApi.Text(e, "id"), CultureInfo.InvariantCulture)).DefaultIfEmpty(0).Max();
}
