namespace Orchestrator.Agent;

/// <summary>Looks again and again whether a guest that a failed disk has paused may go on: after 5 s, then every 10 s.</summary>
internal sealed class StuckGuest(TimeProvider time, Action look) : IDisposable
{
    /// <summary>oVirt's limit for kill: eight times sanlock's time for one write.</summary>
    public static readonly TimeSpan Hopeless = TimeSpan.FromSeconds(80);

    private readonly long _since = time.GetTimestamp();
    private readonly ITimer _timer = time.CreateTimer(_ => look(), null, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10));

    public bool IsHopeless => time.GetElapsedTime(_since) >= Hopeless;

    public void Dispose() => _timer.Dispose();
}
