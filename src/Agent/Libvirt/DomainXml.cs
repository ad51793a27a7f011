using System.Collections.Immutable;
using System.Globalization;
using System.Xml.Linq;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Libvirt;

/// <summary>
/// A VM definition as libvirt's domain XML, and back what an agent needs to recognise a guest of its own. Pure.
/// The metadata element is the truth about which life of the VM a QEMU process is: it moves with the process.
/// </summary>
public static class DomainXml
{
    /// <summary>PCI Express ports of a guest, besides those of its disks and NICs: half of them for what else it has.</summary>
    private const int Ports = 16;

    public static readonly XNamespace Metadata = "urn:orchestrator:agent:1";

    /// <param name="accelerator">"kvm" or "tcg"; the definition's own wish goes first.</param>
    /// <param name="started">Unix time in ms.</param>
    /// <param name="hostUuid">The guest may read it as its machine's serial number.</param>
    /// <param name="seed">Path of the CD for its first start.</param>
    public static string Build(
        VmDefinition vm, long lease, string accelerator, string consoleLog, string vncListen, long started, string hostUuid = "", string seed = "")
    {
        var kvm = vm.Emulation == Emulation.Kvm || (vm.Emulation == Emulation.Auto && accelerator == "kvm");
        return new XElement(
            "domain", new XAttribute("type", kvm ? "kvm" : "qemu"),
            new XElement("name", SafeName(vm)),
            new XElement("uuid", vm.Id),
            new XElement("title", Printable(vm.Name)),
            new XElement("metadata", Guest(vm, lease, started)),
            Memory(vm),
            HardwareXml.Tuning(vm),
            HardwareXml.System(vm, hostUuid),
            new XElement("vcpu", new XAttribute("placement", "static"), new XAttribute("current", vm.VirtualCpus), MaxCpus(vm)),
            Os(vm),
            new XElement("features", new XElement("acpi"), new XElement("apic"), Smm(vm)),
            Cpu(vm, kvm),
            HardwareXml.Clock(vm, DateTimeOffset.FromUnixTimeMilliseconds(started)),
            new XElement("on_poweroff", "destroy"),
            new XElement("on_reboot", "restart"),
            new XElement("on_crash", "destroy"),
            Devices(vm, consoleLog, vncListen, seed)).ToString();
    }

    /// <returns>Null when the domain is none of ours.</returns>
    public static (GuestKey Guest, long Started)? Owner(string xml)
    {
        var guest = XElement.Parse(xml).Element("metadata")?.Element(Metadata + "guest");
        if (guest is null || !Guid.TryParse((string?)guest.Attribute("vm"), out var vm)) return null;
        if (!TryNumber((string?)guest.Attribute("lease"), out var lease)) return null;
        _ = TryNumber((string?)guest.Attribute("started"), out var started);
        return (new GuestKey(vm, lease), started);
    }

    /// <summary>XML that hooks have changed, if it is still that of the same copy of the same VM.</summary>
    /// <exception cref="HypervisorException">It is not.</exception>
    public static string Changed(string xml, string before)
    {
        try
        {
            var (now, was) = (XElement.Parse(xml), XElement.Parse(before));
            return Owner(xml) == Owner(before) && (string?)now.Element("uuid") == (string?)was.Element("uuid") && (string?)now.Element("name") == (string?)was.Element("name")
                ? xml
                : throw new HypervisorException("a hook has changed the name, uuid or metadata of the domain: they say whose it is, and must stay");
        }
        catch (System.Xml.XmlException e)
        {
            throw new HypervisorException($"what the hooks have left is no XML: {e.Message}", e);
        }
    }

    /// <summary>The XML under which the destination takes the guest over: the same but for its lease.</summary>
    public static string WithLease(string xml, long lease)
    {
        var domain = XElement.Parse(xml, LoadOptions.PreserveWhitespace);
        var guest = domain.Element("metadata")?.Element(Metadata + "guest")
            ?? throw new HypervisorException("the domain has no metadata of ours");
        guest.SetAttributeValue("lease", lease);
        return domain.ToString(SaveOptions.DisableFormatting);
    }

    /// <returns>Null for a guest that an older agent has started.</returns>
    public static OnStorageError? OnStorageError(string xml) =>
        Enum.TryParse<OnStorageError>(
            (string?)XElement.Parse(xml).Element("metadata")?.Element(Metadata + "guest")?.Attribute("onstorageerror"), out var what)
            ? what
            : null;

    /// <summary>Paths of the disks that the guest has open.</summary>
    public static IEnumerable<string> DiskPaths(string xml) =>
        XElement.Parse(xml).Descendants("disk").Elements("source")
            .Select(s => (string?)s.Attribute("file") ?? (string?)s.Attribute("dev")).OfType<string>();

    public static bool AgentConnected(string xml) =>
        XElement.Parse(xml).Descendants("channel").Elements("target")
            .Any(t => (string?)t.Attribute("name") == "org.qemu.guest_agent.0" && (string?)t.Attribute("state") == "connected");

    public static ConsoleAddress? Console(string xml)
    {
        var vnc = XElement.Parse(xml).Descendants("graphics").FirstOrDefault(g => (string?)g.Attribute("type") == "vnc");
        return TryNumber((string?)vnc?.Attribute("port"), out var port) && port > 0
            ? new ConsoleAddress((string?)vnc?.Attribute("listen") ?? "", (int)port)
            : null;
    }

    public static long MemoryBytes(string xml) =>
        TryNumber(XElement.Parse(xml).Element("memory")?.Value, out var kib) ? kib << 10 : 0;

    /// <returns>Where what its firmware and TPM keep is copied to; null: nowhere.</returns>
    public static string? StateFolder(string xml) =>
        (string?)XElement.Parse(xml).Element("metadata")?.Element(Metadata + "guest")?.Attribute("state");

    public static ImmutableDictionary<string, string> Properties(string xml) =>
        (XElement.Parse(xml).Element("metadata")?.Element(Metadata + "guest")?.Elements(Metadata + "property") ?? [])
            .ToImmutableDictionary(p => (string?)p.Attribute("name") ?? "", p => (string?)p.Attribute("value") ?? "");

    private static XElement Guest(VmDefinition vm, long lease, long started) => new(
        Metadata + "guest",
        new XAttribute(XNamespace.Xmlns + "orchestrator", Metadata.NamespaceName),
        new XAttribute("vm", vm.Id), new XAttribute("lease", lease), new XAttribute("started", started),
        new XAttribute("onstorageerror", vm.OnStorageError),
        vm.Hardware is { Tpm: true, StateFolder: { } state } ? new XAttribute("state", state) : null,
        vm.Hardware?.Properties.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p =>
            new XElement(Metadata + "property", new XAttribute("name", p.Key), new XAttribute("value", Printable(p.Value)))));

    private static IEnumerable<XElement> Memory(VmDefinition vm)
    {
        if (vm.MaxMemoryBytes > vm.MemoryBytes)
            yield return new XElement(
                "maxMemory", new XAttribute("slots", 16), new XAttribute("unit", "KiB"), vm.MaxMemoryBytes >> 10);
        yield return new XElement("memory", new XAttribute("unit", "KiB"), vm.MemoryBytes >> 10);
        yield return new XElement("currentMemory", new XAttribute("unit", "KiB"), vm.MemoryBytes >> 10);
    }

    private static XElement Os(VmDefinition vm)
    {
        var os = new XElement("os");
        if (vm.Firmware != Firmware.Bios) os.Add(new XAttribute("firmware", "efi"));
        os.Add(new XElement("type", new XAttribute("arch", "x86_64"), new XAttribute("machine", vm.Machine), "hvm"));
        if (vm.Firmware == Firmware.UefiSecureBoot)
            os.Add(
                // Without keys in it, the firmware would start anything.
                new XElement("firmware", ((string[])["enrolled-keys", "secure-boot"]).Select(name =>
                    new XElement("feature", new XAttribute("enabled", "yes"), new XAttribute("name", name)))),
                new XElement("loader", new XAttribute("secure", "yes")));
        if (vm.Kernel is { Length: > 0 } kernel) os.Add(new XElement("kernel", kernel));
        if (vm.Initrd is { Length: > 0 } initrd) os.Add(new XElement("initrd", initrd));
        if (vm.Cmdline is { Length: > 0 } cmdline) os.Add(new XElement("cmdline", Printable(cmdline)));
        HardwareXml.Os(vm, os);
        return os;
    }

    private static XElement? Smm(VmDefinition vm) =>
        vm.Firmware == Firmware.UefiSecureBoot ? new XElement("smm", new XAttribute("state", "on")) : null;

    /// <summary>As many as oVirt has (MaxNumOfVmSockets), with 240 CPUs at most: more need an interrupt remapper.</summary>
    private static int MaxSockets(VmDefinition vm) => Math.Max(vm.Sockets, Math.Min(16, 240 / (vm.Cores * vm.Threads)));

    private static int MaxCpus(VmDefinition vm) => MaxSockets(vm) * vm.Cores * vm.Threads;

    private static XElement Cpu(VmDefinition vm, bool kvm)
    {
        var cpu = new XElement("cpu");
        HardwareXml.Cpu(vm, cpu, kvm);
        cpu.Add(new XElement(
            "topology", new XAttribute("sockets", MaxSockets(vm)), new XAttribute("dies", 1),
            new XAttribute("cores", vm.Cores), new XAttribute("threads", vm.Threads)));
        if (HardwareXml.Numa(vm) is { } nodes) cpu.Add(nodes);
        else if (vm.MaxMemoryBytes > vm.MemoryBytes)
            cpu.Add(new XElement("numa", new XElement(
                "cell", new XAttribute("id", 0), new XAttribute("cpus", $"0-{MaxCpus(vm) - 1}"),
                new XAttribute("memory", vm.MemoryBytes >> 10), new XAttribute("unit", "KiB"))));
        return cpu;
    }

    private static XElement Devices(VmDefinition vm, string consoleLog, string vncListen, string seed)
    {
        var devices = new XElement("devices");
        var boot = BootOrder(vm);
        var names = new Dictionary<string, int>();
        foreach (var disk in vm.Disks) devices.Add(Disk(disk, vm, NameOf(disk, names), boot.GetValueOrDefault(disk.Id)));
        devices.Add(CdDrive.Of(vm, tray => NameOf(tray, names), boot.GetValueOrDefault(CdDrive.Id)));
        devices.Add(HardwareXml.Seed(vm, tray => NameOf(tray, names), seed));
        if (vm.Disks.Any(d => d.Interface == DiskInterface.VirtioScsi)) devices.Add(ScsiController(vm));
        // Where a device can be plugged in while the guest runs: of PCI Express only in a port of its own.
        if (!IsOldPc(vm))
            for (var port = 0; port <= Ports + vm.Disks.Length + vm.Nics.Length; port++)
                devices.Add(new XElement(
                    "controller", new XAttribute("type", "pci"), new XAttribute("index", port),
                    new XAttribute("model", port == 0 ? "pcie-root" : "pcie-root-port")));
        foreach (var nic in vm.Nics) devices.Add(Nic(nic, vm, boot.GetValueOrDefault(nic.Id)));
        devices.Add(
            XElement.Parse(
                "<serial type='pty'><target type='isa-serial' port='0'/></serial>"),
            XElement.Parse("<console type='pty'><target type='serial' port='0'/></console>"),
            XElement.Parse("<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"),
            vm.Headless ? null : Screen(vncListen),
            vm.Headless ? null : XElement.Parse("<video><model type='vga'/></video>"),
            HardwareXml.Devices(vm),
            XElement.Parse("<panic model='isa'/>"),
            vm.Watchdog is { } watchdog
                ? new XElement(
                    "watchdog", new XAttribute("model", watchdog.Model),
                    new XAttribute("action", watchdog.Action.ToString().ToLowerInvariant()))
                : null);
        devices.Element("serial")!.AddFirst(
            new XElement("log", new XAttribute("file", consoleLog), new XAttribute("append", "off")));
        return devices;
    }

    /// <summary>With a password that is good no more: who gives another one decides who looks.</summary>
    private static XElement Screen(string listen) => new(
        "graphics", new XAttribute("type", "vnc"), new XAttribute("port", -1), new XAttribute("autoport", "yes"),
        new XAttribute("listen", listen), new XAttribute("passwd", "*****"), new XAttribute("passwdValidTo", "1970-01-01T00:00:01"));

    /// <summary>Device id → its place in the boot order. With a kernel given the firmware boots nothing else.</summary>
    private static Dictionary<Guid, int> BootOrder(VmDefinition vm)
    {
        if (vm.Kernel is { Length: > 0 }) return [];
        var order = vm.BootDevices.IsEmpty ? [BootDevice.Hd] : vm.BootDevices;
        var devices = order.SelectMany(kind => kind switch
        {
            BootDevice.Hd => vm.Disks.Where(d => d.Bootable && !IsCdrom(d)).Select(d => d.Id),
            BootDevice.Cdrom => vm.Disks.Where(IsCdrom).Select(d => d.Id).Concat(vm.Cdrom is null ? [] : [CdDrive.Id]),
            _ => vm.Nics.Select(n => n.Id),
        });
        return devices.Distinct().Select((id, i) => (id, i)).ToDictionary(d => d.id, d => d.i + 1);
    }

    /// <summary>QEMU has no read-only IDE or SATA hard disk: what is read-only there is a CD.</summary>
    private static bool IsCdrom(VmDisk disk) =>
        disk.ReadOnly && disk.Interface is DiskInterface.Sata or DiskInterface.Ide;

    private static string NameOf(VmDisk disk, Dictionary<string, int> names)
    {
        var bus = BusOf(disk);
        var n = names.GetValueOrDefault(bus);
        names[bus] = n + 1;
        return NameOf(disk, n);
    }

    /// <summary>Of PCI without Express, and IDE.</summary>
    internal static bool IsOldPc(VmDefinition vm) => vm.Machine == "pc" || vm.Machine.StartsWith("pc-i440fx", StringComparison.Ordinal);

    /// <summary>The name of the n-th disk on its bus.</summary>
    internal static string NameOf(VmDisk disk, int n) =>
        BusOf(disk) + (n < 26 ? "" : (char)('a' + (n / 26) - 1)) + (char)('a' + (n % 26));

    private static string BusOf(VmDisk disk) => disk.Interface switch { DiskInterface.Virtio => "vd", DiskInterface.Ide => "hd", _ => "sd" };

    internal static XElement ScsiController(VmDefinition vm)
    {
        var controller = new XElement("controller", new XAttribute("type", "scsi"), new XAttribute("model", "virtio-scsi"));
        HardwareXml.ScsiController(vm, controller);
        return controller;
    }

    internal static XElement Disk(VmDisk disk, VmDefinition vm, string name, int boot)
    {
        var block = disk.Path.StartsWith("/dev/", StringComparison.Ordinal);
        var element = new XElement(
            "disk", new XAttribute("type", block ? "block" : "file"),
            new XAttribute("device", IsCdrom(disk) ? "cdrom" : "disk"),
            new XElement(
                "driver", new XAttribute("name", "qemu"), new XAttribute("type", disk.Format == DiskFormat.Raw ? "raw" : "qcow2"),
                new XAttribute("cache", "none"), new XAttribute("io", "threads"),
                new XAttribute("error_policy", "stop"), new XAttribute("rerror_policy", "stop"), new XAttribute("discard", "unmap")),
            new XElement("source", new XAttribute(block ? "dev" : "file", disk.Path)),
            new XElement("target", new XAttribute("dev", name), new XAttribute("bus", disk.Interface switch
            {
                DiskInterface.Virtio => "virtio",
                DiskInterface.VirtioScsi => "scsi",
                DiskInterface.Sata => "sata",
                _ => "ide",
            })),
            IsCdrom(disk) ? null : new XElement("serial", disk.Id.ToString()),
            LiveMachine.Alias(disk.Id));
        if (disk.ReadOnly) element.Add(new XElement("readonly"));
        if (boot > 0) element.Add(new XElement("boot", new XAttribute("order", boot)));
        HardwareXml.Disk(disk, vm, Math.Max(0, vm.Disks.IndexOf(disk)), element);
        return element;
    }

    internal static XElement Nic(VmNic nic, VmDefinition vm, int boot)
    {
        var element = nic.Bridge is { Length: > 0 } bridge
            ? new XElement("interface", new XAttribute("type", "bridge"), new XElement("source", new XAttribute("bridge", bridge)))
            : new XElement("interface", new XAttribute("type", "user"));
        element.AddFirst(new XElement("mac", new XAttribute("address", nic.Mac)));
        element.Add(new XElement("model", new XAttribute("type", nic.Model.ToString().ToLowerInvariant())));
        var linked = nic.Linked && nic.Bridge is { Length: > 0 };
        element.Add(new XElement("link", new XAttribute("state", linked ? "up" : "down")));
        if (boot > 0) element.Add(new XElement("boot", new XAttribute("order", boot)));
        element.Add(LiveMachine.Alias(nic.Id));
        HardwareXml.Nic(nic, vm, element);
        return element;
    }

    /// <summary>libvirt refuses "/" and line breaks in names, and two domains of one name: the id makes it unique.</summary>
    private static string SafeName(VmDefinition vm)
    {
        var name = new string([.. vm.Name.Where(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.').Take(60)]);
        return $"{(name.Length == 0 ? "vm" : name)}-{vm.Id.ToString()[^8..]}";
    }

    private static string Printable(string text) => new([.. text.Where(c => !char.IsControl(c))]);

    private static bool TryNumber(string? text, out long number) =>
        long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out number);
}
