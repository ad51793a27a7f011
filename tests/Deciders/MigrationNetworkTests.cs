using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;

namespace Orchestrator.Tests.Deciders;

/// <summary>What is a migration network, and which address of a host is in it.</summary>
public sealed class MigrationNetworkTests
{
    [Theory]
    [InlineData("10.78.0.0/24", "10.78.0.0/24")]
    [InlineData("10.78.0.7/32", "10.78.0.7/32")]
    [InlineData("FD00:78:0::/64", "fd00:78::/64")]
    [InlineData("10.78.0.5/24", null)]
    [InlineData("10.78/16", null)]
    [InlineData("012.0.0.0/8", null)]
    [InlineData("10.78.0.0", null)]
    [InlineData("10.78.0.0/33", null)]
    [InlineData("0.0.0.0/0", null)]
    [InlineData("::ffff:10.78.0.0/120", null)]
    [InlineData("10.78.0.0/24 ", null)]
    [InlineData("migration", null)]
    [InlineData("", null)]
    public void A_network_is_named_in_one_way(string text, string? kept) => Assert.Equal(kept, MigrationNetwork.Read(text));

    [Theory]
    [InlineData("10.78.0.0/24", "10.77.0.2/24@1000 10.78.0.2/24@1000", "10.78.0.2")]
    [InlineData("10.78.0.0/16", "10.78.1.2/24@1000 10.78.0.2/24@10000", "10.78.0.2")]
    [InlineData("10.78.0.0/16", "10.78.0.100/32@10000 10.78.1.2/24@1000", "10.78.1.2")]
    [InlineData("10.78.0.0/16", "10.78.0.100/32@10000", "10.78.0.100")]
    [InlineData("10.78.0.0/16", "10.78.0.3/24@0 10.78.0.2/24@0", "10.78.0.3")]
    [InlineData("fd00:78::/64", "10.78.0.2/24@0 FD00:78:0::2/64@0", "fd00:78::2")]
    [InlineData("10.78.0.0/24", "nonsense@0 10.78.0.2@0 10.78.1.2/24@0", null)]
    [InlineData("10.78.0.0/24", "", null)]
    public void The_way_of_a_host_is_its_fastest_own_address_in_it(string network, string addresses, string? way)
    {
        var host = new HostReport(new HostId(Making.Id(1)), "host-1", 1, true, true, 8, 1, [])
        {
            Addresses =
            [
                .. addresses.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(a => a.Split('@'))
                    .Select(a => new HostAddress(a[0], int.Parse(a[1]))),
            ],
        };
        var config = new ClusterConfig { Name = "c", DataCenter = default, MigrationNetwork = network };
        Assert.Equal(way, MigrationNetwork.Of(config)!.Way(host)?.Address);
    }
}
