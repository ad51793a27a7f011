using static Orchestrator.Api.Representation.Field;

namespace Orchestrator.Api.Representation;

/// <summary>Users, roles and permissions.</summary>
public static partial class Shapes
{
    public static Shape User { get; } = new("user", "users",
        Text("name"), Text("user_name"), Text("principal"), Text("department"), Text("domain_entry_id"), Text("email"), Text("last_name"),
        Text("password"), One("domain", () => Domain));

    public static Shape Group { get; } = new("group", "groups", Text("name"), Text("domain_entry_id"), One("domain", () => Domain));

    public static Shape Domain { get; } = new("domain", "domains", Text("name"));

    public static Shape Role { get; } = new("role", "roles",
        Text("name"), Text("description"), Boolean("administrative"), Boolean("mutable"), Many("permits", () => Permit));

    public static Shape Permit { get; } = new("permit", "permits", Text("name"), Boolean("administrative"), One("role", () => Role));

    public static Shape Permission { get; } = new("permission", "permissions",
        One("cluster", () => Cluster), One("cpu_profile", () => CpuProfile), One("data_center", () => DataCenter), One("disk", () => Disk),
        One("disk_profile", () => DiskProfile), One("group", () => Group), One("host", () => Host), One("mac_pool", () => MacPool),
        One("network", () => Network), One("quota", () => Quota), One("role", () => Role), One("storage_domain", () => StorageDomain),
        One("template", () => Template), One("user", () => User), One("vm", () => Vm), One("vm_pool", () => VmPool),
        One("vnic_profile", () => VnicProfile));

    public static Shape SshPublicKey { get; } = new("ssh_public_key", "ssh_public_keys", Text("content"), One("user", () => User));

    private static Shape VmPool { get; } = Reference("vm_pool", "vm_pools");
}
