using System.Collections.Concurrent;
using System.Globalization;

namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>What all processes of a run said, and what was done to them, merged by time of arrival.</summary>
public sealed class RunLog
{
    private readonly ConcurrentQueue<(DateTimeOffset At, string Who, string Line)> _lines = new();

    public void Add(string who, string line) => _lines.Enqueue((DateTimeOffset.UtcNow, who, line));

    public IReadOnlyList<string> Of(string who) => [.. _lines.Where(l => l.Who == who).Select(l => l.Line)];

    /// <summary>Writes the merged log to a file, and keeps the newest lines in the answer.</summary>
    public string Save(string path, int tail)
    {
        var lines = _lines.ToArray().OrderBy(l => l.At)
            .Select(l => string.Create(CultureInfo.InvariantCulture, $"{l.At:HH:mm:ss.fff} {l.Who,-8} {l.Line}"))
            .ToList();
        File.WriteAllLines(path, lines);
        return string.Join('\n', lines.TakeLast(tail).Select(l => l.Length > 240 ? l[..240] : l));
    }
}
