using System.Net;
using System.Net.WebSockets;
using System.Text;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api;

namespace Orchestrator.Tests.Api;

/// <summary>Consoles of VMs: what they are, tickets for them, and the way through the engine.</summary>
public sealed class ConsoleTests : IAsyncLifetime
{
    private const string Vnc = "766e63";
    private readonly TestApi _api = new();

    private static string Consoles => $"/vms/{TestApi.Vm}/graphicsconsoles";

    public async Task InitializeAsync()
    {
        await _api.InitializeAsync();
        Become(view => view with { Status = "up", Host = new(TestApi.Host), HeldLease = 7 });
    }

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [Fact]
    public async Task A_vm_has_a_console_and_one_that_runs_says_where_it_is_shown()
    {
        var stored = Assert.Single((await _api.GetXml(Consoles)).Elements());
        Assert.Equal((Vnc, "vnc"), ((string?)stored.Attribute("id"), (string?)stored.Element("protocol")));
        Assert.Null(stored.Element("port"));
        var current = await _api.GetXml($"{Consoles}/{Vnc}?current=true");
        Assert.Equal(("10.77.0.9", "5901"), ((string?)current.Element("address"), (string?)current.Element("port")));
        _api.Consoles.Address = new ConsoleAddress("0.0.0.0", 5901);
        Assert.Equal("10.77.0.1", (string?)(await _api.GetXml($"{Consoles}/{Vnc}?current=true")).Element("address"));
        await TestApi.FaultOf(await _api.Send(HttpMethod.Get, $"{Consoles}/7370696365"), HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task A_console_is_taken_away_and_given_back_for_the_next_run()
    {
        Assert.Equal(HttpStatusCode.OK, (await _api.Send(HttpMethod.Delete, $"{Consoles}/{Vnc}")).StatusCode);
        Assert.True(_api.LastCommand<VmCommand.Update>().Patch.Headless);
        Assert.Empty((await _api.GetXml(Consoles)).Elements());
        await TestApi.FaultOf(await _api.Send(HttpMethod.Delete, $"{Consoles}/{Vnc}"), HttpStatusCode.NotFound);
        await TestApi.FaultOf(
            await _api.Post(Consoles, "<graphics_console><protocol>spice</protocol></graphics_console>"), HttpStatusCode.BadRequest);
        Assert.Equal(HttpStatusCode.Created,
            (await _api.Post(Consoles, "<graphics_console><protocol>vnc</protocol></graphics_console>")).StatusCode);
        Assert.False(_api.LastCommand<VmCommand.Update>().Patch.Headless);
        await TestApi.FaultOf(
            await _api.Post(Consoles, "<graphics_console><protocol>vnc</protocol></graphics_console>"), HttpStatusCode.Conflict);
    }

    [Theory]
    [InlineData("/graphicsconsoles/766e63/ticket")]
    [InlineData("/ticket")]
    public async Task A_ticket_is_set_at_the_guest_and_answered_once(string path)
    {
        var action = await TestApi.Xml(await _api.Post($"/vms/{TestApi.Vm}{path}", "<action/>"), HttpStatusCode.OK);
        var value = (string)action.Element("ticket")!.Element("value")!;
        Assert.Equal("120", (string?)action.Element("ticket")!.Element("expiry"));
        var set = Assert.Single(_api.Consoles.Tickets);
        Assert.Equal((7L, value, TimeSpan.FromSeconds(120)), (set.Guest.Lease, set.Password, set.Validity));
        Assert.Equal(8, value.Length);

        // What goes to the journal knows nothing of it.
        Assert.DoesNotContain(value, WireJson.Write(_api.LastCommand<VmCommand.NoteConsole>()), StringComparison.Ordinal);

        await _api.Post($"/vms/{TestApi.Vm}{path}", "<action><ticket><value>abcd</value><expiry>30</expiry></ticket></action>");
        Assert.Equal(("abcd", TimeSpan.FromSeconds(30)), (_api.Consoles.Tickets.Last().Password, _api.Consoles.Tickets.Last().Validity));
    }

    [Theory]
    [InlineData("<value>nine char</value>")]
    [InlineData("<value>123456789</value>")]
    [InlineData("<value>\u00e4</value>")]
    [InlineData("<expiry>0</expiry>")]
    [InlineData("<expiry>86401</expiry>")]
    public async Task A_ticket_that_vnc_does_not_know_is_refused(string ticket)
    {
        await TestApi.FaultOf(
            await _api.Post($"{Consoles}/{Vnc}/ticket", $"<action><ticket>{ticket}</ticket></action>"), HttpStatusCode.BadRequest);
        Assert.Empty(_api.Consoles.Tickets);
    }

    [Fact]
    public async Task Where_no_guest_can_be_looked_at_there_is_no_ticket()
    {
        _api.Engine.Guest = (_, command) => command is VmCommand.NoteConsole ? new Reply.Refused(Fault.VmNotRunning, null) : null;
        foreach (var action in new[] { "ticket", "proxyticket", "remoteviewerconnectionfile" })
            await TestApi.FaultOf(await _api.Post($"{Consoles}/{Vnc}/{action}", "<action/>"), HttpStatusCode.Conflict);
        await TestApi.FaultOf(await _api.Post($"/vms/{TestApi.Vm}/serialconsole/proxyticket", "<action/>"), HttpStatusCode.Conflict);
        Assert.Empty(_api.Consoles.Tickets);
        await TestApi.FaultOf(await _api.Post($"{Consoles}/7370696365/ticket", "<action/>"), HttpStatusCode.NotFound);

        _api.Engine.Guest = null;
        await TestApi.FaultOf(await _api.Post($"/vms/{TestApi.Unknown}/graphicsconsoles/{Vnc}/ticket", "<action/>"), HttpStatusCode.NotFound);
        _api.Consoles.Away = new ConsoleRefusedException("the guest has no screen");
        Assert.Contains("has no screen", await TestApi.FaultOf(
            await _api.Post($"{Consoles}/{Vnc}/ticket", "<action/>"), HttpStatusCode.Conflict), StringComparison.Ordinal);
        Assert.Equal(ConsoleStep.TicketFailed, _api.LastCommand<VmCommand.NoteConsole>().Step);
        _api.Consoles.Away = new EntityUnavailableException("no answer", TimeSpan.FromSeconds(2));
        await TestApi.FaultOf(await _api.Post($"{Consoles}/{Vnc}/ticket", "<action/>"), HttpStatusCode.ServiceUnavailable);
    }

    [Fact]
    public async Task Virt_viewer_gets_a_file_with_a_ticket()
    {
        var action = await TestApi.Xml(await _api.Post($"{Consoles}/{Vnc}/remoteviewerconnectionfile", "<action/>"), HttpStatusCode.OK);
        var file = Encoding.UTF8.GetString(Convert.FromBase64String((string)action.Element("remote_viewer_connection_file")!)).Split('\n');
        Assert.Equal("[virt-viewer]", file[0]);
        Assert.Contains("type=vnc", file);
        Assert.Contains("host=10.77.0.9", file);
        Assert.Contains("port=5901", file);
        Assert.Contains($"password={_api.Consoles.Tickets.Single().Password}", file);
        Assert.Contains("delete-this-file=1", file);

        var raw = await _api.Send(HttpMethod.Get, $"{Consoles}/{Vnc}", headers: ("Accept", "application/x-virt-viewer"));
        Assert.Equal("application/x-virt-viewer", raw.Content.Headers.ContentType?.MediaType);
        Assert.StartsWith("[virt-viewer]\n", await raw.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await TestApi.FaultOf(
            await _api.Send(HttpMethod.Get, Consoles, headers: ("Accept", "application/x-virt-viewer")), HttpStatusCode.NotAcceptable);

        _api.Consoles.Address = new ConsoleAddress("127.0.0.1", 5901);
        Assert.Contains("proxyticket", await TestApi.FaultOf(
            await _api.Post($"{Consoles}/{Vnc}/remoteviewerconnectionfile", "<action/>"), HttpStatusCode.Conflict), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_browser_reaches_the_guest_once_with_its_ticket()
    {
        var ticket = await ProxyTicket($"{Consoles}/{Vnc}/proxyticket");
        using var socket = await Connect("vnc", ticket);
        Assert.Equal("binary", socket.SubProtocol);
        Assert.Equal("RFB 003.008\n", await Heard(socket));
        Assert.Equal(ConsoleStep.Connected, _api.LastCommand<VmCommand.NoteConsole>().Step);
        Assert.True(_api.Consoles.Opened.TryDequeue(out var agent));
        await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Binary, true, default);
        Assert.Equal("hello", await Heard(agent));

        await Assert.ThrowsAsync<WebSocketException>(() => Connect("vnc", ticket));

        await agent.CloseOutputAsync((WebSocketCloseStatus)4410, "the VM has moved to another host", default);
        Assert.Equal("4410 the VM has moved to another host", await Heard(socket));
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", default);
        for (var i = 0; i < 100 && _api.LastCommand<VmCommand.NoteConsole>().Step != ConsoleStep.Disconnected; i++) await Task.Delay(50);
        Assert.Equal("the VM has moved to another host", _api.LastCommand<VmCommand.NoteConsole>().Detail);
        Assert.Equal(TestApi.User, _api.LastCommand<VmCommand.NoteConsole>().Origin.User);
    }

    [Fact]
    public async Task A_ticket_opens_what_it_names_in_its_time_and_nothing_else()
    {
        var serial = await ProxyTicket($"/vms/{TestApi.Vm}/serialconsole/proxyticket");
        await Assert.ThrowsAsync<WebSocketException>(() => Connect("vnc", serial));
        await Assert.ThrowsAsync<WebSocketException>(() => Connect("vnc", "AAAA"));
        var changed = await ProxyTicket($"{Consoles}/{Vnc}/proxyticket");
        await Assert.ThrowsAsync<WebSocketException>(() => Connect("vnc", (changed[0] == 'A' ? 'B' : 'A') + changed[1..]));
        var late = await ProxyTicket($"{Consoles}/{Vnc}/proxyticket");
        _api.Clock.Now = _api.Clock.Now.AddSeconds(121);
        await Assert.ThrowsAsync<WebSocketException>(() => Connect("vnc", late));
        Assert.Empty(_api.Consoles.Opened);

        _api.Consoles.Away = new EntityUnavailableException("the agent of host 1 does not answer", TimeSpan.FromSeconds(2));
        using var socket = await Connect("serial", await ProxyTicket($"/vms/{TestApi.Vm}/serialconsole/proxyticket"));
        Assert.Contains("does not answer", await Heard(socket), StringComparison.Ordinal);
    }

    private void Become(Func<VmView, VmView> change) =>
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, change(_api.Engine.View<VmView>(Kinds.Vm, TestApi.Vm)));

    private async Task<string> ProxyTicket(string path) =>
        (string)(await TestApi.Xml(await _api.Post(path, "<action/>"), HttpStatusCode.OK)).Element("proxy_ticket")!.Element("value")!;

    private async Task<ClientWebSocket> Connect(string kind, string ticket)
    {
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("binary");
        var at = new UriBuilder(new Uri(_api.Stranger.BaseAddress!, $"/ovirt-engine/console/{kind}/{ticket}")) { Scheme = "ws" }.Uri;
        await socket.ConnectAsync(at, default);
        return socket;
    }

    /// <summary>The next message, or how the socket ended.</summary>
    private static async Task<string> Heard(WebSocket socket)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var buffer = new byte[256];
        var read = await socket.ReceiveAsync(buffer, limit.Token);
        return read.MessageType == WebSocketMessageType.Close
            ? $"{(int)socket.CloseStatus!} {socket.CloseStatusDescription}"
            : Encoding.UTF8.GetString(buffer, 0, read.Count);
    }
}
