using System.Globalization;

namespace Orchestrator.Actors.Vm;

/// <summary>What of a machine makes no sense. Pure.</summary>
public static class HardwareRules
{
    private const int MostIoThreads = 16, MostShares = 262_144, MostHostCpus = 4096;

    /// <returns>A sentence that begins with the field; null: all of it does.</returns>
    public static string? Wrong(VmConfig config) =>
        (config.Hardware is { } hardware ? Wrong(config, hardware) : null) ?? config.Nics.Select(Wrong).FirstOrDefault(w => w is not null)
        ?? config.Disks.Select(Wrong).FirstOrDefault(w => w is not null);

    private static string? Wrong(VmConfig config, VmHardware h) => h switch
    {
        { Tpm: true } when config.BiosType.StartsWith("i440fx", StringComparison.Ordinal) => "tpm_enabled needs a BIOS type of q35",
        { Tpm: true, StateFolder: "" } => "tpm_enabled needs an active storage domain in the VM's data center: what a TPM keeps must outlive its host",
        { CpuMode: "custom", CpuModel: "" } => "cpu.mode custom needs custom_cpu_model",
        { CpuMode: "host_model" or "host_passthrough", CpuModel: not "" } => $"custom_cpu_model and cpu.mode {h.CpuMode} exclude each other",
        _ when !IsName(h.CpuModel) => $"custom_cpu_model is '{h.CpuModel}'; it is a name such as Skylake-Server",
        _ when !IsName(h.EmulatedMachine) => $"custom_emulated_machine is '{h.EmulatedMachine}'; it is a name such as pc-q35-7.2",
        { CpuShares: < 0 or > MostShares or 1 } => $"cpu_shares is {h.CpuShares}; it must be 0 (the default) or from 2 to {MostShares}",
        { IoThreads: < 0 or > MostIoThreads } => $"io.threads is {h.IoThreads}; it must be from 0 to {MostIoThreads}",
        { ScsiQueues: < -1 or > 256 } => $"virtio_scsi_multi_queues is {h.ScsiQueues}; it must be from -1 (by itself) to 256",
        { HugePagesKib: not (0 or 2048 or 1_048_576) } => $"custom_properties: hugepages is {h.HugePagesKib}; pages have 2048 or 1048576 KiB",
        { HugePagesKib: > 0 and var page } when config.Memory % ((long)page << 10) != 0 =>
            $"memory is {config.Memory} bytes, which is no whole number of pages of {page} KiB (custom_properties: hugepages)",
        { RngBytes: < 0 } or { RngPeriodMs: < 0 } => "rng_device.rate must not be below 0",
        { RngPeriodMs: > 0, RngBytes: 0 } => "rng_device.rate.period needs bytes",
        { SerialPolicy: "custom", Serial: "" } => "serial_number.policy custom needs a value",
        _ when h.Serial.Length > 64 || h.Serial.Any(char.IsControl) => "serial_number.value must be one line of at most 64 characters",
        _ when h.TimeZone.Length > 0 && !TimeZoneInfo.TryFindSystemTimeZoneById(h.TimeZone, out _) => $"time_zone.name is '{h.TimeZone}', which is no time zone",
        _ => Pins(config, h) ?? Nodes(config, h),
    };

    private static string? Pins(VmConfig config, VmHardware h)
    {
        if (h.Pins.IsEmpty) return null;
        // As in oVirt: what the CPUs of a host are called means nothing on another one.
        if (config.PreferredHosts.IsEmpty) return "cpu.cpu_tune.vcpu_pins needs placement_policy.hosts: pins are of certain hosts' CPUs";
        if (h.Pins.Select(p => p.Vcpu).Distinct().Count() != h.Pins.Length) return "cpu.cpu_tune.vcpu_pins names a CPU twice";
        if (h.Pins.FirstOrDefault(p => p.Vcpu < 0 || p.Vcpu >= config.VCpus) is { } beyond)
            return $"cpu.cpu_tune.vcpu_pins names CPU {beyond.Vcpu}; the VM has {config.VCpus}, from 0";
        return h.Pins.FirstOrDefault(p => Numbers(p.Cpus) is null or { Count: 0 }) is { } odd
            ? $"cpu.cpu_tune.vcpu_pins: '{odd.Cpus}' is no set of CPUs such as 0-3,^2"
            : null;
    }

    private static string? Nodes(VmConfig config, VmHardware h)
    {
        if (h.NumaNodes.IsEmpty) return null;
        if (!h.NumaNodes.Select(n => n.Index).Order().SequenceEqual(Enumerable.Range(0, h.NumaNodes.Length)))
            return "numa_nodes: indexes must be 0, 1, 2 and so on, each once";
        if (h.NumaNodes.FirstOrDefault(n => n.MemoryMib < 1) is { } empty) return $"numa_nodes: node {empty.Index} has no memory";
        if (h.NumaNodes.Sum(n => n.MemoryMib) is var all && all > config.Memory >> 20)
            return $"numa_nodes: they have {all} MiB of memory, and the VM {config.Memory >> 20}";
        var taken = new HashSet<int>();
        foreach (var node in h.NumaNodes)
        {
            if (Numbers(node.Cpus) is not { } cpus) return $"numa_nodes: '{node.Cpus}' is no set of CPUs";
            if (cpus.Any(c => c >= config.VCpus)) return $"numa_nodes: node {node.Index} has a CPU that the VM has not, which has {config.VCpus}";
            if (!cpus.All(taken.Add)) return $"numa_nodes: node {node.Index} has a CPU that another node has, too";
            if (node.HostNodes.Length > 0 && Numbers(node.HostNodes) is null or { Count: 0 }) return $"numa_nodes: '{node.HostNodes}' is no set of a host's nodes";
        }

        return h.NumaNodes.Any(n => n.HostNodes.Length > 0) && config.PreferredHosts.IsEmpty
            ? "numa_nodes: pins to a host's nodes need placement_policy.hosts"
            : null;
    }

    /// <returns>As <see cref="Wrong(VmConfig)"/>.</returns>
    public static string? Wrong(Nic nic) => nic switch
    {
        _ when !IsName(nic.Filter) => $"Nic.network_filter is '{nic.Filter}'; it is the name of a filter of libvirt's",
        { Qos: null } => null,
        { Qos: { InboundKbit: < 0 } or { InboundPeakKbit: < 0 } or { InboundBurstKib: < 0 } or { OutboundKbit: < 0 } or { OutboundPeakKbit: < 0 } or { OutboundBurstKib: < 0 } } =>
            "Nic.qos: no limit is below 0",
        { Qos: { InboundKbit: 0, InboundPeakKbit: > 0 } or { InboundKbit: 0, InboundBurstKib: > 0 } } => "Nic.qos: a peak or burst needs an inbound_average",
        { Qos: { OutboundKbit: 0, OutboundPeakKbit: > 0 } or { OutboundKbit: 0, OutboundBurstKib: > 0 } } => "Nic.qos: a peak or burst needs an outbound_average",
        _ => null,
    };

    /// <returns>As <see cref="Wrong(VmConfig)"/>.</returns>
    public static string? Wrong(DiskAttachment disk) => disk.Qos switch
    {
        null => null,
        { Bytes: < 0 } or { ReadBytes: < 0 } or { WriteBytes: < 0 } or { Operations: < 0 } or { ReadOperations: < 0 } or { WriteOperations: < 0 } =>
            "DiskAttachment.qos: no limit is below 0",
        { Bytes: > 0, ReadBytes: > 0 } or { Bytes: > 0, WriteBytes: > 0 } or { Operations: > 0, ReadOperations: > 0 } or { Operations: > 0, WriteOperations: > 0 } =>
            "DiskAttachment.qos: a limit of all exchange and one of reads or writes exclude each other",
        _ => null,
    };

    private static bool IsName(string text) => text.Length <= 64 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    /// <summary>The numbers of a set such as 0-3,^2,7; null when it is none.</summary>
    public static IReadOnlyCollection<int>? Numbers(string set)
    {
        var numbers = new SortedSet<int>();
        foreach (var part in set.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var without = part.StartsWith('^');
            var ends = (without ? part[1..] : part).Split('-');
            if (ends.Length > 2 || Number(ends[0]) is not { } first || Number(ends[^1]) is not { } last || last < first) return null;
            for (var n = first; n <= last; n++)
                if (without) numbers.Remove(n);
                else numbers.Add(n);
        }

        return numbers;
    }

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number < MostHostCpus ? number : null;
}
