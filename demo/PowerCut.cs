using System.Globalization;
using System.Text.Json.Nodes;

namespace Orchestrator.Demo;

/// <summary>
/// Cuts the power of the host that runs the VM, through its fence device, and follows what becomes of it: by the times of the engine's events, by
/// the log of the host's power controller, and by the QEMU process and the console on the other host.
/// </summary>
public sealed class PowerCut(EngineApi api, LabHosts hosts, DemoVm vm)
{
    private const int HostSilent = 12, HostFenced = 9018, Placed = 506;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(120);

    /// <returns>Seconds from the cut until QEMU started on the other host.</returns>
    public async Task<double> Run(int victim, int heir)
    {
        var since = await LatestEvent();
        var markers = hosts.Console(heir, "LABUP", $"host={vm.Name} ").Count();
        var cut = await hosts.CutPower(victim);
        Narrator.Say($"host {victim}: its power was cut by its power controller at {cut:HH:mm:ss.fff}");

        var qemu = await Patience.Until($"QEMU on host {heir}", _limit, () =>
            Task.FromResult(hosts.Processes(vm.Id).Find(p => p.Host == heir && p.Started >= cut.AddMilliseconds(-10))));
        Narrator.Say($"host {heir}: QEMU runs, pid {qemu.Pid}");
        var marker = await Patience.Until("the guest's marker on the console", _limit, () =>
            Task.FromResult(hosts.Console(heir, "LABUP", $"host={vm.Name} ").Skip(markers).FirstOrDefault()));
        var booted = DateTimeOffset.UtcNow;
        Narrator.Say($"console of host {heir}: {marker}");
        await vm.AwaitUp(_limit, otherThan: victim);

        var events = await Events(since);
        var silent = TimeOf(events, HostSilent);
        Narrator.Chapter("  From the cut to the guest, by phase (seconds since the cut)");
        Phase("the engine is sure that the host is silent", cut, silent);
        Phase("its power controller is asked", cut, hosts.PowerController(victim, silent ?? cut, "asked"));
        Phase("the power is confirmed off", cut, TimeOf(events, HostFenced));
        Phase("the VM has a new place and lease", cut, TimeOf(events, Placed));
        Phase("QEMU started", cut, qemu.Started);
        Phase("the guest is up (its own marker)", cut, booted);
        return (qemu.Started - cut).TotalSeconds;
    }

    /// <summary>The engine switches a fenced host on again by itself.</summary>
    public async Task AwaitReturn(int host)
    {
        await Patience.Until($"host {host} to be on", TimeSpan.FromSeconds(60), () =>
            Task.FromResult(hosts.IsOn(host) ? this : null));
        await Patience.Until($"the engine to have host {host} up", TimeSpan.FromSeconds(90), async () =>
            EngineApi.Items(await api.Get($"{DemoVm.Folder}/hosts"), "host")
                .Any(h => h["name"]?.ToString() == $"host{host}" && h["status"]?.ToString() == "up") ? this : null, 200);
    }

    private async Task<long> LatestEvent() =>
        EngineApi.Items(await api.Get($"{DemoVm.Folder}/events?max=1"), "event").Select(Index).DefaultIfEmpty(0).Max();

    private async Task<JsonNode[]> Events(long since) =>
        [.. EngineApi.Items(await api.Get($"{DemoVm.Folder}/events?from={since}"), "event").Where(e => Index(e) > since)];

    private static long Index(JsonNode item) => long.Parse(EngineApi.Text(item, "id"), CultureInfo.InvariantCulture);

    private static DateTimeOffset? TimeOf(JsonNode[] events, int code) => events
        .Where(e => EngineApi.Text(e, "code") == code.ToString(CultureInfo.InvariantCulture))
        .OrderBy(Index)
        .Select(e => (DateTimeOffset?)DateTimeOffset.FromUnixTimeMilliseconds(
            long.Parse(EngineApi.Text(e, "time"), CultureInfo.InvariantCulture)))
        .FirstOrDefault();

    private static void Phase(string what, DateTimeOffset cut, DateTimeOffset? at) => Narrator.Row(what, at is { } time
        ? string.Create(CultureInfo.InvariantCulture, $"{(time - cut).TotalSeconds,8:0.000}")
        : "  (not seen)");
}
