using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>vms/{id}/graphicsconsoles: a VM has one, VNC, or none. Its id is the name of the protocol in hexadecimal digits, as
/// oVirt's are.</summary>
internal static class GraphicsConsoles
{
    private const string Vnc = "vnc", Serial = "serial";
    private const string Letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
    private const int TicketSeconds = 120;
    private static readonly string _vncId = Convert.ToHexStringLower(Encoding.ASCII.GetBytes(Vnc));

    public static void Map(Router router) => router
        .Get("vms/{id}/graphicsconsoles", List)
        .Post("vms/{id}/graphicsconsoles", Add)
        .Get("vms/{id}/graphicsconsoles/{word}", Get)
        .Delete("vms/{id}/graphicsconsoles/{word}", Remove)
        .Post("vms/{id}/graphicsconsoles/{word}/ticket", Ticket)
        .Post("vms/{id}/graphicsconsoles/{word}/remoteviewerconnectionfile", ViewerFile)
        .Post("vms/{id}/graphicsconsoles/{word}/proxyticket", call => ProxyTicket(call, ConsoleKind.Vnc))
        .Post("vms/{id}/serialconsole/proxyticket", call => ProxyTicket(call, ConsoleKind.Serial))
        .Post("vms/{id}/ticket", Ticket);

    private static async Task<Answer> List(ApiCall call)
    {
        var vm = await Vms.Read(call);
        return Answer.Of(Shapes.GraphicsConsole, Config(call, vm).Headless ? [] : [await Show(call, vm)]);
    }

    private static async Task<Answer> Get(ApiCall call)
    {
        var vm = await Present(call, await Vms.Read(call));
        return call.WantsViewer
            ? new Answer.Raw("application/x-virt-viewer", Encoding.UTF8.GetBytes(await NewViewerFile(call)))
            : Answer.Of(await Show(call, vm));
    }

    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.GraphicsConsole);
        var vm = await Vms.Read(call);
        switch (body.Text("protocol"))
        {
            case null: throw FaultException.Missing("GraphicsConsole", "protocol", "add");
            case not Vnc: throw FaultException.NotYet("A console of SPICE (its screens are shown by VNC)");
        }

        if (!vm.Config.Headless) throw FaultTable.Refusal(Fault.AlreadyExists, "The VM has a console of VNC");
        vm = await call.Ask<VmView>(Kinds.Vm, call.Id(), new VmCommand.Update(call.NewOrigin(), new VmPatch { Headless = false }));
        return Answer.Created(await Show(call, vm));
    }

    private static async Task<Answer> Remove(ApiCall call)
    {
        var vm = await Vms.Read(call);
        if (call.Ids[1] != _vncId || vm.Config.Headless) throw FaultException.Unknown("graphics console", call.Ids[1]);
        return await Acts.Send(call, Kinds.Vm, call.Id(), origin => new VmCommand.Update(origin, new VmPatch { Headless = true }));
    }

    private static async Task<Answer> Ticket(ApiCall call)
    {
        var wish = (await call.ReadBody(Shapes.Action)).One("ticket");
        var password = wish?.Text("value") is { Length: > 0 } given ? given : RandomNumberGenerator.GetString(Letters, ConsoleTicketOrder.LongestPassword);
        if (!ConsoleTicketOrder.IsPassword(password))
            throw FaultException.Bad($"ticket.value must have 1 to {ConsoleTicketOrder.LongestPassword} printable ASCII characters without blanks: VNC knows no longer ones");
        var expiry = wish?.Number("expiry") ?? TicketSeconds;
        if (expiry is < 1 or > ConsoleTicketOrder.LongestSeconds)
            throw FaultException.Bad($"ticket.expiry is {expiry}; it must be from 1 to {ConsoleTicketOrder.LongestSeconds} seconds");
        await Set(call, password, (int)expiry);
        return Answer.Of(Shapes.Action.New()
            .With("status", "complete")
            .With("ticket", Shapes.Ticket.New().With("value", password).With("expiry", expiry)));
    }

    private static async Task<Answer> ViewerFile(ApiCall call)
    {
        await call.ReadBody(Shapes.Action);
        return Answer.Of(Shapes.Action.New()
            .With("status", "complete")
            .With("remote_viewer_connection_file", Convert.ToBase64String(Encoding.UTF8.GetBytes(await NewViewerFile(call)))));
    }

    /// <summary>The way through this engine: the ticket opens one WebSocket, on any node, and is good no more then.</summary>
    private static async Task<Answer> ProxyTicket(ApiCall call, ConsoleKind kind)
    {
        await call.ReadBody(Shapes.Action);
        var vm = await call.Ask<VmView>(Kinds.Vm, call.Id(), new Look());
        if (kind == ConsoleKind.Vnc) await Present(call, vm);
        await Note(call, ConsoleStep.Ticket, kind == ConsoleKind.Vnc ? Vnc : Serial, "");
        var ticket = call.World.ConsoleTickets.Give(call.Id(), kind, call.User.Name);
        return Answer.Of(Shapes.Action.New()
            .With("status", "complete")
            .With("proxy_ticket", Shapes.ProxyTicket.New().With("value", ticket)));
    }

    /// <summary>Password and all that virt-viewer needs.</summary>
    private static async Task<string> NewViewerFile(ApiCall call)
    {
        var vm = await call.Ask<VmView>(Kinds.Vm, call.Id(), new Look());
        await Present(call, vm);
        if (await At(call, vm) is { } place && Displays.IsHostsOwn(place.Address))
            throw FaultTable.Refusal(Fault.VmConsoleNotOpened,
                "Its host shows screens to itself alone; ask for a proxyticket, or set agent.vnc-listen on the hosts to an address that "
                + "viewers reach");
        var password = RandomNumberGenerator.GetString(Letters, ConsoleTicketOrder.LongestPassword);
        var (view, console) = await Set(call, password, TicketSeconds);
        var name = new string([.. view.Config.Name.Where(letter => !char.IsControl(letter))]).Replace("%", "%%", StringComparison.Ordinal);
        var host = await call.Get<HostView>(Kinds.Host, view.Host!.Value.Value);
        return string.Create(CultureInfo.InvariantCulture, $"""
            [virt-viewer]
            type=vnc
            host={Displays.Reached(console.Address, host.Config.Address)}
            port={console.Port}
            password={password}
            # The password is good for {TicketSeconds} seconds.
            delete-this-file=1
            fullscreen=0
            title={name}:%d
            toggle-fullscreen=shift+f11
            release-cursor=shift+f12
            secure-attention=ctrl+alt+end

            """).ReplaceLineEndings("\n");
    }

    private static async Task<(VmView View, ConsoleAddress Console)> Set(ApiCall call, string password, int seconds)
    {
        var vm = await call.Ask<VmView>(Kinds.Vm, call.Id(), new Look());
        await Present(call, vm);
        await Note(call, ConsoleStep.Ticket, Vnc, "");
        try
        {
            if (GuestPlace.Of(vm) is not { } guest) throw new ConsoleRefusedException("the VM is on its way to another host");
            return (vm, await call.World.Consoles.SetTicket(guest, password, TimeSpan.FromSeconds(seconds), call.Cancel));
        }
        catch (ConsoleRefusedException refused)
        {
            await Note(call, ConsoleStep.TicketFailed, Vnc, refused.Message);
            throw FaultTable.Refusal(Fault.VmConsoleNotOpened, refused.Message);
        }
    }

    private static Task Note(ApiCall call, ConsoleStep step, string console, string detail) =>
        call.Ask(Kinds.Vm, call.Id(), new VmCommand.NoteConsole(call.NewOrigin(), step, console, detail));

    /// <exception cref="FaultException">404: it has no such console.</exception>
    private static Task<VmView> Present(ApiCall call, VmView vm) =>
        !(vm.Running ?? vm.Config).Headless && (call.Ids.Count < 2 || call.Ids[1] == _vncId)
            ? Task.FromResult(vm)
            : throw FaultException.Unknown("graphics console", call.Ids.Count < 2 ? _vncId : call.Ids[1]);

    private static VmConfig Config(ApiCall call, VmView vm) =>
        call.Parameters.Flag("current") == true ? vm.Running ?? vm.Config : vm.Config;

    private static async Task<ConsoleAddress?> At(ApiCall call, VmView vm) =>
        GuestPlace.Of(vm) is { } guest ? await call.World.Consoles.Find(guest, call.Cancel) : null;

    private static async Task<Element> Show(ApiCall call, VmView vm)
    {
        var href = $"{Hrefs.Vm(vm.Id.Value)}/graphicsconsoles/{_vncId}";
        var console = Shapes.GraphicsConsole.New(_vncId, href)
            .WithAction("proxyticket", $"{href}/proxyticket")
            .WithAction("remoteviewerconnectionfile", $"{href}/remoteviewerconnectionfile")
            .WithAction("ticket", $"{href}/ticket")
            .With("protocol", Vnc)
            .With("vm", Refs.To(vm.Id));
        if (call.Parameters.Flag("current") != true || vm.Host is not { } at || await At(call, vm) is not { } place) return console;
        return console
            .With("address", Displays.Reached(place.Address, (await call.Get<HostView>(Kinds.Host, at.Value)).Config.Address))
            .With("port", place.Port);
    }
}
