using Orchestrator.Actors;
using Orchestrator.Api.Http;

namespace Orchestrator.Api;

/// <summary>What a client reads of a refusal, and what oVirt calls it.</summary>
/// <param name="Key">Key of oVirt's message for the same refusal, which docs/*-lifecycle.md name; null where oVirt knows no
/// such refusal.</param>
public sealed record FaultRow(int Status, string? Key, string Sentence);

/// <summary>
/// The one table from a refusal to what a client reads. Each sentence says what is in the way and what to do next.
/// The switch has no default on purpose: a new fault without a row is a compile error here (CS8509).
/// </summary>
public static class FaultTable
{
    // A number that is no member of the enum cannot reach this table: replies are read by name.
#pragma warning disable CS8524
    public static FaultRow Of(Fault fault) => fault switch
    {
        Fault.None => new(500, "CAN_DO_ACTION_GENERAL_FAILURE",
            "The engine refused without a reason; look into its log under the correlation id"),

        Fault.NotFound => new(404, "ENTITY_NOT_FOUND_TEMPLATE",
            "Entity not found: there is no object with that id"),
        Fault.AlreadyExists => new(409, "ACTION_TYPE_FAILED_NAME_ALREADY_USED",
            "An object with that id exists already; leave the id out or choose another"),
        Fault.Removed => new(404, "ENTITY_NOT_FOUND_TEMPLATE",
            "Entity not found: the object was removed"),
        Fault.InvalidValue => new(400, "ACTION_TYPE_FAILED_ATTRIBUTE_PATH",
            "A value is not possible for this object; correct it and ask again"),
        Fault.MissingValue => new(400, "INCOMPLETE_PARAMS_REASON",
            "A value that this object needs was not given; add it and ask again"),
        Fault.StaleReport => new(409, null,
            "The state has moved on since this was asked; read the object and ask again"),

        Fault.NotStorable => new(400, null,
            "A value cannot be stored (a NUL character in a text?); correct it and ask again, nothing was changed"),
        Fault.Unreadable => new(500, null,
            "The object's history holds an event that this engine cannot read; upgrade the engine, nothing was changed"),

        Fault.DataCenterInUse => new(409, "ERROR_CANNOT_REMOVE_POOL_WITH_ACTIVE_DOMAINS",
            "Cannot remove the data center: it still has clusters or storage domains; remove or detach them first"),
        Fault.ClusterInUse => new(409, "VDS_CANNOT_REMOVE_CLUSTER_VDS_DETECTED",
            "Cannot remove the cluster: it still has hosts, VMs or templates; move or remove them first"),
        Fault.ClusterHasNoDataCenter => new(409, "ACTION_TYPE_FAILED_STORAGE_POOL_NOT_EXIST",
            "The cluster belongs to no data center; give it one first"),

        Fault.HostMustBeInMaintenance => new(409, "VDS_CANNOT_REMOVE_VDS_STATUS_ILLEGAL",
            "The host must be in maintenance for this; deactivate it first and wait for the status maintenance"),
        Fault.HostAlreadyUp => new(409, "VDS_ALREADY_UP",
            "The host is up already"),
        Fault.HostAlreadyInMaintenance => new(409, "VDS_CANNOT_MAINTENANCE_VDS_IS_IN_MAINTENANCE",
            "The host is in maintenance already, or on its way there"),
        Fault.HostStatusIllegal => new(409, "ACTION_TYPE_FAILED_VDS_STATUS_ILLEGAL",
            "The host's present status does not allow this; wait until the status settles, then ask again"),
        Fault.HostHasGuests => new(409, "VDS_CANNOT_REMOVE_VDS_DETECTED_RUNNING_VM",
            "The host still runs VMs; migrate or stop them first"),
        Fault.HostNotUp => new(409, "ACTION_TYPE_FAILED_NO_VDS_IN_POOL",
            "The host is not up; activate it, or choose a host that is up"),
        Fault.HostSilent => new(409, "VDS_NON_RESPONSIVE",
            "The host does not answer; check its network and agent, or fence it if it must be given up"),
        Fault.HostOtherIncarnation => new(409, null,
            "The host was restarted since this was asked; read its state and ask again"),
        Fault.HostHasNoFenceAgent => new(409, "VDS_FENCE_DISABLED",
            "The host has no usable fence agent; add one under hosts/{id}/fenceagents and enable power management"),
        Fault.HostNotFenced => new(409, "VDS_FENCE_OPERATION_FAILED",
            "It is not proved that the host is dead; fence it, or confirm with fence_type manual that it was rebooted"),

        Fault.HostFenceAgentIsLast => new(409, "VDS_REMOVE_LAST_FENCE_AGENT_PM_ENABLED",
            "It is the host's only fence agent; switch power management off first, or add another agent"),
        Fault.HostPowerWithoutAgent => new(409, "ACTION_TYPE_FAILED_PM_ENABLED_WITHOUT_AGENT",
            "Power management needs a fence agent; add one under hosts/{id}/fenceagents first"),
        Fault.HostPowerBusy => new(409, "VDS_FENCE_DISABLED_AT_QUIET_TIME",
            "Another power action on the host is under way; wait until it has ended"),
        Fault.HostSilentWithVms => new(409, "VDS_CANNOT_MAINTENANCE_VDS_IS_NOT_RESPONDING_WITH_VMS",
            "The host does not answer and may run VMs; fence it, or confirm with fence_type manual that it was rebooted"),

        Fault.HostDeployBusy => new(409, "ACTION_TYPE_FAILED_VDS_STATUS_ILLEGAL",
            "The host is being installed or upgraded, or gets a certificate; wait until that has ended"),
        Fault.HostHasNoSsh => new(409, "VDS_CANNOT_INSTALL_EMPTY_PASSWORD",
            "The engine was never told how to log in to this host; install it with root_password or ssh, or run orchestrator host join there"),

        Fault.VmAlreadyRunning => new(409, "ACTION_TYPE_FAILED_VM_IS_RUNNING",
            "The VM is running already, or is being started"),
        Fault.VmNotRunning => new(409, "ACTION_TYPE_FAILED_VM_IS_NOT_RUNNING",
            "The VM is not running; start it first"),
        Fault.VmMustBeDown => new(409, "ACTION_TYPE_FAILED_VM_IS_NOT_DOWN",
            "The VM must be down for this; stop it and wait for the status down"),
        Fault.VmStatusIllegal => new(409, "ACTION_TYPE_FAILED_VM_STATUS_ILLEGAL",
            "The VM's present status does not allow this; wait until the status settles, then ask again"),
        Fault.VmNotMigratable => new(409, "ACTION_TYPE_FAILED_VM_IS_NON_MIGRTABLE_AND_IS_NOT_FORCED_BY_USER_TO_MIGRATE",
            "The VM is not migrated by the engine of its own accord, only when a user insists; ask with force"),
        Fault.VmPinned => new(409, "ACTION_TYPE_FAILED_VM_IS_PINNED_TO_HOST",
            "The VM is pinned to its host and cannot be migrated, not even by force; change its placement_policy.affinity first"),
        Fault.VmNotMigrating => new(409, "VM_CANNOT_CANCEL_MIGRATION_WHEN_VM_IS_NOT_MIGRATING",
            "The VM is not being migrated"),
        Fault.VmPlacedNowhere => new(409, "SCHEDULING_ALL_HOSTS_FILTERED_OUT",
            "No host of the cluster can take the VM; the detail says why each was out"),
        Fault.VmDeleteProtected => new(409, "ACTION_TYPE_FAILED_DELETE_PROTECTION_ENABLED",
            "The VM is protected from deletion; set delete_protected to false first"),
        Fault.VmHostUnknown => new(409, "ACTION_TYPE_FAILED_VM_STATUS_ILLEGAL",
            "It is not known whether the VM's last host is dead; the VM waits until that host answers, is fenced, or "
            + "its reboot is confirmed with fence_type manual"),
        Fault.VmSought => new(409, "ACTION_TYPE_FAILED_VM_STATUS_ILLEGAL",
            "The database was restored from a backup, and it is not known yet where the VM runs; wait until every host has been heard, is "
            + "fenced, or its reboot is confirmed with fence_type manual"),
        Fault.VmDiskNotReady => new(409, "ACTION_TYPE_FAILED_DISKS_LOCKED",
            "A disk of the VM is locked or illegal; wait for the status ok, or detach the disk"),
        Fault.VmDiskAlreadyAttached => new(409, "ACTION_TYPE_FAILED_DISK_ALREADY_ATTACHED",
            "The disk is attached to this VM already"),
        Fault.VmDiskNotAttached => new(404, "ACTION_TYPE_FAILED_DISK_NOT_ATTACHED_TO_VM",
            "The disk is not attached to this VM"),
        Fault.VmNicUnknown => new(404, "VM_INTERFACE_NOT_EXIST",
            "The VM has no network interface with that id"),
        Fault.VmMigrationToSameHost => new(409, "ACTION_TYPE_FAILED_MIGRATION_TO_SAME_HOST",
            "The VM runs on that host already; choose another destination"),

        Fault.VmNotUp => new(409, "ACTION_TYPE_FAILED_VM_IS_NOT_UP",
            "The VM is not up; wait for the status up, then ask again"),
        Fault.VmStateless => new(409, "VM_CANNOT_SUSPEND_STATELESS_VM",
            "The VM is stateless: what it holds is dropped when it ends, and its memory is not saved"),
        Fault.VmStatelessAndHighlyAvailable => new(409, "VM_CANNOT_RUN_STATELESS_HA",
            "A stateless VM cannot be highly available: its restart would drop what it holds; change one of the two"),
        Fault.VmBeingChanged => new(409, "ACTION_TYPE_FAILED_OBJECT_LOCKED",
            "A device, the CPUs or the memory of the VM are being changed while it runs; wait until that is done, then ask again"),
        Fault.VmNicPlugged => new(409, "CANNOT_REMOVE_ACTIVE_DEVICE",
            "The network interface is plugged into a VM that runs; deactivate it first, or stop the VM"),
        Fault.VmDiskPlugged => new(409, "ACTION_TYPE_FAILED_VM_IS_NOT_DOWN",
            "The disk is plugged into a VM that runs; deactivate it first, or stop the VM"),
        Fault.VmDiskNotPluggable => new(409, "HOT_PLUG_IDE_DISK_IS_NOT_SUPPORTED",
            "Disks of SATA and IDE are plugged in and out of a VM that is down only; stop it, or use virtio or virtio_scsi"),
        Fault.VmReshapeFailed => new(409, null,
            "The VM runs, and its guest or host did not do what was asked; the detail says why"),
        Fault.VmConsoleNotOpened => new(409, null,
            "The VM's console was not opened; the detail says why"),
        Fault.VmNoRoomForMemory => new(409, "ACTION_TYPE_FAILED_NO_SUITABLE_DOMAIN_FOUND",
            "No active storage domain of the VM's data center has room for its memory; activate one, or free space"),

        Fault.VmSnapshotBusy => new(409, "ACTION_TYPE_FAILED_VM_IS_DURING_SNAPSHOT",
            "A snapshot of the VM is being worked on; wait for its status ok, then ask again"),
        Fault.VmSnapshotUnknown => new(404, "ACTION_TYPE_FAILED_VM_SNAPSHOT_DOES_NOT_EXIST",
            "The VM has no snapshot with that id"),
        Fault.VmSnapshotBroken => new(409, "ACTION_TYPE_FAILED_VM_SNAPSHOT_HAS_NO_CONFIGURATION",
            "The removal of this snapshot has begun and did not finish, so its state is no more; remove it again"),
        Fault.VmInPreview => new(409, "ACTION_TYPE_FAILED_VM_IN_PREVIEW",
            "A snapshot of the VM is being looked at; commit or undo the look first"),
        Fault.VmNotInPreview => new(409, "ACTION_TYPE_FAILED_VM_SNAPSHOT_NOT_IN_PREVIEW",
            "No snapshot of the VM is being looked at; preview one first"),
        Fault.VmStatelessSnapshot => new(409, "ACTION_TYPE_FAILED_VM_RUNNING_STATELESS",
            "The VM runs stateless: what it writes is dropped when it ends; stop it, then take the snapshot"),

        Fault.StorageDomainStatusIllegal => new(409, "ACTION_TYPE_FAILED_STORAGE_DOMAIN_STATUS_ILLEGAL2",
            "The storage domain's present status does not allow this; wait until the status settles, then ask again"),
        Fault.StorageDomainAlreadyAttached => new(409, "ACTION_TYPE_FAILED_STORAGE_DOMAIN_STATUS_ILLEGAL",
            "The storage domain is attached to a data center already; detach it there first"),
        Fault.StorageDomainNotAttached => new(409, "STORAGE_DOMAIN_NOT_ATTACHED_TO_STORAGE_POOL",
            "The storage domain is not attached to that data center; attach it first"),
        Fault.StorageDomainInUse => new(409, "ACTION_TYPE_FAILED_STORAGE_VMS_IN_POOL",
            "The storage domain still holds disks; remove them first"),
        Fault.StorageDomainNotActive => new(409, "ACTION_TYPE_FAILED_STORAGE_DOMAIN_STATUS_ILLEGAL2",
            "The storage domain is not active; activate it in its data center first"),
        Fault.DataCenterIsLocal => new(409, "VDS_CANNOT_ADD_MORE_THEN_ONE_HOST_TO_LOCAL_STORAGE",
            "A data center with local=true has one host, which has its storage; choose another data center"),
        Fault.StorageDomainSpaceCritical => new(409, "ACTION_TYPE_FAILED_DISK_SPACE_LOW_ON_STORAGE_DOMAIN",
            "The storage domain has less free space than its critical_space_action_blocker; free some, or choose another storage domain"),
        Fault.StorageDomainHasRunningVms => new(409, "ACTION_TYPE_FAILED_DETECTED_ACTIVE_VMS",
            "VMs run with disks in the storage domain; stop them, or move their disks first"),
        Fault.StorageDomainNotLocal => new(409, "STORAGE_DOMAIN_TYPE_ILLEGAL_FOR_POOL",
            "A data domain on local storage belongs into a data center with local=true, and no other one does; choose another data center"),
        Fault.StorageConnectionInUse => new(409, "ACTION_TYPE_FAILED_STORAGE_CONNECTION_ALREADY_EXISTS",
            "Another storage domain has that connection; choose another place"),
        Fault.StorageDomainStepFailed => new(409, null,
            "A host could not do that with the storage domain; what it says names the reason, and nothing was changed"),

        Fault.DiskLocked => new(409, "ACTION_TYPE_FAILED_DISKS_LOCKED",
            "The disk is locked while an image operation runs; wait for the status ok"),
        Fault.DiskInUse => new(409, "ACTION_TYPE_FAILED_NOT_SHAREABLE_DISK_ALREADY_ATTACHED",
            "The disk is attached to a VM or template and not shareable; detach it first"),
        Fault.DiskShared => new(409, "DISK_IS_ALREADY_SHARED_BETWEEN_VMS",
            "Several VMs have the disk; detach it from all but one, then it need not be shareable"),
        Fault.DiskFormatNotShareable => new(409, "SHAREABLE_DISK_IS_NOT_SUPPORTED_BY_VOLUME_FORMAT",
            "Only a disk of the format raw can be shareable: two writers would destroy a cow image"),
        Fault.DiskMovedToItself => new(409, "ACTION_TYPE_FAILED_SOURCE_AND_TARGET_SAME",
            "The disk is in that storage domain already; choose another one"),
        Fault.DiskTooSmall => new(409, "ACTION_TYPE_FAILED_REQUESTED_DISK_SIZE_IS_TOO_SMALL",
            "A disk can only become bigger: what lies beyond the new end would be lost; give a size that is not below the present one"),
        Fault.DiskHasSnapshots => new(409, "ACTION_TYPE_FAILED_DETECTED_DISKS_WITH_SNAPSHOTS",
            "The disk has images of snapshots; remove the VM's snapshots first"),
        Fault.DiskInPreview => new(409, "ACTION_TYPE_FAILED_VM_IN_PREVIEW",
            "A snapshot of the disk's VM is being looked at; commit or undo the look first"),
        Fault.DiskPreallocated => new(409, "ACTION_TYPE_FAILED_DISK_CONFIGURATION_NOT_SUPPORTED",
            "The disk is preallocated: all of its space was asked for; convert it with sparse=true first"),
        Fault.DiskIllegal => new(409, "ACTION_TYPE_FAILED_DISKS_ILLEGAL",
            "The disk's last image operation failed and its content is not usable; remove the disk"),

        Fault.TransferOver => new(409, null,
            "The image transfer has ended; begin another one"),
        Fault.TransferPhaseIllegal => new(409, null,
            "The image transfer's present phase does not allow this; read it, wait until the phase settles, then ask again"),
        Fault.TransferFormatIllegal => new(409, "ACTION_TYPE_FAILED_DISK_CONFIGURATION_NOT_SUPPORTED",
            "The image of a raw disk cannot be transferred as cow; ask for the format raw"),

        Fault.TemplateLocked => new(409, "VM_TEMPLATE_IS_LOCKED",
            "The template is locked while its disks are copied; wait for the status ok"),
        Fault.TemplateInUse => new(409, "VMT_CANNOT_REMOVE_DETECTED_DERIVED_VM",
            "VMs or disks still depend on the template; remove them first"),
        Fault.TemplateIsBlank => new(409, "VMT_CANNOT_REMOVE_BLANK_TEMPLATE",
            "The Blank template belongs to every installation and cannot be changed"),
        Fault.TemplateHasVersions => new(409, "VMT_CANNOT_REMOVE_BASE_WITH_VERSIONS",
            "The template has versions; remove those first"),
        Fault.TemplateIsNoBase => new(409, "ACTION_TYPE_FAILED_TEMPLATE_VERSION_CANNOT_BE_BASE_TEMPLATE",
            "A version is made of a base template; name the template of which this one is a version"),
    };
#pragma warning restore CS8524

    public static FaultException Refusal(Fault fault, string? detail)
    {
        var row = Of(fault);
        return new FaultException(row.Status, FaultException.OperationFailed,
            string.IsNullOrEmpty(detail) ? row.Sentence : $"{row.Sentence}. {detail}");
    }
}
