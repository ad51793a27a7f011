using System.Collections.Immutable;
using System.Globalization;
using System.Xml.Linq;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Libvirt;

/// <summary>What a domain has now, read from its live XML, and what it lacks of a definition. Pure.</summary>
internal sealed class LiveMachine
{
    internal const string Prefix = "ua-";
    private readonly XElement _domain;

    private LiveMachine(XElement domain) => _domain = domain;

    public static LiveMachine Read(string xml) => new(XElement.Parse(xml));

    /// <summary>An alias by which a device is found again, whatever becomes of it.</summary>
    public static XElement Alias(Guid device) => new("alias", new XAttribute("name", Prefix + device));

    public ImmutableArray<string> Devices =>
        [.. Disks.Select(IdOf).OfType<string>(), .. Nics.Select(MacOf).OfType<string>()];

    public int VirtualCpus => _domain.Element("vcpu") is { } vcpu
        && int.TryParse((string?)vcpu.Attribute("current") ?? vcpu.Value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var n) ? n : 0;

    public long MemoryBytes => DomainXml.MemoryBytes(_domain.ToString());

    /// <summary>What is to be taken out: what QEMU can let go of while the guest runs.</summary>
    public IEnumerable<(string Alias, string Words)> Surplus(VmDefinition wanted) =>
    [
        .. Disks.Where(d => IdOf(d) is { } id && IsPluggable(d) && !wanted.Disks.Any(w => w.Id.ToString() == id))
            .Select(d => (AliasOf(d), $"disk {IdOf(d)}")),
        .. Nics.Where(n => MacOf(n) is { } mac && !wanted.Nics.Any(w => w.Mac == mac)).Select(n => (AliasOf(n), $"NIC {MacOf(n)}")),
    ];

    /// <summary>Devices to be plugged in, as libvirt wants them, in order.</summary>
    public IEnumerable<(XElement Device, string Words)> Missing(VmDefinition wanted)
    {
        var taken = Disks.Select(d => (string?)d.Element("target")?.Attribute("dev")).OfType<string>().ToHashSet();
        var controlled = _domain.Descendants("controller").Any(c => (string?)c.Attribute("type") == "scsi"
            && ((string?)c.Attribute("model"))?.StartsWith("virtio", StringComparison.Ordinal) == true);
        foreach (var disk in wanted.Disks.Where(w => Find(w) is null))
        {
            if (disk.Interface == DiskInterface.VirtioScsi && !controlled)
            {
                controlled = true;
                yield return (DomainXml.ScsiController(wanted), "controller virtio-scsi");
            }

            var name = Enumerable.Range(0, 702).Select(n => DomainXml.NameOf(disk, n)).First(taken.Add);
            yield return (DomainXml.Disk(disk, wanted, name, 0), $"disk {disk.Id}");
        }

        foreach (var nic in wanted.Nics.Where(w => Find(w) is null)) yield return (DomainXml.Nic(nic, wanted, 0), $"NIC {nic.Mac}");
        if (wanted.MemoryBytes - MemoryBytes is > 0 and var lacking)
            yield return (
                new XElement("memory", new XAttribute("model", "dimm"), new XElement(
                    "target", new XElement("size", new XAttribute("unit", "KiB"), lacking >> 10), new XElement("node", 0))),
                $"{lacking >> 20} MiB of memory");
    }

    /// <summary>NICs that stay, on another bridge or with their cable in or out; and CD drives with another CD.</summary>
    public IEnumerable<(XElement Device, string Words)> Changed(VmDefinition wanted)
    {
        if (CdDrive.Changed(Disks, wanted) is { } drive) yield return (drive, "the CD");
        foreach (var nic in wanted.Nics)
        {
            if (Find(nic) is not { } live) continue;
            var (bridge, link) = ((string?)live.Element("source")?.Attribute("bridge"), (string?)live.Element("link")?.Attribute("state") ?? "up");
            var now = DomainXml.Nic(nic, wanted, 0);
            var (wantedBridge, wantedLink) = ((string?)now.Element("source")?.Attribute("bridge"), (string)now.Element("link")!.Attribute("state")!);
            var limited = Limits(live) != Limits(now);
            if (bridge == wantedBridge && link == wantedLink && !limited) continue;
            var changed = new XElement(live);
            if (limited)
            {
                changed.Elements("filterref").Remove();
                changed.Elements("bandwidth").Remove();
                changed.Add(now.Elements("filterref"), now.Elements("bandwidth"));
            }

            changed.Elements("link").Remove();
            changed.Elements("target").Remove();
            changed.Add(new XElement("link", new XAttribute("state", wantedLink)));
            if (bridge != wantedBridge)
            {
                changed.Elements("source").Remove();
                changed.SetAttributeValue("type", (string?)now.Attribute("type"));
                if (now.Element("source") is { } source) changed.Add(new XElement(source));
            }

            yield return (changed, $"NIC {nic.Mac}");
        }
    }

    /// <summary>Disks whose limits are others: their name in the guest, and all limits by libvirt's names.</summary>
    public IEnumerable<(string Target, IReadOnlyList<(string Name, long Value)> Limits)> Relimited(VmDefinition wanted)
    {
        foreach (var disk in wanted.Disks)
        {
            if (Find(disk) is not { } live || (string?)live.Element("target")?.Attribute("dev") is not { } target) continue;
            var limits = HardwareXml.Values(disk.Limits).ToList();
            if (limits.Any(l => Number(live.Element("iotune")?.Element(l.Name)) != l.Value)) yield return (target, limits);
        }
    }

    /// <summary>0: it has the hypervisor's default.</summary>
    public long CpuShares => Number(_domain.Element("cputune")?.Element("shares"));

    public bool Has(string alias) => Disks.Concat(Nics).Any(d => AliasOf(d) == alias);

    private static long Number(XElement? element) =>
        long.TryParse(element?.Value, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : 0;

    /// <summary>Filter and bandwidth in words that compare.</summary>
    private static string Limits(XElement nic) => (string?)nic.Element("filterref")?.Attribute("filter") + " "
        + string.Join(' ', nic.Elements("bandwidth").Elements().OrderBy(way => way.Name.LocalName, StringComparer.Ordinal).Select(way =>
            $"{way.Name} {way.Attribute("average")?.Value} {way.Attribute("peak")?.Value} {way.Attribute("burst")?.Value}"));

    private IEnumerable<XElement> Disks => _domain.Elements("devices").Elements("disk");

    private IEnumerable<XElement> Nics => _domain.Elements("devices").Elements("interface");

    /// <summary>A CD drive that an agent of 0.1.0 has made says no more than its path.</summary>
    private XElement? Find(VmDisk disk) => Disks.FirstOrDefault(d => IdOf(d) == disk.Id.ToString()
        || (IdOf(d) is null && d.Elements("source").Any(s => (string?)s.Attribute("file") == disk.Path || (string?)s.Attribute("dev") == disk.Path)));

    private XElement? Find(VmNic nic) => Nics.FirstOrDefault(n => MacOf(n) == nic.Mac);

    private static bool IsPluggable(XElement disk) => (string?)disk.Element("target")?.Attribute("bus") is "virtio" or "scsi";

    private static string AliasOf(XElement device) => (string?)device.Element("alias")?.Attribute("name") ?? "";

    /// <summary>By its alias; a disk that an agent of 0.1.0 has plugged in has its id as serial number.</summary>
    private static string? IdOf(XElement disk)
    {
        var alias = AliasOf(disk);
        var words = alias.StartsWith(Prefix, StringComparison.Ordinal) ? alias[Prefix.Length..] : (string?)disk.Element("serial");
        return Guid.TryParse(words, out var id) ? id.ToString() : null;
    }

    private static string? MacOf(XElement nic) => ((string?)nic.Element("mac")?.Attribute("address"))?.ToLowerInvariant();
}
