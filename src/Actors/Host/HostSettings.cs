namespace Orchestrator.Actors.Host;

/// <summary>How hosts are watched.</summary>
/// <param name="SilentAfter">Without a word for this long a host is non-responsive and its power is cut; 5 s. Lower:
/// a busy host may be fenced for a pause. Higher: HA restarts come later by as much.</param>
/// <param name="ReconnectEvery">Pause between attempts to reach an agent; 300 ms.</param>
/// <param name="FencePatience">A power action without an answer for this long is given to another proxy; 40 s.</param>
public sealed record HostSettings(TimeSpan SilentAfter, TimeSpan ReconnectEvery, TimeSpan FencePatience);
