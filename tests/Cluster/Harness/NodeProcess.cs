namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>One engine node: may be killed, frozen, thawed, asked to go and started again.</summary>
/// <param name="networkNamespace">Null: the machine's own network.</param>
public sealed class NodeProcess(NodeConfig config, string folder, RunLog log, string? networkNamespace)
    : IAsyncDisposable
{
    private ChildProcess? _process;

    public NodeConfig Config { get; private set; } = config;

    public string Name => Config.Name;

    public bool IsRunning => _process is { HasExited: false };

    public int Pid => _process?.Pid ?? throw new InvalidOperationException($"{Name} was never started");

    public int? ExitCode => _process?.ExitCode;

    public async Task Start()
    {
        if (_process is not null) await _process.DisposeAsync();
        IReadOnlyList<string> run = ["dotnet", .. NodeExecutable.Run(Config.Write(folder), Config.Program)];
        _process = networkNamespace is null
            ? ChildProcess.Start(Name, log, run[0], run.Skip(1))
            : ChildProcess.Start(Name, log, "ip", ["netns", "exec", networkNamespace, .. run]);
    }

    public void Reconfigure(Func<NodeConfig, NodeConfig> change) => Config = change(Config);

    /// <summary>kill -9: no goodbye, sockets closed by the kernel.</summary>
    public async Task Kill()
    {
        log.Add("harness", $"kill -9 {Name} ({Pid})");
        _process!.Signal(Signals.Kill);
        await _process.Exited(TimeSpan.FromSeconds(10));
    }

    /// <summary>SIGSTOP: stands still with all its sockets and its old ideas.</summary>
    public void Freeze()
    {
        log.Add("harness", $"freeze {Name} ({Pid})");
        _process!.Signal(Signals.Stop);
    }

    public void Thaw()
    {
        log.Add("harness", $"thaw {Name} ({Pid})");
        _process!.Signal(Signals.Continue);
    }

    /// <summary>SIGTERM: hand over what you own, then end.</summary>
    public void Terminate()
    {
        log.Add("harness", $"SIGTERM {Name} ({Pid})");
        _process!.Signal(Signals.Terminate);
    }

    /// <summary>Waits for its end and its last words; an engine node has no children that could hold its pipes.</summary>
    public Task<int> Exited(TimeSpan limit) => _process!.ExitedAndHeard(limit);

    public ValueTask DisposeAsync() => _process?.DisposeAsync() ?? ValueTask.CompletedTask;
}
