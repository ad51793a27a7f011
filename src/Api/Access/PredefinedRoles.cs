using static Orchestrator.Api.Access.Permit;

namespace Orchestrator.Api.Access;

/// <summary>The roles that every oVirt has, with its ids. They cannot be changed.</summary>
public static class PredefinedRoles
{
    public static Role AuditLogManager { get; } = Of("def00011-0000-0000-0000-def000000016", "AuditLogManager", RoleKind.Admin, Sight.Itself,
        Login, AuditLogManagement);

    public static Role BookmarkManager { get; } = Of("def00011-0000-0000-0000-def000000014", "BookmarkManager", RoleKind.Admin, Sight.Itself,
        Login, BookmarkManagement, AuditLogManagement);

    public static Role ClusterAdmin { get; } = AllBut("def00001-0000-0000-0000-def000000001", "ClusterAdmin", RoleKind.Admin, Sight.Children,
        ReconnectToVm, CreateInstance, CreateTemplate, EditTemplateProperties, DeleteTemplate, CopyTemplate,
        ConfigureTemplateNetwork, EditAdminTemplateProperties, AssignClusterNetwork, ManipulateUsers, ManipulateRoles,
        EditProfile, CreateStorageDomain, EditStorageDomainConfiguration, DeleteStorageDomain,
        ManipulateStorageDomain, CreateStoragePool, DeleteStoragePool, EditStoragePoolConfiguration,
        ConfigureStoragePoolNetwork, CreateStoragePoolNetwork, DeleteStoragePoolNetwork, ConfigureEngine,
        ConfigureQuota, ConsumeQuota, CreateGlusterVolume, ManipulateGlusterVolume, DeleteGlusterVolume,
        ManipulateGlusterHook, ManipulateGlusterService, ConfigureScsiGenericIo, AccessImageStorage,
        ConfigureNetworkVnicProfile, CreateNetworkVnicProfile, DeleteNetworkVnicProfile, InjectExternalEvents,
        InjectExternalTasks, ConfigureStorageDiskProfile, CreateStorageDiskProfile, DeleteStorageDiskProfile,
        CreateMacPool, EditMacPool, DeleteMacPool, ConnectToSerialConsole);

    public static Role CpuProfileCreator { get; } = Of("def00016-0000-0000-0000-def000000016", "CpuProfileCreator", RoleKind.Admin, Sight.Itself,
        DeleteCpuProfile, UpdateCpuProfile, CreateCpuProfile, AssignCpuProfile);

    public static Role DataCenterAdmin { get; } = AllBut("def00002-0000-0000-0000-def000000002", "DataCenterAdmin", RoleKind.Admin, Sight.Children,
        ReconnectToVm, CreateInstance, ManipulateUsers, ManipulateRoles, EditProfile, CreateStorageDomain,
        EditStorageDomainConfiguration, DeleteStorageDomain, ManipulateStorageDomain, ConfigureEngine,
        CreateGlusterVolume, ManipulateGlusterVolume, DeleteGlusterVolume, ManipulateGlusterHook,
        ManipulateGlusterService, AccessImageStorage, InjectExternalEvents, InjectExternalTasks,
        ConfigureStorageDiskProfile, CreateStorageDiskProfile, DeleteStorageDiskProfile, CreateMacPool, EditMacPool,
        DeleteMacPool, ConnectToSerialConsole);

    public static Role EventNotificationManager { get; } = Of("def00011-0000-0000-0000-def000000015", "EventNotificationManager", RoleKind.Admin, Sight.Itself,
        Login, EventNotificationManagement, AuditLogManagement);

    public static Role GlusterAdmin { get; } = Of("def0000b-0000-0000-0000-def00000000b", "GlusterAdmin", RoleKind.Admin, Sight.Children,
        CreateHost, EditHostConfiguration, DeleteHost, ManipulateHost, ConfigureHostNetwork, CreateCluster,
        EditClusterConfiguration, DeleteCluster, ConfigureClusterNetwork, AssignClusterNetwork, CreateGlusterVolume,
        ManipulateGlusterVolume, DeleteGlusterVolume, ManipulateGlusterHook, ManipulateGlusterService, Login,
        TagManagement, BookmarkManagement, EventNotificationManagement, AuditLogManagement);

    public static Role HostAdmin { get; } = Of("def00004-0000-0000-0000-def000000004", "HostAdmin", RoleKind.Admin, Sight.Children,
        CreateHost, EditHostConfiguration, DeleteHost, ManipulateHost, ConfigureHostNetwork, CreateStorageDomain,
        EditStorageDomainConfiguration, DeleteStorageDomain, ManipulateStorageDomain, Login, TagManagement,
        BookmarkManagement, EventNotificationManagement, AuditLogManagement, ConfigureStorageDiskProfile,
        CreateStorageDiskProfile, DeleteStorageDiskProfile, AttachDiskProfile);

    public static Role MacPoolAdmin { get; } = Of("def00013-0000-0000-0000-def000000013", "MacPoolAdmin", RoleKind.Admin, Sight.Children,
        Login, CreateMacPool, EditMacPool, DeleteMacPool, ConfigureMacPool);

    public static Role NetworkAdmin { get; } = Of("def00005-0000-0000-0000-def000000005", "NetworkAdmin", RoleKind.Admin, Sight.Children,
        ConfigureVmNetwork, ConfigureHostNetwork, ConfigureTemplateNetwork, ConfigureClusterNetwork,
        AssignClusterNetwork, ConfigureStoragePoolNetwork, CreateStoragePoolNetwork, DeleteStoragePoolNetwork,
        ConfigureNetworkVnicProfile, CreateNetworkVnicProfile, DeleteNetworkVnicProfile, Login, TagManagement,
        BookmarkManagement, EventNotificationManagement, AuditLogManagement);

    public static Role ReadOnlyAdmin { get; } = Of("def0000c-0000-0000-0000-def00000000c", "ReadOnlyAdmin", RoleKind.Admin, Sight.Children,
        Login);

    public static Role StorageAdmin { get; } = Of("def00003-0000-0000-0000-def000000003", "StorageAdmin", RoleKind.Admin, Sight.Children,
        CreateStorageDomain, EditStorageDomainConfiguration, DeleteStorageDomain, ManipulateStorageDomain, CreateDisk,
        AttachDisk, EditDiskProperties, ConfigureDiskStorage, DeleteDisk, AccessImageStorage,
        DiskLiveStorageMigration, SparsifyDisk, ReduceDisk, BackupDisk, Login, TagManagement, BookmarkManagement,
        EventNotificationManagement, AuditLogManagement, ConfigureStorageDiskProfile, CreateStorageDiskProfile,
        DeleteStorageDiskProfile, AttachDiskProfile);

    public static Role SuperUser { get; } = AllBut("00000000-0000-0000-0000-000000000001", "SuperUser", RoleKind.Admin, Sight.Children,
        CreateInstance, EditProfile);

    public static Role TagManager { get; } = Of("def00011-0000-0000-0000-def000000013", "TagManager", RoleKind.Admin, Sight.Itself,
        Login, TagManagement, AuditLogManagement);

    public static Role TemplateAdmin { get; } = Of("def00008-0000-0000-0000-def000000008", "TemplateAdmin", RoleKind.Admin, Sight.Children,
        CreateTemplate, EditTemplateProperties, DeleteTemplate, CopyTemplate, ConfigureTemplateNetwork,
        EditAdminTemplateProperties, ManipulatePermissions, AddUsersAndGroupsFromDirectory, AccessImageStorage, Login,
        TagManagement, BookmarkManagement, EventNotificationManagement, AuditLogManagement);

    public static Role VmImporterExporter { get; } = Of("def00030-0000-0000-0000-def000000011", "VmImporterExporter", RoleKind.Admin, Sight.Children,
        ImportExportVm, Login, AttachDiskProfile, AssignCpuProfile);

    public static Role VmPoolAdmin { get; } = Of("def00007-0000-0000-0000-def000000007", "VmPoolAdmin", RoleKind.Admin, Sight.Children,
        CreateVm, CreateVmPool, EditVmPoolConfiguration, DeleteVmPool, VmPoolBasicOperations, Login, TagManagement,
        BookmarkManagement, EventNotificationManagement, AuditLogManagement, AssignCpuProfile);

    public static Role CpuProfileOperator { get; } = Of("def00017-0000-0000-0000-def000000017", "CpuProfileOperator", RoleKind.User, Sight.Itself,
        AssignCpuProfile);

    public static Role DiskCreator { get; } = Of("def0000a-0000-0000-0000-def00000000c", "DiskCreator", RoleKind.User, Sight.Itself,
        CreateDisk, Login);

    public static Role DiskOperator { get; } = Of("def0000a-0000-0000-0000-def00000000b", "DiskOperator", RoleKind.User, Sight.Children,
        ManipulatePermissions, AddUsersAndGroupsFromDirectory, CreateDisk, AttachDisk, EditDiskProperties, DeleteDisk,
        SparsifyDisk, ReduceDisk, BackupDisk, Login);

    public static Role DiskProfileUser { get; } = Of("def00020-0000-0000-0000-abc000000010", "DiskProfileUser", RoleKind.User, Sight.Itself,
        AttachDiskProfile);

    public static Role ExternalEventsCreator { get; } = Of("def0000c-0000-0000-0000-def000000000", "ExternalEventsCreator", RoleKind.User, Sight.Itself,
        InjectExternalEvents);

    public static Role ExternalTasksCreator { get; } = Of("def0000d-0000-0000-0000-def000000000", "ExternalTasksCreator", RoleKind.User, Sight.Itself,
        InjectExternalTasks);

    public static Role InstanceCreator { get; } = Of("def00011-0000-0000-0000-def000000011", "InstanceCreator", RoleKind.User, Sight.Itself,
        CreateInstance, CreateDisk, Login);

    public static Role MacPoolUser { get; } = Of("def00014-0000-0000-0000-def000000014", "MacPoolUser", RoleKind.User, Sight.Children,
        Login, ConfigureMacPool);

    public static Role PowerUserRole { get; } = Of("00000000-0000-0000-0001-000000000002", "PowerUserRole", RoleKind.User, Sight.Itself,
        CreateVm, CreateTemplate, CreateDisk, AccessImageStorage, Login, AttachDiskProfile, DeleteCpuProfile,
        UpdateCpuProfile, CreateCpuProfile, AssignCpuProfile);

    public static Role QuotaConsumer { get; } = Of("def0000a-0000-0000-0000-def00000000a", "QuotaConsumer", RoleKind.User, Sight.Itself,
        ConsumeQuota);

    public static Role TemplateCreator { get; } = Of("def0000a-0000-0000-0000-def00000000e", "TemplateCreator", RoleKind.User, Sight.Itself,
        CreateTemplate, Login);

    public static Role TemplateOwner { get; } = Of("def0000a-0000-0000-0000-def00000000f", "TemplateOwner", RoleKind.User, Sight.Children,
        EditTemplateProperties, DeleteTemplate, CopyTemplate, ConfigureTemplateNetwork, ManipulatePermissions,
        AddUsersAndGroupsFromDirectory, Login);

    public static Role UserInstanceManager { get; } = Of("def00012-0000-0000-0000-def000000012", "UserInstanceManager", RoleKind.User, Sight.Itself,
        DeleteVm, EditVmProperties, ChangeVmCd, ConnectToVm, ConfigureVmStorage, ManipulateVmSnapshots, RebootVm,
        StopVm, ShutDownVm, HibernateVm, RunVm, ResetVm, ManipulatePermissions, AddUsersAndGroupsFromDirectory,
        CreateDisk, AttachDisk, EditDiskProperties, DeleteDisk, SparsifyDisk, ReduceDisk, BackupDisk, Login,
        ConnectToSerialConsole);

    public static Role UserProfileEditor { get; } = Of("def00021-0000-0000-0000-def000000015", "UserProfileEditor", RoleKind.User, Sight.Itself,
        EditProfile);

    public static Role UserRole { get; } = Of("00000000-0000-0000-0001-000000000001", "UserRole", RoleKind.User, Sight.Children,
        ChangeVmCd, ConnectToVm, RebootVm, StopVm, ShutDownVm, HibernateVm, RunVm, ResetVm, VmPoolBasicOperations,
        AccessImageStorage, Login);

    public static Role UserTemplateBasedVm { get; } = Of("def00009-0000-0000-0000-def000000009", "UserTemplateBasedVm", RoleKind.User, Sight.Itself,
        CreateVm, AssignCpuProfile);

    public static Role UserVmManager { get; } = Of("def00006-0000-0000-0000-def000000006", "UserVmManager", RoleKind.User, Sight.Children,
        CreateVm, DeleteVm, EditVmProperties, ChangeVmCd, ConnectToVm, ConfigureVmNetwork, ConfigureVmStorage,
        ManipulateVmSnapshots, RebootVm, StopVm, ShutDownVm, HibernateVm, RunVm, ResetVm, ManipulatePermissions,
        AddUsersAndGroupsFromDirectory, CreateDisk, AttachDisk, EditDiskProperties, DeleteDisk, SparsifyDisk,
        ReduceDisk, BackupDisk, Login, ConnectToSerialConsole, AssignCpuProfile);

    public static Role UserVmRunTimeManager { get; } = Of("def00006-0000-0000-0000-def000000011", "UserVmRunTimeManager", RoleKind.User, Sight.Itself,
        CreateVm, DeleteVm, EditVmProperties, ChangeVmCd, ConnectToVm, ConfigureVmNetwork, ConfigureVmStorage,
        RebootVm, StopVm, ShutDownVm, HibernateVm, RunVm, ResetVm, ManipulatePermissions,
        AddUsersAndGroupsFromDirectory, CreateDisk, AttachDisk, EditDiskProperties, DeleteDisk, SparsifyDisk,
        ReduceDisk, BackupDisk, Login, AssignCpuProfile);

    public static Role VmCreator { get; } = Of("def0000a-0000-0000-0000-def00000000d", "VmCreator", RoleKind.User, Sight.Itself,
        CreateVm, CreateDisk, Login, AssignCpuProfile);

    public static Role VnicProfileUser { get; } = Of("def0000a-0000-0000-0000-def000000010", "VnicProfileUser", RoleKind.User, Sight.Children,
        ConfigureVmNetwork, ConfigureTemplateNetwork, Login);

    public static IReadOnlyList<Role> All { get; } =
    [
        AuditLogManager, BookmarkManager, ClusterAdmin, CpuProfileCreator, DataCenterAdmin, EventNotificationManager,
        GlusterAdmin, HostAdmin, MacPoolAdmin, NetworkAdmin, ReadOnlyAdmin, StorageAdmin, SuperUser, TagManager,
        TemplateAdmin, VmImporterExporter, VmPoolAdmin, CpuProfileOperator, DiskCreator, DiskOperator,
        DiskProfileUser, ExternalEventsCreator, ExternalTasksCreator, InstanceCreator, MacPoolUser, PowerUserRole,
        QuotaConsumer, TemplateCreator, TemplateOwner, UserInstanceManager, UserProfileEditor, UserRole,
        UserTemplateBasedVm, UserVmManager, UserVmRunTimeManager, VmCreator, VnicProfileUser,
    ];

    private static readonly Dictionary<Guid, Role> _byId = All.ToDictionary(role => role.Id);

    public static Role? Find(Guid id) => _byId.GetValueOrDefault(id);

    private static Role Of(string id, string name, RoleKind kind, Sight sight, params Permit[] permits) =>
        new(new Guid(id), name, "", kind, sight, permits) { Predefined = true };

    private static Role AllBut(string id, string name, RoleKind kind, Sight sight, params Permit[] without) =>
        Of(id, name, kind, sight, [.. Permits.All.Except(without)]);
}
