using System.Text.Json;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent;

public sealed class AgentJsonTests
{
    [Fact]
    public void What_a_sender_leaves_out_has_its_meaning()
    {
        var vm = JsonSerializer.Deserialize(
            """{"id":"11111111-0000-4000-8000-000000000001","name":"a","memoryBytes":1,"newField":{"x":1}}""",
            AgentJson.Default.VmDefinition)!;
        Assert.Equal(("q35", 1, Emulation.Auto), (vm.Machine, vm.VirtualCpus, vm.Emulation));
        Assert.True(vm.Disks.IsEmpty && vm.Nics.IsEmpty && vm.BootDevices.IsEmpty);
    }

    [Fact]
    public void Everything_comes_back_as_it_was_sent()
    {
        HostEvent sent = new HostEvent.GuestChanged(5, new GuestReport(Guid.NewGuid(), 3, GuestState.MigratingOut)
        {
            Migration = new MigrationProgress(100, 40, 60),
            Ips = ["10.0.0.1"],
        });
        var text = JsonSerializer.Serialize(sent, AgentJson.Default.HostEvent);
        Assert.Contains("\"event\":\"guest\"", text, StringComparison.Ordinal);
        Assert.Contains("\"migrating_out\"", text, StringComparison.Ordinal);
        var back = Assert.IsType<HostEvent.GuestChanged>(JsonSerializer.Deserialize(text, AgentJson.Default.HostEvent));
        Assert.Equal(text, JsonSerializer.Serialize<HostEvent>(back, AgentJson.Default.HostEvent));
        Assert.Equal("10.0.0.1", back.Guest.Ips.Single());
    }

    [Fact]
    public void A_fence_order_without_a_stamp_and_a_nic_without_a_bridge_are_readable_again()
    {
        var fence = new FenceOrder(null, "ipmilan", "10.0.0.1", FenceAction.Status);
        var nic = new VmNic(Guid.Empty, "52:54:00:00:00:01", null);
        var vm = new VmDefinition(Guid.Empty, "a", 1) { Nics = [nic] };
        Assert.Null(Again(fence, AgentJson.Default.FenceOrder).Stamp);
        Assert.Equal(nic, Again(vm, AgentJson.Default.VmDefinition).Nics.Single());
    }

    private static T Again<T>(T sent, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> shape) =>
        JsonSerializer.Deserialize(JsonSerializer.Serialize(sent, shape), shape)!;
}
