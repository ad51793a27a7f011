using System.Collections.Immutable;
using System.Net;
using System.Net.NetworkInformation;
using System.Xml.Linq;
using Orchestrator.Agent.Network;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Libvirt;

/// <summary>What libvirt and the operating system say of the host; read at each connection.</summary>
internal static class HostFacts
{
    public static AgentDescription Read(LibvirtConnection connection, AgentConfig config) => connection.Use(c =>
    {
        var capabilities = Native.Take(Native.virConnectGetCapabilities(c));
        if (capabilities is null) throw LibvirtConnection.Failure(c);
        var host = XElement.Parse(capabilities).Element("host");
        var name = Native.Take(Native.virConnectGetHostname(c)) ?? "";
        var address = config.MigrationAddress.Length > 0 ? config.MigrationAddress : name;
        _ = Native.virConnectGetLibVersion(c, out var libvirt);
        _ = Native.virConnectGetVersion(c, out var qemu);
        return new AgentDescription(
            host?.Element("uuid")?.Value ?? "", "", AgentServer.Version, AgentDescription.CurrentProtocol)
        {
            Driver = "libvirt",
            Accelerator = "",
            HostName = name,
            Cpus = Environment.ProcessorCount,
            CpuModel = host?.Element("cpu")?.Element("model")?.Value ?? "",
            MemoryBytes = HostSampling.MemoryTotalBytes(),
            MigrationAddress = address,
            LinkMbps = LinkMbps(address),
            MigrationUri = $"qemu+tcp://{address}/system",
            CrashKernel = CrashKernel(),
            KernelVersion = Environment.OSVersion.Version.ToString(),
            OperatingSystem = System.Runtime.InteropServices.RuntimeInformation.OSDescription,
            LibvirtVersion = Version(libvirt),
            QemuVersion = Version(qemu),
            FenceAgents = [.. new FenceProgram(config.FenceFolder).Installed],
        };
    });

    private static int LinkMbps(string address) => !IPAddress.TryParse(address, out var own)
        ? 0
        : NetworkInterface.GetAllNetworkInterfaces()
            .Where(i => i.GetIPProperties().UnicastAddresses.Any(a => a.Address.Equals(own)))
            .Select(OwnAddresses.Mbps).FirstOrDefault();

    private static bool? CrashKernel()
    {
        try
        {
            return File.ReadAllText("/sys/kernel/kexec_crash_loaded").Trim() == "1";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Version(ulong number) => $"{number / 1_000_000}.{number / 1000 % 1000}.{number % 1000}";
}
