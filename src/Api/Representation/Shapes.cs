using static Orchestrator.Api.Representation.Field;

namespace Orchestrator.Api.Representation;

/// <summary>
/// The types of the API that the engine carries, each described once. A field's order here is its order on the wire.
/// Fields that exist in oVirt and are not here yet are ignored in what clients send.
/// </summary>
public static partial class Shapes
{
    /// <summary>Something that is only pointed at: by id, or by name where the request allows it.</summary>
    public static Shape Reference(string name, string plural) => new(name, plural, Text("name"));

    public static Shape Fault { get; } = new("fault", "faults", Text("reason"), Text("detail"));

    public static Shape Version { get; } = new("version", "versions",
        Integer("build"), Text("full_version"), Integer("major"), Integer("minor"), Integer("revision"));

    public static Shape User { get; } = new("user", "users",
        Text("name"), Text("user_name"), Text("principal"), Text("department"), Text("email"), Text("last_name"),
        One("domain", () => Domain));

    public static Shape Domain { get; } = new("domain", "domains", Text("name"));

    // the entry point

    public static Shape Api { get; } = new("api", "apis",
        One("product_info", () => ProductInfo), One("special_objects", () => SpecialObjects),
        One("summary", () => Summary), Date("time"), One("authenticated_user", () => User),
        One("effective_user", () => User));

    public static Shape ProductInfo { get; } = new("product_info", "product_infos",
        Text("instance_id"), Text("name"), Text("vendor"), One("version", () => Version));

    public static Shape SpecialObjects { get; } = new("special_objects", "special_objects",
        One("blank_template", () => Template), One("root_tag", () => Tag));

    public static Shape Summary { get; } = new("summary", "summaries",
        One("hosts", () => SummaryCount), One("storage_domains", () => SummaryCount),
        One("users", () => SummaryCount), One("vms", () => SummaryCount));

    public static Shape SummaryCount { get; } = new("summary_count", "summary_counts", Long("active"), Long("total"));

    // data centers and clusters

    public static Shape DataCenter { get; } = new("data_center", "data_centers",
        Text("name"), Text("description"), Text("comment"), Boolean("local"),
        Choice("quota_mode", "disabled", "audit", "enabled"), Text("status"), One("version", () => Version),
        One("supported_versions", () => SupportedVersions), Text("storage_format"),
        Many("storage_domains", () => StorageDomain), Many("clusters", () => Cluster));

    public static Shape SupportedVersions { get; } = new("supported_versions", "supported_versions",
        One("version", () => Version));

    public static Shape Cluster { get; } = new("cluster", "clusters",
        Text("name"), Text("description"), Text("comment"), One("cpu", () => Cpu), One("version", () => Version),
        One("memory_policy", () => ClusterMemoryPolicy), One("fencing_policy", () => FencingPolicy),
        One("migration", () => MigrationOptions), One("error_handling", () => ErrorHandling),
        Boolean("virt_service"), Boolean("gluster_service"), Boolean("threads_as_cores"),
        Boolean("trusted_service"), Boolean("ballooning_enabled"), Boolean("ha_reservation"),
        One("data_center", () => DataCenter));

    public static Shape ErrorHandling { get; } = new("error_handling", "error_handlings",
        Choice("on_error", "migrate", "migrate_highly_available", "do_not_migrate"));

    public static Shape ClusterMemoryPolicy { get; } = new("memory_policy", "memory_policies",
        One("over_commit", () => OverCommit), One("transparent_hugepages", () => Switch));

    public static Shape OverCommit { get; } = new("over_commit", "over_commits", Integer("percent"));

    public static Shape Switch { get; } = new("switch", "switches", Boolean("enabled"));

    public static Shape FencingPolicy { get; } = new("fencing_policy", "fencing_policies",
        Boolean("enabled"), Integer("max_fences_at_once"), One("skip_if_connectivity_broken", () => SkipIfConnectivityBroken),
        One("skip_if_sd_active", () => Switch), Boolean("skip_if_gluster_bricks_up"),
        Boolean("skip_if_gluster_quorum_not_met"));

    public static Shape SkipIfConnectivityBroken { get; } = new("skip_if_connectivity_broken", "skip_if_connectivity_brokens",
        Boolean("enabled"), Integer("threshold"));

    public static Shape MigrationOptions { get; } = new("migration", "migrations",
        Choice("auto_converge", "inherit", "true", "false"), One("bandwidth", () => MigrationBandwidth),
        Choice("compressed", "inherit", "true", "false"), Integer("custom_parallel_migrations"),
        Choice("encrypted", "inherit", "true", "false"), Text("network_cidr"),
        Choice("parallel_migrations_policy", "inherit", "auto", "auto_parallel", "disabled", "custom"),
        One("policy", () => MigrationPolicy));

    public static Shape MigrationBandwidth { get; } = new("bandwidth", "bandwidths",
        Choice("assignment_method", "auto", "custom", "hypervisor_default"), Integer("custom_value"));

    public static Shape MigrationPolicy { get; } = Reference("policy", "policies");

    // hosts

    public static Shape Host { get; } = new("host", "hosts",
        Text("name"), Text("description"), Text("comment"), Text("address"), Integer("port"), Text("path_prefix"),
        Text("root_password"), Text("status"), Text("status_detail"), Text("type"), Text("external_status"),
        Text("kdump_status"), Boolean("auto_numa_enabled"), Boolean("update_available"),
        One("cpu", () => Cpu), Long("memory"), Long("max_scheduling_memory"),
        One("power_management", () => PowerManagement), One("summary", () => GuestSummary),
        One("hardware_information", () => HardwareInformation), One("version", () => Version),
        One("ssh", () => Ssh), One("spm", () => Spm), One("cluster", () => Cluster),
        Many("fence_agents", () => Agent), Many("hooks", () => Hook), Many("statistics", () => Statistic));

    public static Shape Hook { get; } = new("hook", "hooks", Text("name"), Text("event_name"), Text("md5"), One("host", () => Host));

    public static Shape Ssh { get; } = new("ssh", "sshs",
        Choice("authentication_method", "password", "publickey"), Integer("port"), Text("fingerprint"), Text("public_key"), One("user", () => SshUser));

    public static Shape SshUser { get; } = new("user", "users", Text("user_name"), Text("password"));

    public static Shape Spm { get; } = new("spm", "spms", Integer("priority"), Text("status"));

    public static Shape HardwareInformation { get; } = new("hardware_information", "hardware_informations",
        Text("uuid"), Text("manufacturer"), Text("product_name"));

    public static Shape GuestSummary { get; } = new("vm_summary", "vm_summaries",
        Integer("active"), Integer("migrating"), Integer("total"));

    public static Shape PowerManagement { get; } = new("power_management", "power_managements",
        Boolean("enabled"), Boolean("automatic_pm_enabled"), Boolean("kdump_detection"), Text("status"),
        Text("type"), Text("address"), Text("username"), Text("password"), Many("agents", () => Agent),
        Many("pm_proxies", () => PmProxy));

    public static Shape PmProxy { get; } = new("pm_proxy", "pm_proxies", Choice("type", "cluster", "dc", "other_dc"));

    public static Shape Agent { get; } = new("agent", "agents",
        Text("address"), Text("type"), Text("username"), Text("password"), Integer("order"), Integer("port"),
        Boolean("concurrent"), Boolean("encrypt_options"), Many("options", () => Option), One("host", () => Host));

    public static Shape Option { get; } = new("option", "options", Text("name"), Text("value"), Text("type"));

    public static Shape Cpu { get; } = new("cpu", "cpus",
        Choice("architecture", "undefined", "x86_64", "ppc64", "s390x", "aarch64", "loongarch64"),
        Text("name"), Text("type"), Decimal("speed"), One("topology", () => Topology), One("cpu_tune", () => CpuTune),
        Many("cores", () => Core), Choice("mode", "custom", "host_model", "host_passthrough"));

    public static Shape Topology { get; } = new("topology", "topologies",
        Integer("cores"), Integer("sockets"), Integer("threads"));

    // storage

    public static Shape StorageDomain { get; } = new("storage_domain", "storage_domains",
        Text("name"), Text("description"), Text("comment"), Long("available"), Long("committed"), Long("used"),
        Boolean("backup"), Boolean("master"), Boolean("import"), Integer("warning_low_space_indicator"),
        Integer("critical_space_action_blocker"), Boolean("wipe_after_delete"), Boolean("discard_after_delete"),
        Text("status"), Text("status_detail"), Text("external_status"), Text("storage_format"),
        Choice("type", "data", "iso", "export"), One("storage", () => HostStorage), One("host", () => Host),
        One("data_center", () => DataCenter), Many("data_centers", () => DataCenter), Many("disks", () => Disk));

    public static Shape HostStorage { get; } = new("storage", "storages",
        Text("address"), Text("path"), Text("vfs_type"), Text("mount_options"),
        Choice("nfs_version", "auto", "v3", "v4", "v4_0", "v4_1", "v4_2"), Integer("nfs_retrans"), Integer("nfs_timeo"),
        Boolean("override_luns"), Choice("type", "nfs", "posixfs", "localfs", "iscsi", "fcp", "glusterfs", "glance", "cinder",
            "managed_block_storage"));

    public static Shape StorageConnection { get; } = new("storage_connection", "storage_connections",
        Text("address"), Text("path"), Text("vfs_type"), Text("mount_options"),
        Choice("nfs_version", "auto", "v3", "v4", "v4_0", "v4_1", "v4_2"), Integer("nfs_retrans"), Integer("nfs_timeo"),
        Choice("type", "nfs", "posixfs", "localfs", "iscsi", "fcp", "glusterfs", "glance", "cinder", "managed_block_storage"));

    public static Shape Disk { get; } = new("disk", "disks",
        Text("name"), Text("description"), Text("comment"), Text("alias"), Long("provisioned_size"),
        Long("actual_size"), Long("total_size"), Choice("format", "cow", "raw"), Text("image_id"),
        Boolean("shareable"), Boolean("sparse"), Boolean("wipe_after_delete"), Boolean("propagate_errors"),
        Choice("storage_type", "image", "lun", "cinder", "managed_block_storage"),
        Choice("content_type", "data", "iso", "ovf_store", "memory_dump_volume", "memory_metadata_volume"),
        Text("status"), Text("status_detail"), Text("creation_status"),
        One("storage_domain", () => StorageDomain), One("snapshot", () => Snapshot),
        Many("storage_domains", () => StorageDomain), Many("vms", () => Vm), Many("statistics", () => Statistic));

    public static Shape ImageTransfer { get; } = new("image_transfer", "image_transfers",
        Boolean("active"), Choice("direction", "upload", "download"), Choice("format", "cow", "raw"),
        Integer("inactivity_timeout"), Text("phase"), Text("proxy_url"), Boolean("shallow"), Text("signed_ticket"),
        Choice("timeout_policy", "legacy", "pause", "cancel"), Text("transfer_url"), Long("transferred"),
        One("backup", () => Backup), One("disk", () => Disk), One("host", () => Host), One("image", () => Image),
        One("snapshot", () => DiskSnapshot));

    public static Shape Image { get; } = Reference("image", "images");

    public static Shape Backup { get; } = Reference("backup", "backups");

    public static Shape DiskSnapshot { get; } = Reference("disk_snapshot", "disk_snapshots");

    public static Shape DiskAttachment { get; } = new("disk_attachment", "disk_attachments",
        Boolean("active"), Boolean("bootable"), Boolean("read_only"), Boolean("pass_discard"),
        Boolean("uses_scsi_reservation"), Text("logical_name"),
        Choice("interface", "virtio", "virtio_scsi", "sata", "ide"), One("qos", () => Qos),
        One("disk", () => Disk), One("vm", () => Vm), One("template", () => Template));

    // VMs and templates

    private static Field[] Definition =>
    [
        Text("name"), Text("description"), Text("comment"), One("bios", () => Bios), One("cpu", () => Cpu),
        Date("creation_time"), Boolean("delete_protected"), One("high_availability", () => HighAvailability),
        Long("memory"), One("memory_policy", () => MemoryPolicy), One("migration", () => MigrationOptions),
        Integer("migration_downtime"), One("os", () => OperatingSystem), Text("origin"),
        Boolean("start_paused"), Boolean("stateless"), Choice("type", "desktop", "server", "high_performance"),
        Choice("storage_error_resume_behaviour", "leave_paused", "auto_resume", "kill"),
        One("placement_policy", () => PlacementPolicy), One("cluster", () => Cluster), Text("status"),
        Text("status_detail"), Many("disk_attachments", () => DiskAttachment), Many("nics", () => Nic),
        Many("cdroms", () => Cdrom), .. Furnishing,
    ];

    public static Shape Vm { get; } = new("vm", "vms",
    [
        .. Definition, Boolean("next_run_configuration_exists"), Boolean("run_once"), Date("start_time"),
        Text("stop_reason"), Date("stop_time"), Boolean("use_latest_template_version"), One("host", () => Host), One("template", () => Template),
        One("original_template", () => Template), Text("fqdn"), One("guest_operating_system", () => GuestOperatingSystem),
        One("guest_time_zone", () => TimeZone), Many("applications", () => Application),
        Many("reported_devices", () => ReportedDevice), Many("sessions", () => Session), Many("statistics", () => Statistic), Many("snapshots", () => Snapshot),
        One("display", () => Display),
    ]);

    public static Shape Display { get; } = new("display", "displays",
        Text("address"), Boolean("allow_override"), Boolean("copy_paste_enabled"), Text("disconnect_action"), Boolean("file_transfer_enabled"),
        Integer("monitors"), Integer("port"), Boolean("smartcard_enabled"), Choice("type", "spice", "vnc"));

    public static Shape Snapshot { get; } = new("snapshot", "snapshots",
    [
        .. Definition, Date("date"), Boolean("persist_memorystate"), Choice("snapshot_status", "ok", "locked", "in_preview"),
        Choice("snapshot_type", "regular", "active", "stateless", "preview"), One("vm", () => Vm), Many("disks", () => Disk),
    ]);

    public static Shape GuestOperatingSystem { get; } = new("guest_operating_system", "guest_operating_systems",
        Text("architecture"), Text("codename"), Text("distribution"), Text("family"), One("kernel", () => Kernel),
        One("version", () => Version));

    public static Shape Kernel { get; } = new("kernel", "kernels", One("version", () => Version));

    public static Shape TimeZone { get; } = new("time_zone", "time_zones", Text("name"), Text("utc_offset"));

    public static Shape Application { get; } = new("application", "applications", Text("name"), One("vm", () => Vm));

    public static Shape Session { get; } = new("session", "sessions",
        Boolean("console_user"), Text("protocol"), One("ip", () => Ip), One("user", () => User), One("vm", () => Vm));

    public static Shape ReportedDevice { get; } = new("reported_device", "reported_devices",
        Text("name"), Text("description"), Many("ips", () => Ip), One("mac", () => Mac), Choice("type", "network"),
        One("vm", () => Vm));

    public static Shape Ip { get; } = new("ip", "ips", Text("address"), Text("gateway"), Text("netmask"), Choice("version", "v4", "v6"));

    public static Shape Template { get; } = new("template", "templates",
        [.. Definition, Text("creation_status"), One("version", () => TemplateVersion), One("vm", () => Vm)]);

    public static Shape TemplateVersion { get; } = new("version", "versions",
        Text("version_name"), Integer("version_number"), One("base_template", () => Template));

    public static Shape Bios { get; } = new("bios", "bioses", One("boot_menu", () => Switch),
        Choice("type", "cluster_default", "i440fx_sea_bios", "q35_sea_bios", "q35_ovmf", "q35_secure_boot"));

    public static Shape HighAvailability { get; } = new("high_availability", "high_availabilities",
        Boolean("enabled"), Integer("priority"));

    public static Shape MemoryPolicy { get; } = new("memory_policy", "memory_policies",
        Long("guaranteed"), Long("max"), Boolean("ballooning"));

    public static Shape OperatingSystem { get; } = new("os", "oses",
        One("boot", () => Boot), Text("cmdline"), Text("initrd"), Text("kernel"), Text("type"));

    public static Shape Boot { get; } = new("boot", "boots", Words("devices", "device", "hd", "cdrom", "network"));

    public static Shape PlacementPolicy { get; } = new("placement_policy", "placement_policies",
        Choice("affinity", "migratable", "user_migratable", "pinned"), Many("hosts", () => Host));

    public static Shape Nic { get; } = new("nic", "nics",
        Text("name"), Choice("interface", "virtio", "e1000", "e1000e", "rtl8139"), Boolean("linked"),
        Boolean("plugged"), One("mac", () => Mac), One("network", () => Network),
        One("vnic_profile", () => VnicProfile), One("network_filter", () => NetworkFilter), One("qos", () => Qos), One("vm", () => Vm), Many("reported_devices", () => ReportedDevice),
        Many("statistics", () => Statistic));

    public static Shape Watchdog { get; } = new("watchdog", "watchdogs",
        Choice("action", "none", "reset", "poweroff", "pause", "dump"), Choice("model", "i6300esb", "diag288"),
        One("vm", () => Vm));

    public static Shape Cdrom { get; } = new("cdrom", "cdroms", One("file", () => File), One("vm", () => Vm));

    public static Shape File { get; } = Reference("file", "files");

    public static Shape GraphicsConsole { get; } = new("graphics_console", "graphics_consoles",
        Text("address"), Integer("port"), Choice("protocol", "spice", "vnc"), Integer("tls_port"), One("vm", () => Vm));

    public static Shape Ticket { get; } = new("ticket", "tickets", Long("expiry"), Text("value"));

    public static Shape ProxyTicket { get; } = new("proxy_ticket", "proxy_tickets", Text("value"));

    public static Shape Mac { get; } = new("mac", "macs", Text("address"));

    // events, jobs, actions

    public static Shape Event { get; } = new("event", "events",
        Text("description"), Integer("code"), Text("correlation_id"), Integer("custom_id"), Integer("flood_rate"),
        Long("index"), Text("origin"), Choice("severity", "normal", "warning", "error", "alert"), Date("time"),
        One("cluster", () => Cluster), One("data_center", () => DataCenter), One("host", () => Host),
        One("storage_domain", () => StorageDomain), One("template", () => Template), One("user", () => User),
        One("vm", () => Vm), One("disk", () => Disk));

    public static Shape Job { get; } = new("job", "jobs",
        Text("description"), Boolean("auto_cleared"), Date("end_time"), Boolean("external"), Date("last_updated"),
        Date("start_time"), Choice("status", "aborted", "failed", "finished", "started", "unknown"),
        Text("correlation_id"), One("owner", () => User), Many("steps", () => Step));

    public static Shape Step { get; } = new("step", "steps",
        Text("description"), Date("end_time"), Boolean("external"), Integer("number"), Integer("progress"), Date("start_time"),
        Choice("status", "aborted", "failed", "finished", "started", "unknown"),
        Choice("type", "executing", "finalizing", "validating", "unknown"), One("job", () => Job));

    public static Shape Statistic { get; } = new("statistic", "statistics",
        Text("name"), Text("description"), Choice("kind", "counter", "gauge"), Choice("type", "decimal", "integer", "string"),
        Choice("unit", "bits_per_second", "bytes", "bytes_per_second", "count_per_second", "none", "percent", "seconds"),
        Many("values", () => StatisticValue), One("disk", () => Disk), One("host", () => Host), One("nic", () => Nic),
        One("vm", () => Vm));

    public static Shape StatisticValue { get; } = new("value", "values", Decimal("datum"), Text("detail"));

    public static Shape Action { get; } = new("action", "actions",
        Text("status"), One("fault", () => Fault), One("job", () => Job), Boolean("async"), Boolean("force"),
        Text("reason"), Boolean("succeeded"), Text("fence_type"), Boolean("pause"), Boolean("maintenance_after_restart"),
        Boolean("use_cloud_init"), Boolean("use_sysprep"), Boolean("use_ignition"), Boolean("use_initialization"),
        Boolean("volatile"), Text("remote_viewer_connection_file"),
        One("ticket", () => Ticket), One("proxy_ticket", () => ProxyTicket),
        One("host", () => Host), One("cluster", () => Cluster), One("vm", () => Vm),
        Text("root_password"), One("ssh", () => Ssh), Boolean("activate"), Boolean("reboot"), Text("image"), Integer("timeout"),
        One("storage_domain", () => StorageDomain), One("power_management", () => PowerManagement),
        Boolean("restore_memory"), Boolean("discard_snapshots"), One("snapshot", () => Snapshot), One("disk", () => Disk), Many("disks", () => Disk));
}
