using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Orchestrator.Demo;

/// <summary>
/// One host with many real guests: what its agent costs in memory and CPU while it watches them. The guests stand still after their
/// start, or a small machine would have nothing left to measure with; QEMU and libvirt are there for each of them.
/// </summary>
public sealed class Crowd(Installation installation, int guests)
{
    private const int MiBAtMost = 150;
    private const double PercentAtMost = 3;
    private static readonly TimeSpan _look = TimeSpan.FromSeconds(60), _rest = TimeSpan.FromSeconds(20);
    private readonly Verdict _verdict = new();
    private readonly LabHosts _hosts = new(installation);

    /// <returns>Whether every promise was kept.</returns>
    public async Task<bool> Run()
    {
        using var api = new EngineApi(installation);
        await api.LogIn("admin@internal", installation.Password);
        var home = installation.Hosts[0];
        var fleet = new HostFleet(api);
        var vms = Enumerable.Range(0, guests).Select(number => new DemoVm(api, _hosts, $"crowd-{DateTime.UtcNow:HHmmss}-{number + 1}")).ToArray();
        Narrator.Chapter($"{guests} guests on host {home}");
        await fleet.LeaveFirst(installation);
        var alone = Measure(_hosts.Agent(home));
        Narrator.Say($"alone its agent has {alone.MiB} MiB");
        try
        {
            foreach (var vm in vms)
                await vm.Create(installation, new GuestShape(MemoryMiB: 96, HasDisk: false, Bridge: "ovirtmgmt"));
            foreach (var some in vms.Chunk(10))
            {
                foreach (var vm in some) await vm.Act("start", new JsonObject { ["pause"] = "true" });
                foreach (var vm in some)
                    await Patience.Until($"{vm.Name} to stand there", TimeSpan.FromMinutes(3), async () => await vm.Status() == "paused" ? this : null);
                Narrator.Say($"{Array.IndexOf(vms, some[^1]) + 1} are there");
            }

            await Task.Delay(_rest);
            await Watch(home);
        }
        finally
        {
            foreach (var vm in vms) await vm.Remove();
            await fleet.ActivateAll(installation);
        }

        _verdict.Print();
        return _verdict.Kept;
    }

    private async Task Watch(int home)
    {
        var agent = _hosts.Agent(home);
        var (before, began) = (Measure(agent), Stopwatch.GetTimestamp());
        var most = before.MiB;
        while (Stopwatch.GetElapsedTime(began) < _look)
        {
            await Task.Delay(1000);
            most = Math.Max(most, Measure(agent).MiB);
        }

        var percent = 100 * (Measure(agent).Cpu - before.Cpu).TotalSeconds / Stopwatch.GetElapsedTime(began).TotalSeconds;
        _verdict.Add($"the agent of {guests} guests has less than {MiBAtMost} MiB", $"{most} MiB resident at most", most < MiBAtMost);
        _verdict.Add($"and takes less than {PercentAtMost:0} % of one core",
            string.Create(CultureInfo.InvariantCulture, $"{percent:0.00} % over {_look.TotalSeconds:0} s"), percent < PercentAtMost);
    }

    /// <summary>Resident memory, and CPU time of user and system, in hundredths of a second.</summary>
    private static (long MiB, TimeSpan Cpu) Measure(int pid)
    {
        var resident = File.ReadLines($"/proc/{pid}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1];
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        var ticks = long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
        return (long.Parse(resident.Trim('\t'), CultureInfo.InvariantCulture) >> 10, TimeSpan.FromMilliseconds(10 * ticks));
    }
}
