using System.Xml.Linq;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Libvirt;

/// <summary>File systems of a guest by its own agent.</summary>
internal sealed class LibvirtFileSystems(Func<LibvirtConnection> connected)
{
    public Task Do(GuestKey guest, FileSystemsAct act) => LibvirtGuestCall.On(connected, guest, (connection, domain, xml) =>
    {
        if (!HasAgent(xml)) throw new HypervisorException("no agent answers in the guest (qemu-guest-agent)");
        // Of agents that do not answer libvirt would wait for ever.
        _ = Native.virDomainAgentSetResponseTimeout(domain, FileSystemsOrder.PatienceSeconds, 0);
        if (act == FileSystemsAct.Thaw)
        {
            if (Native.virDomainFSThaw(domain, 0, 0, 0) < 0) throw connection.FailureNow();
            return;
        }

        if (Native.virDomainFSFreeze(domain, 0, 0, 0) >= 0) return;
        var why = connection.FailureNow();
        // It may have done so too late for the answer, and nobody would thaw it.
        _ = Native.virDomainFSThaw(domain, 0, 0, 0);
        throw why;
    });

    public static bool HasAgent(XElement xml) => xml.Elements("devices").Elements("channel").Elements("target")
        .Any(t => (string?)t.Attribute("name") == "org.qemu.guest_agent.0" && (string?)t.Attribute("state") == "connected");
}
