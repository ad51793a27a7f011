using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Orchestrator.Engine;
using Orchestrator.Engine.Memory;
using Orchestrator.Engine.Remote;

namespace Orchestrator.Tests.Engine;

/// <summary>What the cluster's port does with strangers, garbage and floods, and what a renewal does to messages.</summary>
public sealed class HandshakeTests : IDisposable
{
    private const string Quick = "orchestrator.remote.connect-timeout = 1s, orchestrator.remote.half-open-per-peer = 8";

    private readonly MemoryEngineDatabase database = new(TimeProvider.System);
    private readonly X509Certificate2 authority = TestCertificates.Authority();

    public void Dispose() => authority.Dispose();

    /// <summary>A greeting whose cluster name would have fewer than no characters.</summary>
    private static readonly byte[] _negativeLength = [2, 1, 0, 0, 0, 0xC6, 0xF2, 0xA9, 0x96, 0xF8, 116, 101, 115, 116];

    private static int Seed { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("SEED"), out var seed) ? seed : Random.Shared.Next();

    [Fact]
    public void Ten_thousand_random_greetings_are_understood_or_refused_in_words()
    {
        var random = new Random(Seed);
        var whole = Greeting.Refusal("because")[4..];
        for (var n = 0; n < 10_000; n++)
        {
            var frame = n switch
            {
                0 => _negativeLength,
                _ => Garbage(random, n % 2 == 0 ? whole : [2, 1, 0, 0, 0, 4, 116, 101, 115, 116, .. Guid.NewGuid().ToByteArray()]),
            };
            try
            {
                Greeting.Parse(frame);
            }
            catch (Exception e) when (e is InvalidDataException or RefusedByPeerException)
            {
                Assert.DoesNotContain(e.Message, char.IsControl);
            }
            catch (Exception e)
            {
                Assert.Fail($"SEED={Seed}, input {n} {Convert.ToHexString(frame)}: {e}");
            }
        }
    }

    [Fact]
    public async Task Ten_thousand_random_frames_never_end_more_than_themselves()
    {
        var random = new Random(Seed);
        await using var node = new TestNode(new MemoryEngineStore(database));
        await node.Membership.Joined;
        var frames = ((EngineTransport)node.Cluster.Transport).Frames;
        var sane = frames.Message(new Add("x", 1), "/user/nobody", null)[4..];
        for (var n = 0; n < 10_000; n++)
        {
            var frame = n switch
            {
                0 => Nested(frames),
                _ => Garbage(random, sane),
            };
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                frames.Read(frame);
                Assert.NotEqual(0, n);
            }
            catch (Exception e) when (e is not (OutOfMemoryException or Xunit.Sdk.XunitException))
            {
                // Any refusal will do: the transport logs it, and the connection goes on.
            }

            var cost = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(cost < 16 << 20, $"SEED={Seed}, input {n} of {frame.Length} bytes took {cost} bytes of memory");
        }
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("tls")]
    public async Task Garbage_on_the_port_harms_nobody(string wire)
    {
        var random = new Random(Seed);
        await using var a = new TestNode(new MemoryEngineStore(database), more: Quick, identity: Identity(wire));
        await using var b = new TestNode(new MemoryEngineStore(database), more: Quick, identity: Identity(wire));
        await a.SeesAsync(Settled);
        for (var n = 0; n < 1_000; n++)
        {
            using var stranger = await Knock(a);
            var noise = Garbage(random, [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);
            try
            {
                await stranger.GetStream().WriteAsync(noise);
            }
            catch (IOException)
            {
                // Closed in our face, which is an answer.
            }
        }

        var transport = (EngineTransport)a.Cluster.Transport;
        await Until(() => transport.HalfOpen == 0, "no connection is half open");
        for (var n = 0; n < 20; n++) Assert.Equal(1, (await b.AddAsync($"{wire}{n}", 1)).Sum);
    }

    [Fact]
    public async Task A_flood_of_silent_connections_is_bounded_and_keeps_no_node_out()
    {
        await using var a = new TestNode(new MemoryEngineStore(database), more: Quick, identity: Identity("tls"));
        await a.Membership.Joined;
        var flood = new List<TcpClient>();
        for (var n = 0; n < 300; n++) flood.Add(await Knock(a));
        var transport = (EngineTransport)a.Cluster.Transport;
        Assert.InRange(transport.HalfOpen, 0, 8);

        await using var b = new TestNode(new MemoryEngineStore(database), more: Quick, identity: Identity("tls"));
        await a.SeesAsync(Settled);
        for (var n = 0; n < 20; n++)
        {
            flood.Add(await Knock(a));
            Assert.Equal(1, (await b.AddAsync($"flood{n}", 1)).Sum);
        }

        await Until(() => transport.HalfOpen == 0, "the silent ones are closed in time");
        foreach (var client in flood) client.Dispose();
    }

    [Fact]
    public async Task A_renewal_loses_no_message_and_changes_no_order()
    {
        var identities = new[] { Fixed(), Fixed() };
        await using var a = new TestNode(new MemoryEngineStore(database), identity: identities[0]);
        await using var b = new TestNode(new MemoryEngineStore(database), identity: identities[1]);
        await a.SeesAsync(Settled);
        await b.SeesAsync(Settled);
        const int last = 20_000;
        var sink = new TaskCompletionSource<List<int>>(TaskCreationOptions.RunContinuationsAsynchronously);
        b.System.ActorOf(Props.Create(() => new Sink(last, sink)), "sink");
        var way = ((LocalSystem)a.System).ResolveActorRef($"{b.Cluster.SelfAddress}/user/sink");
        for (var n = 1; n <= last; n++)
        {
            way.Tell(new Add("x", n), ActorRefs.NoSender);
            if (n % 4_000 != 0) continue;
            foreach (var identity in identities) identity.Become(TestCertificates.Issue(authority), authority);
            await Task.Yield();
        }

        Assert.Equal(Enumerable.Range(1, last), await sink.Task.WaitAsync(TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public async Task Withdrawn_trust_ends_connections_that_stand()
    {
        using var other = TestCertificates.Authority();
        var (mine, theirs) = (Fixed(), Fixed());
        await using var a = new TestNode(new MemoryEngineStore(database), identity: mine);
        await using var b = new TestNode(new MemoryEngineStore(database), identity: theirs);
        await a.SeesAsync(Settled);
        for (var n = 0; n < 20; n++) await a.AddAsync($"t{n}", 1);
        mine.Become(TestCertificates.Issue(other), other);
        var refused = 0;
        for (var n = 0; n < 20; n++)
        {
            try
            {
                await a.SumAsync($"t{n}", TimeSpan.FromMilliseconds(500));
            }
            catch (Exception e) when (e is AskTimeoutException or TaskCanceledException)
            {
                refused++;
            }
        }

        Assert.NotEqual(0, refused);
    }

    private FixedIdentity Fixed() => new(TestCertificates.Issue(authority), authority);

    private FixedIdentity? Identity(string wire) => wire == "tls" ? Fixed() : null;

    private static bool Settled(ClusterView v) =>
        v.Members.Length == 2 && v.Shards.Count == 12 && v.Shards.Values.All(s => s.Next is null && s.Owner is not null)
        && v.Members.All(m => v.Shards.Values.Any(s => s.Owner == m.Node.Id));

    private static async Task<TcpClient> Knock(TestNode node)
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, node.Cluster.SelfAddress.Port!.Value);
        return client;
    }

    private static async Task Until(Func<bool> wish, string what)
    {
        using var beat = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!wish()) Assert.True(await beat.WaitForNextTickAsync(limit.Token), what);
    }

    /// <summary>Noise, or something sane with a few bytes changed, cut or repeated.</summary>
    private static byte[] Garbage(Random random, byte[] sane)
    {
        if (random.Next(3) == 0)
        {
            var noise = new byte[random.Next(1, 300)];
            random.NextBytes(noise);
            return noise;
        }

        var frame = sane.ToArray();
        for (var n = random.Next(1, 6); n > 0; n--) frame[random.Next(frame.Length)] = (byte)random.Next(256);
        return random.Next(3) == 0 ? frame[..random.Next(1, frame.Length)] : frame;
    }

    /// <summary>A success in a success in a success: as deep as a frame can be long.</summary>
    private static byte[] Nested(Frames frames)
    {
        var one = frames.Message(new Status.Success(new Status.Success(null!)), "/user/x", null)[4..];
        var zero = frames.Message(new Status.Success(null!), "/user/x", null)[4..];
        var head = zero.Length - 6;
        var level = one[head..(head + 6)];
        return [.. one[..head], .. Enumerable.Repeat(level, 500_000).SelectMany(l => l), .. zero[head..]];
    }

    private sealed class Sink(int last, TaskCompletionSource<List<int>> done) : UntypedActor
    {
        private readonly List<int> seen = [];

        protected override void OnReceive(object message)
        {
            if (message is not Add add) return;
            seen.Add(add.Amount);
            if (add.Amount == last) done.TrySetResult(seen);
        }
    }
}

/// <summary>Certificates for two hours.</summary>
internal static class TestCertificates
{
    public static X509Certificate2 Authority()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-2), DateTimeOffset.UtcNow.AddHours(2));
    }

    public static X509Certificate2 Issue(X509Certificate2 signer)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=node", key, HashAlgorithmName.SHA256);
        using var bare = request.Create(
            signer, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), RandomNumberGenerator.GetBytes(8));
        using var whole = bare.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
    }
}
