using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Template;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Api;

/// <summary>A small installation with one of everything, and bodies that name it.</summary>
internal sealed class Installation
{
    private static readonly Guid _disk = new("00000000-0000-4000-8000-0000000000b1");
    private static readonly Guid _free = new("00000000-0000-4000-8000-0000000000b2");
    private static readonly Guid _template = new("00000000-0000-4000-8000-000000000091");
    private static readonly Guid _job = new("00000000-0000-4000-8000-000000000081");
    private static readonly Guid _nic = new("00000000-0000-4000-8000-000000000071");
    private static readonly Guid _agent = new("00000000-0000-4000-8000-000000000061");
    private static readonly Guid _snapshot = new("00000000-0000-4000-8000-000000000051");

    public TestApi Api { get; } = new();

    /// <summary>Fields that point at an object, and one that each may point at.</summary>
    public static IReadOnlyDictionary<string, Guid> References { get; } = new Dictionary<string, Guid>
    {
        ["cluster"] = TestApi.Cluster,
        ["data_center"] = TestApi.DataCenter,
        ["host"] = TestApi.Host,
        ["storage_domain"] = TestApi.Domain,
        ["vm"] = TestApi.Vm,
        ["disk"] = _free,
        ["template"] = _template,
        ["snapshot"] = _snapshot,
    };

    /// <summary>The field holds a new object, not a pointer to one.</summary>
    public static bool IsWhole(string type, string field) => (type, field) is ("action", "vm") or ("disk_attachment", "disk");

    public static string Sample(string type, string field) => (type, field) switch
    {
        ("action", "vm") => "<vm><name>contract</name></vm>",
        (_, "administrative") => "<administrative>false</administrative>",
        ("role", "permits") => "<permits><permit><name>create_vm</name></permit></permits>",
        (_, "severity") => "<severity>normal</severity>",
        (_, "custom_id") => "<custom_id>7</custom_id>",
        ("step", "type") => "<type>executing</type>",
        (_, "storage") => "<storage><type>nfs</type><address>nas</address><path>/export</path></storage>",
        (_, "storage_domains") => $"<storage_domains><storage_domain id='{TestApi.Domain}'/></storage_domains>",
        (_, "provisioned_size") => "<provisioned_size>1073741824</provisioned_size>",
        (_, "memory") => "<memory>536870912</memory>",
        (_, "index") => "<index>1</index>",
        (_, "model") => "<model>i6300esb</model>",
        (_, "action") => "<action>reset</action>",
        (_, "protocol") => "<protocol>vnc</protocol>",
        (_, "address") => "<address>10.77.0.9</address>",
        (_, "fence_type") => "<fence_type>status</fence_type>",
        ("agent", "type") => "<type>ipmilan</type>",
        ("qos", "type") => "<type>network</type>",
        (_, "ranges") => "<ranges><range><from>02:00:00:00:00:01</from><to>02:00:00:00:00:ff</to></range></ranges>",
        _ when References.TryGetValue(field, out var id) => $"<{field} id='{id}'/>",
        _ => $"<{field}>contract</{field}>",
    };

    public async Task Fill()
    {
        await Api.InitializeAsync();
        var at = Api.Clock.Now;
        var config = new VmConfig
        {
            Name = "web",
            Cluster = new(TestApi.Cluster),
            Disks = [new DiskAttachment(new(_disk), "virtio_scsi", true, true, false)],
            Nics = [new Nic(_nic, "nic1", "virtio", "56:6f:00:00:00:01", "ovirtmgmt", true, true)],
            Watchdog = new Watchdog("i6300esb", "reset"),
        };
        Api.Engine.Put(Kinds.Vm, TestApi.Vm, Api.Engine.View<VmView>(Kinds.Vm, TestApi.Vm) with
        {
            Config = config,
            Snapshots = [new VmSnapshotView(_snapshot, "before", at, config, [new DiskId(_disk)], "ok", false)],
        });
        Api.Engine.Put(Kinds.Template, _template, new TemplateView
        {
            Id = new(_template),
            Config = config with { Name = "golden" },
            Status = "ok",
            CreatedAt = at,
        });
        Put(_disk, "root", [new VmId(TestApi.Vm)]);
        Put(_free, "free", []);
        var host = Api.Engine.View<HostView>(Kinds.Host, TestApi.Host);
        Api.Engine.Put(Kinds.Host, TestApi.Host, host with
        {
            Config = host.Config with
            {
                PowerManagementEnabled = true,
                FenceAgents = [new FenceAgent(_agent, "ipmilan", "10.77.0.101", 623, "admin", "s", 1, [])],
            },
        });
        Api.Engine.Put(Kinds.Job, _job, new JobView
        {
            Id = new(_job),
            Description = "Starting VM web",
            Status = "finished",
            StartedAt = at,
            EndedAt = at.AddSeconds(3),
            User = TestApi.User,
            EntityKind = "vm",
            EntityId = TestApi.Vm,
        });
        Api.Engine.Audit.Add(new AuditRow(7, new AuditLine(32, Severity.Normal, "VM web started", at, null, TestApi.User, TestApi.Vm)));
    }

    private void Put(Guid id, string name, VmId[] vms) => Api.Engine.Put(Kinds.Disk, id, new DiskView
    {
        Id = new(id),
        Status = "ok",
        Path = "/data/image",
        Vms = [.. vms],
        CreatedAt = Api.Clock.Now,
        Config = new DiskConfig { Name = name, StorageDomain = new(TestApi.Domain), ProvisionedSize = 1L << 30 },
    });
}
