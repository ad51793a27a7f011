namespace Orchestrator.Api.Access;

/// <summary>What a role may allow, by oVirt's numbers: its action groups, which REST calls permits.</summary>
public enum Permit
{
    CreateVm = 1,
    DeleteVm = 2,
    EditVmProperties = 3,
    ChangeVmCd = 5,
    MigrateVm = 6,
    ConnectToVm = 7,
    ImportExportVm = 8,
    ConfigureVmNetwork = 9,
    ConfigureVmStorage = 10,
    MoveVm = 11,
    ManipulateVmSnapshots = 12,
    ReconnectToVm = 13,
    ChangeVmCustomProperties = 14,
    EditAdminVmProperties = 15,
    CreateInstance = 16,
    RebootVm = 17,
    StopVm = 18,
    ShutDownVm = 19,
    HibernateVm = 21,
    RunVm = 22,
    ResetVm = 23,
    CreateHost = 100,
    EditHostConfiguration = 101,
    DeleteHost = 102,
    ManipulateHost = 103,
    ConfigureHostNetwork = 104,
    CreateTemplate = 200,
    EditTemplateProperties = 201,
    DeleteTemplate = 202,
    CopyTemplate = 203,
    ConfigureTemplateNetwork = 204,
    EditAdminTemplateProperties = 205,
    CreateVmPool = 300,
    EditVmPoolConfiguration = 301,
    DeleteVmPool = 302,
    VmPoolBasicOperations = 303,
    CreateCluster = 400,
    EditClusterConfiguration = 401,
    DeleteCluster = 402,
    ConfigureClusterNetwork = 403,
    AssignClusterNetwork = 404,
    ManipulateUsers = 500,
    ManipulateRoles = 501,
    ManipulatePermissions = 502,
    AddUsersAndGroupsFromDirectory = 503,
    EditProfile = 504,
    CreateStorageDomain = 600,
    EditStorageDomainConfiguration = 601,
    DeleteStorageDomain = 602,
    ManipulateStorageDomain = 603,
    CreateStoragePool = 700,
    DeleteStoragePool = 701,
    EditStoragePoolConfiguration = 702,
    ConfigureStoragePoolNetwork = 703,
    CreateStoragePoolNetwork = 704,
    DeleteStoragePoolNetwork = 705,
    ConfigureEngine = 800,
    ConfigureQuota = 900,
    ConsumeQuota = 901,
    CreateGlusterVolume = 1000,
    ManipulateGlusterVolume = 1001,
    DeleteGlusterVolume = 1002,
    ManipulateGlusterHook = 1003,
    ManipulateGlusterService = 1004,
    CreateDisk = 1100,
    AttachDisk = 1101,
    EditDiskProperties = 1102,
    ConfigureDiskStorage = 1103,
    DeleteDisk = 1104,
    ConfigureScsiGenericIo = 1105,
    AccessImageStorage = 1106,
    DiskLiveStorageMigration = 1107,
    SparsifyDisk = 1108,
    ReduceDisk = 1109,
    BackupDisk = 1110,
    ConfigureNetworkVnicProfile = 1203,
    CreateNetworkVnicProfile = 1204,
    DeleteNetworkVnicProfile = 1205,
    Login = 1300,
    TagManagement = 1301,
    BookmarkManagement = 1302,
    EventNotificationManagement = 1303,
    AuditLogManagement = 1304,
    InjectExternalEvents = 1400,
    InjectExternalTasks = 1500,
    ManipulateAffinityGroups = 1550,
    ConfigureStorageDiskProfile = 1560,
    CreateStorageDiskProfile = 1561,
    DeleteStorageDiskProfile = 1562,
    AttachDiskProfile = 1563,
    CreateMacPool = 1660,
    EditMacPool = 1661,
    DeleteMacPool = 1662,
    ConfigureMacPool = 1663,
    ConnectToSerialConsole = 1664,
    DeleteCpuProfile = 1665,
    UpdateCpuProfile = 1666,
    CreateCpuProfile = 1667,
    AssignCpuProfile = 1668,
}

/// <summary>What is known of each permit.</summary>
public static class Permits
{
    private static readonly HashSet<Permit> _administrative =
    [
        Permit.ImportExportVm, Permit.ChangeVmCustomProperties, Permit.EditAdminVmProperties, Permit.CreateHost,
        Permit.EditHostConfiguration, Permit.DeleteHost, Permit.ManipulateHost, Permit.ConfigureHostNetwork,
        Permit.EditAdminTemplateProperties, Permit.CreateCluster, Permit.EditClusterConfiguration,
        Permit.DeleteCluster, Permit.ConfigureClusterNetwork, Permit.AssignClusterNetwork, Permit.ManipulateUsers,
        Permit.ManipulateRoles, Permit.CreateStorageDomain, Permit.EditStorageDomainConfiguration,
        Permit.DeleteStorageDomain, Permit.ManipulateStorageDomain, Permit.CreateStoragePool,
        Permit.DeleteStoragePool, Permit.EditStoragePoolConfiguration, Permit.ConfigureStoragePoolNetwork,
        Permit.CreateStoragePoolNetwork, Permit.DeleteStoragePoolNetwork, Permit.ConfigureEngine,
        Permit.ConfigureQuota, Permit.CreateGlusterVolume, Permit.ManipulateGlusterVolume, Permit.DeleteGlusterVolume,
        Permit.ManipulateGlusterHook, Permit.ManipulateGlusterService, Permit.ConfigureScsiGenericIo,
        Permit.ReduceDisk, Permit.BackupDisk, Permit.ConfigureNetworkVnicProfile, Permit.CreateNetworkVnicProfile,
        Permit.DeleteNetworkVnicProfile, Permit.TagManagement, Permit.BookmarkManagement,
        Permit.EventNotificationManagement, Permit.AuditLogManagement, Permit.InjectExternalEvents,
        Permit.InjectExternalTasks, Permit.ManipulateAffinityGroups, Permit.ConfigureStorageDiskProfile,
        Permit.CreateStorageDiskProfile, Permit.DeleteStorageDiskProfile, Permit.CreateMacPool, Permit.EditMacPool,
        Permit.DeleteMacPool, Permit.ConfigureMacPool, Permit.DeleteCpuProfile, Permit.UpdateCpuProfile,
        Permit.CreateCpuProfile, Permit.AssignCpuProfile,
    ];

    /// <summary>Permits that do not let their holder see what is below the object.</summary>
    private static readonly HashSet<Permit> _blind =
    [
        Permit.CreateVm, Permit.CreateInstance, Permit.CreateTemplate, Permit.CreateVmPool, Permit.CreateDisk,
        Permit.AccessImageStorage, Permit.Login, Permit.TagManagement, Permit.BookmarkManagement,
        Permit.EventNotificationManagement, Permit.AuditLogManagement, Permit.InjectExternalEvents,
        Permit.InjectExternalTasks,
    ];

    public static IReadOnlyList<Permit> All { get; } = [.. Enum.GetValues<Permit>().Order()];

    /// <summary>Only roles of administrators may have it.</summary>
    public static bool IsAdministrative(Permit permit) => _administrative.Contains(permit);

    public static bool ShowsChildren(Permit permit) => !_blind.Contains(permit);

    /// <summary>As REST writes it, such as create_vm.</summary>
    public static string NameOf(Permit permit) =>
        string.Concat(permit.ToString().Select((letter, at) => char.IsUpper(letter) ? (at == 0 ? "" : "_") + char.ToLowerInvariant(letter) : letter.ToString()));

    public static Permit? Named(string name)
    {
        foreach (var permit in All)
            if (NameOf(permit).Equals(name, StringComparison.OrdinalIgnoreCase))
                return permit;
        return null;
    }
}
