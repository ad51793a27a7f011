using Microsoft.Extensions.Logging;
using Orchestrator.Telemetry;

namespace Orchestrator.Tests.Observability;

public sealed class LogFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("log-files-").FullName;

    private string File => Path.Combine(_folder, "logs", "agent.log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void They_take_no_more_than_their_quota_and_keep_the_latest_lines()
    {
        using (var files = new LogFiles(File, 1_000, 3, null))
        {
            var log = files.CreateLogger("Orchestrator.Agent");
            for (var i = 0; i < 200; i++) log.Log(LogLevel.Warning, 7, i, null, (number, _) => $"line {number:d4}\nof several");
        }

        var all = Directory.GetFiles(Path.GetDirectoryName(File)!).Order(StringComparer.Ordinal).ToList();
        Assert.Equal([File, $"{File}.1", $"{File}.2"], all);
        Assert.All(all, file => Assert.InRange(new FileInfo(file).Length, 1, 1_000));
        var lines = ((string[])[$"{File}.2", $"{File}.1", File]).SelectMany(System.IO.File.ReadAllLines).ToList();
        Assert.Equal(Enumerable.Range(200 - lines.Count, lines.Count), lines.Select(l => int.Parse(l.Split("line ")[1][..4])));
        Assert.All(lines, line => Assert.Matches("^[0-9-]{10}T[0-9:.]{12}Z warn: Orchestrator.Agent\\[7\\] line [0-9]{4} of several$", line));

        // A new process writes on.
        using var next = new LogFiles(File, 1_000, 1, new JsonLines("n1"));
        next.CreateLogger("x").Log(LogLevel.Information, 0, "hello", null, (s, _) => s);
        Assert.Contains("\"message\":\"hello\"", System.IO.File.ReadAllText(File), StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_written_stops_nobody()
    {
        System.IO.File.WriteAllText(Path.Combine(_folder, "logs"), "no folder");
        using var files = new LogFiles(File, 1_000, 3, null);
        files.CreateLogger("x").Log(LogLevel.Information, 0, "hello", null, (s, _) => s);
        System.IO.File.Delete(Path.Combine(_folder, "logs"));
        files.CreateLogger("x").Log(LogLevel.Information, 0, "again", null, (s, _) => s);
        Assert.Contains("again", System.IO.File.ReadAllText(File), StringComparison.Ordinal);
    }
}
