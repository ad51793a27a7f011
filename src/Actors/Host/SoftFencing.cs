using Akka.Actor;

namespace Orchestrator.Actors.Host;

/// <summary>Restarts the agent of a host that is suspected, and keeps its power for a moment when that succeeded.</summary>
internal sealed class SoftFencing(HostWorld world, HostTroubles troubles, CancellationToken closed)
{
    /// <summary>An agent that was restarted has so long to be heard before the power of its host is cut. A machine that did
    /// not answer gets no time.</summary>
    public static readonly TimeSpan HeardWithin = TimeSpan.FromSeconds(2);

    /// <summary>What a restart counts for: one of an earlier silence says nothing of the present one.</summary>
    private static readonly TimeSpan Lately = TimeSpan.FromSeconds(15);

    private int _under;
    private long _restarted;

    /// <summary>How long its power is kept for the agent's sake.</summary>
    public TimeSpan Grace => Volatile.Read(ref _restarted) is var at and not 0 && world.Clock.GetElapsedTime(at) < Lately
        ? HeardWithin
        : TimeSpan.Zero;

    public async Task Restart(string address, IActorRef self)
    {
        if (world.SoftFence is not { } hand || !world.MayAct() || Interlocked.Exchange(ref _under, 1) == 1) return;
        try
        {
            var result = await hand.RestartAgent(address, closed);
            if (!result.Ok)
            {
                troubles.Note($"its agent could not be restarted over SSH: {result.Message}");
                return;
            }

            Volatile.Write(ref _restarted, world.Clock.GetTimestamp());
            self.Tell(new HostCommand.ReportAgentRestarted(result.Message, world.Clock.GetUtcNow()));
        }
        catch (OperationCanceledException)
        {
            // The host has another owner, who begins anew if it still hears nothing.
        }
        finally
        {
            Volatile.Write(ref _under, 0);
        }
    }
}
