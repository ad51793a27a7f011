using System.Globalization;

namespace Orchestrator.Demo;

/// <param name="Rounds">Migrations there and back of each kind, at most.</param>
/// <param name="Takeovers">How often the VM's engine node is killed.</param>
public sealed record WalkOptions(int Rounds = 15, int Takeovers = 3);

/// <summary>The path of one guest through everything that the project promises of it.</summary>
public sealed class Walk(Installation installation, WalkOptions options)
{
    private const double TakeoverLimit = 2, RestartLimit = 15, DowntimeRatioLimit = 1.2;
    private readonly Verdict _verdict = new();

    /// <returns>Whether every promise was kept.</returns>
    public async Task<bool> Run()
    {
        using var api = new EngineApi(installation);
        var hosts = new LabHosts(installation);
        var vm = new DemoVm(api, hosts, $"demo-{DateTime.UtcNow:HHmmss}");
        await Greet(api);

        Narrator.Chapter("A guest is created and booted");
        await vm.Create(installation);
        Narrator.Say($"VM {vm.Name} is created with a disk on the shared storage ({vm.Id})");
        var race = new MigrationRace(hosts, vm, Path.Combine(installation.Var, "shared"));
        await using var watch = new GuestWatch(hosts, vm.Id);
        watch.Start();
        try
        {
            var first = await Boot(vm);
            var second = installation.Hosts.First(host => host != first);
            await MigrateOnce(vm, race, first, second);
            await Compare(race, watch, second, first);
            await KillNodes(api, hosts, vm);
            await CutPower(api, hosts, vm, second);
            Judge(watch);
        }
        finally
        {
            await race.EndTwin();
            await vm.Remove();
            Narrator.Say($"VM {vm.Name} is removed");
        }

        _verdict.Print();
        return _verdict.Kept;
    }

    private async Task Greet(EngineApi api)
    {
        Narrator.Chapter("A client logs in");
        var ends = await api.LogIn("admin@internal", installation.Password);
        Narrator.Say($"token received, good until {ends:yyyy-MM-dd HH:mm} UTC");
        var entry = await api.Get(DemoVm.Folder);
        var product = entry["product_info"];
        Narrator.Say($"entry point: {EngineApi.Text(product, "name")}, "
            + $"API {EngineApi.Text(product!["version"], "major")}.{EngineApi.Text(product["version"], "minor")}");
    }

    private static async Task<int> Boot(DemoVm vm)
    {
        var began = DateTimeOffset.UtcNow;
        await vm.Act("start");
        var host = await vm.AwaitUp(TimeSpan.FromSeconds(180));
        Narrator.Say($"up on host {host}, {Seconds(DateTimeOffset.UtcNow - began)} s after the command");
        var marker = await Patience.Until("the guest's marker on the console", TimeSpan.FromSeconds(120), () =>
            Task.FromResult(vm.Marker(host)));
        Narrator.Say($"its console says: {marker}");
        return host;
    }

    private static async Task MigrateOnce(DemoVm vm, MigrationRace race, int from, int to)
    {
        Narrator.Chapter($"Live migration of the running guest, host {from} to host {to}");
        var figures = await race.MigrateVm(from, to);
        Narrator.Say($"{vm.Name} runs on host {to}: total {figures.TotalMs:0} ms, downtime {figures.DowntimeMs:0} ms");
    }

    private async Task Compare(MigrationRace race, GuestWatch watch, int home, int away)
    {
        Narrator.Chapter("The same against a plain `virsh migrate --live` of a twin, there and back in turns");
        watch.AskQemu = false;
        await race.Run(options.Rounds, DowntimeRatioLimit, home, away);
        watch.AskQemu = true;
        var (engine, plain, ratio) = (race.Engine, race.Plain, race.DowntimeRatio);
        Narrator.Row("medians of", $"{race.Samples} migrations of each kind");
        Narrator.Row("engine: total, downtime", $"{engine.TotalMs,6:0} ms {engine.DowntimeMs,6:0} ms");
        Narrator.Row("plain:  total, downtime", $"{plain.TotalMs,6:0} ms {plain.DowntimeMs,6:0} ms");
        _verdict.Add($"migration downtime within {(DowntimeRatioLimit - 1) * 100:0} % of plain virsh",
            $"{Percent(ratio.Estimate)} (at {MedianRatio.Confidence} %: {Percent(ratio.Low)} to {Percent(ratio.High)})",
            !race.Tells ? null : ratio.Estimate <= DowntimeRatioLimit ? true : ratio.Low > DowntimeRatioLimit ? false : null);
    }

    private async Task KillNodes(EngineApi api, LabHosts hosts, DemoVm vm)
    {
        Narrator.Chapter("kill -9 of the engine node that owns the VM");
        var takeover = new Takeover(api, hosts, installation, vm);
        var seconds = new List<double>();
        for (var round = 1; round <= options.Takeovers; round++)
        {
            var figures = await takeover.Run();
            seconds.Add(figures.Seconds);
            Narrator.Say($"a command on the VM was answered {Seconds(figures.Seconds)} s after the kill "
                + $"({figures.Commands} sent; node{figures.Before} → node{figures.After})");
            if (figures.EpochAfter <= figures.EpochBefore)
                throw new DemoException($"The epoch did not rise: {figures.EpochBefore} → {figures.EpochAfter}.");
        }

        _verdict.Add($"engine takeover after kill -9 under {TakeoverLimit:0} s (worst of {seconds.Count})",
            $"{Seconds(seconds.Max())} s", seconds.Max() < TakeoverLimit);
    }

    private async Task CutPower(EngineApi api, LabHosts hosts, DemoVm vm, int victim)
    {
        Narrator.Chapter($"Power cut of host {victim}, which runs the guest");
        var cut = new HostLoss(api, hosts, vm);
        var seconds = await cut.Run(victim, Loss.ByPowerController);
        _verdict.Add($"HA restart after a power cut: QEMU started within {RestartLimit:0} s",
            $"{Seconds(seconds)} s", seconds < RestartLimit);
        await cut.AwaitReturn(victim);
        Narrator.Say($"host {victim} was switched on again by the engine and is up");
    }

    private void Judge(GuestWatch watch) => _verdict.Add("the guest never ran twice (checked on the hosts)",
        watch.Violations.Count > 0
            ? string.Join("; ", watch.Violations)
            : $"{watch.Looks} looks, {watch.HandOvers} hand-overs, QEMU asked in {watch.Questions}",
        watch.Violations.Count == 0 && watch.Looks > 0 && watch.HandOvers > 0);

    private static string Percent(double ratio) =>
        ((ratio - 1) * 100).ToString("+0;-0;0", CultureInfo.InvariantCulture) + " %";

    private static string Seconds(TimeSpan time) => Seconds(time.TotalSeconds);

    private static string Seconds(double seconds) => seconds.ToString("0.000", CultureInfo.InvariantCulture);
}
