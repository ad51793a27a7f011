namespace Orchestrator.Agent.Ledgers;

/// <summary>
/// Rings once when a log of the agent could not be written. From then on the agent must end and be started anew: it
/// would go on hearing what guests do and could tell nobody, because nothing is told that is not written first.
/// </summary>
public sealed class LedgerAlarm
{
    private readonly TaskCompletionSource<IOException> _rung = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes with the reason.</summary>
    public Task<IOException> Rung => _rung.Task;

    public void Ring(IOException why) => _rung.TrySetResult(why);
}

/// <summary>A log whose failure does not end with the one who wrote.</summary>
public sealed class AlarmedLog(IAppendLog log, LedgerAlarm alarm) : IAppendLog
{
    public IEnumerable<string> Read() => log.Read();

    public void Append(string line)
    {
        try
        {
            log.Append(line);
        }
        catch (IOException e)
        {
            alarm.Ring(e);
            throw;
        }
    }

    public void Replace(IEnumerable<string> lines)
    {
        try
        {
            log.Replace(lines);
        }
        catch (IOException e)
        {
            alarm.Ring(e);
            throw;
        }
    }

    public void Dispose() => log.Dispose();
}
