using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace Orchestrator.Tests.Cluster.Harness;

public sealed record TestClusterOptions
{
    public int Nodes { get; init; } = 3;

    public int Hosts { get; init; } = 20;

    /// <summary>Fast enough for many rounds, long enough that faults hit guests on their way.</summary>
    public TimeSpan Boot { get; init; } = TimeSpan.FromMilliseconds(300);

    public TimeSpan Launch { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan Migration { get; init; } = TimeSpan.FromMilliseconds(600);

    public bool Durable { get; init; }

    /// <summary>orchestrator.dll of another version, for nodes and hosts to begin with; null: the one under test.</summary>
    public string? Program { get; init; }

    /// <summary>A second PostgreSQL that every commit waits for; the nodes know both.</summary>
    public bool Standby { get; init; }

    /// <summary>Triggers note every write and every epoch; off where their cost would be measured.</summary>
    public bool Watched { get; init; } = true;

    /// <summary>Each node in a network namespace of its own.</summary>
    public bool Namespaces { get; init; }

    /// <summary>Further HOCON lines of every node.</summary>
    public string More { get; init; } = "";

    /// <summary>Further lines of HOCON under orchestrator, for nodes and fleet.</summary>
    public string Extra { get; init; } = "";

    /// <summary>Null: one of the harness's own. Empty: the nodes take it from their CA.</summary>
    public string? ClusterId { get; init; }

    /// <summary>How long a client waits for one answer of one node.</summary>
    public TimeSpan AttemptLimit { get; init; } = TimeSpan.FromSeconds(8);
}

/// <summary>PostgreSQL, engine nodes and a fleet of simulated hosts, as processes, and their end by process id.</summary>
public sealed class TestCluster : IAsyncDisposable
{
    public const string ClusterName = "chaos";

    private readonly Action<string> _say;
    private readonly List<NodeProcess> _nodes = [];
    private NetworkLab? _network;
    private string? _password;

    private TestCluster(TestClusterOptions options, Action<string> say)
    {
        Options = options;
        _say = say;
        Folder = Directory.CreateDirectory(Path.Combine(
            Path.GetTempPath(), "orchestrator-cluster", $"{DateTime.UtcNow:HHmmss}-{Environment.ProcessId}")).FullName;
        File.SetUnixFileMode(Folder, (UnixFileMode)0b111_101_101);
    }

    public TestClusterOptions Options { get; }

    public string Folder { get; }

    public RunLog Log { get; } = new();

    public FaultClock Faults { get; } = new();

    public IReadOnlyList<NodeProcess> Nodes => _nodes;

    /// <summary>The primary.</summary>
    public PrivatePostgres Postgres { get; private set; } = null!;

    /// <summary>Its synchronous standby, or who it was before the failover.</summary>
    public PrivatePostgres? Standby { get; private set; }

    public FleetProcess Fleet { get; private set; } = null!;

    public ClusterTables Tables { get; private set; } = null!;

    public OvirtClient Client { get; private set; } = null!;

    public NetworkLab Network => _network ?? throw new InvalidOperationException("this cluster has no namespaces");

    /// <summary>Why the cluster tests cannot run here, or null.</summary>
    public static string? Obstacle =>
        !PrivatePostgres.IsInstalled ? "PostgreSQL 15 is not installed"
        : !File.Exists(NodeExecutable.Path) ? $"{NodeExecutable.Path} is not built"
        : null;

    /// <summary>Starts a cluster, runs a body against it and ends all of it. When the body fails, the merged log of
    /// all processes is kept and its end is shown.</summary>
    public static async Task Run(
        TestClusterOptions options, Action<string> say, Func<TestCluster, Task> body)
    {
        await using var cluster = new TestCluster(options, say);
        try
        {
            await cluster.Start();
            await body(cluster);
        }
        catch (Exception)
        {
            var file = Path.Combine(Path.GetTempPath(), $"orchestrator-cluster-{DateTime.UtcNow:HHmmss}.log");
            var tail = cluster.Log.Save(file, tail: 25);
            say($"failed; the merged log of all processes is {file}; its end:\n{tail}");
            throw;
        }
    }

    /// <summary>The standby becomes the primary. Answers when that was.</summary>
    public async Task<DateTimeOffset> FailOver()
    {
        var (former, next) = (Postgres, Standby ?? throw new InvalidOperationException("this cluster has no standby"));
        await next.Promote();
        (Postgres, Standby) = (next, former);
        Log.Add("harness", $"the standby at port {next.Port} is promoted");
        return Faults.Strike();
    }

    public void Say(string line)
    {
        Log.Add("harness", line);
        _say(line);
    }

    /// <summary>Of admin@internal.</summary>
    public string Password => _password!;

    public OvirtClient NewClient(TimeSpan attemptLimit) => new(
        [.. _nodes.Select(n => n.Config.Api)], NodeExecutable.CaFile(Path.Combine(Folder, "pki")), "admin@internal", _password!,
        attemptLimit);

    /// <summary>The node answers over REST, and is a member that entities can live on.</summary>
    public async Task<bool> IsReady(NodeProcess node)
    {
        var answer = await Client.Once(_nodes.IndexOf(node), HttpMethod.Get, "clusters?max=1", null);
        return answer.IsAccepted
            && (await Tables.Members()).Contains($"{node.Config.Address}:{node.Config.ClusterPort}");
    }

    public Task<TimeSpan> UntilReady(NodeProcess node, TimeSpan limit) => Wait.Until(async () =>
    {
        if (!node.IsRunning) throw new InvalidOperationException($"{node.Name} ended with code {node.ExitCode}");
        Client.Forgive();
        return await IsReady(node);
    }, limit, $"{node.Name} answers", () => string.Join(" | ", Log.Of(node.Name).TakeLast(5)));

    /// <summary>A further node of this cluster's kind, not yet started and not among <see cref="Nodes"/>.</summary>
    public async Task<NodeProcess> Stranger(string clusterId, string pkiFolder)
    {
        var config = _nodes[0].Config;
        var octet = RandomNumberGenerator.GetInt32(2, 250);
        var address = $"127.0.{octet}.99";
        await NodeExecutable.MakeCa(pkiFolder);
        return new NodeProcess(config with
        {
            Name = "stranger",
            Address = address,
            ClusterId = clusterId,
            Pki = await NodeExecutable.MakeCertificate(pkiFolder, "stranger", "engine", address),
        }, Folder, Log, null);
    }

    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        foreach (var node in _nodes) await node.DisposeAsync();
        if (Fleet is not null) await Fleet.DisposeAsync();
        if (Postgres is not null) await Postgres.DisposeAsync();
        if (Standby is not null) await Standby.DisposeAsync();
        if (_network is not null) await _network.DisposeAsync();
        if (Directory.Exists(Folder)) Directory.Delete(Folder, recursive: true);
    }

    private async Task Start()
    {
        if (Options.Namespaces) _network = await NetworkLab.Make(Log, Options.Nodes);
        var home = Options.Namespaces ? NetworkLab.BridgeAddress : "127.0.0.1";
        Postgres = await PrivatePostgres.Start(Log, Path.Combine(Folder, "pg"), Options.Durable, home);
        Tables = new ClusterTables(() => Postgres);
        if (Options.Standby)
        {
            Standby = await PrivatePostgres.StartStandby(Log, Path.Combine(Folder, "pg2"), Postgres);
            await Postgres.CommitOnlyWithStandby();
        }


        var pki = Directory.CreateDirectory(Path.Combine(Folder, "pki")).FullName;
        await NodeExecutable.MakeCa(pki);
        _password = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));
        var passwordFile = Secret("password", _password);
        var tokenKeyFile = Secret("token-key", Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));
        var instanceFile = Secret("instance-id", Guid.NewGuid().ToString());

        var octet = RandomNumberGenerator.GetInt32(2, 250);
        var (clusterPort, apiPort) = (Ports.Free(), Ports.Free());
        var clusterId = Options.ClusterId ?? Guid.NewGuid().ToString();
        for (var i = 0; i < Options.Nodes; i++)
        {
            var name = $"n{i + 1}";
            var address = Options.Namespaces ? NetworkLab.AddressOf(i) : $"127.0.{octet}.{i + 1}";
            _nodes.Add(new NodeProcess(new NodeConfig
            {
                Name = name,
                Address = address,
                ClusterPort = clusterPort,
                ApiPort = apiPort,
                ConnectionString = Standby is { } second ? Postgres.Together(second) : Postgres.ConnectionString,
                ClusterId = clusterId,
                Pki = await NodeExecutable.MakeCertificate(pki, name, "engine", address),
                TokenKeyFile = tokenKeyFile,
                InstanceIdFile = instanceFile,
                More = Options.More,
                Extra = Options.Extra,
                Program = Options.Program,
            }, Folder, Log, _network?.NamespaceOf(i)));
        }

        Fleet = await FleetProcess.Start(new FleetConfig
        {
            Address = home,
            Port = Ports.Free(),
            ControlPort = Ports.Free(),
            Hosts = Options.Hosts,
            Launch = Options.Launch,
            Boot = Options.Boot,
            Migration = Options.Migration,
            Pki = await NodeExecutable.MakeCertificate(pki, "fleet", "agent", home),
            Extra = Options.Extra,
        }, Folder, Log, Options.Program);

        Client = NewClient(Options.AttemptLimit);
        await NodeExecutable.SetPassword(_nodes[0].Config.Write(Folder), "admin@internal", passwordFile, Options.Program);
        foreach (var node in _nodes) await node.Start();
        foreach (var node in _nodes) await UntilReady(node, TimeSpan.FromSeconds(90));
        if (Options.Watched) await Tables.Watch();
        await Furnish();
        Say(string.Create(CultureInfo.InvariantCulture,
            $"cluster of {Options.Nodes} nodes and {Options.Hosts} simulated hosts is up, logs in {Folder}"));
    }

    private string Secret(string name, string text)
    {
        var path = Path.Combine(Folder, name);
        using var file = new StreamWriter(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        file.Write(text);
        return path;
    }

    /// <summary>A data center, a cluster and the hosts, over REST as an operator would.</summary>
    private async Task Furnish()
    {
        await Add("datacenters", new JsonObject { ["name"] = ClusterName, ["local"] = "false" });
        await Add("clusters", new JsonObject
        {
            ["name"] = ClusterName,
            ["data_center"] = new JsonObject { ["name"] = ClusterName },
        });
        for (var number = 1; number <= Options.Hosts; number++)
        {
            await Add("hosts", Fleet.Registration(number, ClusterName));
        }

        var last = "";
        await Wait.Until(async () =>
        {
            var answer = await Client.Send(HttpMethod.Get, "hosts", null, TimeSpan.FromSeconds(10));
            var hosts = answer.IsAccepted ? answer.Json?["host"]?.AsArray() : null;
            last = answer.Body;
            return hosts is not null && hosts.Count == Options.Hosts
                && hosts.All(h => h!["status"]?.GetValue<string>() == "up");
        }, TimeSpan.FromSeconds(60), $"{Options.Hosts} hosts are up", () => last);
    }

    private async Task Add(string collection, JsonObject body)
    {
        var answer = await Client.Send(HttpMethod.Post, collection, body, TimeSpan.FromSeconds(20));
        if (!answer.IsAccepted) throw new InvalidOperationException($"POST {collection} {body.ToJsonString()}: {answer}");
    }
}
