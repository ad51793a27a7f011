using System.Collections.Immutable;
using Orchestrator.Actors.Vm;
using static Orchestrator.Actors.Host.HostCommand;
using static Orchestrator.Actors.Host.HostEvent;
using static Orchestrator.Actors.Host.HostState;
using Decision = Orchestrator.Actors.Decision<Orchestrator.Actors.Host.HostEvent, Orchestrator.Actors.Host.HostEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Host;

/// <summary>
/// The rules of a host's life. Pure: no clock, no I/O, no logger, no exception.
/// Orders of VMs pass through it to the agent only while the host is up, in the life that the seat names.
/// </summary>
public static class HostDecider
{
    public static HostState Initial(HostId id) => new Absent(new HostCore(id));

    public static Decision Decide(HostState host, HostCommand command) => (host, command) switch
    {
        (_, _) when AskedBefore(host, command)   => Done,

        (Absent, Register c)                     => Accept(new Registered(c.Origin, c.Config)
                                                    {
                                                        Restoration = host.Core.Restoration > 0 ? host.Core.Restoration : null,
                                                        Install = c.Install,
                                                    }),
        (Absent, TakeUpRestored c)               => Accept(new RestorationSeen(c.Restoration)),
        (_, Register)                            => No(Fault.AlreadyExists),
        // Nothing runs here: whoever means a guest in this place hears that it is over.
        (Absent or Gone or Maintenance or Installing or InstallFailed, _) when SeatOf(command) is ({ } vm, { } seat) =>
            Fenced(host, vm, Math.Max(seat.Incarnation + 1, host.Core.Incarnation)),
        (Absent, _)                              => No(Fault.NotFound),
        (Gone, Remove)                           => Done,
        (Gone, _)                                => No(Fault.Removed),

        (_, TakeUpRestored or ReportAccounted)   => HostRestoration.Decide(host, command),
        (_, HostCommand.Deploy or ReportDeployStep or ReportDeployed or ReportPasswordForgotten or ReportCertificate) => HostDeploying.Decide(host, command),
        // Guests that were started after the backup may be on it.
        (Initializing or PoweredOff or Rebooting, Deactivate) when HostRestoration.IsUnaccounted(host.Core) => No(Fault.HostSilentWithVms),
        (_, ReportEmpty) when HostRestoration.IsUnaccounted(host.Core) => No(Fault.StaleReport),

        // Its guests would stay behind in the cluster that they were placed by.
        (not Maintenance, Update c) when c.Patch.Cluster is { } other && other != host.Config.Cluster =>
            No(Fault.HostMustBeInMaintenance),
        (_, Update { Patch.PowerManagementEnabled: true } c) when HostPower.Unusable(c.Patch.Apply(host.Config)) => No(Fault.HostPowerWithoutAgent),
        (_, RemoveFenceAgent c) when HostPower.NeedsAgent(host.Config, c.Agent) => No(Fault.HostFenceAgentIsLast),
        (_, Update c)                            => Accept(new Redefined(c.Origin, "", c.Patch.Apply(host.Config))),
        (_, AddFenceAgent c)                     => WithAgents(host, c.Origin, host.Config.FenceAgents.Add(c.Agent)),
        (_, UpdateFenceAgent c)                  => Replace(host, c),
        (_, RemoveFenceAgent c)                  => WithAgents(host, c.Origin,
                                                        [.. host.Config.FenceAgents.Where(a => a.Id != c.Agent)]),

        (Up, Activate)                           => No(Fault.HostAlreadyUp),
        (Maintenance or Draining or NonOperational or InstallFailed or Initializing { Core.Unfit: not null } or Initializing { Core.WasEmptied: true }, Activate c) =>
            Accept(new Activated(c.Origin)),
        (_, Activate)                            => No(Fault.HostStatusIllegal),

        (Maintenance, Deactivate)                => No(Fault.HostAlreadyInMaintenance),
        (Draining, Deactivate)                   => Done,
        (Up or NonOperational, Deactivate c)     => Accept(new MaintenanceRequested(c.Origin, c.Reason)),
        // Nothing runs on it, or never ran: there is nothing to move.
        (Initializing or InstallFailed or PoweredOff or Rebooting, Deactivate c) =>
            Accept(new MaintenanceRequested(c.Origin, c.Reason), new EnteredMaintenance(c.Origin.At)),
        // Whether VMs sit on it is asked of the read model: only then is it known that nobody has to be proved dead.
        (NonResponsive { Core.Job: null }, Deactivate c) => Accept(new MaintenanceRequested(c.Origin, c.Reason)),
        (NonResponsive, Deactivate)              => Done,
        (_, Deactivate)                          => No(Fault.HostStatusIllegal),

        (Maintenance { Core.Ordered: not null }, Remove) => No(Fault.HostPowerBusy),
        (Maintenance { Core.Deploy: not null }, Remove) => No(Fault.HostDeployBusy),
        (Maintenance or InstallFailed, Remove c) => new Decision.Accept(new Removed(c.Origin))
        {
            Then = [new HostEffect.LeaveCluster()],
        },
        (_, Remove)                              => No(Fault.HostMustBeInMaintenance),

        (NonResponsive or Connecting or Initializing or Rebooting, ConfirmRebooted c) =>
            Accept(NextLife(host, $"confirmed by {c.Origin.User}", c.Origin.At) with { Oath = c.Origin.Job }),
        // What its lease alone proves is not enough for all guests: the operator's word is.
        (PoweredOff, ConfirmRebooted c) when host.Core.OnStorageAlone =>
            Accept(NextLife(host, $"confirmed by {c.Origin.User}", c.Origin.At) with { Oath = c.Origin.Job }),
        (PoweredOff or Kdumping or Maintenance or InstallFailed, ConfirmRebooted) => Done,
        (_, ConfirmRebooted)                     => No(Fault.HostStatusIllegal),

        (_, HostCommand.Fence) when host.Config.FenceAgents.IsEmpty || !host.Config.PowerManagementEnabled =>
            No(Fault.HostHasNoFenceAgent),
        (NonResponsive, HostCommand.Fence { Action: PowerAction.Off or PowerAction.Restart } c) =>
            host.Core.FenceByHand ? Done : Accept(new FenceOrdered(c.Origin)),
        (PoweredOff or Rebooting, HostCommand.Fence { Action: PowerAction.On or PowerAction.Restart }) => Done,
        (_, HostCommand.Fence { Action: PowerAction.Status } c) => Relay(new HostEffect.AskPower(c.Origin.Job)),
        (Maintenance, HostCommand.Fence c)       => HostPower.Order(host, c),
        (_, HostCommand.Fence)                   => No(Fault.HostStatusIllegal),

        (Maintenance or Installing or InstallFailed, ReportReached or ReportSilent or ReportUnreached or ReportWay) => No(Fault.StaleReport),
        (_, ReportReached c)                     => Reached(host, c),
        (_, ReportWay c)                         => c.By == host.Core.By ? Done : Accept(new WayChanged(c.By, c.At)),
        (Up or NonOperational, ReportUnreached c) => Accept(new LinkBroke(c.At)),
        (_, ReportUnreached)                     => Done,
        (Up or NonOperational or Connecting or Draining, ReportSilent c) =>
            Accept(new WentSilent(c.LastHeard, host.Core.Attempt + 1, c.At)),
        (_, ReportSilent)                        => Done,
        // Its power is cut once more: it may have failed again meanwhile, or hang.
        (Rebooting, ReportBootOverdue c) when c.Attempt == host.Core.Attempt =>
            Accept(new WentSilent(c.SwitchedOn, host.Core.Attempt + 1, c.At)),
        (_, ReportBootOverdue)                   => No(Fault.StaleReport),
        (Draining, ReportEmpty c)                => Accept(new EnteredMaintenance(c.At)),
        (NonResponsive { Core.Job: not null }, ReportEmpty c) when c.Attempt == host.Core.Attempt => Accept(new EnteredMaintenance(c.At)),
        (_, ReportEmpty)                         => No(Fault.StaleReport),

        (_, ReportPower { Question: { } question } c) => HostPower.Answered(host, question, c),
        (_, ReportPower c) when c.Attempt != host.Core.Attempt => No(Fault.StaleReport),
        (NonResponsive or Up or NonOperational or Connecting or Draining, ReportPower { Action: PowerAction.Off } c) => Cut(host, c),
        (NonResponsive, ReportFenceSkipped { Why: FenceSkip.Turn } c) => HostFencing.Wait(host, c),
        (NonResponsive, ReportFenceSkipped c) when c.Attempt == host.Core.Attempt && !host.Core.FenceByHand =>
            host.Core.Skipped == c.Why ? Done : Accept(new FenceSkipped(c.Why, c.Words, c.At)),
        (_, ReportFenceSkipped)                  => No(Fault.StaleReport),
        (NonResponsive, TakeFenceTurn c)         => HostFencing.Begin(host, c),
        (_, TakeFenceTurn)                       => No(Fault.StaleReport),
        (Up or Connecting or Draining, ReportSuspect) => Relay(new HostEffect.RestartAgent()),
        (_, ReportSuspect)                       => No(Fault.StaleReport),
        (Up or Connecting or Draining or NonResponsive, ReportAgentRestarted c) => Accept(new HostEvent.AgentRestarted(c.Message, c.At)),
        (_, ReportAgentRestarted)                => No(Fault.StaleReport),
        (PoweredOff, ReportPower { Action: PowerAction.On } c) => c.Ok
            ? Accept(new PoweredOn(c.At))
            : Accept(new PowerFailed(c.Action, host.Core.Attempt + 1, c.Message, c.At)),
        (Maintenance { Core.Ordered: { } order }, ReportPower c) when c.Action == HostPower.Next(order) => HostPower.Turned(host, order, c),
        (_, ReportPower)                         => No(Fault.StaleReport),
        (NonResponsive or PoweredOff or Maintenance { Core.Ordered: not null }, ReportProxyAway c) when c.Attempt == host.Core.Attempt =>
            Relay(new HostEffect.NextProxy(c.Attempt, c.Action)),
        (_, ReportProxyAway)                     => No(Fault.StaleReport),

        (_, ReportKdump or ReportKdumpOver)      => HostKdump.Decide(host, command),
        (_, ReportDomains or ReportStorageUnreachable or ReportQuarantineOver or ReportNoAnswer) => HostFitness.Decide(host, command),

        (_, UseLeaseFolder c)                    => host is Up or NonOperational or Draining && host.Core.LeaseFolder == ""
            ? Accept(new LeaseFolderChosen(c.Folder, c.At))
            : No(Fault.StaleReport),
        (_, ReportBound c)                       => Binding(host, c),
        (Up or NonOperational or Draining, ReadStorageLease c) => Relay(new HostEffect.SendLeaseReading(c.Target, c.Reading, c.Folder)),
        (_, ReadStorageLease)                    => No(Fault.HostNotUp),
        (NonResponsive, ReportStorageLease c)    => Relay(new HostEffect.NoteStorageLease(c.Reading, c.Trusted, c.BootId, c.Number)),
        (_, ReportStorageLease)                  => No(Fault.StaleReport),
        (NonResponsive, ReportSelfFenced c) when c.Incarnation == host.Core.Incarnation && BondOf(host) is { } bond =>
            Accept(NextLife(host, bond.WatchdogMs > 0
                ? "its lease has ended, and its watchdog has reset it unless it has ended its guests"
                : "its lease has ended, and it has ended its guests", c.At) with { OnStorageAlone = bond.WatchdogMs == 0 }),
        (_, ReportSelfFenced)                    => No(Fault.StaleReport),

        (_, AskWhetherGone c)                    => Whether(host, c),
        // A host that is emptied, or not fit, takes nobody new; an order that is there already is buried before another host tries.
        (Draining or NonOperational, Launch c) when c.Seat.Incarnation == host.Core.Incarnation =>
            Relay(new HostEffect.SendHalt(c.Vm, c.Seat.Lease, StopMode.PowerOff)),
        (_, Launch c)                            => Pass(host, c.Vm, c.Seat,
                                                        new HostEffect.SendLaunch(c.Vm, c.Seat, c.Definition) { Memory = c.Memory }),
        (_, ExpectIncoming c)                    => Pass(host, c.Vm, c.Seat,
                                                        new HostEffect.SendIncoming(c.Vm, c.Seat, c.Definition)),
        (_, MigrateOut c)                        => Pass(host, c.Vm, c.From,
                                                        new HostEffect.SendMigrate(c.Vm, c.From, c.To) { Terms = c.Terms }),
        (_, HostCommand.CancelMigration c)       => Pass(host, c.Vm, c.From,
                                                        new HostEffect.SendCancel(c.Vm, c.From.Lease)),
        (_, SaveGuest c)                         => Pass(host, c.Vm, c.Seat,
                                                        new HostEffect.SendSave(c.Vm, c.Seat.Lease, c.Id, c.Path)),
        (_, ActOnGuest c)                        => Pass(host, c.Vm, c.Seat,
                                                        new HostEffect.SendAction(c.Vm, c.Seat.Lease, c.Action)),
        (_, ReshapeGuest c)                      => Pass(host, c.Vm, c.Seat,
                                                        new HostEffect.SendReshape(c.Vm, c.Seat.Lease, c.Number, c.Definition, c.New)),
        (_, AbandonIncoming c)                   => Pass(host, c.Vm, c.Seat,
                                                        new HostEffect.SendAbandonIncoming(c.Vm, c.Seat.Lease)),
        (_, Halt c)                              => Pass(host, c.Vm, c.Seat,
                                                        new HostEffect.SendHalt(c.Vm, c.Seat.Lease, c.Mode)),
        // Also where there should be nothing: what is heard from a host whose power "is off" runs, and must not.
        (Up or NonOperational or Draining or PoweredOff or Kdumping or Rebooting, Destroy c) =>
                                                    Relay(new HostEffect.SendHalt(c.Vm, c.Lease, StopMode.PowerOff)),
        (_, Destroy)                             => No(Fault.HostNotUp),

        (Up or NonOperational or Draining, RunImageJob c) => Relay(new HostEffect.SendImageJob(c.Work)),
        (Up or NonOperational or Draining, PutTicket c) => Relay(new HostEffect.SendTicket(c.Ticket)),
        (Up or NonOperational or Draining, EndTicket c) => Relay(new HostEffect.SendTicketEnd(c.Disk, c.Transfer, c.Session)),
        (_, RunImageJob or PutTicket or EndTicket) => No(Fault.HostNotUp),
        (Up or NonOperational or Draining, RunFence c) => Relay(new HostEffect.SendFence(c)),
        (_, RunFence)                            => No(Fault.HostNotUp),

        _                                        => No(Fault.HostStatusIllegal),
    };

    /// <summary>Replays one fact. Total: a journal that was accepted once must always load.</summary>
    public static HostState Evolve(HostState host, HostEvent fact)
    {
        var core = host.Core;
        return fact switch
        {
            Registered { Install: { } first } e => HostDeploying.Installed(
                                          Asked(core, e.Origin) with { CreatedAt = e.Origin.At, Restoration = e.Restoration ?? 0 },
                                          e.Config, e.Origin, core.Deploys + 1, first.WithPassword, first.Activate),
            Registered e           => new Initializing(
                                          Asked(core, e.Origin) with
                                          {
                                              Config = e.Config, CreatedAt = e.Origin.At, AwaitedSince = e.Origin.At,
                                              Restoration = e.Restoration ?? 0,
                                          }),
            Redefined e            => host with { Core = Asked(core, e.Origin) with { Config = e.Config } },
            // A host that was being emptied may have guests still: it was reached, and stays so.
            Activated e            => host is Draining or NonOperational
                                          ? new Up(HostFitness.Forgiven(Asked(core, e.Origin)) with { Job = null, WasEmptied = false })
                                          : new Initializing(HostFitness.Forgiven(Asked(core, e.Origin)) with
                                            {
                                                Job = null, Ordered = null, LeaseFolder = "", Bond = null, Lost = [], WasEmptied = false,
                                                AwaitedSince = e.Origin.At,
                                            }),
            CameUp e               => Reappear(host, Calm(core) with
                                      {
                                          Facts = e.Facts, Incarnation = e.Incarnation, Failures = 0, Unfit = HostFitness.StillUnfit(core),
                                          Bond = SameAgent(core, e) ? core.Bond : null,
                                          OnStorageAlone = core.OnStorageAlone && SameBoot(core, e),
                                          // Power actions against another boot prove nothing of this one.
                                          Attempt = core.Attempt + (SameBoot(core, e) ? 0 : 1),
                                      }),
            LinkBroke              => new Connecting(core),
            WentSilent e           => new NonResponsive(Calm(core) with
                                      {
                                          Attempt = e.Attempt, Failures = 0, SilentSince = e.At, AgentRestarted = core.AgentRestarted,
                                          Silences = HostFitness.Silent(host, e.At),
                                      }),
            HostEvent.Fenced or PoweredOn or PowerFailed when host is Maintenance { Core.Ordered: { } order } =>
                                      new Maintenance(HostPower.After(core, order, fact)),
            PowerOrdered e         => host with
                                      {
                                          Core = Asked(core, e.Origin) with
                                          {
                                              Ordered = new PowerOrder(e.Action, HostPower.JobOf(host.Config.Name, e)),
                                              Attempt = core.Attempt + 1, Failures = 0,
                                          },
                                      },
            PowerTold e            => host with { Core = core with { Answer = e.Answer } },
            HostEvent.Fenced or EnteredMaintenance when core.WasEmptied =>
                                      Evolve(host with { Core = core with { WasEmptied = false } }, fact) is var next && fact is HostEvent.Fenced
                                          ? new Maintenance(next.Core with { Unfit = null })
                                          : next,
            HostEvent.Fenced e     => new PoweredOff(Calm(core) with
                                      {
                                          Incarnation = e.Incarnation, Attempt = e.Attempt, Failures = 0,
                                          OnStorageAlone = e.OnStorageAlone,
                                          AccountedFor = e.OnStorageAlone ? core.AccountedFor : core.Restoration,
                                          Recent = e.Oath is { } oath ? core.Recent.Add(oath) : core.Recent,
                                      }),
            KdumpBegan or KdumpEnded => HostKdump.Evolve(host, fact, Calm(core)),
            LeaseFolderChosen e    => host with { Core = core with { LeaseFolder = e.Folder } },
            Bound e                => host with { Core = core with { Bond = e.Bond } },
            PowerFailed e          => host with
                                      {
                                          Core = core with { Attempt = e.Attempt, Failures = core.Failures + 1 },
                                      },
            WayChanged e           => host with { Core = core with { By = e.By } },
            FenceDoubted           => host with { Core = core with { Doubted = true } },
            FenceSkipped e         => host with { Core = core with { Skipped = e.Why } },
            FenceTurnCame          => host with { Core = core with { Skipped = null } },
            HostEvent.AgentRestarted => host with { Core = core with { AgentRestarted = true } },
            FenceOrdered e         => host with { Core = Asked(core, e.Origin) with { Skipped = null, FenceByHand = true } },
            PoweredOn              => new Rebooting(core),
            MaintenanceRequested e => (host is NonResponsive ? host : new Draining(core)) with
                                      {
                                          Core = Asked(core, e.Origin) with
                                          {
                                              Unfit = null,
                                              Job = new Job(e.Origin.Job, $"Moving host {host.Config.Name} to maintenance", e.Origin),
                                          },
                                      },
            EnteredMaintenance     => new Maintenance(core with { Job = null, Bond = null, Unfit = null, Lost = [], By = null }),
            BackupRestored or RestorationSeen or Accounted => HostRestoration.Evolve(host, fact),
            DeployBegan or DeployStepped or Deployed or DeployFailed or PasswordForgotten or CertificateSeen => HostDeploying.Evolve(host, fact),
            DomainsChanged or BecameNonOperational or BecameOperational => HostFitness.Evolve(host, fact),
            Removed e              => new Gone(Asked(core, e.Origin)),
            _                      => host,
        };
    }

    /// <summary>What must be asked of the world while the host is in this state; the same after a crash.</summary>
    public static ImmutableArray<HostEffect> Outstanding(HostState host)
    {
        var owed = OfItsPhase(host);
        return host.Core is { Deploy: null, HasPassword: false } ? owed : [.. owed, .. HostDeploying.Outstanding(host)];
    }

    private static ImmutableArray<HostEffect> OfItsPhase(HostState host) => host switch
    {
        Initializing  => [Link(host), Announce(host, Guests.No, Reach.No), Told(host), .. HostFitness.Outstanding(host)],
        Up            => [Link(host), Announce(host, Guests.Yes, Reach.Yes), .. FolderOf(host), .. HostFitness.Outstanding(host)],
        NonOperational
                      => [Link(host), Announce(host, Guests.No, Reach.Yes), .. FolderOf(host), .. HostFitness.Outstanding(host)],
        Draining      => [Link(host), Announce(host, Guests.No, Reach.Yes), new HostEffect.Drain(host.Core.Incarnation)],
        // Whether it takes guests is known within seconds: who could start nowhere else waits for that.
        Connecting    => [Link(host), new HostEffect.Announce(false, false, host.Core.Incarnation)
                          {
                              Awaited = host.Core is { Unfit: null, Job: null },
                          }],
        NonResponsive when host.Config.FenceAgents.IsEmpty || !host.Config.PowerManagementEnabled
                      => [Link(host), Announce(host, Guests.No, Reach.No), new HostEffect.TellLost(host.Core.Incarnation),
                          .. SelfFence(host), .. Leaving(host)],
        NonResponsive => [Link(host), HostFencing.Announce(host), new HostEffect.TellLost(host.Core.Incarnation),
                          Power(host, PowerAction.Off), .. SelfFence(host), .. Leaving(host)],
        PoweredOff when host.Config.FenceAgents.IsEmpty || !host.Config.PowerManagementEnabled
                      => [Link(host), Announce(host, Guests.No, Reach.No), Told(host)],
        PoweredOff    => [Link(host), Announce(host, Guests.No, Reach.No), Told(host), Power(host, PowerAction.On)],
        Kdumping      => [Link(host), Announce(host, Guests.No, Reach.No), Told(host), new HostEffect.AwaitKdumpEnd(host.Core.Attempt)],
        Rebooting     => [Link(host), Announce(host, Guests.No, Reach.No), Told(host), new HostEffect.AwaitBoot(host.Core.Attempt)],
        Maintenance { Core.Ordered: { } order } => [Announce(host, Guests.No, Reach.No), Power(host, HostPower.Next(order))],
        Maintenance or Installing or InstallFailed => [Announce(host, Guests.No, Reach.No)],
        _             => [],
    };

    private enum Guests { No, Yes }

    private enum Reach { No, Yes }

    private static HostEffect Link(HostState host) =>
        new HostEffect.KeepLink(host.Config.Address, host.Config.Port, host.Config.PathPrefix);

    private static HostEffect Announce(HostState host, Guests guests, Reach reach) =>
        new HostEffect.Announce(guests == Guests.Yes, reach == Reach.Yes, host.Core.Incarnation);

    /// <summary>Asked to maintenance while it is silent: it goes there when no VM sits on it.</summary>
    private static ImmutableArray<HostEffect> Leaving(HostState host) =>
        host.Core.Job is null ? [] : [new HostEffect.LookWhetherEmpty(host.Core.Attempt)];

    private static HostEffect Told(HostState host) => new HostEffect.TellFenced(host.Core.Incarnation, host.Core.OnStorageAlone);

    private static ImmutableArray<HostEffect> FolderOf(HostState host) =>
        host.Core.LeaseFolder == "" ? [new HostEffect.ChooseLeaseFolder()] : [];

    private static ImmutableArray<HostEffect> SelfFence(HostState host) =>
        BondOf(host) is { } bond ? [new HostEffect.AwaitSelfFence(bond, host.Core.Incarnation)] : [];

    /// <summary>What the present boot is bound by; a boot that is not bound proves nothing by its silence.</summary>
    private static HostBond? BondOf(HostState host) =>
        host.Core.Bond is { } bond && bond.BootId == host.Core.Facts?.BootId ? bond : null;

    private static HostEffect Power(HostState host, PowerAction action) =>
        new HostEffect.Power(action, host.Core.Attempt, host.Core.Failures, host.Core.FenceByHand || host is Maintenance)
        {
            SilentSince = action == PowerAction.Off && host is NonResponsive ? host.Core.SilentSince : default,
        };

    private static Decision Accept(params ImmutableArray<HostEvent> facts) => new Decision.Accept(facts);

    private static Decision Relay(HostEffect effect) => new Decision.Relay(effect);

    private static Decision No(Fault fault) => new Decision.Refuse(fault);

    private static Decision Done { get; } = new Decision.AlreadyDone();

    private static Decision Fenced(HostState host, VmId vm, long incarnation) =>
        Relay(new HostEffect.AnswerFenced(vm, incarnation, host.Core.OnStorageAlone));

    /// <summary>The number of its last renewal rises all the time, and is not noted anew for that alone.</summary>
    private static Decision Binding(HostState host, ReportBound c)
    {
        if (host is not (Up or NonOperational or Draining)) return No(Fault.StaleReport);
        if (c.Bond is { } bond && bond.BootId != host.Core.Facts?.BootId) return No(Fault.StaleReport);
        return (host.Core.Bond is { } known ? known with { Number = c.Bond?.Number ?? 0 } : null) == c.Bond
            ? Done
            : Accept(new Bound(c.Bond, c.At));
    }

    private static Decision Reached(HostState host, ReportReached c)
    {
        var known = host.Core.Facts;
        var sameLife = known is null || known.BootId == c.Facts.BootId;
        // It was proved dead, so what answers now is a later boot, and its life was counted when it was fenced.
        var counted = host is PoweredOff or Kdumping or Rebooting;
        var incarnation = sameLife || counted ? host.Core.Incarnation : host.Core.Incarnation + 1;

        // The same boot as before the power was "off": the fence device lied. Wait for another boot.
        if (counted && known is not null && known.BootId == c.Facts.BootId)
            return host.Core.Doubted ? No(Fault.HostNotFenced) : Accept(new FenceDoubted(c.Facts.BootId, c.At));
        if (host is Up or NonOperational or Draining && known == c.Facts) return Done;

        var facts = HostFitness.Back(host, new CameUp(c.Facts, incarnation, c.At), c.Quarantine);
        return sameLife
            ? Accept(facts)
            : new Decision.Accept(facts)
            {
                Then = [new HostEffect.TellFenced(incarnation, false)],
            };
    }

    private static Decision Cut(HostState host, ReportPower c) =>
        c.Ok && c.Power == PowerState.Off
            ? Accept(NextLife(host, "power is off", c.At))
            : Accept(new PowerFailed(c.Action, host.Core.Attempt + 1, c.Message, c.At));

    private static HostEvent.Fenced NextLife(HostState host, string how, DateTimeOffset at) =>
        new HostEvent.Fenced(host.Core.Incarnation + 1, host.Core.Attempt + 1, how, at);

    /// <summary>A guest of a former life is dead; one of this life is lost while the host is silent; else the agent is
    /// asked. While the host is neither reached nor silent there is no word.</summary>
    private static Decision Whether(HostState host, AskWhetherGone c) => host switch
    {
        _ when c.Seat.Incarnation < host.Core.Incarnation => Fenced(host, c.Vm, host.Core.Incarnation),
        NonResponsive => Relay(new HostEffect.AnswerLost(c.Vm, host.Core.Incarnation)),
        Up or NonOperational or Draining => Relay(new HostEffect.Inquire(c.Vm, c.Seat.Lease)),
        _ => Done,
    };

    private static Decision Pass(HostState host, VmId vm, Seat seat, HostEffect order) => host switch
    {
        _ when seat.Incarnation < host.Core.Incarnation => Fenced(host, vm, host.Core.Incarnation),
        Up or NonOperational or Draining                => Relay(order),
        NonResponsive                                   => Relay(new HostEffect.AnswerLost(vm, host.Core.Incarnation)),
        _                                               => No(Fault.HostNotUp),
    };

    private static HostState Reappear(HostState host, HostCore core) => host switch
    {
        Draining    => new Draining(core),
        Maintenance => new Maintenance(core),
        Gone        => host,
        // Asked to maintenance before it fell silent: that stands.
        _ when core.Job is not null || core.WasEmptied => new Draining(core),
        _ when core.Unfit is not null => new NonOperational(core),
        _           => new Up(core),
    };

    private static Decision WithAgents(HostState host, Origin origin, ImmutableArray<FenceAgent> agents) =>
        Accept(new Redefined(origin, "power management", host.Config with { FenceAgents = agents }));

    private static Decision Replace(HostState host, UpdateFenceAgent c) =>
        host.Config.FenceAgents.FirstOrDefault(a => a.Id == c.Agent.Id) is { } old
            ? WithAgents(host, c.Origin, host.Config.FenceAgents.Replace(old, c.Agent))
            : No(Fault.HostHasNoFenceAgent);

    private static bool AskedBefore(HostState host, HostCommand command) =>
        OriginOf(command) is { } origin && host is not Absent && host.Core.Recent.Contains(origin.Job);

    private static Origin? OriginOf(HostCommand command) => command switch
    {
        Register c          => c.Origin,
        Update c            => c.Origin,
        Activate c          => c.Origin,
        Deactivate c        => c.Origin,
        Remove c            => c.Origin,
        AddFenceAgent c     => c.Origin,
        UpdateFenceAgent c  => c.Origin,
        RemoveFenceAgent c  => c.Origin,
        ConfirmRebooted c   => c.Origin,
        HostCommand.Fence c => c.Origin,
        HostCommand.Deploy c => c.Origin,
        _                  => null,
    };

    /// <summary>The place that an order or question is about; destroying what must not be is about none.</summary>
    private static (VmId?, Seat?) SeatOf(HostCommand command) => command switch
    {
        AskWhetherGone c              => (c.Vm, c.Seat),
        Launch c                      => (c.Vm, c.Seat),
        Halt c                        => (c.Vm, c.Seat),
        ExpectIncoming c              => (c.Vm, c.Seat),
        MigrateOut c                  => (c.Vm, c.From),
        HostCommand.CancelMigration c => (c.Vm, c.From),
        AbandonIncoming c             => (c.Vm, c.Seat),
        ActOnGuest c                  => (c.Vm, c.Seat),
        SaveGuest c                   => (c.Vm, c.Seat),
        ReshapeGuest c                => (c.Vm, c.Seat),
        _                             => (null, null),
    };

    private static bool SameBoot(HostCore core, CameUp e) =>
        core.Facts is null || core.Facts.BootId == e.Facts.BootId;

    /// <summary>An agent of another version may bind the host otherwise, or not at all.</summary>
    private static bool SameAgent(HostCore core, CameUp e) => SameBoot(core, e) && core.Facts?.Version == e.Facts.Version;

    /// <summary>What was said of fencing it belongs to one silence.</summary>
    internal static HostCore Calm(HostCore core) =>
        core with { Skipped = null, FenceByHand = false, Doubted = false, AgentRestarted = false };

    private static HostCore Asked(HostCore core, Origin origin) => core with { Recent = core.Recent.Add(origin.Job) };

    extension(HostState host)
    {
        /// <summary>The definition; only an absent host has none, and no rule that reads it runs on an absent one.</summary>
        internal HostConfig Config => host.Core.Config ?? _nothing;
    }

    private static readonly HostConfig _nothing = new() { Name = "", Cluster = default, Address = "" };
}
