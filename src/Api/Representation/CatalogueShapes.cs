using static Orchestrator.Api.Representation.Field;

namespace Orchestrator.Api.Representation;

/// <summary>Configuration that the catalogue keeps.</summary>
public static partial class Shapes
{
    public static Shape Tag { get; } = new("tag", "tags",
        Text("name"), Text("description"), One("parent", () => Tag), One("vm", () => Vm), One("host", () => Host), One("template", () => Template),
        One("user", () => User));

    public static Shape Bookmark { get; } = new("bookmark", "bookmarks", Text("name"), Text("value"));

    public static Shape Network { get; } = new("network", "networks",
        Text("name"), Text("description"), Text("comment"), Integer("mtu"), Boolean("stp"), Boolean("port_isolation"),
        Boolean("profile_required"), Boolean("required"), Boolean("display"), Text("status"), Text("vdsm_name"),
        Words("usages", "usage", "default_route", "display", "gluster", "management", "migration", "vm"),
        One("vlan", () => Vlan), One("cluster", () => Cluster), One("data_center", () => DataCenter));

    /// <summary>Its id is the VLAN's number.</summary>
    public static Shape Vlan { get; } = new("vlan", "vlans");

    public static Shape VnicProfile { get; } = new("vnic_profile", "vnic_profiles",
        Text("name"), Text("description"), Text("comment"), Boolean("migratable"), Boolean("port_mirroring"),
        One("pass_through", () => PassThrough), One("network", () => Network), One("network_filter", () => NetworkFilter), One("qos", () => Qos));

    public static Shape PassThrough { get; } = new("pass_through", "pass_throughs", Choice("mode", "enabled", "disabled"));

    public static Shape MacPool { get; } = new("mac_pool", "mac_pools",
        Text("name"), Text("description"), Text("comment"), Boolean("allow_duplicates"), Boolean("default_pool"), Many("ranges", () => Range));

    public static Shape Range { get; } = new("range", "ranges", Text("from"), Text("to"));

    public static Shape CpuProfile { get; } = new("cpu_profile", "cpu_profiles",
        Text("name"), Text("description"), Text("comment"), One("cluster", () => Cluster), One("qos", () => Qos));

    public static Shape DiskProfile { get; } = new("disk_profile", "disk_profiles",
        Text("name"), Text("description"), Text("comment"), One("storage_domain", () => StorageDomain), One("qos", () => Qos));

    public static Shape Quota { get; } = new("quota", "quotas",
        Text("name"), Text("description"), Text("comment"), Integer("cluster_hard_limit_pct"), Integer("cluster_soft_limit_pct"),
        Integer("storage_hard_limit_pct"), Integer("storage_soft_limit_pct"), One("data_center", () => DataCenter));

    public static Shape InstanceType { get; } = new("instance_type", "instance_types",
        Text("name"), Text("description"), Text("comment"), One("cpu", () => Cpu), One("high_availability", () => HighAvailability),
        Long("memory"), One("memory_policy", () => MemoryPolicy), One("migration", () => MigrationOptions), Integer("migration_downtime"),
        One("io", () => Io), Boolean("soundcard_enabled"), Date("creation_time"));

    public static Shape OperatingSystemKind { get; } = new("operating_system", "operating_systems",
        Text("name"), Text("description"), Choice("architecture", "undefined", "x86_64", "ppc64", "s390x", "aarch64", "loongarch64"));

    public static Shape ClusterLevel { get; } = new("cluster_level", "cluster_levels", Many("cpu_types", () => CpuType));

    public static Shape CpuType { get; } = new("cpu_type", "cpu_types",
        Choice("architecture", "undefined", "x86_64", "ppc64", "s390x", "aarch64", "loongarch64"), Text("name"));

    public static Shape SystemOption { get; } = new("system_option", "system_options", Text("name"), Many("values", () => SystemOptionValue));

    public static Shape SystemOptionValue { get; } = new("system_option_value", "system_option_values", Text("value"), Text("version"));

    public static Shape SchedulingPolicy { get; } = new("scheduling_policy", "scheduling_policies",
        Text("name"), Text("description"), Boolean("default_policy"), Boolean("locked"));

    public static Shape SchedulingPolicyUnit { get; } = new("scheduling_policy_unit", "scheduling_policy_units",
        Text("name"), Text("description"), Boolean("enabled"), Boolean("internal"), Choice("type", "filter", "weight", "load_balancing"));

    public static Shape Filter { get; } = new("filter", "filters", [.. Part, Integer("position")]);

    public static Shape Weight { get; } = new("weight", "weights", [.. Part, Integer("factor")]);

    public static Shape Balance { get; } = new("balance", "balances", Part);

    private static Field[] Part =>
        [Text("name"), One("scheduling_policy", () => SchedulingPolicy), One("scheduling_policy_unit", () => SchedulingPolicyUnit)];
}
