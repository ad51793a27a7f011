using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Engine;
using Orchestrator.Host.Node;

namespace Orchestrator.Tests.Simulation;

/// <summary>Other nodes get through this one to the hosts of the engine, and nowhere else.</summary>
public sealed class AgentDoorTests : IDisposable
{
    private readonly TcpListener _agent = new(IPAddress.Loopback, 0);
    private readonly Hosts _hosts = new();

    public AgentDoorTests() => _agent.Start();

    private int Port => ((IPEndPoint)_agent.LocalEndpoint).Port;

    public void Dispose() => _agent.Stop();

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1")]
    [InlineData("LocalHost", "localhost")]
    public async Task The_address_of_a_host_is_connected_to(string written, string asked)
    {
        _hosts.All = [(written, Port)];
        await using var there = await new AgentDoor(_hosts, TimeProvider.System).Open(asked, Port, CancellationToken.None);
        using var met = await _agent.AcceptTcpClientAsync();
        Assert.True(met.Connected);
    }

    [Fact]
    public async Task An_address_of_no_host_and_another_port_of_a_host_are_refused()
    {
        _hosts.All = [("127.0.0.1", Port), ("[fe80::1]", 54321)];
        var door = new AgentDoor(_hosts, TimeProvider.System);
        foreach (var (host, port) in new[] { ("127.0.0.1", Port + 1), ("127.0.0.2", Port), ("169.254.169.254", 80), ("fe80::1", 22) })
        {
            var refused = await Assert.ThrowsAsync<PipeRefusedException>(() => door.Open(host, port, CancellationToken.None));
            Assert.Equal($"{host}:{port} is the address of no host that the engine knows", refused.Message);
        }

        Assert.False(_agent.Pending());
        Assert.Equal(1, _hosts.Read);
    }

    [Fact]
    public async Task Known_hosts_stay_known_while_the_database_is_away()
    {
        _hosts.All = [("127.0.0.1", Port)];
        var door = new AgentDoor(_hosts, TimeProvider.System);
        await (await door.Open("127.0.0.1", Port, CancellationToken.None)).DisposeAsync();
        _hosts.IsAway = true;
        await (await door.Open("127.0.0.1", Port, CancellationToken.None)).DisposeAsync();
        await Assert.ThrowsAsync<PipeRefusedException>(() => door.Open("127.0.0.2", Port, CancellationToken.None));
    }

    private sealed class Hosts : IReadModel
    {
        public ImmutableArray<(string Address, int Port)> All { get; set; } = [];

        public bool IsAway { get; set; }

        public int Read { get; private set; }

        public Task<IReadOnlyList<Document>> List(ReadQuery query, CancellationToken cancel)
        {
            if (IsAway) throw new EntityUnavailableException("the database is away", TimeSpan.Zero);
            Read++;
            return Task.FromResult<IReadOnlyList<Document>>([.. All.Select(h => new Document(query.Kind, Guid.Empty, "h", 1, WireJson.Write(new HostView
            {
                Id = new HostId(Guid.Empty),
                Config = new HostConfig { Name = "h", Cluster = new ClusterId(Guid.Empty), Address = h.Address, Port = h.Port },
                Status = "up",
            })))]);
        }

        public Task<Document?> Get(string kind, Guid id, CancellationToken cancel) => throw new NotSupportedException();

        public Task<long> Count(ReadQuery query, CancellationToken cancel) => throw new NotSupportedException();

        public Task<IReadOnlyList<VmOnHost>> VmsOn(HostId host, CancellationToken cancel) => throw new NotSupportedException();

        public Task<IReadOnlyList<VmId>> HighlyAvailableIn(ClusterId cluster, CancellationToken cancel) => throw new NotSupportedException();

        public Task<IReadOnlyList<VmCopy>> CopiesOn(HostId host, CancellationToken cancel) => throw new NotSupportedException();

        public Task<IReadOnlyList<AuditRow>> Events(AuditQuery query, CancellationToken cancel) => throw new NotSupportedException();

        public Task<bool> ClaimName(string kind, string scope, string name, Guid id, CancellationToken cancel) => throw new NotSupportedException();

        public Task ReleaseName(string kind, string scope, string name, Guid id, CancellationToken cancel) => throw new NotSupportedException();
    }
}
