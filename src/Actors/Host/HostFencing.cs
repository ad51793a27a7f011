using static Orchestrator.Actors.Host.HostEvent;
using Decision = Orchestrator.Actors.Decision<Orchestrator.Actors.Host.HostEvent, Orchestrator.Actors.Host.HostEffect>;

namespace Orchestrator.Actors.Host;

/// <summary>
/// How a silent host gets its turn to be fenced: its cluster gives out so many at a time (<see cref="Cluster.FenceQueue"/>).
/// Pure. A turn is for one attempt; who was heard meanwhile, or has begun another attempt, does not take it.
/// </summary>
internal static class HostFencing
{
    /// <summary>The cluster learns from each report whether the host still wants the turn that it has or waits for.</summary>
    public static HostEffect Announce(HostState host) =>
        new HostEffect.Announce(false, false, host.Core.Incarnation)
        {
            // What an operator orders waits for nobody, and holds up nobody.
            Fencing = host.Core.FenceByHand ? null : host.Core.Attempt,
        };

    public static Decision Begin(HostState host, HostCommand.TakeFenceTurn c) => host.Core switch
    {
        { FenceByHand: true } => new Decision.Refuse(Fault.StaleReport),
        { Attempt: var attempt } when attempt != c.Attempt => new Decision.Refuse(Fault.StaleReport),
        { Skipped: FenceSkip.Turn } => new Decision.Accept(new FenceTurnCame(c.At)) { Then = [new HostEffect.BeginFence(c.Attempt)] },
        _ => new Decision.Relay(new HostEffect.BeginFence(c.Attempt)),
    };

    /// <summary>Said once; it asks again as long as it is silent.</summary>
    public static Decision Wait(HostState host, HostCommand.ReportFenceSkipped c) => host.Core switch
    {
        { FenceByHand: true } => new Decision.Refuse(Fault.StaleReport),
        { Attempt: var attempt } when attempt != c.Attempt => new Decision.Refuse(Fault.StaleReport),
        { Skipped: FenceSkip.Turn } => new Decision.Relay(new HostEffect.KeepWaiting(c.Attempt)),
        _ => new Decision.Accept(new FenceSkipped(c.Why, c.Words, c.At)) { Then = [new HostEffect.KeepWaiting(c.Attempt)] },
    };
}
