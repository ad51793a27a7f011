using System.Collections.Frozen;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.DataCenter;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Template;
using Orchestrator.Actors.Vm;
using Orchestrator.Actors.Watching;

namespace Orchestrator.Actors.Journal;

/// <summary>
/// The name under which each event is stored and each message travels: "entity.what.version". A name, once released,
/// keeps its shape for ever; a new shape gets a new number and the old one a reader. CLR names never reach the wire.
/// </summary>
public static class WireNames
{
    private static readonly (string Name, Type Type)[] _all =
    [
        Name<Look>("look.1"),
        Name<Reply.Accepted>("reply.accepted.1"),
        Name<Reply.AlreadyDone>("reply.already-done.1"),
        Name<Reply.Refused>("reply.refused.1"),
        Name<Reply.Explained>("reply.explained.1"),
        Name<Inspect>("inspect.1"),
        Name<AskNode>("node.ask.1"),
        Name<NodeTold>("node.told.1"),

        // DataCenter: events
        Name<DataCenterEvent.Created>("datacenter.created.1"),
        Name<DataCenterEvent.Redefined>("datacenter.redefined.1"),
        Name<DataCenterEvent.Removed>("datacenter.removed.1"),

        // Cluster: events
        Name<ClusterEvent.Created>("cluster.created.1"),
        Name<ClusterEvent.Redefined>("cluster.redefined.1"),
        Name<ClusterEvent.Removed>("cluster.removed.1"),
        Name<ClusterEvent.ReserveMissing>("cluster.reserve-missing.1"),
        Name<ClusterEvent.ReserveRestored>("cluster.reserve-restored.1"),
        Name<ClusterEvent.FenceTurnGiven>("cluster.fence-turn-given.1"),
        Name<ClusterEvent.FenceTurnEnded>("cluster.fence-turn-ended.1"),

        // Host: events
        Name<HostEvent.Registered>("host.registered.1"),
        Name<HostEvent.Redefined>("host.redefined.1"),
        Name<HostEvent.Activated>("host.activated.1"),
        Name<HostEvent.CameUp>("host.came-up.1"),
        Name<HostEvent.LinkBroke>("host.link-broke.1"),
        Name<HostEvent.WentSilent>("host.went-silent.1"),
        Name<HostEvent.Fenced>("host.fenced.1"),
        Name<HostEvent.FenceDoubted>("host.fence-doubted.1"),
        Name<HostEvent.PowerFailed>("host.power-failed.1"),
        Name<HostEvent.FenceSkipped>("host.fence-skipped.1"),
        Name<HostEvent.FenceOrdered>("host.fence-ordered.1"),
        Name<HostEvent.PowerOrdered>("host.power-ordered.1"),
        Name<HostEvent.PowerTold>("host.power-told.1"),
        Name<HostEvent.PoweredOn>("host.powered-on.1"),
        Name<HostEvent.MaintenanceRequested>("host.maintenance-requested.1"),
        Name<HostEvent.EnteredMaintenance>("host.entered-maintenance.1"),
        Name<HostEvent.Removed>("host.removed.1"),
        Name<HostEvent.BackupRestored>("host.backup-restored.1"),
        Name<HostEvent.Accounted>("host.accounted.1"),
        Name<HostEvent.LeaseFolderChosen>("host.lease-folder-chosen.1"),
        Name<HostEvent.Bound>("host.bound.1"),
        Name<HostEvent.FenceTurnCame>("host.fence-turn-came.1"),
        Name<HostEvent.KdumpBegan>("host.kdump-began.1"),
        Name<HostEvent.KdumpEnded>("host.kdump-ended.1"),
        Name<HostEvent.AgentRestarted>("host.agent-restarted.1"),
        Name<HostEvent.WayChanged>("host.way-changed.1"),
        Name<HostEvent.DomainsChanged>("host.domains-changed.1"),
        Name<HostEvent.BecameNonOperational>("host.became-non-operational.1"),
        Name<HostEvent.BecameOperational>("host.became-operational.1"),

        // Vm: events
        Name<VmEvent.Created>("vm.created.1"),
        Name<VmEvent.Redefined>("vm.redefined.1"),
        Name<VmEvent.Removed>("vm.removed.1"),
        Name<VmEvent.StartRequested>("vm.start-requested.1"),
        Name<VmEvent.ColdRebootRequested>("vm.cold-reboot-requested.1"),
        Name<VmEvent.StartedAgain>("vm.started-again.1"),
        Name<VmEvent.RestartQueued>("vm.restart-queued.1"),
        Name<VmEvent.RestartDelayed>("vm.restart-delayed.1"),
        Name<VmEvent.Placed>("vm.placed.1"),
        Name<VmEvent.PlacementFailed>("vm.placement-failed.1"),
        Name<VmEvent.LaunchFailed>("vm.launch-failed.1"),
        Name<VmEvent.Launched>("vm.launched.1"),
        Name<VmEvent.CameUp>("vm.came-up.1"),
        Name<VmEvent.GuestPaused>("vm.guest-paused.1"),
        Name<VmEvent.WatchdogBarked>("vm.watchdog-barked.1"),
        Name<VmEvent.StopRequested>("vm.stop-requested.1"),
        Name<VmEvent.ActionRequested>("vm.action-requested.1"),
        Name<VmEvent.ActionTaken>("vm.action-taken.1"),
        Name<VmEvent.ActionFailed>("vm.action-failed.1"),
        Name<VmEvent.ReshapeRequested>("vm.reshape-requested.1"),
        Name<VmEvent.Reshaped>("vm.reshaped.1"),
        Name<VmEvent.ReshapeFailed>("vm.reshape-failed.1"),
        Name<VmEvent.DevicesLeft>("vm.devices-left.1"),
        Name<VmEvent.ConsoleUsed>("vm.console-used.1"),
        Name<VmEvent.SuspendRequested>("vm.suspend-requested.1"),
        Name<VmEvent.Suspended>("vm.suspended.1"),
        Name<VmEvent.SuspendFailed>("vm.suspend-failed.1"),
        Name<VmEvent.ResumeFailed>("vm.resume-failed.1"),
        Name<VmEvent.MemoryDiscarded>("vm.memory-discarded.1"),
        Name<VmEvent.MemoryDeleted>("vm.memory-deleted.1"),
        Name<VmEvent.DiskLent>("vm.disk-lent.1"),
        Name<VmEvent.DiskReturned>("vm.disk-returned.1"),
        Name<VmEvent.WentDown>("vm.went-down.1"),
        Name<VmEvent.MigrationRequested>("vm.migration-requested.1"),
        Name<VmEvent.MigrationPlaced>("vm.migration-placed.1"),
        Name<VmEvent.MigrationBegun>("vm.migration-begun.1"),
        Name<VmEvent.MigrationCancelRequested>("vm.migration-cancel-requested.1"),
        Name<VmEvent.MigrationFailed>("vm.migration-failed.1"),
        Name<VmEvent.MigrationAbandoned>("vm.migration-abandoned.1"),
        Name<VmEvent.MigrationDone>("vm.migration-done.1"),
        Name<VmEvent.MigrationEndLost>("vm.migration-end-lost.1"),
        Name<VmEvent.HostLost>("vm.host-lost.1"),
        Name<VmEvent.Regained>("vm.regained.1"),
        Name<VmEvent.HostFenced>("vm.host-fenced.1"),
        Name<VmEvent.BackupRestored>("vm.backup-restored.1"),
        Name<VmEvent.MayArrive>("vm.may-arrive.1"),
        Name<VmEvent.SearchDelayed>("vm.search-delayed.1"),
        Name<VmEvent.FoundNowhere>("vm.found-nowhere.1"),
        Name<VmEvent.ForeignGuestSeen>("vm.foreign-guest-seen.1"),

        // StorageDomain: events
        Name<StorageDomainEvent.Created>("storagedomain.created.1"),
        Name<StorageDomainEvent.Redefined>("storagedomain.redefined.1"),
        Name<StorageDomainEvent.Prepared>("storagedomain.prepared.1"),
        Name<StorageDomainEvent.PreparationFailed>("storagedomain.preparation-failed.1"),
        Name<StorageDomainEvent.Attached>("storagedomain.attached.1"),
        Name<StorageDomainEvent.Detached>("storagedomain.detached.1"),
        Name<StorageDomainEvent.Activated>("storagedomain.activated.1"),
        Name<StorageDomainEvent.Deactivated>("storagedomain.deactivated.1"),
        Name<StorageDomainEvent.Removed>("storagedomain.removed.1"),

        // Disk: events
        Name<DiskEvent.Created>("disk.created.1"),
        Name<DiskEvent.Redefined>("disk.redefined.1"),
        Name<DiskEvent.ImageMade>("disk.image-made.1"),
        Name<DiskEvent.ImageFailed>("disk.image-failed.1"),
        Name<DiskEvent.Attached>("disk.attached.1"),
        Name<DiskEvent.Detached>("disk.detached.1"),
        Name<DiskEvent.RemovalRequested>("disk.removal-requested.1"),
        Name<DiskEvent.Removed>("disk.removed.1"),
        Name<DiskEvent.MoveRequested>("disk.move-requested.1"),
        Name<DiskEvent.CopyBegun>("disk.copy-begun.1"),
        Name<DiskEvent.MirrorBegun>("disk.mirror-begun.1"),
        Name<DiskEvent.SwitchBegun>("disk.switch-begun.1"),
        Name<DiskEvent.MoveTurnedBack>("disk.move-turned-back.1"),
        Name<DiskEvent.StepRepeated>("disk.step-repeated.1"),
        Name<DiskEvent.MoveDone>("disk.move-done.1"),
        Name<DiskEvent.MoveFailed>("disk.move-failed.1"),
        Name<DiskEvent.TransferRequested>("disk.transfer-requested.1"),
        Name<DiskEvent.TransferAllowed>("disk.transfer-allowed.1"),
        Name<DiskEvent.TransferOpened>("disk.transfer-opened.1"),
        Name<DiskEvent.TransferProgressed>("disk.transfer-progressed.1"),
        Name<DiskEvent.TransferPaused>("disk.transfer-paused.1"),
        Name<DiskEvent.TransferResumed>("disk.transfer-resumed.1"),
        Name<DiskEvent.TransferClosing>("disk.transfer-closing.1"),
        Name<DiskEvent.TransferEnded>("disk.transfer-ended.1"),
        Name<DiskEvent.GrowthRequested>("disk.growth-requested.1"),
        Name<DiskEvent.GrowthBegun>("disk.growth-begun.1"),
        Name<DiskEvent.GrowthHeldUp>("disk.growth-held-up.1"),
        Name<DiskEvent.Grown>("disk.grown.1"),
        Name<DiskEvent.GrowthFailed>("disk.growth-failed.1"),
        Name<DiskEvent.LeftoverDeleted>("disk.leftover-deleted.1"),

        // Template: events
        Name<TemplateEvent.Created>("template.created.1"),
        Name<TemplateEvent.Redefined>("template.redefined.1"),
        Name<TemplateEvent.DiskCopied>("template.disk-copied.1"),
        Name<TemplateEvent.CopyFailed>("template.copy-failed.1"),
        Name<TemplateEvent.Removed>("template.removed.1"),

        // DataCenter: commands
        Name<DataCenterCommand.Create>("datacenter.ask.create.1"),
        Name<DataCenterCommand.Update>("datacenter.ask.update.1"),
        Name<DataCenterCommand.Remove>("datacenter.ask.remove.1"),

        // Cluster: commands
        Name<ClusterCommand.Create>("cluster.ask.create.1"),
        Name<ClusterCommand.Update>("cluster.ask.update.1"),
        Name<ClusterCommand.Remove>("cluster.ask.remove.1"),
        Name<ClusterCommand.Place>("cluster.ask.place.1"),
        Name<ClusterCommand.ReportHost>("cluster.ask.report-host.1"),
        Name<ClusterCommand.Beat>("cluster.ask.beat.1"),
        Name<ClusterCommand.ReportHighlyAvailable>("cluster.ask.report-highly-available.1"),
        Name<ClusterCommand.ForgetHost>("cluster.ask.forget-host.1"),
        Name<ClusterCommand.AskFence>("cluster.ask.ask-fence.1"),
        Name<ClusterCommand.EndFence>("cluster.ask.end-fence.1"),

        // Host: commands
        Name<HostCommand.Register>("host.ask.register.1"),
        Name<HostCommand.Update>("host.ask.update.1"),
        Name<HostCommand.Activate>("host.ask.activate.1"),
        Name<HostCommand.Deactivate>("host.ask.deactivate.1"),
        Name<HostCommand.Remove>("host.ask.remove.1"),
        Name<HostCommand.Fence>("host.ask.fence.1"),
        Name<HostCommand.ConfirmRebooted>("host.ask.confirm-rebooted.1"),
        Name<HostCommand.AddFenceAgent>("host.ask.add-fence-agent.1"),
        Name<HostCommand.UpdateFenceAgent>("host.ask.update-fence-agent.1"),
        Name<HostCommand.RemoveFenceAgent>("host.ask.remove-fence-agent.1"),
        Name<HostCommand.Launch>("host.ask.launch.1"),
        Name<HostCommand.Halt>("host.ask.halt.1"),
        Name<HostCommand.SaveGuest>("host.ask.save-guest.1"),
        Name<HostCommand.ActOnGuest>("host.ask.act-on-guest.1"),
        Name<HostCommand.ReshapeGuest>("host.ask.reshape-guest.1"),
        Name<HostCommand.Destroy>("host.ask.destroy.1"),
        Name<HostCommand.ExpectIncoming>("host.ask.expect-incoming.1"),
        Name<HostCommand.MigrateOut>("host.ask.migrate-out.1"),
        Name<HostCommand.CancelMigration>("host.ask.cancel-migration.1"),
        Name<HostCommand.AbandonIncoming>("host.ask.abandon-incoming.1"),
        Name<HostCommand.AskWhetherGone>("host.ask.ask-whether-gone.1"),
        Name<HostCommand.RunImageJob>("host.ask.run-image-job.1"),
        Name<HostCommand.PutTicket>("host.ask.put-ticket.1"),
        Name<HostCommand.EndTicket>("host.ask.end-ticket.1"),
        Name<HostCommand.ReportReached>("host.ask.report-reached.1"),
        Name<HostCommand.ReportSilent>("host.ask.report-silent.1"),
        Name<HostCommand.ReportUnreached>("host.ask.report-unreached.1"),
        Name<HostCommand.ReportBootOverdue>("host.ask.report-boot-overdue.1"),
        Name<HostCommand.ReportEmpty>("host.ask.report-empty.1"),
        Name<HostCommand.ReportPower>("host.ask.report-power.1"),
        Name<HostCommand.ReportProxyAway>("host.ask.report-proxy-away.1"),
        Name<HostCommand.ReportFenceSkipped>("host.ask.report-fence-skipped.1"),
        Name<HostCommand.TakeFenceTurn>("host.ask.take-fence-turn.1"),
        Name<HostCommand.ReportSuspect>("host.ask.report-suspect.1"),
        Name<HostCommand.ReportKdump>("host.ask.report-kdump.1"),
        Name<HostCommand.ReportKdumpOver>("host.ask.report-kdump-over.1"),
        Name<HostCommand.ReportAgentRestarted>("host.ask.report-agent-restarted.1"),
        Name<HostCommand.ReportWay>("host.ask.report-way.1"),
        Name<HostCommand.RunFence>("host.ask.run-fence.1"),
        Name<HostCommand.UseLeaseFolder>("host.ask.use-lease-folder.1"),
        Name<HostCommand.ReportBound>("host.ask.report-bound.1"),
        Name<HostCommand.ReadStorageLease>("host.ask.read-storage-lease.1"),
        Name<HostCommand.ReportStorageLease>("host.ask.report-storage-lease.1"),
        Name<HostCommand.ReportSelfFenced>("host.ask.report-self-fenced.1"),
        Name<HostCommand.ReportDomains>("host.ask.report-domains.1"),
        Name<HostCommand.ReportStorageUnreachable>("host.ask.report-storage-unreachable.1"),
        Name<HostCommand.ReportQuarantineOver>("host.ask.report-quarantine-over.1"),
        Name<HostCommand.ReportNoAnswer>("host.ask.report-no-answer.1"),
        Name<HostCommand.TakeUpRestored>("host.ask.take-up-restored.1"),
        Name<HostCommand.ReportAccounted>("host.ask.report-accounted.1"),

        // Vm: commands
        Name<VmCommand.Create>("vm.ask.create.1"),
        Name<VmCommand.Update>("vm.ask.update.1"),
        Name<VmCommand.Remove>("vm.ask.remove.1"),
        Name<VmCommand.Start>("vm.ask.start.1"),
        Name<VmCommand.Stop>("vm.ask.stop.1"),
        Name<VmCommand.Shutdown>("vm.ask.shutdown.1"),
        Name<VmCommand.Reboot>("vm.ask.reboot.1"),
        Name<VmCommand.Reset>("vm.ask.reset.1"),
        Name<VmCommand.Suspend>("vm.ask.suspend.1"),
        Name<VmCommand.Migrate>("vm.ask.migrate.1"),
        Name<VmCommand.CancelMigration>("vm.ask.cancel-migration.1"),
        Name<VmCommand.AttachDisk>("vm.ask.attach-disk.1"),
        Name<VmCommand.UpdateDisk>("vm.ask.update-disk.1"),
        Name<VmCommand.DetachDisk>("vm.ask.detach-disk.1"),
        Name<VmCommand.AddNic>("vm.ask.add-nic.1"),
        Name<VmCommand.UpdateNic>("vm.ask.update-nic.1"),
        Name<VmCommand.RemoveNic>("vm.ask.remove-nic.1"),
        Name<VmCommand.NoteConsole>("vm.ask.note-console.1"),
        Name<VmCommand.ChangeCd>("vm.ask.change-cd.1"),
        Name<VmCommand.OfferHost>("vm.ask.offer-host.1"),
        Name<VmCommand.RefusePlacement>("vm.ask.refuse-placement.1"),
        Name<VmCommand.ReportGuest>("vm.ask.report-guest.1"),
        Name<VmCommand.ReportMissing>("vm.ask.report-missing.1"),
        Name<VmCommand.RefuseLaunch>("vm.ask.refuse-launch.1"),
        Name<VmCommand.RefuseMigration>("vm.ask.refuse-migration.1"),
        Name<VmCommand.ReportIncomingReady>("vm.ask.report-incoming-ready.1"),
        Name<VmCommand.ReportMemoryDeleted>("vm.ask.report-memory-deleted.1"),
        Name<VmCommand.ReportActionTaken>("vm.ask.report-action-taken.1"),
        Name<VmCommand.RefuseAction>("vm.ask.refuse-action.1"),
        Name<VmCommand.RefuseReshape>("vm.ask.refuse-reshape.1"),
        Name<VmCommand.LoseHost>("vm.ask.lose-host.1"),
        Name<VmCommand.ConfirmFence>("vm.ask.confirm-fence.1"),
        Name<VmCommand.LendDisk>("vm.ask.lend-disk.1"),
        Name<VmCommand.ReturnDisk>("vm.ask.return-disk.1"),
        Name<VmCommand.TakeUpRestored>("vm.ask.take-up-restored.1"),
        Name<VmCommand.ReportNowhere>("vm.ask.report-nowhere.1"),
        Name<VmCommand.ReportUnheard>("vm.ask.report-unheard.1"),

        // StorageDomain: commands
        Name<StorageDomainCommand.Create>("storagedomain.ask.create.1"),
        Name<StorageDomainCommand.Update>("storagedomain.ask.update.1"),
        Name<StorageDomainCommand.Attach>("storagedomain.ask.attach.1"),
        Name<StorageDomainCommand.Detach>("storagedomain.ask.detach.1"),
        Name<StorageDomainCommand.Activate>("storagedomain.ask.activate.1"),
        Name<StorageDomainCommand.Deactivate>("storagedomain.ask.deactivate.1"),
        Name<StorageDomainCommand.Remove>("storagedomain.ask.remove.1"),
        Name<StorageDomainCommand.ReportImageWork>("storagedomain.ask.report-image-work.1"),

        // Disk: commands
        Name<DiskCommand.Create>("disk.ask.create.1"),
        Name<DiskCommand.Update>("disk.ask.update.1"),
        Name<DiskCommand.Remove>("disk.ask.remove.1"),
        Name<DiskCommand.ReportImageWork>("disk.ask.report-image-work.1"),
        Name<DiskCommand.Attach>("disk.ask.attach.1"),
        Name<DiskCommand.Detach>("disk.ask.detach.1"),
        Name<DiskCommand.Move>("disk.ask.move.1"),
        Name<DiskCommand.BeginTransfer>("disk.ask.begin-transfer.1"),
        Name<DiskCommand.OrderTransfer>("disk.ask.order-transfer.1"),
        Name<DiskCommand.ReportTicket>("disk.ask.report-ticket.1"),
        Name<DiskCommand.ReportNoTicket>("disk.ask.report-no-ticket.1"),
        Name<DiskCommand.ReportTransferHostAway>("disk.ask.report-transfer-host-away.1"),
        Name<DiskCommand.Grow>("disk.ask.grow.1"),
        Name<DiskCommand.ReportLeftoverDeleted>("disk.ask.report-leftover-deleted.1"),
        Name<DiskCommand.ReportIdle>("disk.ask.report-idle.1"),
        Name<DiskCommand.ReportLent>("disk.ask.report-lent.1"),
        Name<DiskCommand.ReportNotLent>("disk.ask.report-not-lent.1"),
        Name<DiskCommand.AskWhetherLent>("disk.ask.ask-whether-lent.1"),

        // Template: commands
        Name<TemplateCommand.Create>("template.ask.create.1"),
        Name<TemplateCommand.Update>("template.ask.update.1"),
        Name<TemplateCommand.Remove>("template.ask.remove.1"),
        Name<TemplateCommand.ReportDisk>("template.ask.report-disk.1"),
    ];

    private static readonly FrozenDictionary<string, Type> _byName =
        _all.ToFrozenDictionary(n => n.Name, n => n.Type, StringComparer.Ordinal);

    private static readonly FrozenDictionary<Type, string> _byType = _all.ToFrozenDictionary(n => n.Type, n => n.Name);

    public static IReadOnlyList<(string Name, Type Type)> All => _all;

    /// <summary>Null when this version has no such name.</summary>
    public static Type? TypeOf(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Null when the type has no name on the wire: it never leaves its process.</summary>
    public static string? NameOf(Type type) => _byType.GetValueOrDefault(type);

    /// <summary>What binds all of it to <see cref="WireSerializer"/>, as HOCON.</summary>
    public static string Bindings { get; } = string.Join('\n', [
        "akka.actor.serializers.wire = \"Orchestrator.Actors.Journal.WireSerializer, Orchestrator.Actors\"",
        .. _all.Select(n => n.Type).Append(typeof(StateCopy)).Select(t =>
            $"akka.actor.serialization-bindings.\"{t.FullName}, {t.Assembly.GetName().Name}\" = wire"),
    ]);

    private static (string, Type) Name<T>(string name) => (name, typeof(T));
}
