using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Template;
using Orchestrator.Actors.Vm;
using Orchestrator.Actors.Disk;

namespace Orchestrator.Tests.Api;

/// <summary>
/// The documents that clients read, whole, in both forms, as files under Golden. After a change that is meant, run with
/// ORCHESTRATOR_REWRITE=1 and commit only what you understand.
/// </summary>
public sealed class GoldenTests : IAsyncLifetime
{
    private static readonly Guid _disk = new("00000000-0000-4000-8000-0000000000b1");
    private static readonly Guid _template = new("00000000-0000-4000-8000-000000000091");
    private static readonly Guid _job = new("00000000-0000-4000-8000-000000000081");
    private static readonly Guid _nic = new("00000000-0000-4000-8000-000000000071");
    private static readonly Guid _agent = new("00000000-0000-4000-8000-000000000061");
    private readonly TestApi _api = new();

    public async Task InitializeAsync()
    {
        await _api.InitializeAsync();
        var at = _api.Clock.Now;
        var attachment = new DiskAttachment(new(_disk), "virtio_scsi", true, true, false);
        var config = new VmConfig
        {
            Name = "web & <shop>",
            Cluster = new(TestApi.Cluster),
            Description = "Fr\u00fchst\u00fcck",
            HighlyAvailable = true,
            Kernel = "/boot/vmlinuz",
            Initrd = "/boot/initrd",
            Cmdline = "console=ttyS0",
            Disks = [attachment],
            Nics = [new Nic(_nic, "nic1", "virtio", "56:6f:00:00:00:01", "ovirtmgmt", true, true)],
            PreferredHosts = [new(TestApi.Host)],
        };
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, new VmView
        {
            Id = new(TestApi.Vm),
            Status = "paused",
            StatusDetail = "eio",
            VmState = "up",
            PowerState = "paused",
            Config = config,
            Host = new(TestApi.Host),
            HeldLease = 3,
            StartedAt = at,
            StoppedAt = at.AddDays(-1),
            CreatedAt = at.AddDays(-2),
            StopReason = "maintenance",
            NextRunExists = true,
        });
        _api.Engine.Put(Kinds.Template, _template, new TemplateView
        {
            Id = new(_template),
            Config = config with { Name = "tpl" },
            Status = "ok",
            CreatedAt = at,
        });
        _api.Engine.Put(Kinds.Disk, _disk, new DiskView
        {
            Id = new(_disk),
            Status = "ok",
            Path = "/p",
            Vms = [new(TestApi.Vm)],
            CreatedAt = at,
            Config = new DiskConfig { Name = "root", StorageDomain = new(TestApi.Domain), ProvisionedSize = 1L << 33 },
        });
        var host = _api.Engine.View<HostView>(Kinds.Host, TestApi.Host);
        _api.Engine.Put(Kinds.Host, TestApi.Host, host with
        {
            Config = host.Config with
            {
                PowerManagementEnabled = true,
                FenceAgents = [new FenceAgent(_agent, "ipmilan", "10.77.0.101", 623, "admin", "s", 1,
                    [KeyValuePair.Create("lanplus", "1")])],
            },
        });
        var cluster = _api.Engine.View<ClusterView>(Kinds.Cluster, TestApi.Cluster);
        _api.Engine.Put(Kinds.Cluster, TestApi.Cluster, cluster with { Config = cluster.Config with { MigrationNetwork = "10.78.0.0/24" } });
        _api.Engine.Put(Kinds.Job, _job, new JobView
        {
            Id = new(_job),
            Description = "Starting VM web",
            Status = "finished",
            StartedAt = at,
            EndedAt = at.AddSeconds(3),
            User = TestApi.User,
            Correlation = "abc",
            EntityKind = "vm",
            EntityId = TestApi.Vm,
        });
        _api.Engine.Audit.Add(new AuditRow(7, new AuditLine(
            32, Severity.Normal, "VM web started on host-1", at, "abc", TestApi.User, TestApi.Vm, TestApi.Host, TestApi.Cluster)));
    }

    public async Task DisposeAsync() => await _api.DisposeAsync();

    public static TheoryData<string, string> Documents() => new()
    {
        { "api", "" },
        { "datacenter", $"/datacenters/{TestApi.DataCenter}" },
        { "cluster", $"/clusters/{TestApi.Cluster}" },
        { "host", $"/hosts/{TestApi.Host}" },
        { "fenceagents", $"/hosts/{TestApi.Host}/fenceagents" },
        { "storagedomain", $"/storagedomains/{TestApi.Domain}" },
        { "attached-storagedomain", $"/datacenters/{TestApi.DataCenter}/storagedomains/{TestApi.Domain}" },
        { "disk", $"/disks/{_disk}" },
        { "template", $"/templates/{_template}" },
        { "vm", $"/vms/{TestApi.Vm}" },
        { "diskattachments", $"/vms/{TestApi.Vm}/diskattachments" },
        { "cdroms", $"/vms/{TestApi.Vm}/cdroms" },
        { "nics", $"/vms/{TestApi.Vm}/nics" },
        { "graphicsconsoles", $"/vms/{TestApi.Vm}/graphicsconsoles?current=true" },
        { "events", "/events" },
        { "jobs", "/jobs" },
        { "users", "/users" },
        { "empty", "/vmpools" },
        { "fault", $"/vms/{TestApi.Unknown}" },
    };

    [Theory]
    [MemberData(nameof(Documents))]
    public async Task The_document_is_as_agreed(string name, string path)
    {
        foreach (var form in new[] { "xml", "json" })
        {
            var response = await _api.Send(HttpMethod.Get, path, headers: ("Accept", $"application/{form}"));
            var text = await response.Content.ReadAsStringAsync() + "\n";
            var file = Path.Combine(Folder(), $"{name}.{form}");
            if (Environment.GetEnvironmentVariable("ORCHESTRATOR_REWRITE") == "1") await File.WriteAllTextAsync(file, text);
            Assert.Equal(await File.ReadAllTextAsync(file), text);
        }
    }

    private static string Folder([System.Runtime.CompilerServices.CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "Golden");
}
