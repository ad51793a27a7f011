using System.Net;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api;

namespace Orchestrator.Tests.Api;

public sealed class FrozenGuestTests : IAsyncLifetime
{
    private readonly TestApi _api = new();

    public Task InitializeAsync() => _api.InitializeAsync();

    public Task DisposeAsync() => _api.DisposeAsync();

    [Fact]
    public async Task The_file_systems_of_a_guest_that_runs_are_frozen_and_thawed_where_it_runs()
    {
        Become("up");
        await TestApi.Xml(await Do("freezefilesystems"), HttpStatusCode.OK);
        await TestApi.Xml(await Do("thawfilesystems"), HttpStatusCode.OK);
        var place = new GuestPlace(new VmId(TestApi.Vm), new HostId(TestApi.Host), 7);
        Assert.Equal([(place, FileSystemsAct.Freeze), (place, FileSystemsAct.Thaw)], _api.Consoles.FileSystemsActs);
    }

    [Theory]
    [InlineData("down")]
    [InlineData("paused")]
    [InlineData("migrating")]
    public async Task Those_of_another_are_not(string status)
    {
        if (status != "down") Become(status);
        await TestApi.FaultOf(await Do("freezefilesystems"), HttpStatusCode.Conflict);
        Assert.Empty(_api.Consoles.FileSystemsActs);
    }

    [Fact]
    public async Task What_the_host_says_against_it_is_told()
    {
        Become("up");
        _api.Consoles.Away = new ConsoleRefusedException("no agent answers in the guest (qemu-guest-agent)");
        Assert.Contains("qemu-guest-agent", await TestApi.FaultOf(await Do("freezefilesystems"), HttpStatusCode.Conflict), StringComparison.Ordinal);
    }

    private Task<HttpResponseMessage> Do(string action) => _api.Post($"/vms/{TestApi.Vm}/{action}", "<action/>");

    private void Become(string status)
    {
        var view = _api.Engine.View<VmView>(Kinds.Vm, TestApi.Vm);
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, view with { Status = status, Host = new HostId(TestApi.Host), HeldLease = 7 });
    }
}
