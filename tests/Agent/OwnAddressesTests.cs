using System.Net;
using Orchestrator.Agent;
using Orchestrator.Agent.Network;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent;

/// <summary>The addresses that an agent tells, and what it makes of an order that names a network.</summary>
public sealed class OwnAddressesTests
{
    private static readonly MigrateOrder _order = new(new Stamp(1), 1, "qemu+tcp://b/system", 2);

    [Fact]
    public void What_is_told_can_be_reached_from_elsewhere() => Assert.All(OwnAddresses.Read(), own =>
    {
        Assert.True(own.Interface != "" && own.Mbps >= 0, own.ToString());
        Assert.True(own.Address.Split('/') is [var address, var prefix] && IPAddress.TryParse(address, out var ip)
            && int.Parse(prefix) > 0 && !IPAddress.IsLoopback(ip) && !ip.IsIPv6LinkLocal, own.ToString());
    });

    [Theory]
    [InlineData(null, true)]
    [InlineData("10.78.0.0/24", true)]
    [InlineData("10.78.0.0/16", true)]
    [InlineData("fd00:78::/64", true)]
    [InlineData("10.77.0.0/24", false)]
    [InlineData("fd00:77::/64", false)]
    [InlineData("what an engine of tomorrow says", false)]
    public void Memory_goes_only_by_a_network_in_which_the_host_has_an_address(string? network, bool goes)
    {
        var refusal = Record.Exception(() => OwnAddresses.Check(_order with { MemoryNetwork = network },
            [new NetworkAddress("eth1", "10.78.0.1/24", 0), new NetworkAddress("eth2", "fd00:78::1/64", 0)]));
        Assert.Equal(goes, refusal is null);
        if (refusal is not null) Assert.Contains($"the migration network {network}", Assert.IsType<HypervisorException>(refusal).Message, StringComparison.Ordinal);
    }
}
