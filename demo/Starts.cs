using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using System.Xml.Linq;

namespace Orchestrator.Demo;

/// <summary>
/// What a start through the whole system costs beside `virsh start` of the same domain on the same host: one by one in turns, and
/// many at the same time. The guests stand still once they are there, so that only the start is measured.
/// </summary>
public sealed class Starts(Installation installation, int rounds)
{
    private const double MoreAtMostMs = 150, TimesAtMost = 1.3;
    private const int Many = 50;
    private readonly Verdict _verdict = new();
    private readonly LabHosts _hosts = new(installation);

    /// <returns>Whether every promise was kept.</returns>
    public async Task<bool> Run()
    {
        using var api = new EngineApi(installation);
        await api.LogIn("admin@internal", installation.Password);
        var home = installation.Hosts[0];
        var fleet = new HostFleet(api);
        await fleet.LeaveFirst(installation);
        var vms = Enumerable.Range(0, Many).Select(number => new DemoVm(api, _hosts, $"start-{DateTime.UtcNow:HHmmss}-{number + 1}")).ToArray();
        var plain = new List<string>();
        Narrator.Chapter($"{Many} VMs in the engine, and {Many} like them in libvirt alone, on host {home}");
        try
        {
            foreach (var vm in vms) await vm.Create(installation, new GuestShape(MemoryMiB: 96, HasDisk: false, Bridge: "ovirtmgmt"));
            await Begin(vms[0]);
            var xml = XElement.Parse(await _hosts.Virsh(home, "dumpxml", "--migratable", vms[0].Id.ToString()));
            await End(vms[0]);
            for (var number = 0; number < Many; number++) plain.Add(await Define(home, xml, number));
            await OneByOne(home, vms[0], plain[0]);
            await Together(api, home, vms, plain);
        }
        finally
        {
            foreach (var domain in plain) await Quietly(home, "undefine", domain);
            foreach (var vm in vms) await vm.Remove();
            await fleet.ActivateAll(installation);
        }

        _verdict.Print();
        return _verdict.Kept;
    }

    private async Task OneByOne(int home, DemoVm vm, string domain)
    {
        Narrator.Chapter($"One start after another, {rounds} times each");
        var (ours, virsh) = (new List<double>(), new List<double>());
        var nothing = new List<double>();
        for (var round = 0; round < rounds; round++)
        {
            // What it takes to run any virsh there at all is not libvirt's.
            nothing.Add(await Time(() => _hosts.Virsh(home, "--version")));
            virsh.Add(await Time(() => _hosts.Virsh(home, "start", "--paused", domain)));
            await _hosts.Virsh(home, "destroy", domain);
            ours.Add(await Time(() => Begin(vm)));
            await End(vm);
        }

        var floor = MedianRatio.Median([.. nothing]);
        var (mine, theirs) = (MedianRatio.Median([.. ours]), MedianRatio.Median([.. virsh]) - floor);
        Narrator.Row("through the engine, until a client reads it", Ms(mine));
        Narrator.Row("virsh start, without virsh's own start", $"{Ms(theirs)} (virsh itself: {Ms(floor)})");
        _verdict.Add($"a start costs at most {MoreAtMostMs:0} ms more than virsh's", $"{Ms(mine - theirs)} more (median of {rounds})", mine - theirs <= MoreAtMostMs);
    }

    private async Task Together(EngineApi api, int home, DemoVm[] vms, List<string> plain)
    {
        Narrator.Chapter($"{Many} at the same time, in turns, 3 times each");
        var (ours, virsh) = (new List<double>(), new List<double>());
        for (var round = 0; round < 3; round++)
        {
            virsh.Add(await Time(() => _hosts.Act(home, "exec", "sh", "-c",
                string.Join(" & ", plain.Select(d => $"virsh -q start --paused {d}")) + " & wait")));
            await _hosts.Act(home, "exec", "sh", "-c", string.Join("; ", plain.Select(d => $"virsh -q destroy {d}")));
            ours.Add(await Time(() => Begin(api, vms)));
            foreach (var vm in vms) await End(vm);
            Narrator.Say($"round {round + 1}: {Ms(ours[^1])} through the engine, {Ms(virsh[^1])} by virsh");
        }

        var ratio = MedianRatio.Median([.. ours]) / MedianRatio.Median([.. virsh]);
        _verdict.Add($"{Many} at once take at most {TimesAtMost.ToString(CultureInfo.InvariantCulture)} times as long as virsh's",
            string.Create(CultureInfo.InvariantCulture, $"{ratio:0.00} times"), ratio <= TimesAtMost);
    }

    private static async Task Begin(DemoVm vm)
    {
        await vm.Act("start", new JsonObject { ["pause"] = "true" });
        await Patience.Until($"{vm.Name} to stand there", TimeSpan.FromMinutes(2), async () => await vm.Status() == "paused" ? vm : null, 5);
    }

    /// <summary>One client that looks at all of them: fifty that look all the time would take the CPU that the starts need.</summary>
    private static async Task Begin(EngineApi api, DemoVm[] vms)
    {
        await Task.WhenAll(vms.Select(vm => vm.Act("start", new JsonObject { ["pause"] = "true" })));
        var ids = vms.Select(vm => vm.Id.ToString()).ToHashSet();
        await Patience.Until("all to stand there", TimeSpan.FromMinutes(3), async () =>
            EngineApi.Items(await api.Get($"{DemoVm.Folder}/vms?search=status%3Dpaused"), "vm").Count(vm => ids.Contains(EngineApi.Text(vm, "id"))) == vms.Length ? api : null, 100);
    }

    private static async Task End(DemoVm vm)
    {
        await vm.Act("stop");
        await Patience.Until($"{vm.Name} to be down", TimeSpan.FromMinutes(1), async () => await vm.Status() == "down" ? vm : null);
    }

    /// <summary>The same domain under another name, and none of the engine's.</summary>
    private async Task<string> Define(int home, XElement xml, int number)
    {
        var (name, file) = ($"plain-{number + 1}", Path.Combine(installation.Var, "hosts", $"{home}", $"plain-{number + 1}.xml"));
        var domain = new XElement(xml);
        Twin.Rename(domain, name);
        domain.Element("metadata")?.Remove();
        domain.Attribute("id")?.Remove();
        foreach (var mac in domain.Descendants("mac").Attributes("address")) mac.Value = $"52:54:00:fe:00:{number:x2}";
        foreach (var log in domain.Descendants().Where(e => e.Name == "log" || (string?)e.Attribute("type") == "file").Attributes("file")) log.Value += $".{name}";
        await File.WriteAllTextAsync(file, domain.ToString());
        await _hosts.Virsh(home, "define", file);
        File.Delete(file);
        return name;
    }

    private async Task Quietly(int home, string action, string domain)
    {
        try
        {
            await _hosts.Virsh(home, action, domain);
        }
        catch (DemoException)
        {
            // It is gone already.
        }
    }

    private static async Task<double> Time(Func<Task> work)
    {
        var began = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
    }

    private static string Ms(double ms) => ms.ToString("0", CultureInfo.InvariantCulture) + " ms";
}
