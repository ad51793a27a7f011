using static Orchestrator.Actors.Host.HostCommand;
using static Orchestrator.Actors.Host.HostEvent;
using static Orchestrator.Actors.Host.HostState;
using Decision = Orchestrator.Actors.Decision<Orchestrator.Actors.Host.HostEvent, Orchestrator.Actors.Host.HostEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Host;

/// <summary>
/// A host whose journal was restored from a backup. Pure. What it is and has is heard anew: until it has told which guests it
/// has, or is proved dead, no VM that is sought is started anywhere (<see cref="Vm.VmSearch"/>).
/// </summary>
internal static class HostRestoration
{
    public static bool IsUnaccounted(HostCore core) => core.AccountedFor < core.Restoration;

    public static Decision Decide(HostState host, HostCommand command) => (host, command) switch
    {
        (_, TakeUpRestored c) => c.Restoration > host.Core.Restoration
            ? new Decision.Accept(new BackupRestored(c.Restoration, c.At))
            : new Decision.AlreadyDone(),
        (Up or NonOperational or Draining, ReportAccounted c) when c.BootId == host.Core.Facts?.BootId => IsUnaccounted(host.Core)
            ? new Decision.Accept(new Accounted(c.At))
            : new Decision.AlreadyDone(),
        _ => new Decision.Refuse(Fault.StaleReport),
    };

    public static HostState Evolve(HostState host, HostEvent fact) => (host, fact) switch
    {
        (_, RestorationSeen e)                    => host with { Core = host.Core with { Restoration = e.Restoration } },
        (Absent or Gone, _)                       => host,
        (_, Accounted)                            => host with { Core = host.Core with { AccountedFor = host.Core.Restoration } },
        (Draining, BackupRestored e)              => new Draining(Anew(host.Core, e)),
        // It may have been activated since: it goes back when it is seen to be empty.
        (Maintenance, BackupRestored e)           => new Initializing(Anew(host.Core, e) with { WasEmptied = true }),
        // What was installed since may run guests: it is looked for.
        (Initializing or Installing or InstallFailed, BackupRestored e) => new Initializing(Anew(host.Core, e)),
        (_, BackupRestored e)                     => new Connecting(Anew(host.Core, e)),
        _                                         => host,
    };

    /// <summary>Orders to turn its power are of a time that is over, and so is what it was bound by. Which boot it was in then says
    /// nothing either: another one would end the guests that it tells of in the same breath.</summary>
    private static HostCore Anew(HostCore core, BackupRestored e) => HostDecider.Calm(core) with
    {
        Restoration = e.Restoration,
        Attempt = core.Attempt + 1,
        Failures = 0,
        Ordered = null,
        Facts = null,
        Bond = null,
        Deploy = null,
        AwaitedSince = e.At,
    };
}
