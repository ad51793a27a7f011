using System.Globalization;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Orchestrator.Demo;

/// <param name="TotalMs">From the start of the migration to its end.</param>
/// <param name="DowntimeMs">For how long the guest stood still.</param>
public sealed record MigrationFigures(double TotalMs, double DowntimeMs);

/// <summary>
/// The engine's migrations against a plain `virsh migrate --live` of a guest with the same definition, there and back in
/// turns on the same two hosts, so that both meet the same machine. Both figures are libvirt's own job statistics.
/// </summary>
/// <param name="folder">For the twin's files; made and removed here.</param>
public sealed partial class MigrationRace(LabHosts hosts, DemoVm vm, string folder)
{
    private const int FewestRounds = 4;
    private readonly string _folder = Path.Combine(folder, $"{vm.Name}-twin");
    private readonly string _twin = $"{vm.Name}-twin";
    private readonly List<MigrationFigures> _engine = [];
    private readonly List<MigrationFigures> _plain = [];
    private int _twinHost;

    public MigrationFigures Engine => Median(_engine);
    public MigrationFigures Plain => Median(_plain);
    public int Samples => _engine.Count;

    /// <summary>There are enough migrations for a word about them.</summary>
    public bool Tells => _engine.Count >= 2 * FewestRounds;

    public MedianRatio DowntimeRatio => MedianRatio.Of(
        [.. _engine.Select(f => f.DowntimeMs)], [.. _plain.Select(f => f.DowntimeMs)]);

    /// <summary>
    /// Both guests run on this host when the race begins and when it ends. It goes on until it is clear on which side of
    /// the limit the ratio of the downtimes lies, or the rounds are over.
    /// </summary>
    public async Task Run(int rounds, double limit, int home, int away)
    {
        await StartTwin(home);
        for (var round = 0; round < rounds && !IsClear(limit); round++)
        {
            foreach (var (from, to) in new[] { (home, away), (away, home) })
            {
                // Who goes first changes, so that neither always meets the warmer machine.
                if (round % 2 == 0) await MigrateTwin(from, to);
                _engine.Add(await MigrateVm(from, to));
                if (round % 2 != 0) await MigrateTwin(from, to);
            }
        }

        await EndTwin();
    }

    public async Task<MigrationFigures> MigrateVm(int from, int to)
    {
        await vm.Migrate(from, to);
        return await Figures(to, vm.Id.ToString());
    }

    /// <summary>Ends the twin wherever it is; one that never was is fine.</summary>
    public async Task EndTwin()
    {
        if (_twinHost == 0) return;
        try
        {
            await hosts.Virsh(_twinHost, "destroy", _twin);
        }
        catch (DemoException)
        {
            // Its host lost its power, or it ended by itself.
        }

        _twinHost = 0;
        Directory.Delete(_folder, recursive: true);
    }

    private async Task StartTwin(int host)
    {
        Directory.CreateDirectory(_folder);
        var definition = XDocument.Parse(await hosts.Virsh(host, "dumpxml", "--migratable", vm.Id.ToString()));
        await GiveDisks(host, definition);
        MakeTwin(definition.Root!);
        var file = Path.Combine(_folder, "twin.xml");
        definition.Save(file);
        await hosts.Virsh(host, "create", file);
        _twinHost = host;
        await Patience.Until("the plain guest to boot", TimeSpan.FromSeconds(120), () =>
            Task.FromResult(hosts.Console(host, "LABUP", $"host={_twin} ").FirstOrDefault()), 200);
    }

    /// <summary>The same definition under another name and id: what must be unique is changed, nothing else.</summary>
    private void MakeTwin(XElement domain)
    {
        Twin.Rename(domain, _twin);
        domain.Element("metadata")?.Remove();
        var command = domain.Element("os")?.Element("cmdline");
        command?.SetValue(command.Value.Replace($"lab.host={vm.Name}", $"lab.host={_twin}", StringComparison.Ordinal));
        foreach (var log in domain.Descendants("log"))
            log.SetAttributeValue("file", $"/var/log/libvirt/qemu/{_twin}-serial.log");
        foreach (var source in domain.Descendants("channel").Elements("source")) source.Attribute("path")?.Remove();
        foreach (var screen in domain.Descendants("graphics").Where(g => (string?)g.Attribute("autoport") == "yes"))
            screen.SetAttributeValue("port", "-1");
    }

    private async Task GiveDisks(int host, XDocument definition)
    {
        foreach (var (number, source) in definition.Descendants("disk").Elements("source").Index())
        {
            var file = Path.Combine(_folder, $"disk{number}.qcow2");
            await hosts.Run("lab/hosts.sh", ["exec", $"{host}", "qemu-img", "create", "-q", "-f", "qcow2", file, "1G"]);
            source.SetAttributeValue("file", file);
        }
    }

    private async Task MigrateTwin(int from, int to)
    {
        // --unsafe: libvirt sees one machine's folder and cannot know that it plays shared storage here.
        await hosts.Virsh(from, "migrate", "--live", "--p2p", "--unsafe", _twin, $"qemu+tcp://{hosts.AddressOf(to)}/system");
        _twinHost = to;
        _plain.Add(await Figures(to, _twin));
    }

    private async Task<MigrationFigures> Figures(int host, string domain)
    {
        var text = await hosts.Virsh(host, "domjobinfo", domain, "--completed");
        return new MigrationFigures(Milliseconds(Total().Match(text)), Milliseconds(Downtime().Match(text)));
    }

    private static double Milliseconds(Match match) => match.Success
        ? double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture)
        : throw new DemoException("libvirt has no statistics of the last migration.");

    private bool IsClear(double limit) =>
        Tells && DowntimeRatio is var ratio && (ratio.High <= limit || ratio.Low > limit);

    private static MigrationFigures Median(List<MigrationFigures> all) => new(
        MedianRatio.Median([.. all.Select(f => f.TotalMs)]), MedianRatio.Median([.. all.Select(f => f.DowntimeMs)]));

    [GeneratedRegex(@"Time elapsed:\s+([\d.]+)\s+ms")]
    private static partial Regex Total();

    [GeneratedRegex(@"Total downtime:\s+([\d.]+)\s+ms")]
    private static partial Regex Downtime();
}
