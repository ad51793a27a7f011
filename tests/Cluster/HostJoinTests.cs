using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Orchestrator.Tests.Cluster.Harness;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Cluster;

/// <summary>Hosts come in: with a token by themselves, and over SSH by the engine. Real agents, a real sshd, real guests.</summary>
public sealed class HostJoinTests(ITestOutputHelper output) : IDisposable
{
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(30);
    private readonly string _folder = Directory.CreateTempSubdirectory("orchestrator-join-").FullName;
    private string _engine = "";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public async Task A_host_comes_in_with_its_token_alone_and_keeps_its_certificate_under_a_running_guest()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        Skip.If(SshHost.Obstacle is not null, SshHost.Obstacle);
        await TestCluster.Run(Options(), Say, async cluster =>
        {
            await using var host = await SshHost.Start(cluster.Log, _folder, 1, withSsh: false);
            _engine = cluster.Nodes[0].Config.Api.ToString();
            var port = Ports.Free();
            var token = await Token(cluster, "--cluster", TestCluster.ClusterName);
            await Joins(0, "The agent listens", "the-new-one", token, host.Root, port);
            var id = await Up(cluster, "the-new-one");
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode($"{host.Root}/etc/pki/host.key"));

            // Said again nothing changes; and a token is of one host, one engine and its time.
            var pid = host.AgentPid;
            await Joins(0, "The agent runs", "the-new-one", token, host.Root, port);
            Assert.Equal(pid, host.AgentPid);
            await Joins(1, "was used by another host", "another", token, $"{_folder}/other", port);
            await Joins(1, "is not the engine that the token is of", "another", Foreign(token), $"{_folder}/other", port);
            await Joins(1, "no token of a host", "another", token[..^3], $"{_folder}/other", port);
            var short1 = await Token(cluster, "--cluster", TestCluster.ClusterName, "--life", "1");
            await Wait.Pass(TimeSpan.FromSeconds(1.5));
            await Joins(1, "has ended", "another", short1, $"{_folder}/other", port);
            await Joins(1, "has the address", "another", await Token(cluster, "--cluster", TestCluster.ClusterName), $"{_folder}/other", port);
            Assert.Equal(2, (await cluster.Client.Send(HttpMethod.Get, "hosts", null, _soon)).Json!["host"]!.AsArray().Count);

            var vm = await Guest(cluster, "kept", id);
            var guest = Assert.Single(SshHost.Guests(vm));
            var files = new PkiFiles($"{host.Root}/etc/pki/ca.crt", $"{host.Root}/etc/pki/host.crt", $"{host.Root}/etc/pki/host.key");
            using (var pki = TestPki.Of(Path.Combine(cluster.Folder, "pki")))
            using (var ending = pki.Issue("CN=the-new-one, OU=agent, O=ending", SshHost.Address, DateTimeOffset.UtcNow.AddHours(-20), DateTimeOffset.UtcNow.AddHours(8)))
                TestPki.Place(ending, files);
            await Wait.Until(async () => await Event(cluster, 881) is not null, _soon, "its certificate is renewed", () => Agents(host));
            var renewed = Serial(files);
            await Accepted(cluster, $"hosts/{id}/enrollcertificate");
            await Wait.Until(() => Serial(files) != renewed, _soon, "it has another certificate", () => Agents(host));
            await Wait.Until(async () => await Serves(cluster, port) == Serial(files), _soon, "it shows the new one");
            Assert.Equal("up", await Status(cluster, id));
            Assert.Equal([guest], SshHost.Guests(vm));
            Assert.Equal(pid, host.AgentPid);
            await Accepted(cluster, $"vms/{vm}/stop");
            await Wait.Until(() => SshHost.Guests(vm).Count == 0, _soon, "the guest ends: the engine reaches the agent");

            // A host that was lost to its end comes back by a token of its own.
            File.Delete(files.Certificate);
            await Joins(0, "The engine knows this host as the-new-one", "whatever", await Token(cluster, "--host", "the-new-one"), host.Root, port);
        });
    }

    [SkippableFact]
    public async Task The_engine_installs_a_host_over_SSH_and_upgrades_it_under_a_running_guest()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        Skip.If(SshHost.Obstacle is not null, SshHost.Obstacle);
        await ChildProcess.Run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", $"{_folder}/engine-key");
        var number = 2;
        await TestCluster.Run(Options($$"""
            hosts.install {
              folder = "{{_folder}}/{{number}}/opt"
              key-file = "{{_folder}}/engine-key"
              join-options = ["--root", "{{_folder}}/{{number}}/root", {{string.Join(", ", Settings(number).Select(s => $"\"--set\", \"{s.Replace("\"", "\\\"", StringComparison.Ordinal)}\""))}}]
            }
            """), Say, async cluster =>
        {
            await using var host = await SshHost.Start(cluster.Log, _folder, number, withSsh: true);
            var added = await cluster.Client.Send(HttpMethod.Post, "hosts", new JsonObject
            {
                ["name"] = "far",
                ["address"] = SshHost.Address,
                ["port"] = $"{Ports.Free()}",
                ["cluster"] = new JsonObject { ["name"] = TestCluster.ClusterName },
                ["root_password"] = $"wrong-{SshHost.Password}",
                ["ssh"] = new JsonObject { ["port"] = $"{host.Port}", ["fingerprint"] = await host.Fingerprint() },
            }, _soon);
            Assert.True(added.IsAccepted, added.ToString());
            var id = added.Json!["id"]!.GetValue<string>();
            Assert.DoesNotContain(SshHost.Password, added.Body, StringComparison.Ordinal);
            await Wait.Until(async () => await Status(cluster, id) == "install_failed", _soon, "the wrong password is refused");
            Assert.Contains("the login failed", await Event(cluster, 505), StringComparison.Ordinal);

            await Accepted(cluster, $"hosts/{id}/install", new JsonObject { ["root_password"] = SshHost.Password, ["ssh"] = new JsonObject { ["fingerprint"] = new string('A', 43) } });
            await Wait.Until(async () => (await Event(cluster, 505))!.Contains("does not show the SSH key", StringComparison.Ordinal), _soon, "another key is refused");

            await Accepted(cluster, $"hosts/{id}/install", new JsonObject { ["root_password"] = SshHost.Password, ["ssh"] = new JsonObject { ["fingerprint"] = await host.Fingerprint() } });
            await Wait.Until(async () => await Status(cluster, id) == "up", TimeSpan.FromSeconds(60), "it is installed and up", () => Agents(host) + Event(cluster, 505).Result);
            Assert.NotNull(await Event(cluster, 504));
            Assert.Equal("far", (await cluster.Client.Send(HttpMethod.Get, $"hosts/{id}", null, _soon)).Json!["name"]!.GetValue<string>());

            var vm = await Guest(cluster, "steady", id);
            var (guest, agent) = (Assert.Single(SshHost.Guests(vm)), host.AgentPid);
            var refused = await cluster.Client.Send(HttpMethod.Post, $"hosts/{id}/install", new JsonObject { ["root_password"] = SshHost.Password }, _soon);
            Assert.Equal(409, refused.Status);
            // By the engine's own key, which the host has let in since its installation.
            await Accepted(cluster, $"hosts/{id}/upgrade");
            await Wait.Until(async () => await Event(cluster, 842) is not null, TimeSpan.FromSeconds(60), "it is upgraded", () => Agents(host) + Event(cluster, 841).Result);
            Assert.NotEqual(agent, host.AgentPid);
            Assert.Equal([guest], SshHost.Guests(vm));
            await Wait.Until(async () => await Status(cluster, id) == "up", _soon, "it is up");

            Directory.CreateDirectory($"{host.Programs}/releases/0.0.1-old");
            await Accepted(cluster, $"vms/{vm}/stop");
            await Wait.Until(() => SshHost.Guests(vm).Count == 0, _soon, "the guest ends");
            await Accepted(cluster, $"hosts/{id}/deactivate");
            await Wait.Until(async () => await Status(cluster, id) == "maintenance", _soon, "it is in maintenance");
            agent = host.AgentPid;
            await Accepted(cluster, $"hosts/{id}/install", new JsonObject { ["ssh"] = new JsonObject { ["authentication_method"] = "publickey" } });
            await Wait.Until(async () => await Status(cluster, id) == "up", TimeSpan.FromSeconds(60), "it is installed again", () => Agents(host) + Event(cluster, 505).Result);
            Assert.NotEqual(agent, host.AgentPid);
            Assert.False(Directory.Exists($"{host.Programs}/releases/0.0.1-old"));
            await PasswordIsNowhere(cluster, id);
        });
    }

    private static async Task PasswordIsNowhere(TestCluster cluster, string host)
    {
        var dump = await ChildProcess.Run("pg_dump", "-h", "127.0.0.1", "-p", $"{cluster.Postgres.Port}", "-U", "postgres", "orchestrator");
        Assert.Contains("journal", dump, StringComparison.Ordinal);
        Assert.DoesNotContain($"ssh/{host}", dump, StringComparison.Ordinal);
        var word = SshHost.Password[..20];
        Assert.DoesNotContain(word, dump, StringComparison.Ordinal);
        Assert.DoesNotContain(cluster.Nodes.SelectMany(n => cluster.Log.Of(n.Name)), l => l.Contains(word, StringComparison.Ordinal));
        Assert.Empty(Directory.GetDirectories("/dev/shm", "orchestrator-ssh-*"));
    }

    private static TestClusterOptions Options(string more = "") => new()
    {
        Nodes = 1,
        Hosts = 1,
        Extra = $"hosts.certificate-look-every = 1 s\n{more}",
    };

    private string[] Settings(int number) =>
    [
        "orchestrator.agent.images-port = 0",
        $"orchestrator.agent.libvirt-uri = \"qemu+unix:///system?socket={_folder}/{number}/run/libvirt/libvirt-sock\"",
        "orchestrator.agent.accelerator = tcg",
        "orchestrator.agent.up-after = 1 s",
        "orchestrator.agent.watchdog = \"\"",
        $"orchestrator.agent.migration-address = \"10.79.0.{number}\"",
        $"orchestrator.agent.console-log-folder = \"{_folder}\"",
    ];

    private static async Task<string> Token(TestCluster cluster, params string[] more)
    {
        var words = await ChildProcess.Run("dotnet", [NodeExecutable.Path, "host", "token", "--config", cluster.Nodes[0].Config.Write(cluster.Folder), .. more]);
        return words.Split('\n').Single(l => l.StartsWith("hj1.", StringComparison.Ordinal)).Trim();
    }

    /// <summary>The same token, but of an engine with another authority.</summary>
    private static string Foreign(string token) => $"{token[..token.LastIndexOf('.')]}.{new string('0', 64)}";

    private async Task Joins(int code, string words, string name, string token, string root, int port)
    {
        var file = Path.Combine(_folder, "token");
        await File.WriteAllTextAsync(file, token);
        var (ended, said) = await ChildProcess.Try("dotnet",
        [
            NodeExecutable.Path, "host", "join", "--engine", _engine, "--token-file", file, "--name", name, "--root", root,
            "--port", port.ToString(CultureInfo.InvariantCulture), "--address", SshHost.Address,
            .. Settings(1).SelectMany(s => (string[])["--set", s]),
        ]);
        Say($"host join: {ended}: {said}");
        Assert.Equal(code, ended);
        Assert.Contains(words, said, StringComparison.Ordinal);
    }

    private async Task<string> Up(TestCluster cluster, string name)
    {
        var last = "";
        await Wait.Until(async () =>
        {
            var answer = await cluster.Client.Send(HttpMethod.Get, $"hosts?search=name%3D{name}", null, _soon);
            last = answer.Body;
            return answer.Json?["host"]?[0]?["status"]?.GetValue<string>() == "up";
        }, _soon, $"{name} is up", () => last + File.ReadAllText($"{_folder}/1/root/state/agent.log"));
        return JsonNode.Parse(last)!["host"]![0]!["id"]!.GetValue<string>();
    }

    private static async Task<string?> Status(TestCluster cluster, string host) =>
        (await cluster.Client.Send(HttpMethod.Get, $"hosts/{host}", null, _soon)).Json?["status"]?.GetValue<string>();

    /// <summary>The newest of its kind.</summary>
    private static async Task<string?> Event(TestCluster cluster, int code)
    {
        var events = (await cluster.Client.Send(HttpMethod.Get, "events?max=200", null, _soon)).Json?["event"]?.AsArray();
        return events?.FirstOrDefault(e => e!["code"]!.ToString() == code.ToString(CultureInfo.InvariantCulture))?["description"]?.GetValue<string>();
    }

    /// <summary>A machine without a disk: its firmware looks for one for ever.</summary>
    private static async Task<string> Guest(TestCluster cluster, string name, string host)
    {
        var made = await cluster.Client.Send(HttpMethod.Post, "vms", new JsonObject
        {
            ["name"] = name,
            ["memory"] = (64L << 20).ToString(CultureInfo.InvariantCulture),
            ["cluster"] = new JsonObject { ["name"] = TestCluster.ClusterName },
            ["template"] = new JsonObject { ["name"] = "Blank" },
            ["placement_policy"] = new JsonObject
            {
                ["affinity"] = "pinned",
                ["hosts"] = new JsonObject { ["host"] = new JsonArray(new JsonObject { ["id"] = host }) },
            },
        }, _soon);
        Assert.True(made.IsAccepted, made.ToString());
        var vm = made.Json!["id"]!.GetValue<string>();
        await Accepted(cluster, $"vms/{vm}/start");
        await Wait.Until(async () => (await cluster.Client.Send(HttpMethod.Get, $"vms/{vm}", null, _soon)).Json?["status"]?.GetValue<string>() == "up",
            TimeSpan.FromSeconds(60), $"{name} is up");
        return vm;
    }

    private static async Task Accepted(TestCluster cluster, string path, JsonObject? body = null)
    {
        var answer = await cluster.Client.Send(HttpMethod.Post, path, body ?? [], _soon);
        Assert.True(answer.IsAccepted, answer.ToString());
    }

    private static string Serial(PkiFiles files)
    {
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(files.Certificate);
        return certificate.SerialNumber;
    }

    private static Task<string> Serves(TestCluster cluster, int port) => TlsProbe.Serial(SshHost.Address, port);

    private static string Agents(SshHost host) => File.Exists($"{host.Root}/state/agent.log") ? File.ReadAllText($"{host.Root}/state/agent.log") : "no agent";

    private void Say(string line)
    {
        output.WriteLine(line);
        Console.WriteLine(line);
    }
}
