using System.Globalization;
using System.Xml.Linq;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Libvirt;

/// <summary>The parts of a domain that follow from <see cref="GuestHardware"/>. Where an engine of before that says nothing, they are
/// what they were. Pure.</summary>
internal static class HardwareXml
{
    private const string SeedAlias = LiveMachine.Prefix + "seed";

    /// <param name="hostUuid">What the guest reads as the serial number of its machine, where nothing else is said.</param>
    public static IEnumerable<XElement> System(VmDefinition vm, string hostUuid)
    {
        if (vm.Hardware is not { } hardware) yield break;
        var serial = hardware.Serial ?? hostUuid;
        yield return new XElement(
            "sysinfo", new XAttribute("type", "smbios"),
            new XElement("system",
                Entry("manufacturer", "Orchestrator"), Entry("product", "Orchestrator Guest"), Entry("version", AgentServer.Version),
                serial == "" ? null : Entry("serial", serial), Entry("uuid", vm.Id.ToString()), Entry("family", "Orchestrator")));
    }

    public static void Os(VmDefinition vm, XElement os)
    {
        if (vm.Hardware is not { } hardware) return;
        if (vm.Firmware != Firmware.Bios && hardware.StateFolder is { } folder) os.Add(new XElement("nvram", Path.Combine(folder, Remembered.Nvram)));
        if (hardware.BootMenu) os.Add(new XElement("bootmenu", new XAttribute("enable", "yes"), new XAttribute("timeout", 10_000)));
        os.Add(new XElement("smbios", new XAttribute("mode", "sysinfo")));
    }

    public static XElement Clock(VmDefinition vm, DateTimeOffset now)
    {
        var clock = new XElement("clock");
        if (vm.Hardware is not { } hardware)
        {
            clock.Add(new XAttribute("offset", "utc"));
            return clock;
        }

        // What the guest sets its clock to stays as long as it runs, which utc does not keep.
        var ahead = hardware.TimeZone is { } name && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) ? (long)zone.GetUtcOffset(now).TotalSeconds : 0;
        clock.Add(
            new XAttribute("offset", "variable"), new XAttribute("adjustment", ahead), new XAttribute("basis", "utc"),
            new XElement("timer", new XAttribute("name", "rtc"), new XAttribute("tickpolicy", "catchup")),
            new XElement("timer", new XAttribute("name", "pit"), new XAttribute("tickpolicy", "delay")),
            new XElement("timer", new XAttribute("name", "hpet"), new XAttribute("present", "no")));
        return clock;
    }

    public static void Cpu(VmDefinition vm, XElement cpu, bool kvm)
    {
        switch (vm.Hardware?.Cpu)
        {
            case null when kvm:
                cpu.Add(new XAttribute("mode", "host-model"));
                break;
            case null: break;
            case { Mode: "custom" } custom:
                cpu.Add(
                    // An emulated CPU lacks some of what each model has, and is taken for it all the same.
                    new XAttribute("mode", "custom"), new XAttribute("match", "exact"), new XAttribute("check", kvm ? "partial" : "none"),
                    new XElement("model", new XAttribute("fallback", "forbid"), custom.Model));
                break;
            case var host:
                cpu.Add(new XAttribute("mode", host.Mode));
                break;
        }
    }

    /// <returns>Null: the definition has no nodes of its own.</returns>
    public static XElement? Numa(VmDefinition vm)
    {
        if (vm.Hardware is not { Nodes: { IsEmpty: false } nodes }) return null;
        var rest = vm.MemoryBytes - nodes.Sum(n => n.MemoryBytes);
        return new XElement("numa", nodes.Select(node => new XElement(
            "cell", new XAttribute("id", node.Index), node.Cpus == "" ? null : new XAttribute("cpus", node.Cpus),
            // Memory that no node has is the first one's, as are the CPUs that may be plugged in.
            new XAttribute("memory", (node.MemoryBytes + (node.Index == 0 ? rest : 0)) >> 10), new XAttribute("unit", "KiB"))));
    }

    public static IEnumerable<XElement> Tuning(VmDefinition vm)
    {
        if (vm.Hardware is not { } hardware) yield break;
        if (hardware.HugePagesKib > 0)
            yield return new XElement("memoryBacking", new XElement("hugepages", new XElement(
                "page", new XAttribute("size", hardware.HugePagesKib), new XAttribute("unit", "KiB"))));
        if (hardware.IoThreads > 0) yield return new XElement("iothreads", hardware.IoThreads);
        if (hardware.CpuShares > 0 || !hardware.Pins.IsEmpty)
            yield return new XElement(
                "cputune", hardware.CpuShares > 0 ? new XElement("shares", hardware.CpuShares) : null,
                hardware.Pins.Select(p => new XElement("vcpupin", new XAttribute("vcpu", p.Vcpu), new XAttribute("cpuset", p.Cpus))));
        if (hardware.Nodes.Any(n => n.HostNodes != ""))
            yield return new XElement("numatune", hardware.Nodes.Where(n => n.HostNodes != "").Select(n => new XElement(
                "memnode", new XAttribute("cellid", n.Index), new XAttribute("mode", n.Mode), new XAttribute("nodeset", n.HostNodes))));
    }

    /// <param name="name">Gives a device the next free name of its bus.</param>
    /// <param name="path">Of the CD that was made.</param>
    public static XElement? Seed(VmDefinition vm, Func<VmDisk, string> name, string path)
    {
        if (vm.Seed is null) return null;
        var bus = DomainXml.IsOldPc(vm) ? DiskInterface.Ide : DiskInterface.Sata;
        return new XElement(
            "disk", new XAttribute("type", "file"), new XAttribute("device", "cdrom"),
            new XElement("driver", new XAttribute("name", "qemu"), new XAttribute("type", "raw"), new XAttribute("error_policy", "report")),
            new XElement("source", new XAttribute("file", path)),
            new XElement(
                "target", new XAttribute("dev", name(new VmDisk(CdDrive.Id, "", Interface: bus))),
                new XAttribute("bus", bus == DiskInterface.Ide ? "ide" : "sata")),
            new XElement("readonly"),
            new XElement("alias", new XAttribute("name", SeedAlias)));
    }

    public static IEnumerable<XElement> Devices(VmDefinition vm)
    {
        if (vm.Hardware is not { } hardware)
        {
            yield return XElement.Parse("<memballoon model='virtio'><stats period='5'/></memballoon>");
            yield return XElement.Parse("<rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>");
            yield break;
        }

        yield return XElement.Parse(hardware.NoBalloon ? "<memballoon model='none'/>" : "<memballoon model='virtio'><stats period='5'/></memballoon>");
        yield return new XElement(
            "rng", new XAttribute("model", "virtio"),
            hardware.RngBytes == 0
                ? null
                : new XElement(
                    "rate", new XAttribute("bytes", hardware.RngBytes),
                    hardware.RngPeriodMs == 0 ? null : new XAttribute("period", hardware.RngPeriodMs)),
            new XElement("backend", new XAttribute("model", "random"), hardware.RngDevice));
        // A pointer that says where it is, and not how far it went: the only one that fits under a remote screen.
        if (!vm.Headless) yield return XElement.Parse("<input type='tablet' bus='usb'/>");
        if (hardware.Usb) yield return XElement.Parse("<controller type='usb' model='qemu-xhci' ports='8'/>");
        if (hardware.Sound) yield return new XElement("sound", new XAttribute("model", DomainXml.IsOldPc(vm) ? "ich6" : "ich9"));
        if (hardware.Tpm)
            yield return XElement.Parse("<tpm model='tpm-crb'><backend type='emulator' version='2.0' persistent_state='yes'/></tpm>");
    }

    /// <param name="number">Which of the disks it is: they take turns with the threads.</param>
    public static void Disk(VmDisk disk, VmDefinition vm, int number, XElement element)
    {
        var driver = element.Element("driver")!;
        if (disk.KeepDiscarded) driver.SetAttributeValue("discard", "ignore");
        if (vm.Hardware is { IoThreads: > 0 and var threads } && disk.Interface == DiskInterface.Virtio)
            driver.Add(new XAttribute("iothread", (number % threads) + 1));
        if (disk.Limits is { } limits) element.Add(new XElement("iotune", Values(limits).Where(v => v.Value > 0).Select(v => new XElement(v.Name, v.Value))));
    }

    public static void ScsiController(VmDefinition vm, XElement controller)
    {
        if (vm.Hardware is not { } hardware || hardware is { IoThreads: 0, ScsiQueues: < 2 }) return;
        controller.Add(new XElement(
            "driver", hardware.ScsiQueues > 1 ? new XAttribute("queues", hardware.ScsiQueues) : null,
            hardware.IoThreads > 0 ? new XAttribute("iothread", 1) : null));
    }

    public static void Nic(VmNic nic, VmDefinition vm, XElement element)
    {
        if (nic is not { Bridge: { Length: > 0 } }) return;
        if (vm.Hardware is { NicQueues: > 1 and var queues } && nic.Model == NicModel.Virtio)
            element.Add(new XElement("driver", new XAttribute("queues", queues)));
        if (nic.Filter is { } filter) element.Add(new XElement("filterref", new XAttribute("filter", filter)));
        if (nic.Limits is { } limits)
            element.Add(new XElement(
                "bandwidth",
                Way("inbound", limits.InboundKbit, limits.InboundPeakKbit, limits.InboundBurstKib),
                Way("outbound", limits.OutboundKbit, limits.OutboundPeakKbit, limits.OutboundBurstKib)));
    }

    /// <summary>By libvirt's names; 0 is no limit.</summary>
    public static IEnumerable<(string Name, long Value)> Values(DiskLimits? limits) =>
    [
        ("total_bytes_sec", limits?.Bytes ?? 0), ("read_bytes_sec", limits?.ReadBytes ?? 0), ("write_bytes_sec", limits?.WriteBytes ?? 0),
        ("total_iops_sec", limits?.Operations ?? 0), ("read_iops_sec", limits?.ReadOperations ?? 0), ("write_iops_sec", limits?.WriteOperations ?? 0),
    ];

    /// <summary>libvirt counts in kibibytes, which its tc takes for kilobytes.</summary>
    private static XElement? Way(string way, int average, int peak, int burst) => average == 0
        ? null
        : new XElement(
            way, new XAttribute("average", Math.Max(1, average / 8)),
            peak == 0 ? null : new XAttribute("peak", Math.Max(1, peak / 8)), burst == 0 ? null : new XAttribute("burst", burst));

    private static XElement Entry(string name, string value) =>
        new("entry", new XAttribute("name", name), value.ToString(CultureInfo.InvariantCulture));
}
