using System.Globalization;
using System.Text.Json.Nodes;

namespace Orchestrator.Demo;

/// <summary>A way to lose a host, and how much of that time the guest may be without a process that runs it.</summary>
/// <param name="Words">What happens to the host.</param>
/// <param name="Cut">Does it; returns when it took effect, or a moment before.</param>
public sealed record Loss(string Words, Func<LabHosts, int, Task<DateTimeOffset>> Cut)
{
    /// <summary>The engine may use the host's power controller; without, the host must end its guests itself.</summary>
    public bool HasFenceDevice { get; init; } = true;

    /// <summary>A watchdog stands in for an agent that cannot end the guests.</summary>
    public bool HasWatchdog { get; init; } = true;

    /// <summary>It boots anew by itself, and may be the one that has the guest then.</summary>
    public bool HostReturns { get; init; }

    /// <summary>Seconds until the guest must run elsewhere.</summary>
    public double Limit { get; init; } = 10;

    public static Loss ByPowerController { get; } =
        new("its power is cut by its power controller", (hosts, host) => hosts.CutPower(host));

    public static Loss OfPower { get; } = new("it loses its power", async (hosts, host) =>
    {
        var before = DateTimeOffset.UtcNow;
        await hosts.LosePower(host);
        return before;
    });

    public static Loss OfNetwork { get; } = new("its network is cut, all of it", async (hosts, host) =>
    {
        var before = DateTimeOffset.UtcNow;
        await hosts.Act(host, "cut", "all");
        return before;
    });

    /// <summary>Its watchdog resets it; its power controller is not to be used.</summary>
    public static Loss OfAgent { get; } = new("its agent stands still, and it has no power controller", async (hosts, host) =>
    {
        var before = DateTimeOffset.UtcNow;
        await hosts.Act(host, "pause", "agent");
        return before;
    })
    {
        HasFenceDevice = false,
        HostReturns = true,
        Limit = 40,
    };

    /// <summary>Its lease on the storage goes with its network, and its power controller is not to be used.</summary>
    public static Loss OfEverything { get; } =
        new("its network and its lease on the storage are cut, and it has no power controller", CutFromEverything)
        {
            HasFenceDevice = false,
            Limit = 40,
        };

    public static Loss OfEverythingWithoutWatchdog { get; } =
        new("the same, and it has no watchdog either", CutFromEverything)
        {
            HasFenceDevice = false,
            HasWatchdog = false,
            Limit = 90,
        };

    private static async Task<DateTimeOffset> CutFromEverything(LabHosts hosts, int host)
    {
        var before = DateTimeOffset.UtcNow;
        await hosts.Act(host, "cut", "all");
        await hosts.Act(host, "cut", "storage");
        return before;
    }
}

/// <summary>
/// Takes the host that runs the VM away, and follows what becomes of the VM: by the times of the engine's events, by the log
/// of the host's power controller, and by the QEMU process and the console on the other host.
/// </summary>
public sealed class HostLoss(EngineApi api, LabHosts hosts, DemoVm vm)
{
    private const int HostSilent = 12, HostFenced = 9018, Placed = 506;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(120);

    /// <returns>Seconds from the cut until QEMU started on another host.</returns>
    public async Task<double> Run(int victim, Loss loss)
    {
        var since = await LatestEvent();
        var cut = await loss.Cut(hosts, victim);
        Narrator.Say($"host {victim}: {loss.Words} at {cut:HH:mm:ss.fff}");

        var qemu = await Patience.Until(loss.HostReturns ? "another QEMU" : "QEMU on another host", _limit, () => Task.FromResult(
            hosts.Processes(vm.Id).Find(p => (loss.HostReturns || p.Host != victim) && p.Started >= cut.AddMilliseconds(-10))));
        Narrator.Say($"host {qemu.Host}: QEMU runs, pid {qemu.Pid}");
        var console = hosts.ConsoleFile(qemu.Host, vm.Id);
        var marker = await Patience.Until("the guest's marker on the console", _limit, () => Task.FromResult(
            File.Exists(console) && File.GetLastWriteTimeUtc(console) >= qemu.Started.UtcDateTime
                ? File.ReadLines(console).FirstOrDefault(line => line.Contains("LABUP", StringComparison.Ordinal)) : null));
        var booted = DateTimeOffset.UtcNow;
        Narrator.Say($"console of host {qemu.Host}: {marker}");
        await vm.AwaitUp(_limit, otherThan: loss.HostReturns ? 0 : victim);

        var events = await Events(since);
        var silent = TimeOf(events, HostSilent);
        Narrator.Chapter("  From the cut to the guest, by phase (seconds since the cut)");
        Phase("the engine is sure that the host is silent", cut, silent);
        if (loss.HasFenceDevice) Phase("its power controller is asked", cut, hosts.PowerController(victim, silent ?? cut, "asked"));
        Phase(
            loss.HasFenceDevice ? "the power is confirmed off" : "the host is proved to have ended its guests",
            cut, TimeOf(events, HostFenced));
        Phase("the VM has a new place and lease", cut, TimeOf(events, Placed));
        Phase("QEMU started", cut, qemu.Started);
        Phase("the guest is up (its own marker)", cut, booted);
        return (qemu.Started - cut).TotalSeconds;
    }

    /// <returns>The host that the guest is on then.</returns>
    public async Task<int> MoveToHostWithoutWatchdog(int from, int to)
    {
        await Watchdog(to, "off");
        await vm.Migrate(from, to);
        return to;
    }

    /// <summary>The host is reset for that: the engine must have heard it in its new boot.</summary>
    public async Task Watchdog(int host, string setting)
    {
        await hosts.Act(host, "watchdog", setting);
        await Task.Delay(TimeSpan.FromSeconds(10));
        await AwaitReturn(host);
    }

    public async Task UsePowerManagement(int host, bool enabled)
    {
        var found = EngineApi.Items(await api.Get($"{DemoVm.Folder}/hosts"), "host").Single(h => h["name"]?.ToString() == $"host{host}");
        await api.Send(HttpMethod.Put, $"{DemoVm.Folder}/hosts/{EngineApi.Text(found, "id")}",
            new JsonObject { ["power_management"] = new JsonObject { ["enabled"] = enabled } });
    }

    /// <summary>The engine switches a fenced host on again by itself.</summary>
    public async Task AwaitReturn(int host)
    {
        await Patience.Until($"host {host} to be on", TimeSpan.FromSeconds(60), () =>
            Task.FromResult(hosts.IsOn(host) ? this : null));
        await Patience.Until($"the engine to have host {host} up", TimeSpan.FromSeconds(90), async () =>
            await new HostFleet(api).Status(host) == "up" ? this : null, 200);
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
