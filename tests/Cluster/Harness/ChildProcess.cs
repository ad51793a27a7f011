using System.Diagnostics;

namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>One process of ours, known by its id; it never outlives its owner here.</summary>
public sealed class ChildProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _name;

    private ChildProcess(string name, Process process)
    {
        _name = name;
        _process = process;
        Pid = process.Id;
    }

    public int Pid { get; }

    public bool HasExited => _process.HasExited;

    /// <summary>Null while it runs.</summary>
    public int? ExitCode => _process.HasExited ? _process.ExitCode : null;

    public static ChildProcess Start(string name, RunLog log, string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
            WorkingDirectory = "/tmp",
        };
        // What the test runner sets for itself must not reach the nodes.
        foreach (var key in start.Environment.Keys.Where(k => k.StartsWith("DOTNET_", StringComparison.Ordinal)
            && k is not "DOTNET_ROOT" and not "DOTNET_CLI_TELEMETRY_OPTOUT").ToList())
        {
            start.Environment.Remove(key);
        }

        start.Environment.Remove("MSBUILD_EXE_PATH");
        start.Environment["DOTNET_NOLOGO"] = "1";

        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, e) => { if (e.Data is { } line) log.Add(name, line); };
        process.ErrorDataReceived += (_, e) => { if (e.Data is { } line) log.Add(name, line); };
        process.Start();
        process.StandardInput.Close();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        log.Add("harness", $"{name} started as process {process.Id}: {program} {string.Join(' ', start.ArgumentList)}");
        return new ChildProcess(name, process);
    }

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="InvalidOperationException">It ended with another code than 0; the text has its words.</exception>
    public static async Task<string> Run(string program, params IEnumerable<string> arguments)
    {
        var (code, words) = await Try(program, arguments);
        return code == 0
            ? words
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: code {code}: {words}");
    }

    /// <summary>Runs a program to its end and answers its code and its words.</summary>
    public static async Task<(int Code, string Words)> Try(string program, params IEnumerable<string> arguments)
    {
        var log = new RunLog();
        await using var child = Start("child", log, program, arguments);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        await child._process.WaitForExitAsync(limit.Token);
        return (child._process.ExitCode, string.Join('\n', log.Of("child")));
    }

    public void Signal(int signal)
    {
        if (!_process.HasExited) Signals.Send(Pid, signal);
    }

    /// <summary>Waits for its end. Its last words may still be on the way, and a child of its own may hold the pipes.</summary>
    public async Task<int> Exited(TimeSpan limit)
    {
        await Wait.Until(() => _process.HasExited, limit, $"{_name} (process {Pid}) ends");
        return _process.ExitCode;
    }

    /// <summary>Waits for its end and until all it said is in the log: other threads read it, and may be late.</summary>
    public async Task<int> ExitedAndHeard(TimeSpan limit)
    {
        var code = await Exited(limit);
        using var late = new CancellationTokenSource(limit);
        await _process.WaitForExitAsync(late.Token);
        return code;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            Signals.Send(Pid, Signals.Kill);
            Signals.Send(Pid, Signals.Continue);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }
}
