using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Orchestrator.Engine;
using Orchestrator.Engine.Memory;
using Orchestrator.Engine.Remote;

namespace Orchestrator.Tests.Engine;

/// <summary>Pipes through a node to places that the caller does not reach: who gets one, where to, and how it ends.</summary>
public sealed class PipeTests : IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(20);

    private readonly MemoryEngineDatabase database = new(TimeProvider.System);
    private readonly X509Certificate2 authority = TestCertificates.Authority();
    private readonly TcpListener place = new(IPAddress.Loopback, 0);
    private TestNode middle = null!;
    private TestNode caller = null!;

    private int PlacePort => ((IPEndPoint)place.LocalEndpoint).Port;

    private NodePipes Middle => NodePipes.Of(middle.System)!;

    public async Task InitializeAsync()
    {
        place.Start();
        middle = Node(authority);
        caller = Node(authority);
        await caller.SeesAsync(v => v.Members.Length == 2);
        await middle.SeesAsync(v => v.Members.Length == 2);
        Middle.Door = Door;
    }

    public async Task DisposeAsync()
    {
        await caller.DisposeAsync();
        await middle.DisposeAsync();
    }

    public void Dispose()
    {
        place.Dispose();
        authority.Dispose();
    }

    [Fact]
    public async Task Bytes_pass_both_ways_and_the_far_end_closes_the_near_one()
    {
        await using var near = await Open(caller);
        Assert.IsNotType<System.Net.Security.SslStream>(near);
        using var far = await place.AcceptTcpClientAsync().WaitAsync(_soon);
        await Passes(near, far.GetStream(), "there");
        await Passes(far.GetStream(), near, "and back");
        Assert.Equal(1, Middle.Open);

        far.Close();
        Assert.Equal(0, await near.ReadAsync(new byte[1]).AsTask().WaitAsync(_soon));
        await NoneIsOpen();
    }

    [Fact]
    public async Task The_near_end_closes_the_far_one()
    {
        var near = await Open(caller);
        using var far = await place.AcceptTcpClientAsync().WaitAsync(_soon);
        await near.DisposeAsync();
        Assert.Equal(0, await far.GetStream().ReadAsync(new byte[1]).AsTask().WaitAsync(_soon));
        await NoneIsOpen();
    }

    [Fact]
    public async Task A_megabyte_arrives_whole()
    {
        await using var near = await Open(caller);
        using var far = await place.AcceptTcpClientAsync().WaitAsync(_soon);
        var sent = new byte[1 << 20];
        new Random(1).NextBytes(sent);
        var writing = near.WriteAsync(sent).AsTask();
        var got = new byte[sent.Length];
        await far.GetStream().ReadExactlyAsync(got).AsTask().WaitAsync(_soon);
        await writing;
        Assert.Equal(sent, got);
    }

    [Fact]
    public async Task A_place_that_the_door_does_not_know_is_refused_in_words()
    {
        var refused = await Assert.ThrowsAsync<PipeRefusedException>(() => Open(caller, "198.51.100.1", 22));
        Assert.Equal("198.51.100.1:22 is no agent", refused.Message);
        await NoneIsOpen();
    }

    [Fact]
    public async Task A_place_where_nobody_listens_is_told_at_once()
    {
        var port = PlacePort;
        place.Stop();
        var refused = await Assert.ThrowsAsync<PipeRefusedException>(() => Open(caller, "127.0.0.1", port));
        Assert.Contains("is not reached from here", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_without_a_door_lets_nobody_through()
    {
        Middle.Door = null;
        var refused = await Assert.ThrowsAsync<PipeRefusedException>(() => Open(caller));
        Assert.Equal("this node lets nobody through", refused.Message);
    }

    [Fact]
    public async Task Beyond_the_limit_a_pipe_is_refused_and_those_that_stand_stay()
    {
        Middle.Limit = 1;
        await using var near = await Open(caller);
        using var far = await place.AcceptTcpClientAsync().WaitAsync(_soon);
        var refused = await Assert.ThrowsAsync<PipeRefusedException>(() => Open(caller));
        Assert.Contains("go through this node already", refused.Message, StringComparison.Ordinal);
        await Passes(near, far.GetStream(), "still there");
    }

    [Fact]
    public async Task A_pipe_through_which_nothing_moves_is_closed()
    {
        Middle.Idle = TimeSpan.FromMilliseconds(300);
        await using var near = await Open(caller);
        using var far = await place.AcceptTcpClientAsync().WaitAsync(_soon);
        await Passes(near, far.GetStream(), "once");
        Assert.Equal(0, await near.ReadAsync(new byte[1]).AsTask().WaitAsync(_soon));
        await NoneIsOpen();
    }

    [Fact]
    public async Task The_end_of_the_node_in_the_middle_closes_both_ends()
    {
        await using var near = await Open(caller);
        using var far = await place.AcceptTcpClientAsync().WaitAsync(_soon);
        await ((EngineTransport)middle.Cluster.Transport).DisposeAsync();
        Assert.Equal(0, await Rest(far.GetStream()));
        Assert.Equal(0, await Rest(near));
    }

    [Fact]
    public async Task A_stranger_gets_no_pipe()
    {
        using var foreign = TestCertificates.Authority();
        await using var stranger = new TestNode(
            new MemoryEngineStore(new MemoryEngineDatabase(TimeProvider.System)), more: "orchestrator.remote.connect-timeout = 1s",
            identity: new FixedIdentity(TestCertificates.Issue(foreign), authority));
        await stranger.Membership.Joined;
        await Assert.ThrowsAsync<PipeRefusedException>(() => Open(stranger));
        Assert.False(place.Pending());
    }

    [Fact]
    public async Task Who_is_no_member_gets_no_pipe_with_the_best_certificate()
    {
        await using var outsider = new TestNode(
            new MemoryEngineStore(new MemoryEngineDatabase(TimeProvider.System)), more: "orchestrator.remote.connect-timeout = 500ms",
            identity: new FixedIdentity(TestCertificates.Issue(authority), authority));
        await outsider.Membership.Joined;
        await Assert.ThrowsAsync<PipeRefusedException>(() => Open(outsider));
        Assert.False(place.Pending());
    }

    [Fact]
    public async Task Messages_go_on_beside_pipes()
    {
        await using var near = await Open(caller);
        for (var n = 0; n < 20; n++) Assert.Equal(1, (await caller.AddAsync($"p{n}", 1)).Sum);
        for (var n = 0; n < 20; n++) Assert.Equal(1, (await middle.SumAsync($"p{n}")).Sum);
    }

    [Theory]
    [InlineData(new byte[] { 4 })]
    [InlineData(new byte[] { 4, 0, 1, 0, 0, 0 })]
    [InlineData(new byte[] { 4, 1, 97, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 4, 1, 10, 1, 0, 0, 0 })]
    [InlineData(new byte[] { 4, 1, 97, 255, 255, 255, 255 })]
    [InlineData(new byte[] { 4, 255, 255, 255, 255, 255, 255 })]
    public void A_wish_for_nowhere_is_not_understood(byte[] frame) =>
        Assert.Throws<InvalidDataException>(() => PipeFrames.ReadWish(frame));

    private TestNode Node(X509Certificate2 signer) => new(
        new MemoryEngineStore(database), identity: new FixedIdentity(TestCertificates.Issue(signer), authority));

    private Task<Stream> Open(TestNode by) => Open(by, "127.0.0.1", PlacePort);

    private Task<Stream> Open(TestNode by, string host, int port) => NodePipes.Of(by.System)!.OpenAsync(
        "127.0.0.1", middle.Cluster.SelfAddress.Port!.Value, host, port, CancellationToken.None).WaitAsync(_soon);

    private static async Task<Stream> Door(string host, int port, CancellationToken cancel)
    {
        if (host != "127.0.0.1") throw new PipeRefusedException($"{host}:{port} is no agent");
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(host, port, cancel);
        return client.GetStream();
    }

    private static async Task Passes(Stream from, Stream to, string words)
    {
        var bytes = Encoding.UTF8.GetBytes(words);
        await from.WriteAsync(bytes);
        await from.FlushAsync();
        var got = new byte[bytes.Length];
        await to.ReadExactlyAsync(got).AsTask().WaitAsync(_soon);
        Assert.Equal(words, Encoding.UTF8.GetString(got));
    }

    /// <summary>What still comes; a reset is an end, too.</summary>
    private static async Task<int> Rest(Stream stream)
    {
        try
        {
            return await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(_soon);
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private async Task NoneIsOpen()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        for (var n = 0; Middle.Open > 0 && n < 500; n++) await timer.WaitForNextTickAsync();
        Assert.Equal(0, Middle.Open);
    }
}
