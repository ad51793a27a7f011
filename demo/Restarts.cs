using System.Globalization;

namespace Orchestrator.Demo;

/// <summary>
/// Loses the host of a highly available VM in each of several ways, and measures by phase when it runs elsewhere. Another
/// way is another line in <see cref="_losses"/>.
/// </summary>
/// <param name="rounds">How often in each way.</param>
public sealed class Restarts(Installation installation, int rounds)
{
    private static readonly Loss[] _losses = [Loss.OfPower, Loss.OfNetwork, Loss.OfAgent, Loss.OfEverything, Loss.OfEverythingWithoutWatchdog];
    private readonly Verdict _verdict = new();

    /// <returns>Whether every promise was kept.</returns>
    public async Task<bool> Run()
    {
        Narrator.Chapter("A highly available guest whose hosts are lost");
        await using var guest = await WritingGuest.Create(installation, "restarted");
        var (watch, disk) = (guest.Watch, guest.Disk);
        Narrator.Say($"up on host {await guest.Start()}");
        foreach (var loss in _losses) await Measure(guest, loss);

        _verdict.Add("the guest never ran twice (checked on the hosts)",
            watch.Violations.Count > 0 ? string.Join("; ", watch.Violations) : $"{watch.Looks} looks",
            watch.Violations.Count == 0 && watch.Looks > 0);
        _verdict.Add("each boot found every acknowledged record on the disk",
            disk.Violations.Count > 0
                ? string.Join("; ", disk.Violations)
                : $"{disk.Acknowledged} acknowledged, {disk.Boots} boots",
            disk.Violations.Count == 0 && disk.Boots > rounds);
        _verdict.Print();
        return _verdict.Kept;
    }

    private async Task Measure(WritingGuest guest, Loss loss)
    {
        var (api, hosts, vm, disk) = (guest.Api, guest.Hosts, guest.Vm, guest.Disk);
        var seconds = new List<double>();
        for (var round = 1; round <= rounds; round++)
        {
            var victim = await vm.AwaitUp(TimeSpan.FromSeconds(60));
            await disk.AwaitCheck(TimeSpan.FromSeconds(60));
            Narrator.Chapter($"Host {victim}: {loss.Words} ({round} of {rounds})");
            var lost = new HostLoss(api, hosts, vm);
            if (!loss.HasWatchdog) victim = await lost.MoveToHostWithoutWatchdog(victim, installation.Hosts.First(h => h != victim));
            if (!loss.HasFenceDevice) await lost.UsePowerManagement(victim, false);
            seconds.Add(await lost.Run(victim, loss));
            if (!loss.HasFenceDevice) await hosts.Act(victim, "heal");
            await lost.AwaitReturn(victim);
            Narrator.Say($"host {victim} is up again");
            if (!loss.HasWatchdog) await lost.Watchdog(victim, "on");
            if (!loss.HasFenceDevice) await lost.UsePowerManagement(victim, true);
        }

        _verdict.Add($"{loss.Words}: runs again within {loss.Limit:0} s", string.Create(CultureInfo.InvariantCulture,
            $"worst {seconds.Max():0.000} s, median {MedianRatio.Median([.. seconds]):0.000} s of {seconds.Count}"),
            seconds.Max() <= loss.Limit);
    }
}
