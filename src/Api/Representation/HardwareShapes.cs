using static Orchestrator.Api.Representation.Field;

namespace Orchestrator.Api.Representation;

/// <summary>What a VM is made of besides its size, and what it is told at its first start.</summary>
public static partial class Shapes
{
    private static Field[] Furnishing =>
    [
        Choice("cpu_pinning_policy", "none", "manual", "resize_and_pin_numa", "dedicated", "isolate_threads"), Integer("cpu_shares"),
        Text("custom_cpu_model"), Text("custom_emulated_machine"), Many("custom_properties", () => CustomProperty),
        One("initialization", () => Initialization), One("io", () => Io), Boolean("multi_queues_enabled"), One("rng_device", () => RngDevice),
        One("serial_number", () => SerialNumber), Boolean("soundcard_enabled"), One("time_zone", () => TimeZone), Boolean("tpm_enabled"),
        One("usb", () => Usb), Integer("virtio_scsi_multi_queues"), Boolean("virtio_scsi_multi_queues_enabled"),
    ];

    public static Shape CpuTune { get; } = new("cpu_tune", "cpu_tunes", Many("vcpu_pins", () => VcpuPin));

    public static Shape VcpuPin { get; } = new("vcpu_pin", "vcpu_pins", Text("cpu_set"), Integer("vcpu"));

    public static Shape Core { get; } = new("core", "cores", Integer("index"), Integer("socket"));

    public static Shape CustomProperty { get; } = new("custom_property", "custom_properties", Text("name"), Text("regexp"), Text("value"));

    public static Shape Io { get; } = new("io", "ios", Integer("threads"));

    public static Shape RngDevice { get; } = new("rng_device", "rng_devices",
        One("rate", () => Rate), Choice("source", "hwrng", "random", "urandom"));

    public static Shape Rate { get; } = new("rate", "rates", Integer("bytes"), Integer("period"));

    public static Shape SerialNumber { get; } = new("serial_number", "serial_numbers",
        Choice("policy", "host", "vm", "custom", "none"), Text("value"));

    public static Shape Usb { get; } = new("usb", "usbs", Boolean("enabled"), Choice("type", "legacy", "native"));

    public static Shape Initialization { get; } = new("initialization", "initializations",
        Text("authorized_ssh_keys"), Text("custom_script"), Text("dns_search"), Text("dns_servers"), Text("domain"), Text("host_name"),
        Many("nic_configurations", () => NicConfiguration), Boolean("regenerate_ssh_keys"), Text("root_password"), Text("timezone"),
        Text("user_name"));

    public static Shape NicConfiguration { get; } = new("nic_configuration", "nic_configurations",
        Text("name"), Choice("boot_protocol", "dhcp", "none", "static"), One("ip", () => Ip), One("ipv6", () => Ip),
        Choice("ipv6_boot_protocol", "autoconf", "dhcp", "none", "poly_dhcp_autoconf", "static"), Boolean("on_boot"));

    public static Shape NumaNode { get; } = new("vm_numa_node", "vm_numa_nodes",
        Integer("index"), Long("memory"), One("cpu", () => Cpu), Choice("numa_tune_mode", "interleave", "preferred", "strict"),
        Many("numa_node_pins", () => NumaNodePin), One("vm", () => Vm));

    public static Shape NumaNodePin { get; } = new("numa_node_pin", "numa_node_pins", Integer("index"));

    public static Shape NetworkFilter { get; } = Reference("network_filter", "network_filters");

    /// <summary>Of NICs in megabits a second and megabytes, of disks in megabytes a second.</summary>
    public static Shape Qos { get; } = new("qos", "qoss",
        Text("name"), Text("description"), Choice("type", "storage", "cpu", "network", "hostnetwork"), Integer("cpu_limit"),
        Integer("inbound_average"), Integer("inbound_burst"), Integer("inbound_peak"), Integer("max_iops"), Integer("max_read_iops"),
        Integer("max_read_throughput"), Integer("max_throughput"), Integer("max_write_iops"), Integer("max_write_throughput"),
        Integer("outbound_average"), Integer("outbound_average_linkshare"), Integer("outbound_average_realtime"),
        Integer("outbound_average_upperlimit"), Integer("outbound_burst"), Integer("outbound_peak"), One("data_center", () => DataCenter));
}
