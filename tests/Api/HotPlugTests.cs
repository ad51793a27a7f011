using System.Net;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Api;

/// <summary>Devices of a VM that is up: the request is answered when its guest has them, or has not.</summary>
public sealed class HotPlugTests : IAsyncLifetime
{
    private static readonly Guid _nic = new("00000000-0000-4000-8000-0000000000b1");
    private readonly TestApi _api = new();
    private int _looks;

    public async Task InitializeAsync()
    {
        await _api.InitializeAsync();
        var view = _api.Engine.View<VmView>(Kinds.Vm, TestApi.Vm);
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, view with
        {
            Status = "up",
            Config = view.Config with { Nics = [new Nic(_nic, "nic1", "virtio", "56:6f:00:00:00:01", "br0", Linked: true, Plugged: true)] },
        });
    }

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [Fact]
    public async Task A_nic_is_deactivated_when_the_guest_has_let_it_go()
    {
        _api.Engine.Guest = (view, command) => Answer(view, command, null);
        var response = await _api.Post($"/vms/{TestApi.Vm}/nics/{_nic}/deactivate", "<action/>");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.False(_api.LastCommand<VmCommand.UpdateNic>().Nic.Plugged);
        Assert.True(_looks >= 2);
    }

    [Fact]
    public async Task A_nic_that_is_active_already_is_left_alone()
    {
        Assert.Equal(HttpStatusCode.OK, (await _api.Post($"/vms/{TestApi.Vm}/nics/{_nic}/activate", "<action/>")).StatusCode);
        Assert.DoesNotContain(_api.Engine.Commands, c => c.Command is VmCommand.UpdateNic);
    }

    [Fact]
    public async Task What_the_guest_did_not_get_is_said_with_the_reason()
    {
        _api.Engine.Guest = (view, command) => Answer(view, command, "no more available PCI slots");
        var said = await TestApi.FaultOf(
            await _api.Post($"/vms/{TestApi.Vm}/nics", "<nic><name>nic2</name></nic>"), HttpStatusCode.Conflict);
        Assert.Contains("no more available PCI slots", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_change_waits_for_the_one_before_it()
    {
        var times = 0;
        _api.Engine.Guest = (_, command) =>
            command is VmCommand.AddNic && times++ < 2 ? new Reply.Refused(Fault.VmBeingChanged, null) : null;
        Assert.Equal(HttpStatusCode.Created, (await _api.Post($"/vms/{TestApi.Vm}/nics", "<nic><name>nic2</name></nic>")).StatusCode);
        Assert.Equal(3, times);
    }

    [Fact]
    public async Task What_is_for_the_next_run_is_asked_as_such()
    {
        await _api.Send(HttpMethod.Put, $"/vms/{TestApi.Vm}?next_run=true", "<vm><cpu><topology><sockets>2</sockets></topology></cpu></vm>");
        Assert.True(_api.LastCommand<VmCommand.Update>() is { NextRun: true, Patch.Sockets: 2 });
        await _api.Send(HttpMethod.Put, $"/vms/{TestApi.Vm}", "<vm><cpu><topology><sockets>3</sockets></topology></cpu></vm>");
        Assert.True(_api.LastCommand<VmCommand.Update>() is { NextRun: false, Patch.Sockets: 3 });
    }

    /// <summary>The guest takes until the second look.</summary>
    private Reply? Answer(VmView view, object command, string? fault) => command switch
    {
        VmCommand.UpdateNic c => new Reply.Accepted(WireJson.Write(view with { Reshape = c.Origin.Job }), 1),
        VmCommand.AddNic c => new Reply.Accepted(WireJson.Write(view with { Reshape = c.Origin.Job }), 1),
        Look when ++_looks >= 2 => new Reply.Accepted(
            WireJson.Write(view with { Reshape = null, ReshapeFault = fault is null ? null : new ReshapeFault(view.Reshape!.Value, fault) }), 1),
        _ => null,
    };
}
