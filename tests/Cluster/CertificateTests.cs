using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Orchestrator.Tests.Cluster.Checkers;
using Orchestrator.Tests.Cluster.Harness;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Cluster;

/// <summary>Certificates of running nodes change and end, and strangers knock: real processes, real certificates.</summary>
public sealed class CertificateTests(ITestOutputHelper output)
{
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(30);

    /// <summary>Nodes and fleet live on certificates of half a minute, get new ones under load, and go on after the old
    /// ones have ended. No process is started again, no request fails, no host is lost.</summary>
    [SkippableFact]
    public async Task A_certificate_is_renewed_under_load_before_the_old_one_ends()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        await TestCluster.Run(new TestClusterOptions { Hosts = 4 }, Say, async cluster =>
        {
            var probe = await TakeoverProbe.Make(cluster, new Ledger(), $"{Rounds.Seed}", vms: 12);
            var vms = (await Task.WhenAll(cluster.Nodes.Select(probe.OwnedBy))).SelectMany(v => v).ToList();
            var pids = cluster.Nodes.Select(n => n.Pid).ToList();
            using var pki = TestPki.Of(Folder(cluster));
            await using var load = Load.Start(cluster, vms);

            var ends = DateTimeOffset.UtcNow + TimeSpan.FromSeconds(25);
            foreach (var (name, files, address, role) in Holders(cluster))
            {
                using var brief = pki.Issue($"CN={name}, OU={role}, O=brief", address, ends - DateTimeOffset.UtcNow);
                TestPki.Place(brief, files);
                await Said(cluster, name, "from now on this process shows", brief.SerialNumber);
            }

            foreach (var (name, files, address, role) in Holders(cluster))
            {
                using var lasting = pki.Issue($"CN={name}, OU={role}, O=lasting", address, TimeSpan.FromDays(300));
                TestPki.Place(lasting, files);
                await Said(cluster, name, "from now on this process shows", lasting.SerialNumber);
                if (role == "agent")
                {
                    Assert.Equal(lasting.SerialNumber, await TlsProbe.Serial(address, cluster.Fleet.Config.Port));
                    continue;
                }

                var node = cluster.Nodes.Single(n => n.Name == name).Config;
                Assert.Equal(lasting.SerialNumber, await TlsProbe.Serial(address, node.ApiPort));
                Assert.Equal(lasting.SerialNumber, await TlsProbe.Serial(address, node.ClusterPort, lasting));
            }

            Assert.True(DateTimeOffset.UtcNow < ends, "this machine is too slow: the brief certificates ended before");
            await Wait.Pass(ends + TimeSpan.FromSeconds(5) - DateTimeOffset.UtcNow);
            await load.Stop();
            cluster.Say(load.Figures);
            Assert.Empty(load.Failures);
            Assert.Equal(pids, cluster.Nodes.Select(n => n.Pid));
            await AllHostsAreUp(cluster);
            foreach (var node in cluster.Nodes)
            {
                var words = cluster.Log.Of(node.Name);
                Assert.Contains(words, w => w.Contains("is made anew with the renewed certificate", StringComparison.Ordinal));
                Assert.DoesNotContain(words, w => w.Contains("No connection to the node", StringComparison.Ordinal)
                    || w.Contains("is not reached", StringComparison.Ordinal)
                    || w.Contains("stays on the connection", StringComparison.Ordinal));
            }

            // Whoever shakes hands anew is let in by those whose first certificate has ended.
            await cluster.Nodes[2].Kill();
            await cluster.Nodes[2].Start();
            await cluster.UntilReady(cluster.Nodes[2], TimeSpan.FromSeconds(60));
        });
    }

    /// <summary>From one CA to the next under load, as the operator's guide says: both trusted, all renewed, the old one
    /// retired. The cluster's id, taken from the first CA, stays.</summary>
    [SkippableFact]
    public async Task An_installation_moves_to_a_new_CA_without_a_stop()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        await TestCluster.Run(new TestClusterOptions { Hosts = 4, ClusterId = "" }, Say, async cluster =>
        {
            var probe = await TakeoverProbe.Make(cluster, new Ledger(), $"{Rounds.Seed}", vms: 12);
            var vms = (await Task.WhenAll(cluster.Nodes.Select(probe.OwnedBy))).SelectMany(v => v).ToList();
            using var before = TestPki.Of(Folder(cluster));
            using var late = before.Issue("CN=late, OU=engine", cluster.Nodes[0].Config.Address, TimeSpan.FromDays(1));
            var first = cluster.Nodes[0].Config;

            await Pki(cluster, "rotate");
            foreach (var (name, _, _, _) in Holders(cluster))
                await Said(cluster, name, "from now on this process shows", "' and '");
            await using var load = Load.Start(cluster, vms);
            foreach (var (name, files, _, _) in Holders(cluster))
            {
                await Pki(cluster, "renew", "--name", name);
                using var renewed = X509CertificateLoader.LoadCertificateFromFile(files.Certificate);
                await Said(cluster, name, "from now on this process shows", renewed.SerialNumber);
            }

            Assert.Null(await Quietly(TlsProbe.Refusal(first.Address, first.ClusterPort, late)));
            await Wait.Pass(TimeSpan.FromSeconds(3));
            await Pki(cluster, "retire");
            foreach (var (name, _, _, _) in Holders(cluster))
            {
                await Wait.Until(() => cluster.Log.Of(name).Count(w => w.Contains("from now on", StringComparison.Ordinal)) >= 3,
                    _soon, $"{name} trusts the new CA alone");
            }

            Assert.Contains("not vouched for by our CA",
                await TlsProbe.Refusal(first.Address, first.ClusterPort, late), StringComparison.Ordinal);
            await Wait.Pass(TimeSpan.FromSeconds(3));
            await load.Stop();
            cluster.Say(load.Figures);
            Assert.Empty(load.Failures);
            await AllHostsAreUp(cluster);

            await cluster.Nodes[0].Kill();
            await cluster.Nodes[0].Start();
            await Said(cluster, "n1", "up, REST at", "", times: 2);
        });
    }

    /// <summary>Each is named in the log of the node that refuses, with the reason and what to do, once a minute however
    /// often it knocks; and is told the reason itself.</summary>
    [SkippableFact]
    public async Task Foreign_expired_and_misplaced_certificates_are_refused_and_named()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        await TestCluster.Run(new TestClusterOptions { Nodes = 2, Hosts = 1 }, Say, async cluster =>
        {
            var node = cluster.Nodes[0];
            var (address, port) = (node.Config.Address, node.Config.ClusterPort);
            var now = DateTimeOffset.UtcNow;
            using var ours = TestPki.Of(Folder(cluster));
            using var foreign = TestPki.Foreign();
            using var strange = foreign.Issue("CN=strange, OU=engine", address, TimeSpan.FromDays(1));
            using var expired = ours.Issue("CN=expired, OU=engine", address, now.AddHours(-20), now.AddMinutes(-1));
            using var early = ours.Issue("CN=early, OU=engine", address, now.AddHours(1), now.AddDays(1));
            using var host = ours.Issue("CN=host17, OU=agent", address, TimeSpan.FromDays(1));
            using var elsewhere = ours.Issue("CN=elsewhere, OU=engine", "10.9.9.9", TimeSpan.FromDays(1));
            var hello = TlsProbe.Hello(node.Config.ClusterId, await Member(cluster, cluster.Nodes[1]));

            await Refused(strange, null, "is not vouched for by our CA");
            await Refused(expired, null, "has expired; renew it");
            await Refused(host, null, "does not have the role engine");
            await Refused(null, null, "no certificate was shown");
            await Refused(elsewhere, hello, $"is not {cluster.Nodes[1].Config.Address}");
            Assert.Contains("not valid yet", await TlsProbe.Refusal(address, port, early), StringComparison.Ordinal);

            for (var n = 0; n < 30; n++) await TlsProbe.Refusal(address, port, strange);
            Assert.Single(cluster.Log.Of(node.Name), w => w.Contains("CN=strange", StringComparison.Ordinal));

            // TLS 1.2 is for REST alone.
            await Assert.ThrowsAnyAsync<Exception>(async () =>
            {
                await using var old = await TlsProbe.Connect(address, port, strange, SslProtocols.Tls12);
            });
            await using (var rest = await TlsProbe.Connect(address, node.Config.ApiPort, null, SslProtocols.Tls12))
                Assert.Equal(SslProtocols.Tls12, rest.SslProtocol);

            async Task Refused(X509Certificate2? shown, byte[]? greeting, string why)
            {
                Assert.Contains(why, await TlsProbe.Refusal(address, port, shown, greeting), StringComparison.Ordinal);
                var line = await Said(cluster, node.Name, "was refused", why);
                cluster.Say(line);
                if (shown is null) return;
                Assert.Contains(shown.Subject, line, StringComparison.Ordinal);
                Assert.Contains(shown.Issuer, line, StringComparison.Ordinal);
                Assert.Contains(shown.SerialNumber, line, StringComparison.Ordinal);
                Assert.Contains(shown.NotAfter.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture),
                    line, StringComparison.Ordinal);
            }
        });
    }

    /// <summary>A whole process of another CA on the same database: both ends name the other and say why.</summary>
    [SkippableFact]
    public async Task A_node_of_another_CA_and_those_it_meets_say_why_they_do_not_talk()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        await TestCluster.Run(new TestClusterOptions { Nodes = 1, Hosts = 1 }, Say, async cluster =>
        {
            var node = cluster.Nodes[0];
            await using var stranger = await cluster.Stranger(node.Config.ClusterId,
                Directory.CreateDirectory(Path.Combine(cluster.Folder, "pki2")).FullName);
            await stranger.Start();
            var here = await Said(cluster, node.Name, "CN=stranger", "not vouched for by our CA");
            var there = await Said(cluster, "stranger", "CN=n1", "not vouched for by our CA");
            cluster.Say($"{node.Name}: {here}");
            cluster.Say($"stranger: {there}");
        });
    }

    /// <summary>What cannot work is said at the start, in one sentence, with code 1; and what is put into the files of a
    /// running node by mistake is not taken up.</summary>
    [SkippableFact]
    public async Task A_certificate_that_cannot_work_is_refused_by_its_own_process()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        await TestCluster.Run(new TestClusterOptions { Nodes = 1, Hosts = 1 }, Say, async cluster =>
        {
            var node = cluster.Nodes[0];
            var (address, files) = (node.Config.Address, node.Config.Pki);
            using var pki = TestPki.Of(Folder(cluster));
            using var foreign = TestPki.Foreign();
            var now = DateTimeOffset.UtcNow;
            using var expired = pki.Issue("CN=n1, OU=engine", address, now.AddHours(-20), now.AddMinutes(-1));
            using var strange = foreign.Issue("CN=n1, OU=engine", address, TimeSpan.FromDays(1));
            using var good = pki.Issue("CN=n1, OU=engine", address, TimeSpan.FromDays(1));
            using var soon = pki.Issue("CN=n1, OU=engine, O=soon", address, now.AddHours(-20), now.AddHours(8));
            var shown = await TlsProbe.Serial(address, node.Config.ApiPort);

            TestPki.Place(expired, files);
            await Said(cluster, "n1", "are not taken up", "has expired");
            TestPki.Place(strange, files);
            await Said(cluster, "n1", "are not taken up", "not vouched for");
            var key = await File.ReadAllTextAsync(files.Key);
            TestPki.Place(good, files with { Key = files.Key + ".later" });
            await Said(cluster, "n1", "are not taken up", files.Key);
            Assert.Equal(shown, await TlsProbe.Serial(address, node.Config.ApiPort));
            Assert.NotEqual(key, await File.ReadAllTextAsync(files.Key + ".later"));
            File.Move(files.Key + ".later", files.Key, overwrite: true);
            await Said(cluster, "n1", "from now on this process shows", good.SerialNumber);
            TestPki.Place(soon, files);
            Assert.Contains("ends in 07:", await Said(cluster, "n1", "renew it", soon.SerialNumber), StringComparison.Ordinal);

            TestPki.Place(expired, files);
            await node.Kill();
            await node.Start();
            Assert.Equal(1, await node.Exited(TimeSpan.FromSeconds(60)));
            Assert.Contains("has expired", await Said(cluster, "n1", "cannot run", expired.SerialNumber), StringComparison.Ordinal);
        });
    }

    private static IEnumerable<(string Name, PkiFiles Files, string Address, string Role)> Holders(TestCluster cluster) =>
    [
        .. cluster.Nodes.Select(n => (n.Name, n.Config.Pki, n.Config.Address, "engine")),
        ("fleet", cluster.Fleet.Config.Pki, cluster.Fleet.Config.Address, "agent"),
    ];

    private static string Folder(TestCluster cluster) => Path.Combine(cluster.Folder, "pki");

    private static Task<string> Pki(TestCluster cluster, string what, params string[] more) => ChildProcess.Run(
        "dotnet", [NodeExecutable.Path, "pki", what, "--dir", Folder(cluster), .. more]);

    /// <summary>The newest line of a process that holds both, as soon as there is one.</summary>
    private static async Task<string> Said(TestCluster cluster, string who, string what, string about, int times = 1)
    {
        List<string> found = [];
        await Wait.Until(() =>
        {
            found = [.. cluster.Log.Of(who).Where(w => w.Contains(what, StringComparison.Ordinal)
                && w.Contains(about, StringComparison.Ordinal))];
            return found.Count >= times;
        }, _soon, $"{who} says '{what}' about '{about}'", () => string.Join(" | ", cluster.Log.Of(who).TakeLast(5)));
        return found[^1];
    }

    private static async Task<Guid> Member(TestCluster cluster, NodeProcess node)
    {
        await using var database = Npgsql.NpgsqlDataSource.Create(cluster.Postgres.ConnectionString);
        await using var command = database.CreateCommand("SELECT node_id FROM cluster.members WHERE host = $1");
        command.Parameters.AddWithValue(node.Config.Address);
        return (Guid)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>A node that accepts a certificate waits for a greeting: there is no sentence to be read.</summary>
    private static async Task<string?> Quietly(Task<string?> reading)
    {
        try
        {
            return await reading;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private static async Task AllHostsAreUp(TestCluster cluster)
    {
        var client = cluster.NewClient(TimeSpan.FromSeconds(10));
        var answer = await client.Send(HttpMethod.Get, "hosts", null, _soon);
        Assert.All(answer.Json!["host"]!.AsArray(), h => Assert.Equal("up", h!["status"]!.GetValue<string>()));
        var events = await client.Send(HttpMethod.Get, "events?max=500", null, _soon);
        Assert.DoesNotContain("non responsive", events.Body, StringComparison.OrdinalIgnoreCase);
        client.Dispose();
    }

    private void Say(string line)
    {
        output.WriteLine(line);
        Console.WriteLine(line);
    }

    /// <summary>Changes of all VMs through all nodes, each request once: what fails, failed.</summary>
    private sealed class Load : IAsyncDisposable
    {
        private readonly CancellationTokenSource _end = new();
        private readonly Task _work;
        private int _asked;
        private long _slowest;

        private Load(TestCluster cluster, IReadOnlyList<VmRecord> vms) =>
            _work = Task.WhenAll(Enumerable.Range(0, 3).Select(node => Run(cluster, vms, node)));

        public ConcurrentQueue<string> Failures { get; } = new();

        public string Figures => $"{_asked} requests, {Failures.Count} failed, slowest {_slowest} ms: "
            + string.Join(" | ", Failures.Take(3));

        public static Load Start(TestCluster cluster, IReadOnlyList<VmRecord> vms) => new(cluster, vms);

        public async Task Stop()
        {
            await _end.CancelAsync();
            await _work;
        }

        public async ValueTask DisposeAsync()
        {
            await Stop();
            _end.Dispose();
        }

        private async Task Run(TestCluster cluster, IReadOnlyList<VmRecord> vms, int node)
        {
            using var client = cluster.NewClient(TimeSpan.FromSeconds(20));
            using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(25));
            for (var n = 0; !_end.IsCancellationRequested; n++)
            {
                var answer = await client.Once(node, HttpMethod.Put, $"vms/{vms[(n + node) % vms.Count].Id}",
                    new JsonObject { ["comment"] = $"load {node} {n}" });
                Interlocked.Increment(ref _asked);
                if (!answer.IsAccepted) Failures.Enqueue(answer.ToString());
                _slowest = Math.Max(_slowest, (long)answer.Took.TotalMilliseconds);
                await pace.WaitForNextTickAsync();
            }
        }
    }
}
