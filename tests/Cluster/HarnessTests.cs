using System.Net.Sockets;
using Npgsql;
using Orchestrator.Tests.Cluster.Harness;

namespace Orchestrator.Tests.Cluster;

/// <summary>The tools that break things really break them, and mend them again.</summary>
public sealed class HarnessTests
{
    [SkippableFact]
    public async Task A_private_database_freezes_goes_on_stops_and_starts_again()
    {
        Skip.IfNot(PrivatePostgres.IsInstalled, "PostgreSQL 15 is not installed");
        var log = new RunLog();
        var folder = Path.Combine(Path.GetTempPath(), $"orchestrator-harness-{Environment.ProcessId}");
        await using var postgres = await PrivatePostgres.Start(log, folder, durable: false);
        await postgres.Execute("CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)");
        Assert.True(postgres.AllPids().Count > 3);

        postgres.Freeze();
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => Ask(postgres, ";Timeout=1;Command Timeout=1"));
        postgres.Thaw();
        Assert.Equal(1L, await Ask(postgres, ""));

        await postgres.StopAtOnce();
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => Ask(postgres, ";Timeout=1"));
        await postgres.StartAgain();
        Assert.Equal(1L, await Ask(postgres, ""));
        Assert.True(ProcessCost.CpuWithChildren(postgres.Pid!.Value) > TimeSpan.Zero);
    }

    [SkippableFact]
    public async Task A_cut_cable_carries_nothing_until_it_is_mended()
    {
        Skip.IfNot(Signals.IsRoot, "network namespaces need root");
        await using var network = await NetworkLab.Make(new RunLog(), 2);
        using var listener = new TcpListener(System.Net.IPAddress.Parse(NetworkLab.BridgeAddress), 0);
        listener.Start();
        var port = ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
        Assert.True(await Reaches(network, 0, NetworkLab.BridgeAddress, port));

        await network.CutDatabase(0, port, Way.FromNode);
        Assert.False(await Reaches(network, 0, NetworkLab.BridgeAddress, port));
        Assert.True(await Reaches(network, 1, NetworkLab.BridgeAddress, port));
        await network.Heal();
        Assert.True(await Reaches(network, 0, NetworkLab.BridgeAddress, port));

        // The answer is lost, not the question: as blind as a cut in the other direction.
        await network.CutDatabase(0, port, Way.ToNode);
        Assert.False(await Reaches(network, 0, NetworkLab.BridgeAddress, port));
        await network.Heal();

        // A port that nobody listens on refuses at once; a cut says nothing at all.
        Assert.Equal("refused", await Knock(network, 0, NetworkLab.AddressOf(1)));
        await network.CutNodes(0, 1, Way.Both);
        Assert.Equal("silence", await Knock(network, 0, NetworkLab.AddressOf(1)));
        Assert.Equal("refused", await Knock(network, 0, NetworkLab.BridgeAddress));
        await network.Heal();
        Assert.Equal("refused", await Knock(network, 0, NetworkLab.AddressOf(1)));
    }

    [Fact]
    public async Task A_process_that_is_stopped_stands_still_and_one_that_is_killed_is_gone()
    {
        var log = new RunLog();
        await using var child = ChildProcess.Start("child", log, "sh", "-c", "echo here; sleep 60");
        await Wait.Until(() => log.Of("child").Contains("here"), TimeSpan.FromSeconds(10), "the child speaks");
        child.Signal(Signals.Stop);
        await Wait.Until(() => Signals.Stat(child.Pid)?[0] == "T", TimeSpan.FromSeconds(5), "the child stands still");
        child.Signal(Signals.Continue);
        await Wait.Until(() => Signals.Stat(child.Pid)?[0] == "S", TimeSpan.FromSeconds(5), "the child goes on");
        child.Signal(Signals.Kill);
        Assert.Equal(137, await child.Exited(TimeSpan.FromSeconds(5)));
    }

    [Fact]
    public async Task A_wait_that_is_in_vain_names_what_it_waited_for()
    {
        var vain = await Assert.ThrowsAsync<TimeoutException>(() =>
            Wait.Until(() => false, TimeSpan.FromMilliseconds(120), "pigs fly", () => "wings 0"));
        Assert.Equal("not within 0.1 s: pigs fly (wings 0)", vain.Message);
    }

    private static async Task<long> Ask(PrivatePostgres postgres, string more)
    {
        await using var connection = new NpgsqlConnection(postgres.ConnectionString + ";Pooling=false" + more);
        await connection.OpenAsync();
        await using var ask = new NpgsqlCommand("SELECT count(*) FROM kept", connection);
        return (long)(await ask.ExecuteScalarAsync())!;
    }

    private static async Task<bool> Reaches(NetworkLab network, int node, string address, int port) =>
        await Knock(network, node, address, port) == "open";

    private static async Task<string> Knock(NetworkLab network, int node, string address, int port = 9)
    {
        var (_, words) = await ChildProcess.Try("ip", "netns", "exec", network.NamespaceOf(node), "timeout", "1", "bash",
            "-c", $"exec 3<>/dev/tcp/{address}/{port} && echo open");
        return words.Contains("open", StringComparison.Ordinal) ? "open"
            : words.Contains("refused", StringComparison.Ordinal) ? "refused" : "silence";
    }
}
