using System.Xml.Linq;

namespace Orchestrator.Agent.Libvirt;

/// <summary>A call about the domain of one life of a guest, and of no other.</summary>
internal static class LibvirtGuestCall
{
    /// <summary>Each call has a thread of its own, as all calls into libvirt.</summary>
    public static Task On(
        Func<LibvirtConnection> connected, GuestKey guest, Action<LibvirtConnection, nint, XElement> call) => Task.Factory.StartNew(
        () =>
        {
            try
            {
                var connection = connected();
                connection.OnDomain(guest.Vm, domain =>
                {
                    var xml = Native.Take(Native.virDomainGetXMLDesc(domain, 0)) ?? throw connection.FailureNow();
                    if (DomainXml.Owner(xml)?.Guest != guest) throw new HypervisorException($"the domain here is not {guest}");
                    call(connection, domain, XElement.Parse(xml));
                    return 0;
                });
            }
            catch (DomainGoneException e)
            {
                throw new HypervisorException(e.Message, e);
            }
        },
        CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
