using System.Collections.Immutable;
using System.Globalization;
using Orchestrator.Actors.Vm;
using Wire = Orchestrator.Agent.Protocol;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Host;

/// <summary>A machine in the agent protocol's words. Pure.</summary>
internal static class HardwareWords
{
    private const int MostNicQueues = 4;

    /// <param name="clusterCpu">The cluster's CPU type; empty: none.</param>
    public static Wire.VmDefinition Furnished(Wire.VmDefinition definition, VmConfig config, string clusterCpu)
    {
        var h = config.Hardware ?? VmHardware.Usual;
        return definition with
        {
            Machine = h.EmulatedMachine == "" ? definition.Machine : h.EmulatedMachine,
            Hardware = new Wire.GuestHardware
            {
                Cpu          = Cpu(h, clusterCpu),
                CpuShares    = h.CpuShares,
                Pins         = [.. h.Pins.Select(p => new Wire.CpuPin(p.Vcpu, p.Cpus))],
                Nodes        = [.. h.NumaNodes.OrderBy(n => n.Index).Select(n => new Wire.GuestNode(n.Index, n.MemoryMib << 20, n.Cpus, n.HostNodes, n.Mode))],
                HugePagesKib = h.HugePagesKib,
                IoThreads    = h.IoThreads,
                NicQueues    = h.NicQueues ? Math.Min(MostNicQueues, config.VCpus) : 0,
                ScsiQueues   = h.ScsiQueues < 0 ? config.VCpus : h.ScsiQueues,
                Tpm          = h.Tpm,
                StateFolder  = h.StateFolder == "" ? null : $"{h.StateFolder}/{definition.Id}",
                BootMenu     = h.BootMenu,
                Sound        = h.Sound,
                Usb          = h.Usb,
                RngDevice    = h.RngSource switch { "hwrng" => "/dev/hwrng", "random" => "/dev/random", _ => "/dev/urandom" },
                RngBytes     = h.RngBytes,
                RngPeriodMs  = h.RngPeriodMs,
                NoBalloon    = !h.Ballooning,
                Serial       = h.SerialPolicy switch
                {
                    "vm"     => definition.Id.ToString(),
                    "custom" => h.Serial,
                    "none"   => "",
                    _        => null,
                },
                TimeZone     = h.TimeZone == "" ? null : h.TimeZone,
                Properties   = Properties(h),
            },
        };
    }

    public static Wire.DiskLimits? Limits(DiskQos? qos) =>
        qos is { } q ? new Wire.DiskLimits(q.Bytes, q.ReadBytes, q.WriteBytes, q.Operations, q.ReadOperations, q.WriteOperations) : null;

    public static Wire.NicLimits? Limits(NicQos? qos) => qos is { } q
        ? new Wire.NicLimits(q.InboundKbit, q.InboundPeakKbit, q.InboundBurstKib, q.OutboundKbit, q.OutboundPeakKbit, q.OutboundBurstKib)
        : null;

    private static Wire.GuestCpu? Cpu(VmHardware h, string clusterCpu) => h.CpuMode switch
    {
        "host_passthrough"                        => new Wire.GuestCpu("host-passthrough", ""),
        "host_model"                              => new Wire.GuestCpu("host-model", ""),
        _ when h.CpuModel != ""                   => new Wire.GuestCpu("custom", h.CpuModel),
        _ when CpuTypes.ModelOf(clusterCpu) is { } model => new Wire.GuestCpu("custom", model),
        _                                         => null,
    };

    private static ImmutableDictionary<string, string> Properties(VmHardware h)
    {
        var properties = h.Properties.ToImmutableDictionary(p => p.Name, p => p.Value);
        return h.HugePagesKib == 0 ? properties : properties.SetItem("hugepages", h.HugePagesKib.ToString(CultureInfo.InvariantCulture));
    }
}
