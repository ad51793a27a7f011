namespace Orchestrator.Agent.Ledgers;

/// <summary>The disk of a simulated host: outlives its agent, not the process.</summary>
public sealed class MemoryLog : IAppendLog
{
    private List<string> _lines = [];

    public IEnumerable<string> Read() => _lines.ToList();

    public void Append(string line) => _lines.Add(line);

    public void Replace(IEnumerable<string> lines) => _lines = lines.ToList();

    /// <summary>Closing keeps what is there: the next agent of the host reads it.</summary>
    public void Dispose() { }
}
