using static Orchestrator.Actors.Host.HostCommand;
using static Orchestrator.Actors.Host.HostEvent;
using static Orchestrator.Actors.Host.HostState;
using Decision = Orchestrator.Actors.Decision<Orchestrator.Actors.Host.HostEvent, Orchestrator.Actors.Host.HostEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Host;

/// <summary>
/// A host whose kernel has crashed, and whose crash kernel writes the memory for whoever looks for the reason. Its word, as
/// <c>fence_kdump_send</c> says it, proves the guests dead at once, and the power is kept until the memory is written. Pure.
/// </summary>
internal static class HostKdump
{
    /// <summary>Only of a host that is silent: one that is heard has not crashed, whoever says so.</summary>
    public static Decision Decide(HostState host, HostCommand command) => (host, command) switch
    {
        // An operator who wants the power cut does not care for the memory.
        (NonResponsive { Core.FenceByHand: false, Core.Config.KdumpDetection: true }, ReportKdump c) =>
            new Decision.Accept([new KdumpBegan(host.Core.Incarnation + 1, host.Core.Attempt + 1, c.At)]),
        (Kdumping, ReportKdump)        => new Decision.Relay(new HostEffect.NoteKdump()),
        (Kdumping, ReportKdumpOver c)  => new Decision.Accept([new KdumpEnded(c.At)]),
        _                              => new Decision.Refuse(Fault.StaleReport),
    };

    /// <param name="calm">What is known of the host, without what was said of fencing it.</param>
    public static HostState Evolve(HostState host, HostEvent fact, HostCore calm) => fact switch
    {
        KdumpBegan e => new Kdumping(calm with
                        {
                            Incarnation = e.Incarnation, Attempt = e.Attempt, Failures = 0, OnStorageAlone = false, AccountedFor = calm.Restoration,
                        }),
        // If it does not answer in time, it is fenced as any host that does not boot.
        KdumpEnded   => new Rebooting(host.Core with { Attempt = host.Core.Attempt + 1 }),
        _            => host,
    };

    /// <summary>How much longer the power of a silent host is kept for the word of its crash kernel, which has to boot first.</summary>
    /// <param name="patience">Since it was given up; zero: nobody listens.</param>
    public static TimeSpan Grace(HostState host, TimeSpan patience, DateTimeOffset now)
    {
        if (host is not NonResponsive { Core: { Facts.CrashKernel: true, Config.KdumpDetection: true } }) return TimeSpan.Zero;
        var left = host.Core.SilentSince + patience - now;
        // A clock that was set back makes it no longer than it is.
        return left > patience ? patience : left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }
}
