using System.Collections.Immutable;
using Orchestrator.Actors.Journal;
using static Orchestrator.Actors.Host.HostEvent;
using static Orchestrator.Actors.Host.HostState;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Host;

/// <summary>What a host's facts look like from outside: its view, its lines in the audit log, its jobs.</summary>
public static class HostStory
{
    public static HostView? View(HostState host) => host switch
    {
        Absent or Gone => null,
        _ => new HostView
        {
            Id = host.Core.Id,
            Config = host.Config,
            Status = StatusOf(host),
            StatusDetail = StatusOf(host) == "non_operational" && host.Core.Unfit is { } unfit ? HostFitness.Word(unfit.Reason)
                : host.Core.Deploy is { Step: { Length: > 0 } step } ? step
                : host.Core.Failures > 0 ? $"power management failed {host.Core.Failures} times"
                : "",
            Lost = host.Core.Lost,
            Power = host.Core.Answer,
            Incarnation = host.Core.Incarnation,
            AccountedFor = host.Core.AccountedFor > 0 ? host.Core.AccountedFor : null,
            Facts = host.Core.Facts,
            CertificateUntil = host.Core.Certificate?.Until,
            CreatedAt = host.Core.CreatedAt,
            Owes = [.. HostDecider.Outstanding(host).Select(Owed).OfType<string>()],
        },
    };

    public static AuditLine? Line(HostState before, HostEvent fact, HostState after)
    {
        var name = after.Config.Name;
        AuditLine Said(int code, Severity severity, DateTimeOffset at, string text, Origin? by = null) =>
            new(code, severity, text, at, (by ?? before.Core.Job?.Origin)?.Correlation, by?.User ?? "system",
                Host: after.Core.Id.Value, Cluster: after.Config.Cluster.Value);

        return fact switch
        {
            Registered e => Said(42, Severity.Normal, e.Origin.At, $"Host {name} was added by {e.Origin.User}.", e.Origin),
            DeployBegan or DeployStepped or Deployed or DeployFailed or CertificateSeen => HostDeploying.Line(before, fact, after, Said),
            Redefined e => Said(43, Severity.Normal, e.Origin.At,
                $"Host {name} configuration was updated by {e.Origin.User}{(e.What == "" ? "" : $" ({e.What})")}.", e.Origin),
            Activated e => Said(16, Severity.Normal, e.Origin.At,
                $"Activation of host {name} initiated by {e.Origin.User}.", e.Origin),
            CameUp e when before is Up or NonOperational or Draining => null,
            CameUp e when after is Draining => Said(13, Severity.Normal, e.At,
                $"Host {name} is reached again (boot {Short(e.Facts.BootId)}, life {e.Incarnation}); its guests are moved away."),
            CameUp e when after is NonOperational => Said(13, Severity.Normal, e.At,
                $"Host {name} is reached again (boot {Short(e.Facts.BootId)}, life {e.Incarnation}); it stays Non-Operational."),
            CameUp e => Said(13, Severity.Normal, e.At,
                $"Status of host {name} was set to Up (boot {Short(e.Facts.BootId)}, life {e.Incarnation})."),
            DomainsChanged { Lost.IsEmpty: false } e when e.Lost.Length >= before.Core.Lost.Length => Said(189, Severity.Error, e.At,
                $"Host {name} reports about one of the Active Storage Domains as Problematic: "
                + $"{string.Join("; ", e.Lost.Select(d => $"{d.Name} was last read {(e.At - d.Since).TotalSeconds:F0} s ago ({d.Why})"))}."),
            DomainsChanged e => Said(189, Severity.Normal, e.At,
                $"Host {name} reads {string.Join(", ", before.Core.Lost.Where(d => !e.Lost.Any(l => l.Folder == d.Folder)).Select(d => d.Name))} again."),
            BecameNonOperational { Why: { Reason: NonOperationalReason.StorageDomainUnreachable } why } => Said(522, Severity.Warning,
                why.Since,
                $"Host {name} cannot access the Storage Domain(s) {why.Words}, which other hosts of its data center read. Setting Host state "
                + "to Non-Operational: it takes no new guests; it is Up again by itself when it reads the storage."),
            BecameNonOperational { Why: { Reason: NonOperationalReason.Flapping } why } => Said(517, Severity.Alert, why.Since,
                $"Host {name} moved to Non-Operational state: it was silent {why.Words}. It is in quarantine until "
                + $"{why.Until?.UtcDateTime:HH:mm:ss} UTC and takes no new guests; those that it has run on. Look at its network, its "
                + "load and its agent; activate it to end the quarantine at once."),
            BecameNonOperational { Why: var why } => Said(517, Severity.Alert, why.Since,
                $"Host {name} moved to Non-Operational state: its agent has not answered for {why.Words} at "
                + $"{after.Config.Address}:{after.Config.Port}. It is tried on; look whether the agent runs, and at address, firewall and certificate."),
            BecameOperational e => Said(13, Severity.Normal, e.At, $"Status of host {name} was set to Up: {e.How}."),
            BackupRestored e => Said(30013, Severity.Warning, e.At,
                $"Host {name} is being reached again: the database was restored from a backup, and it is to tell which guests it has."),
            Accounted e => Said(30014, Severity.Normal, e.At, $"Host {name} has told which guests it has since the database was restored."),
            WayChanged { By: { } by } e when before.Core.By is null => Said(30003, Severity.Warning, e.At,
                $"Host {name} does not answer the engine node that watches over it directly; it is spoken to by way of the node at {by}. "
                + "Its guests and orders are not affected; look at the network between the two."),
            WayChanged { By: null } e => Said(30004, Severity.Normal, e.At, $"Host {name} answers the engine directly again."),
            LinkBroke e => Said(9027, Severity.Warning, e.At, $"Host {name} is not responding. It is being reached again."),
            WentSilent e => Said(12, Severity.Error, e.At,
                $"Host {name} is non responsive: nothing heard for {(e.At - e.LastHeard).TotalSeconds:F1} s. "
                + (after.Config is { PowerManagementEnabled: true, FenceAgents.IsEmpty: false }
                    ? "Its power is to be cut."
                    : after.Core.Bond is { } bond
                        ? $"It ends its guests itself within {new SelfFenceProof(bond).Grace / 1000} s after it has lost its lease "
                          + "on the storage, too; if it keeps that, confirm by hand that it was rebooted to free its VMs."
                        : "It has no power management: confirm by hand that it was rebooted to free its VMs.")),
            PowerOrdered e => Said(e.Action == PowerAction.On ? 20 : e.Action == PowerAction.Off ? 21 : 121, Severity.Normal, e.Origin.At,
                $"{after.Core.Ordered!.Job.Description}: ordered by {e.Origin.User}.", e.Origin),
            PowerTold { Answer: { Ok: true } answer } e => Said(496, Severity.Normal, e.At,
                $"The power of host {name} is {answer.Power.ToString().ToLowerInvariant()}."),
            PowerTold e => Said(497, Severity.Error, e.At, $"The power device of host {name} was asked in vain: {e.Answer.Message}."),
            HostEvent.Fenced e when after is Maintenance => Said(9018, Severity.Normal, e.At, $"The power of host {name} is off."),
            PowerFailed e when before is Maintenance && after.Core.Ordered is null => Said(9019, Severity.Error, e.At,
                $"Power {e.Action.ToString().ToLowerInvariant()} of host {name} failed: {e.Reason}. It is not tried again."),
            HostEvent.Fenced e => Said(9018, Severity.Normal, e.At,
                $"Host {name} is fenced ({e.How}). Its guests are dead; life {e.Incarnation} begins."),
            FenceDoubted e => Said(9002, Severity.Alert, e.At,
                $"Host {name} answers in boot {Short(e.BootId)} although its power was said to be off. Guests that it should no "
                + "longer have are ended. Look at its fence device; switch it off by hand, or reboot it."),
            // oVirt has no such events, and its codes end below 15000: these are ours.
            Bound { Bond: { } bond } e => Said(30001, Severity.Normal, e.At,
                $"Host {name} keeps a lease in {bond.Folder}: without it and without the engine it ends its guests after "
                + $"{bond.LeaseMs / 1000} s{(bond.WatchdogMs > 0 ? $" (watchdog {bond.WatchdogMs / 1000} s)" : "")}."),
            Bound e => Said(30002, Severity.Warning, e.At,
                $"Host {name} keeps no lease on the storage any more: its guests cannot be restarted elsewhere without power "
                + "management or an operator's word that it was rebooted."),
            PowerFailed e => Said(9019, Severity.Error, e.At,
                $"Power {e.Action.ToString().ToLowerInvariant()} of host {name} failed: {e.Reason}. It is tried again."),
            FenceSkipped { Why: FenceSkip.Turn } e => Said(9014, Severity.Alert, e.At,
                $"Host {name} is non responsive, and waits for its turn to be fenced: {e.Words}."),
            FenceTurnCame e => Said(9017, Severity.Normal, e.At, $"It is the turn of host {name} to be fenced. Its power is to be cut."),
            HostEvent.AgentRestarted e => Said(75, Severity.Normal, e.At,
                $"Nothing was heard of host {name}: its agent was restarted over SSH. Its guests run on."),
            FenceSkipped e => Said(e.Why switch
                {
                    FenceSkip.Disabled => 9015,
                    FenceSkip.StorageActive => 9014,
                    _ => 9013,
                }, Severity.Alert, e.At,
                $"Host {name} is non responsive, but its power is not cut: {e.Words}. Its VMs wait; fence it by hand, or confirm "
                + "that it was rebooted."),
            KdumpBegan e => Said(614, Severity.Normal, e.At,
                $"Kdump flow is in progress on host {name}: its kernel has crashed, and its memory is written. Its guests are dead; "
                + $"life {e.Incarnation} begins. Its power is kept."),
            KdumpEnded e => Said(616, Severity.Normal, e.At, $"Kdump flow finished on host {name}: it boots."),
            FenceOrdered e => Said(21, Severity.Normal, e.Origin.At,
                $"Host {name} is to be fenced, whatever the fencing policy: asked by {e.Origin.User}.", e.Origin),
            PoweredOn e => Said(20, Severity.Normal, e.At, $"Host {name} was switched on."),
            MaintenanceRequested e => Said(600, Severity.Normal, e.Origin.At,
                $"Host {name} was asked to maintenance by {e.Origin.User}{(e.Reason == "" ? "" : $" (reason: {e.Reason})")}.",
                e.Origin),
            EnteredMaintenance e => Said(15, Severity.Normal, e.At, $"Host {name} is in maintenance."),
            Removed e => Said(44, Severity.Normal, e.Origin.At, $"Host {name} was removed by {e.Origin.User}.", e.Origin),
            _ => null,
        };
    }

    public static ImmutableArray<JobView> Jobs(HostState before, HostEvent fact, HostState after) => fact switch
    {
        Registered { Install: not null } when after.Core.Deploy is { } begun => [Journal.Jobs.Begun(begun.Job, Kinds.Host, after.Core.Id.Value)],
        DeployBegan or Deployed or DeployFailed => HostDeploying.Jobs(before, fact, after),
        BackupRestored when before.Core.Deploy is not null => HostDeploying.Jobs(before, fact, after),
        Registered e => [Journal.Jobs.AtOnce(e.Origin, "Adding host", Kinds.Host, after.Core.Id.Value)],
        Activated e when before.Core.Ordered is { } order =>
            [Journal.Jobs.Ended(order.Job, Kinds.Host, after.Core.Id.Value, Outcome.Failed, e.Origin.At),
             Journal.Jobs.AtOnce(e.Origin, "Activating host", Kinds.Host, after.Core.Id.Value)],
        BackupRestored e when before.Core.Ordered is { } order =>
            [Journal.Jobs.Ended(order.Job, Kinds.Host, after.Core.Id.Value, Outcome.Failed, e.At)],
        // An activation ends a maintenance that was under way.
        Activated e => [.. Journal.Jobs.Change(
                            before.Core.Job, after.Core.Job, Kinds.Host, after.Core.Id.Value, Outcome.Failed, e.Origin.At),
                        Journal.Jobs.AtOnce(e.Origin, "Activating host", Kinds.Host, after.Core.Id.Value)],
        MaintenanceRequested e => Journal.Jobs.Change(
            before.Core.Job, after.Core.Job, Kinds.Host, after.Core.Id.Value, Outcome.Failed, e.Origin.At),
        PowerOrdered e => Journal.Jobs.Change(
            null, after.Core.Ordered!.Job, Kinds.Host, after.Core.Id.Value, Outcome.Failed, e.Origin.At),
        HostEvent.Fenced or PoweredOn or PowerFailed when before.Core.Ordered is { } order && after.Core.Ordered is null =>
            [Journal.Jobs.Ended(order.Job, Kinds.Host, after.Core.Id.Value, fact is PowerFailed ? Outcome.Failed : Outcome.Finished, AtOf(fact))],
        EnteredMaintenance e when before.Core.Job is { } job =>
            [Journal.Jobs.Ended(job, Kinds.Host, after.Core.Id.Value, Outcome.Finished, e.At)],
        _ => [],
    };

    private static DateTimeOffset AtOf(HostEvent fact) => fact switch
    {
        HostEvent.Fenced e => e.At,
        PoweredOn e        => e.At,
        PowerFailed e      => e.At,
        _                  => default,
    };

    private static string StatusOf(HostState host) => host switch
    {
        Maintenance   => "maintenance",
        Initializing { Core.Unfit: not null } => "non_operational",
        Initializing  => "initializing",
        Up            => "up",
        NonOperational => "non_operational",
        Connecting    => "connecting",
        NonResponsive => "non_responsive",
        PoweredOff    => "down",
        Kdumping      => "kdumping",
        Rebooting     => "reboot",
        Draining      => "preparing_for_maintenance",
        Installing    => "installing",
        InstallFailed => "install_failed",
        _             => "unassigned",
    };

    internal static string? Owed(HostEffect effect) => effect switch
    {
        HostEffect.Power e    => $"power {e.Action.ToString().ToLowerInvariant()} (attempt {e.Attempt})",
        HostEffect.Drain      => "its guests moved away",
        HostEffect.LookWhetherEmpty => "no VM left on it, for its maintenance",
        HostEffect.TellLost   => "its VMs told that it is silent",
        HostEffect.AwaitSelfFence => "that it has lost its lease on the storage, and ended its guests itself",
        HostEffect.MoveAway   => "its guests moved away, as far as its cluster wants that",
        HostEffect.WeighStorage => "storage domains that it cannot read",
        HostEffect.AwaitQuarantineEnd e => $"the end of its quarantine at {e.Until.UtcDateTime:HH:mm:ss} UTC",
        HostEffect.AwaitKdumpEnd => "the end of its memory dump",
        HostEffect.Deploy e   => e.Under.Job.Description,
        HostEffect.ForgetPassword => "the password for its installation forgotten",
        HostEffect.AwaitBoot  => "an answer after it was switched on",
        _                     => null,
    };

    private static string Short(string id) => id.Length > 8 ? id[..8] : id;
}
