using System.Globalization;
using System.Text.Json.Nodes;

namespace Orchestrator.Demo;

/// <summary>
/// Many small guests on one host, which is sent to maintenance while each is asked for an echo on the guests' bridge twenty
/// times a second: no guest may be silent for more than a second.
/// </summary>
public sealed class Drain(Installation installation, int guests)
{
    private const double Limit = 1;
    private const int FirstAddress = 101;    // hosts have 1 to 99, the engine 100, the switch 254
    private static readonly TimeSpan _rest = TimeSpan.FromSeconds(5);
    private readonly Verdict _verdict = new();
    private readonly LabHosts _hosts = new(installation);

    /// <summary>As many as there are addresses.</summary>
    public const int MostGuests = 150;

    /// <returns>Whether every promise was kept.</returns>
    public async Task<bool> Run()
    {
        using var api = new EngineApi(installation);
        await api.LogIn("admin@internal", installation.Password);
        var home = installation.Hosts[0];
        var fleet = new HostFleet(api);
        if (installation.Hosts.Length < 2) throw new DemoException("There must be another host to go to.");
        var vms = Enumerable.Range(0, guests)
            .Select(number => new DemoVm(api, _hosts, $"drained-{DateTime.UtcNow:HHmmss}-{number + 1}")).ToArray();

        Narrator.Chapter($"{guests} guests on host {home}");
        await fleet.LeaveFirst(installation);
        try
        {
            await Boot(vms, home);
            foreach (var other in installation.Hosts.Skip(1)) await fleet.Activate(other);
            await Measure(fleet, vms, home);
        }
        finally
        {
            await fleet.ActivateAll(installation);
            foreach (var vm in vms) await vm.Remove();
        }

        _verdict.Print();
        return _verdict.Kept;
    }

    private async Task Boot(DemoVm[] vms, int home)
    {
        foreach (var (at, vm) in vms.Index())
            await vm.Create(installation, new GuestShape(
                MemoryMiB: 128, HasDisk: false, Bridge: "ovirtmgmt", KernelArguments: $"lab.ip={AddressOf(at)}/24"));
        foreach (var vm in vms) await vm.Act("start");
        foreach (var vm in vms)
            if (await vm.AwaitUp(TimeSpan.FromMinutes(5)) is var host && host != home)
                throw new DemoException($"{vm.Name} came up on host {host}, although only host {home} takes guests.");
        Narrator.Say($"all {vms.Length} are up");
    }

    private async Task Measure(HostFleet fleet, DemoVm[] vms, int home)
    {
        await using var train = new EchoTrain(vms.Select((_, at) => AddressOf(at)));
        await Patience.Until("an echo from every guest", TimeSpan.FromMinutes(5), () =>
            Task.FromResult(train.Heard == vms.Length ? this : null));
        train.Begin();
        await Task.Delay(_rest);
        var (silences, _, _) = train.Figures();
        Narrator.Say($"at rest no guest is silent for more than {Ms(silences.Max())}");

        Narrator.Chapter($"Host {home} is asked to go to maintenance");
        var began = DateTimeOffset.UtcNow;
        train.Begin();
        await fleet.ToMaintenance(home, TimeSpan.FromMinutes(10));
        var took = DateTimeOffset.UtcNow - began;
        await Task.Delay(_rest);
        var (worst, answers, own) = train.Figures();
        Narrator.Say(string.Create(CultureInfo.InvariantCulture, $"host {home} is in maintenance after {took.TotalSeconds:0.0} s"));
        foreach (var (at, vm) in vms.Index())
            Narrator.Row($"{vm.Name} ({AddressOf(at)})", $"silent for {Ms(worst[at])} at most, {answers[at]} answers");
        var places = vms.Select(vm => _hosts.Processes(vm.Id)).ToArray();
        _verdict.Add("every guest left, and runs once", $"{places.Count(p => p is [var one] && one.Host != home)} of {vms.Length}",
            places.All(p => p is [var one] && one.Host != home));
        _verdict.Add($"no guest stopped answering for over {Limit:0} s",
            $"worst {Ms(worst.Max())}, median {Ms(worst.Order().ElementAt(worst.Length / 2))}; our own longest pause {Ms(own)}",
            worst.Max().TotalSeconds <= Limit);
    }

    private string AddressOf(int guest) => _hosts.AddressOf(FirstAddress + guest);

    private static string Ms(TimeSpan time) => time.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture) + " ms";
}
