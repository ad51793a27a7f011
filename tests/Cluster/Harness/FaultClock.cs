namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>When something was last done to the cluster: each limit for settling counts from there.</summary>
public sealed class FaultClock
{
    private long _ticks = DateTimeOffset.UtcNow.UtcTicks;

    public DateTimeOffset Last => new(Interlocked.Read(ref _ticks), TimeSpan.Zero);

    public DateTimeOffset Strike()
    {
        var now = DateTimeOffset.UtcNow;
        Interlocked.Exchange(ref _ticks, now.UtcTicks);
        return now;
    }
}
