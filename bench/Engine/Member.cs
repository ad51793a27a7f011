using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
using Orchestrator.Tests.Cluster.Harness;

namespace Orchestrator.Bench.Engine;

/// <summary>A process of this program that plays one node or the echo, steered by lines: each line that it is told is
/// answered by one line that begins with "= ".</summary>
internal sealed class Member : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Channel<string> _answers = Channel.CreateUnbounded<string>();
    private readonly Queue<string> _words = new();

    private Member(Process process) => _process = process;

    public int Pid => _process.Id;

    /// <summary>What it said when it was ready.</summary>
    public string[] Greeting { get; private set; } = [];

    public static async Task<Member> Start(params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
            WorkingDirectory = "/tmp",
        };
        if (Path.GetFileNameWithoutExtension(start.FileName) == "dotnet")
            start.ArgumentList.Insert(0, typeof(Member).Assembly.Location);
        var member = new Member(new Process { StartInfo = start });
        member._process.OutputDataReceived += (_, e) => member.Take(e.Data);
        member._process.ErrorDataReceived += (_, e) => member.Take(e.Data);
        member._process.Start();
        member._process.BeginOutputReadLine();
        member._process.BeginErrorReadLine();
        member.Greeting = await member.Answer();
        return member;
    }

    /// <summary>Says a line and gives the words of the answer.</summary>
    public async Task<string[]> Ask(FormattableString line)
    {
        await Say(line);
        return await Answer();
    }

    public async Task<double> AskNumber(FormattableString line) =>
        double.Parse((await Ask(line))[0], CultureInfo.InvariantCulture);

    public async Task Say(FormattableString line)
    {
        await _process.StandardInput.WriteLineAsync(FormattableString.Invariant(line));
        await _process.StandardInput.FlushAsync();
    }

    public async Task<string[]> Answer()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(4));
        try
        {
            return (await _answers.Reader.ReadAsync(limit.Token)).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
        {
            lock (_words) throw new InvalidOperationException($"a member does not answer:\n{string.Join('\n', _words)}", e);
        }
    }

    /// <summary>kill -9.</summary>
    public void Kill() => Signals.Send(Pid, Signals.Kill);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private void Take(string? line)
    {
        if (line is null)
        {
            _answers.Writer.TryComplete();
            return;
        }

        if (line.StartsWith("= ", StringComparison.Ordinal))
        {
            _answers.Writer.TryWrite(line[2..]);
            return;
        }

        lock (_words)
        {
            _words.Enqueue(line);
            if (_words.Count > 60) _words.Dequeue();
        }
    }
}
