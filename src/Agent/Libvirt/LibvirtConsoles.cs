using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Xml.Linq;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Libvirt;

/// <summary>Screens by a socket that libvirt hands over, so that no port of QEMU need be reached; serial lines by their
/// terminal.</summary>
internal sealed class LibvirtConsoles(Func<LibvirtConnection> connected, TimeProvider time) : IGuestConsoles
{
    private const uint Live = 1;
    private readonly ConcurrentDictionary<GuestKey, long> _tickets = new();
    private readonly ConcurrentDictionary<Guid, SerialLine> _lines = new();

    public async Task SetTicket(GuestKey guest, string password, TimeSpan validity)
    {
        await On(guest, (connection, domain, xml) => Set(connection, domain, xml, password, time.GetUtcNow() + validity));
        _tickets.AddOrUpdate(guest, 1, static (_, number) => number + 1);
    }

    public Task Spend(GuestKey guest, ConsoleLine line) => _tickets.GetValueOrDefault(guest) != line.Ticket
        ? Task.CompletedTask
        : On(guest, (connection, domain, xml) => Set(
            connection, domain, xml, Convert.ToHexString(RandomNumberGenerator.GetBytes(4)), DateTimeOffset.UnixEpoch.AddSeconds(1)));

    public async Task<ConsoleLine> Open(GuestKey guest, ConsoleKind kind)
    {
        var ticket = _tickets.GetValueOrDefault(guest);
        return new ConsoleLine(kind == ConsoleKind.Vnc ? await Screen(guest) : await Serial(guest), ticket);
    }

    private async Task<Stream> Screen(GuestKey guest)
    {
        var handle = -1;
        await On(guest, (connection, domain, xml) =>
        {
            _ = Graphics(xml);
            handle = Native.virDomainOpenGraphicsFD(domain, 0, 0);
            if (handle < 0) throw connection.FailureNow();
        });
        return new NetworkStream(new Socket(new SafeSocketHandle(handle, ownsHandle: true)), ownsSocket: true);
    }

    private async Task<Stream> Serial(GuestKey guest)
    {
        var path = "";
        await On(guest, (_, _, xml) => path = (string?)xml.Elements("devices").Elements("serial").FirstOrDefault()?.Element("source")?.Attribute("path")
            ?? throw new HypervisorException("the guest has no serial line with a terminal"));
        var line = SerialLine.Open(path);
        var before = _lines.GetValueOrDefault(guest.Vm);
        _lines[guest.Vm] = line;
        before?.Dispose();
        return line;
    }

    private static void Set(LibvirtConnection connection, nint domain, XElement xml, string password, DateTimeOffset until)
    {
        var graphics = Graphics(xml);
        graphics.SetAttributeValue("passwd", password);
        graphics.SetAttributeValue("passwdValidTo", until.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture));
        if (Native.virDomainUpdateDeviceFlags(domain, graphics.ToString(), Live) < 0) throw connection.FailureNow();
    }

    private static XElement Graphics(XElement xml) =>
        xml.Elements("devices").Elements("graphics").FirstOrDefault(g => (string?)g.Attribute("type") == "vnc")
        ?? throw new HypervisorException("the guest has no screen");

    private Task On(GuestKey guest, Action<LibvirtConnection, nint, XElement> call) => LibvirtGuestCall.On(connected, guest, call);
}
