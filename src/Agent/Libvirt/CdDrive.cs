using System.Xml.Linq;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Libvirt;

/// <summary>The CD drive that each guest has: empty until a CD is in it. Pure.</summary>
internal static class CdDrive
{
    /// <summary>IDE has room for so many devices.</summary>
    private const int IdeDevices = 4;

    private const string Alias = LiveMachine.Prefix + "cdrom";

    /// <summary>Of the drive in the boot order.</summary>
    public static Guid Id => Guid.Empty;

    /// <param name="name">Gives a device the next free name of its bus.</param>
    /// <returns>Null where there is no room for one, or an engine of 0.1.0 does not know of any.</returns>
    public static XElement? Of(VmDefinition vm, Func<VmDisk, string> name, int boot)
    {
        var bus = DomainXml.IsOldPc(vm) ? DiskInterface.Ide : DiskInterface.Sata;
        if (vm.Cdrom is not { } cdrom || vm.Disks.Count(d => d.Interface == DiskInterface.Ide) >= IdeDevices) return null;
        var drive = new XElement(
            "disk", new XAttribute("type", "file"), new XAttribute("device", "cdrom"),
            new XElement("driver", new XAttribute("name", "qemu"), new XAttribute("type", "raw"), new XAttribute("error_policy", "report")),
            Source(cdrom),
            new XElement(
                "target", new XAttribute("dev", name(new VmDisk(Id, "", Interface: bus))),
                new XAttribute("bus", bus == DiskInterface.Ide ? "ide" : "sata")),
            new XElement("readonly"),
            new XElement("alias", new XAttribute("name", Alias)));
        if (boot > 0) drive.Add(new XElement("boot", new XAttribute("order", boot)));
        return drive;
    }

    /// <summary>The drive with the CD that is wanted; null where it has that one.</summary>
    public static XElement? Changed(IEnumerable<XElement> disks, VmDefinition wanted)
    {
        if (wanted.Cdrom is not { } cdrom || Find(disks) is not { } live || PathIn(live) == cdrom.Path) return null;
        var changed = new XElement(live);
        changed.SetAttributeValue("type", "file");
        changed.Elements("source").Remove();
        changed.Elements("backingStore").Remove();
        if (Source(cdrom) is { } source) changed.Element("target")!.AddBeforeSelf(source);
        return changed;
    }

    /// <summary>Of guests that an agent of 0.1.0 has started.</summary>
    public static bool IsMissing(LiveMachine has, VmDefinition wanted) => wanted.Cdrom is { Path: not "" } && !has.Has(Alias);

    private static XElement? Find(IEnumerable<XElement> disks) =>
        disks.FirstOrDefault(d => (string?)d.Element("alias")?.Attribute("name") == Alias);

    private static string PathIn(XElement drive) => (string?)drive.Element("source")?.Attribute("file") ?? "";

    private static XElement? Source(VmCdrom cdrom) => cdrom.Path == "" ? null : new XElement("source", new XAttribute("file", cdrom.Path));
}
