namespace Orchestrator.Actors;

/// <summary>Files that an entity owes to be deleted: when each is asked for again, and under which number. What failed on a host is
/// asked anew, so each time has a number of its own. Not shared between threads.</summary>
internal sealed class Deletions(TimeProvider clock)
{
    private readonly Dictionary<string, (int Times, long Since)> _asked = [];

    /// <summary>What is deleted needs no count of attempts.</summary>
    /// <param name="owed">All that is owed still.</param>
    public void Forget(IReadOnlyCollection<string> owed)
    {
        foreach (var path in _asked.Keys.Where(path => !owed.Contains(path)).ToList()) _asked.Remove(path);
    }

    /// <summary>Null while the pause after the last time lasts.</summary>
    /// <returns>The number of the work, and how often it is asked for with this time.</returns>
    public (Guid Work, int Times)? Next(string path)
    {
        if (_asked.TryGetValue(path, out var last)
            && clock.GetElapsedTime(last.Since) < Pause.After(last.Times, TimeSpan.FromSeconds(5))) return null;
        var times = last.Times + 1;
        _asked[path] = (times, clock.GetTimestamp());
        return (WorkId.Of($"{path} {times}"), times);
    }
}
