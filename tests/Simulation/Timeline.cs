using System.Globalization;
using System.Text;
using Orchestrator.Tests.Simulation.Machine;

namespace Orchestrator.Tests.Simulation;

/// <summary>What happened, in order, with times since the start. The newest lines are kept; the digest covers all.</summary>
public sealed class Timeline(SimulatedThread thread, int keep)
{
    private readonly Queue<string> _lines = new();
    private ulong _digest = 14695981039346656037;

    public long Count { get; private set; }

    /// <summary>The same for two runs exactly when all their lines are the same.</summary>
    public string Digest => _digest.ToString("x16", CultureInfo.InvariantCulture);

    public IReadOnlyCollection<string> Lines => _lines;

    public Action<string>? Echo { get; init; }

    public void Note(string text)
    {
        var line = $"{Format(thread.Elapsed)}  {text}";
        foreach (var unit in line) _digest = (_digest ^ unit) * 1099511628211;
        Count++;
        _lines.Enqueue(line);
        if (_lines.Count > keep) _lines.Dequeue();
        Echo?.Invoke(line);
    }

    public static string Format(TimeSpan at) =>
        string.Create(CultureInfo.InvariantCulture, $"+{(int)at.TotalHours:d2}:{at:mm\\:ss\\.fff}");

    public override string ToString() => new StringBuilder().AppendJoin('\n', _lines).ToString();
}
