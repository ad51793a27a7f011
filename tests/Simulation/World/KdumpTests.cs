using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Host.Node;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>What the simulated crash kernels say is what real ones say: fence_kdump_send of fence-agents, over UDP.</summary>
public sealed class KdumpTests : IAsyncLifetime, IDisposable
{
    private const string Program = "/usr/libexec/fence-agents/fence_kdump_send";
    private static readonly Guid _silent = Guid.NewGuid();

    private readonly ConcurrentQueue<(Guid Id, object Command)> _told = [];
    private readonly IPEndPoint _at = new(IPAddress.Loopback, FreePort());
    private readonly KdumpListener _listener;

    public KdumpTests()
    {
        var read = new Documents(
        [
            (_silent, "127.0.0.1", "non_responsive"),
            (Guid.NewGuid(), "127.0.0.9", "non_responsive"),
            (Guid.NewGuid(), "127.0.0.1", "up"),
        ]);
        _listener = new KdumpListener(_at, new KdumpNews(new Told(_told), read, TimeProvider.System), TimeProvider.System, NullLogger.Instance);
    }

    [SkippableFact]
    public async Task A_real_crash_kernels_word_reaches_the_silent_host_at_its_address()
    {
        Skip.IfNot(File.Exists(Program), $"{Program} is not there");
        await Sent(async () =>
        {
            using var sender = Process.Start(Program, ["-p", $"{_at.Port}", "-c", "1", "-i", "1", "127.0.0.1"]);
            await sender.WaitForExitAsync();
        });
        Assert.All(_told, told =>
        {
            Assert.Equal(_silent, told.Id);
            Assert.IsType<HostCommand.ReportKdump>(told.Command);
        });
    }

    [Fact]
    public async Task What_is_no_message_is_not_heard_and_a_flood_is_looked_at_once_a_second()
    {
        using var socket = new UdpClient();
        byte[] word = [0x40, 0x2A, 0x30, 0x1B, 1, 0, 0, 0];
        Assert.True(KdumpNews.IsMessage(word));
        Assert.True(KdumpNews.IsMessage([0x1B, 0x30, 0x2A, 0x40, 0, 0, 0, 1]));
        foreach (var other in (byte[][])[[], word[..7], [0x41, .. word[1..]], [.. word[..4], 2, 0, 0, 0]])
        {
            Assert.False(KdumpNews.IsMessage(other));
            await socket.SendAsync(other, _at);
        }

        await Sent(async () =>
        {
            for (var i = 0; i < 50; i++) await socket.SendAsync(word, _at);
        });
        Assert.InRange(_told.Count, 1, 2);
    }

    [Theory]
    [InlineData("7410x")]
    [InlineData("0.0.0.0")]
    [InlineData("engine:7410")]
    public void An_address_that_is_none_is_refused(string listen) =>
        Assert.Contains("ADDRESS:PORT", Assert.Throws<UsageException>(() => KdumpListener.Parse(listen)).Message);

    public Task InitializeAsync() => _listener.StartAsync(CancellationToken.None);

    public Task DisposeAsync() => _listener.StopAsync(CancellationToken.None);

    public void Dispose() => _listener.Dispose();

    /// <summary>Until something is heard: the socket may not be open yet.</summary>
    private async Task Sent(Func<Task> send)
    {
        for (var tries = 0; _told.IsEmpty && tries < 50; tries++)
        {
            await send();
            await Task.Delay(100);
        }

        Assert.NotEmpty(_told);
    }

    private static int FreePort()
    {
        using var socket = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.Client.LocalEndPoint!).Port;
    }

    private sealed class Told(ConcurrentQueue<(Guid, object)> told) : IEntities
    {
        public Task<Orchestrator.Actors.Reply> Ask(string kind, Guid id, object command, CancellationToken cancel) => throw new NotSupportedException();

        void IEntities.Tell(string kind, Guid id, object command) => told.Enqueue((id, command));
    }

    private sealed class Documents((Guid Id, string Address, string Status)[] hosts) : IReadModel
    {
        public Task<IReadOnlyList<Document>> List(ReadQuery query, CancellationToken cancel) => Task.FromResult<IReadOnlyList<Document>>(
            [.. hosts.Where(h => query.Kind == Kinds.Host && query.Equal!["status"] == h.Status).Select(Shown)]);

        public Task<Document?> Get(string kind, Guid id, CancellationToken cancel) => throw new NotSupportedException();

        public Task<long> Count(ReadQuery query, CancellationToken cancel) => throw new NotSupportedException();

        public Task<IReadOnlyList<VmOnHost>> VmsOn(HostId host, CancellationToken cancel) => throw new NotSupportedException();

        public Task<IReadOnlyList<VmId>> HighlyAvailableIn(ClusterId cluster, CancellationToken cancel) => throw new NotSupportedException();

        public Task<IReadOnlyList<VmCopy>> CopiesOn(HostId host, CancellationToken cancel) => throw new NotSupportedException();

        public Task<IReadOnlyList<AuditRow>> Events(AuditQuery query, CancellationToken cancel) => throw new NotSupportedException();

        public Task<bool> ClaimName(string kind, string scope, string name, Guid id, CancellationToken cancel) => throw new NotSupportedException();

        public Task ReleaseName(string kind, string scope, string name, Guid id, CancellationToken cancel) => throw new NotSupportedException();

        private static Document Shown((Guid Id, string Address, string Status) host) => new(Kinds.Host, host.Id, "", 1, WireJson.Write(new HostView
        {
            Id = new HostId(host.Id),
            Config = new HostConfig { Name = "", Cluster = default, Address = host.Address },
            Status = host.Status,
        }));
    }
}
