namespace Orchestrator.Actors;

/// <summary>
/// Why a command is refused. One table in the API turns each into oVirt's status, reason and sentence; a fault
/// without a row there does not compile.
/// </summary>
public enum Fault
{
    None,

    // any entity
    NotFound,
    AlreadyExists,
    Removed,
    InvalidValue,
    MissingValue,
    StaleReport,

    /// <summary>The journal holds an event that this version cannot read.</summary>
    Unreadable,

    /// <summary>The database cannot hold a value of the command (a NUL character in a text).</summary>
    NotStorable,

    // data centers, clusters
    DataCenterInUse,
    ClusterInUse,
    ClusterHasNoDataCenter,

    // hosts
    HostMustBeInMaintenance,
    HostAlreadyUp,
    HostAlreadyInMaintenance,
    HostStatusIllegal,
    HostHasGuests,
    HostNotUp,
    HostSilent,
    HostOtherIncarnation,
    HostHasNoFenceAgent,
    HostNotFenced,
    HostFenceAgentIsLast,
    HostPowerWithoutAgent,
    HostPowerBusy,
    HostSilentWithVms,

    /// <summary>It is being installed or upgraded, or gets a certificate.</summary>
    HostDeployBusy,

    /// <summary>The engine was never told how to log in to it.</summary>
    HostHasNoSsh,

    // VMs
    VmAlreadyRunning,
    VmNotRunning,
    VmMustBeDown,
    VmStatusIllegal,
    VmNotMigratable,
    VmPinned,
    VmNotMigrating,
    VmPlacedNowhere,
    VmDeleteProtected,
    VmHostUnknown,
    VmSought,
    VmDiskNotReady,
    VmDiskAlreadyAttached,
    VmDiskNotAttached,
    VmNicUnknown,
    VmMigrationToSameHost,
    VmNotUp,
    VmStateless,
    VmNoRoomForMemory,
    VmStatelessAndHighlyAvailable,

    /// <summary>A change of its machine is under way: one at a time.</summary>
    VmBeingChanged,
    VmNicPlugged,
    VmDiskPlugged,
    VmDiskNotPluggable,
    VmReshapeFailed,

    /// <summary>Its host did not open it, or did not take the ticket.</summary>
    VmConsoleNotOpened,

    /// <summary>One at a time.</summary>
    VmSnapshotBusy,
    VmSnapshotUnknown,

    /// <summary>Its removal has begun.</summary>
    VmSnapshotBroken,
    VmInPreview,
    VmNotInPreview,
    VmStatelessSnapshot,

    // storage domains
    StorageDomainStatusIllegal,
    StorageDomainAlreadyAttached,
    StorageDomainNotAttached,
    StorageDomainInUse,
    StorageDomainNotActive,
    DataCenterIsLocal,
    StorageDomainSpaceCritical,
    StorageDomainHasRunningVms,
    StorageDomainNotLocal,
    StorageConnectionInUse,
    StorageDomainStepFailed,

    // disks
    DiskLocked,
    DiskInUse,
    DiskIllegal,
    DiskShared,
    DiskFormatNotShareable,
    DiskMovedToItself,
    DiskTooSmall,
    DiskHasSnapshots,
    DiskInPreview,

    /// <summary>All of its space was asked for.</summary>
    DiskPreallocated,

    /// <summary>The transfer has ended.</summary>
    TransferOver,
    TransferPhaseIllegal,
    TransferFormatIllegal,

    // templates
    TemplateLocked,
    TemplateInUse,
    TemplateIsBlank,

    /// <summary>Versions of it are there.</summary>
    TemplateHasVersions,

    /// <summary>A version is made of a base template only.</summary>
    TemplateIsNoBase,
}
