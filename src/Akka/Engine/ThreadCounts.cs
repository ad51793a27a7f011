using System.Collections.Concurrent;

namespace Orchestrator.Engine;

/// <summary>
/// What one thread counted of the things that happen millions of times a second. Only that thread writes, so counting is
/// an addition and nothing else; a sum may miss what happens while it is made, and has it the next time. The counts
/// of a thread that has ended stay.
/// </summary>
internal sealed class ThreadCounts
{
    [ThreadStatic] private static ThreadCounts? _mine;

    private static readonly ConcurrentQueue<ThreadCounts> _all = new();

    public long Messages;
    public long Runs;

    /// <summary>Begun less ended; a question may end on another thread than it began on, so only the sum means something.</summary>
    public long Asks;

    public static ThreadCounts Mine => _mine ?? Begin();

    public static long Sum(Func<ThreadCounts, long> count) => _all.Sum(count);

    private static ThreadCounts Begin()
    {
        var counts = new ThreadCounts();
        _all.Enqueue(counts);
        return _mine = counts;
    }
}
