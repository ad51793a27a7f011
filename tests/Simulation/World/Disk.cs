using Orchestrator.Agent.Ledgers;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>
/// A file on a host's own disk, as <see cref="AppendFile"/> behaves on it: when the disk is full a write throws, the line
/// may or may not be there, and the file takes no more until it is opened again by the next agent.
/// </summary>
internal sealed class Disk(MemoryLog file, Func<bool> isFull, Random random) : IAppendLog
{
    private bool _broken;

    public IEnumerable<string> Read() => file.Read();

    public void Append(string line)
    {
        if (_broken) throw new IOException("the ledger failed before and takes no more lines; restart the agent");
        if (!isFull())
        {
            file.Append(line);
            return;
        }

        _broken = true;
        if (random.Next(2) == 0) file.Append(line);
        throw Full();
    }

    public void Replace(IEnumerable<string> lines)
    {
        if (_broken || isFull()) throw Full();
        file.Replace(lines);
    }

    public void Dispose() => file.Dispose();

    private static IOException Full() => new("No space left on device");
}
