using Akka.Actor;

namespace Orchestrator.Actors.Host;

/// <summary>Knows when the crash kernel of a host was heard last, and says so when it has fallen silent. Decides nothing.</summary>
internal sealed class KdumpWatch(HostWorld world)
{
    /// <summary>It speaks every few seconds (<c>fence_kdump_send</c>: 10 s) as long as it writes the memory. oVirt waits as long.</summary>
    private static readonly TimeSpan SilentFor = TimeSpan.FromSeconds(60);

    private (long Attempt, long At)? _heard;

    public void Note(long attempt) => _heard = (attempt, world.Clock.GetTimestamp());

    /// <summary>Another owner, who has not heard it yet, gives it the whole time.</summary>
    public void Look(long attempt, IActorRef self)
    {
        if (_heard is not { } heard || heard.Attempt != attempt)
        {
            Note(attempt);
            return;
        }

        if (world.Clock.GetElapsedTime(heard.At) >= SilentFor) self.Tell(new HostCommand.ReportKdumpOver(world.Clock.GetUtcNow()));
    }
}
