using System.Collections.Immutable;
using System.Globalization;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>The parts of a machine between a body and a definition.</summary>
internal static class Hardware
{
    private const string HugePages = "hugepages";
    private const int MostMegabits = 1_000_000, MostMegabytes = 1_000_000;

    /// <summary>Null where the body says nothing of it.</summary>
    public static VmHardware? Read(ApiCall call, Element body, VmHardware? given)
    {
        var present = given ?? VmHardware.Usual;
        var (cpu, rng, serial) = (body.One("cpu"), body.One("rng_device"), body.One("serial_number"));
        var rate = rng?.One("rate");
        var wanted = present with
        {
            Tpm = body.Flag("tpm_enabled") ?? present.Tpm,
            BootMenu = body.One("bios")?.One("boot_menu")?.Flag("enabled") ?? present.BootMenu,
            CpuMode = cpu?.Text("mode") ?? present.CpuMode,
            CpuModel = body.Text("custom_cpu_model") ?? present.CpuModel,
            CpuShares = body.Integer("cpu_shares") ?? present.CpuShares,
            Pins = Pins(body, cpu) ?? present.Pins,
            IoThreads = body.One("io")?.Integer("threads") ?? present.IoThreads,
            NicQueues = body.Flag("multi_queues_enabled") ?? present.NicQueues,
            ScsiQueues = body.Integer("virtio_scsi_multi_queues") ?? body.Flag("virtio_scsi_multi_queues_enabled") switch
            {
                true => present.ScsiQueues == 0 ? -1 : present.ScsiQueues,
                false => 0,
                null => present.ScsiQueues,
            },
            Sound = body.Flag("soundcard_enabled") ?? present.Sound,
            Usb = body.One("usb")?.Flag("enabled") ?? present.Usb,
            RngSource = rng?.Text("source") ?? present.RngSource,
            RngBytes = rate is null ? present.RngBytes : rate.Integer("bytes") ?? 0,
            RngPeriodMs = rate is null ? present.RngPeriodMs : rate.Integer("period") ?? 0,
            Ballooning = body.One("memory_policy")?.Flag("ballooning") ?? present.Ballooning,
            SerialPolicy = serial?.Text("policy") ?? present.SerialPolicy,
            Serial = serial?.Text("value") ?? present.Serial,
            TimeZone = body.One("time_zone")?.Text("name") is { } zone ? (zone is "Etc/GMT" or "GMT" ? "" : zone) : present.TimeZone,
            EmulatedMachine = body.Text("custom_emulated_machine") ?? present.EmulatedMachine,
        };
        // A mode that is not custom takes the model away, and a model makes the mode custom.
        if (cpu?.Text("mode") is "host_model" or "host_passthrough" && body.Text("custom_cpu_model") is null) wanted = wanted with { CpuModel = "" };
        if (body.Text("custom_cpu_model") is { Length: > 0 } && cpu?.Text("mode") is null) wanted = wanted with { CpuMode = "custom" };
        if (body.Text("custom_cpu_model") is "" && wanted.CpuMode == "custom" && cpu?.Text("mode") is null) wanted = wanted with { CpuMode = "" };
        if (body.Many("custom_properties") is { } properties) wanted = Own(call, wanted, properties);
        return wanted == present ? null : wanted;
    }

    /// <summary>The patch with a folder for what firmware and TPM keep, where they get something to keep by it.</summary>
    public static async Task<VmPatch> WithFolder(ApiCall call, VmPatch patch, VmConfig present)
    {
        var wanted = patch.Apply(present);
        if (wanted.Hardware is { StateFolder: not "" } || !(Keeps(wanted) && (!Keeps(present) || wanted.Hardware?.Tpm == true))) return patch;
        return await Memories.FolderFor(call, wanted with { Memory = 1 << 20 }) is { } folder
            ? patch with { Hardware = (wanted.Hardware ?? VmHardware.Usual) with { StateFolder = folder } }
            : patch;
    }

    public static void Show(Element element, VmConfig config)
    {
        var h = config.Hardware ?? VmHardware.Usual;
        var cpu = element.One("cpu")!;
        if (h.CpuMode != "") cpu.With("mode", h.CpuMode);
        if (!h.Pins.IsEmpty)
            cpu.With("cpu_tune", Shapes.CpuTune.New().With("vcpu_pins", [.. h.Pins.Select(p =>
                Shapes.VcpuPin.New().With("cpu_set", p.Cpus).With("vcpu", p.Vcpu))]));
        element.One("bios")!.With("boot_menu", Shapes.Switch.New().With("enabled", h.BootMenu));
        element.One("memory_policy")!.With("ballooning", h.Ballooning);
        var serial = Shapes.SerialNumber.New().With("policy", h.SerialPolicy);
        if (h.Serial != "") serial.With("value", h.Serial);
        var rng = Shapes.RngDevice.New().With("source", h.RngSource);
        if (h.RngBytes > 0)
        {
            var rate = Shapes.Rate.New().With("bytes", h.RngBytes);
            rng.With("rate", h.RngPeriodMs > 0 ? rate.With("period", h.RngPeriodMs) : rate);
        }

        element
            .With("cpu_pinning_policy", h.Pins.IsEmpty ? "none" : "manual")
            .With("cpu_shares", h.CpuShares)
            .With("io", Shapes.Io.New().With("threads", h.IoThreads))
            .With("multi_queues_enabled", h.NicQueues)
            .With("rng_device", rng)
            .With("serial_number", serial)
            .With("soundcard_enabled", h.Sound)
            .With("time_zone", Shapes.TimeZone.New().With("name", h.TimeZone == "" ? "Etc/GMT" : h.TimeZone))
            .With("tpm_enabled", h.Tpm)
            .With("usb", Shapes.Usb.New().With("enabled", h.Usb).With("type", h.Usb ? "native" : null))
            .With("virtio_scsi_multi_queues_enabled", h.ScsiQueues != 0);
        if (h.ScsiQueues != 0) element.With("virtio_scsi_multi_queues", h.ScsiQueues);
        if (h.CpuModel != "") element.With("custom_cpu_model", h.CpuModel);
        if (h.EmulatedMachine != "") element.With("custom_emulated_machine", h.EmulatedMachine);
        var properties = h.Properties.Select(p => (p.Name, p.Value)).ToList();
        if (h.HugePagesKib > 0) properties.Insert(0, (HugePages, h.HugePagesKib.ToString(CultureInfo.InvariantCulture)));
        if (properties.Count > 0)
            element.With("custom_properties", [.. properties.Select(p => Shapes.CustomProperty.New().With("name", p.Name).With("value", p.Value))]);
        if (config.Initialization is { } told) element.With("initialization", Initializations.Show(told));
    }

    /// <summary>Limits that the body gives in all; null where it says nothing, and of one that has none: no limit at all.</summary>
    public static NicQos? Nic(Element body, NicQos? present)
    {
        if (body.One("qos") is not { } qos) return present;
        int Of(string field, int unit, int most) => qos.Integer(field) is not { } value ? 0
            : value >= 0 && value <= most ? value * unit
            : throw FaultException.Bad($"Nic.qos.{field} is {value}; it must be from 0 to {most}");
        var limits = new NicQos(
            Of("inbound_average", 1000, MostMegabits), Of("inbound_peak", 1000, MostMegabits), Of("inbound_burst", 1024, MostMegabytes),
            Of("outbound_average", 1000, MostMegabits), Of("outbound_peak", 1000, MostMegabits), Of("outbound_burst", 1024, MostMegabytes));
        return limits == new NicQos(0, 0, 0, 0, 0, 0) ? null : limits;
    }

    public static DiskQos? Disk(Element body, DiskQos? present)
    {
        if (body.One("qos") is not { } qos) return present;
        long Of(string field, long unit) => qos.Integer(field) is not { } value ? 0
            : value >= 0 ? value * unit
            : throw FaultException.Bad($"DiskAttachment.qos.{field} is {value}; it must be 0 (no limit) or more");
        var limits = new DiskQos(
            Of("max_throughput", 1 << 20), Of("max_read_throughput", 1 << 20), Of("max_write_throughput", 1 << 20),
            Of("max_iops", 1), Of("max_read_iops", 1), Of("max_write_iops", 1));
        return limits == new DiskQos(0, 0, 0, 0, 0, 0) ? null : limits;
    }

    public static Element? Show(NicQos? qos) => qos is null ? null : NotNull(Shapes.Qos.New(),
        ("inbound_average", qos.InboundKbit / 1000), ("inbound_peak", qos.InboundPeakKbit / 1000), ("inbound_burst", qos.InboundBurstKib / 1024),
        ("outbound_average", qos.OutboundKbit / 1000), ("outbound_peak", qos.OutboundPeakKbit / 1000), ("outbound_burst", qos.OutboundBurstKib / 1024));

    public static Element? Show(DiskQos? qos) => qos is null ? null : NotNull(Shapes.Qos.New(),
        ("max_throughput", qos.Bytes >> 20), ("max_read_throughput", qos.ReadBytes >> 20), ("max_write_throughput", qos.WriteBytes >> 20),
        ("max_iops", qos.Operations), ("max_read_iops", qos.ReadOperations), ("max_write_iops", qos.WriteOperations));

    private static Element NotNull(Element element, params (string Field, long Value)[] values)
    {
        foreach (var (field, value) in values)
            if (value != 0) element.With(field, value);
        return element;
    }

    private static bool Keeps(VmConfig config) => config.Hardware?.Tpm == true || config.BiosType is "q35_ovmf" or "q35_secure_boot";

    private static ImmutableArray<VcpuPin>? Pins(Element body, Element? cpu)
    {
        var policy = body.Text("cpu_pinning_policy");
        if (policy is not (null or "none" or "manual")) throw FaultException.NotYet($"cpu_pinning_policy {policy}");
        var pins = cpu?.One("cpu_tune")?.Many("vcpu_pins");
        if (policy == "none" && pins is { Count: > 0 }) throw FaultException.Bad("cpu_pinning_policy is none, and cpu.cpu_tune.vcpu_pins pins");
        if (pins is null) return policy == "none" ? [] : null;
        return
        [
            .. pins.Select(p => new VcpuPin(
                p.Integer("vcpu") ?? throw FaultException.Bad("cpu.cpu_tune.vcpu_pins: each needs a vcpu"),
                p.Text("cpu_set") is { Length: > 0 } set ? set : throw FaultException.Bad("cpu.cpu_tune.vcpu_pins: each needs a cpu_set"))),
        ];
    }

    /// <summary>What a VM's owner may say to hooks, as far as the operator of this installation lets him.</summary>
    private static VmHardware Own(ApiCall call, VmHardware present, IReadOnlyList<Element> bodies)
    {
        var pages = 0;
        var properties = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var body in bodies)
        {
            var (name, value) = (body.Text("name") ?? "", body.Text("value") ?? "");
            if (name == HugePages)
            {
                if (!int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out pages))
                    throw FaultException.Bad($"custom_properties: hugepages is '{value}'; it is the size of a page in KiB, 2048 or 1048576");
                continue;
            }

            if (call.World.Options.CustomProperties.Find(name) is not { } property)
                throw FaultException.Bad($"custom_properties: there is no property {name}; there are {string.Join(", ", call.World.Options.CustomProperties.Names.Prepend(HugePages))}");
            if (value.Any(char.IsControl) || !property.Allows(value)) throw FaultException.Bad($"custom_properties: {name} is '{value}'; it must match {property.Pattern}");
            if (!properties.TryAdd(name, value)) throw FaultException.Bad($"custom_properties names {name} twice");
        }

        return present with { HugePagesKib = pages, Properties = [.. properties.Select(p => new CustomProperty(p.Key, p.Value))] };
    }
}
