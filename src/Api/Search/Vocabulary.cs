using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics;
using Orchestrator.Actors.Journal;
using static Orchestrator.Actors.Journal.ReadLink;

namespace Orchestrator.Api.Search;

/// <summary>Named: the name of another object, or its id. Word: one of the API's own words. Mark: text whose letters' case counts.</summary>
public enum SearchType { Text, Named, Identity, Word, Mark, Number, Time, Flag }

/// <param name="Through">The value is of the object behind these.</param>
/// <param name="Unit">What is written is in this many of what is kept.</param>
public sealed record SearchField(SearchType Type, ReadValue Of, ImmutableArray<ReadLink> Through, decimal Unit = 1)
{
    /// <summary>Free text is looked for in it.</summary>
    public bool IsFree => Through.IsEmpty && Of is not ReadValue.Seen && (Type is SearchType.Text or SearchType.Word);

    /// <summary>The API's words of this field; others are taken as they are written.</summary>
    public ImmutableArray<string> Words { get; init; } = [];

    /// <summary>oVirt's search writes them together: poweringup.</summary>
    public string WordFor(string written) =>
        Words.FirstOrDefault(word => Plain(word) == Plain(written)) ?? written.ToLowerInvariant();

    private static string Plain(string word) => word.Replace("_", "", StringComparison.Ordinal).ToLowerInvariant();
}

public sealed record SearchCross(string Kind, ImmutableArray<ReadLink> Links);

/// <summary>What one kind of objects can be searched by: oVirt's names, and where the documents have them.</summary>
public sealed class Vocabulary
{
    private const decimal Mebibyte = 1 << 20;
    private const decimal Gibibyte = 1 << 30;

    private static readonly ReadLink _toCluster = new To(Kinds.Cluster, "config.cluster");
    private static readonly ReadLink _toDataCenter = new To(Kinds.DataCenter, "config.dataCenter");
    private static readonly ReadLink _toDomain = new To(Kinds.StorageDomain, "config.storageDomain");
    private static readonly ReadLink _toDomainsCenter = new To(Kinds.DataCenter, "dataCenter");
    private static readonly ReadLink _clustersIn = new From(Kinds.Cluster, "config.dataCenter");
    private static readonly ReadLink _hostsIn = new From(Kinds.Host, "config.cluster");
    private static readonly ReadLink _vmsIn = new From(Kinds.Vm, "config.cluster");

    private static readonly FrozenDictionary<string, Vocabulary> _all = All().ToFrozenDictionary(words => words.Kind);

    private readonly Dictionary<string, SearchField> _fields = [];
    private readonly Dictionary<string, SearchCross> _crosses = [];

    private Vocabulary(string kind) => Kind = kind;

    public string Kind { get; }

    public IEnumerable<SearchField> FreeText => _fields.Values.Where(known => known.IsFree).Distinct();

    public string Known => string.Join(", ", _fields.Keys.Order(StringComparer.Ordinal));

    public string KnownCrosses => string.Join(", ", _crosses.Keys.Order(StringComparer.Ordinal));

    public IEnumerable<string> Fields => _fields.Keys;

    public IEnumerable<string> Crosses => _crosses.Keys;

    public static Vocabulary Of(string kind) =>
        _all.GetValueOrDefault(kind) ?? throw new UnreachableException($"nobody searches for {kind}");

    public static bool Has(string kind) => _all.ContainsKey(kind);

    public SearchField? Field(string name) => _fields.GetValueOrDefault(name);

    public SearchCross? Cross(string name) => _crosses.GetValueOrDefault(name);

    private static IEnumerable<Vocabulary> All() =>
    [
        new Vocabulary(Kinds.Vm)
            .Named().Text("config.description", "description").Text("config.comment", "comment")
            .Words("status", "status", "down", "up", "powering_up", "powering_down", "paused", "migrating", "unknown", "not_responding",
                "wait_for_launch", "reboot_in_progress", "saving_state", "restoring_state", "suspended", "image_locked")
            .Words("config.type", "type", "desktop", "server", "high_performance").Text("config.osType", "os")
            .Words("config.biosType", "bios_type")
            .Other("cluster", _toCluster).Other("host", new To(Kinds.Host, "host")).Other("on_host", new To(Kinds.Host, "host"))
            .Other("template", new To(Kinds.Template, "config.template")).Other("datacenter", _toCluster, _toDataCenter)
            .Add("architecture", SearchType.Word, new ReadValue.Path("config.architecture"), 1, _toCluster)
            .Time("createdAt", "creationdate").Time("startedAt", "start_time")
            .Number("config.memory", Mebibyte, "memory").Number("config.guaranteedMemory", Mebibyte, "guaranteed_memory")
            .Add("vcpus", SearchType.Number, new ReadValue.Product(["config.sockets", "config.cores", "config.threads"]))
            .Add("cpu_usage", SearchType.Number, new ReadValue.Seen("cpuPercent"))
            .Add("fqdn", SearchType.Text, new ReadValue.Seen("facts.hostName"))
            .Flag("nextRunExists", "next_run_config_exists")
            .Related(Kinds.Host, ["host", "hosts"], new To(Kinds.Host, "host"))
            .Related(Kinds.Template, ["template", "templates"], new To(Kinds.Template, "config.template"))
            .Related(Kinds.Cluster, ["cluster", "clusters"], _toCluster)
            .Related(Kinds.DataCenter, ["datacenter"], _toCluster, _toDataCenter)
            .Related(Kinds.Event, ["event", "events"], new From(Kinds.Event, "vm"))
            .Related(Kinds.Disk, ["disk", "disks"], new ListedBy(Kinds.Disk, "vms"))
            .Related(Kinds.StorageDomain, ["storage"], new ListedBy(Kinds.Disk, "vms"), _toDomain),
        new Vocabulary(Kinds.Host)
            .Named().Text("config.address", "address").Text("config.comment", "comment").Text("config.description", "description")
            .Words("status", "status", "up", "down", "maintenance", "preparing_for_maintenance", "non_responsive", "non_operational",
                "connecting", "initializing", "reboot", "installing", "install_failed", "pending_approval", "error", "kdumping", "unassigned")
            .Other("cluster", _toCluster).Other("datacenter", _toCluster, _toDataCenter)
            .Add("architecture", SearchType.Word, new ReadValue.Path("config.architecture"), 1, _toCluster)
            .Number("facts.cpus", 1, "cpus").Text("facts.cpuModel", "cpu_model").Number("facts.memory", Mebibyte, "memory")
            .Text("facts.version", "version").Text("facts.hostUuid", "hw_id")
            .Add("active_vms", SearchType.Number, new ReadValue.Count(new From(Kinds.Vm, "host")))
            .Add("cpu_usage", SearchType.Number, new ReadValue.Seen("host.cpuPercent"))
            .Time("createdAt", "creationdate")
            .Related(Kinds.Vm, ["vm", "vms"], new From(Kinds.Vm, "host"))
            .Related(Kinds.Cluster, ["cluster", "clusters"], _toCluster)
            .Related(Kinds.DataCenter, ["datacenter"], _toCluster, _toDataCenter)
            .Related(Kinds.Template, ["template", "templates"], new From(Kinds.Vm, "host"), new To(Kinds.Template, "config.template"))
            .Related(Kinds.Event, ["event", "events"], new From(Kinds.Event, "host"))
            .Related(Kinds.StorageDomain, ["storage"], _toCluster, _toDataCenter, new From(Kinds.StorageDomain, "dataCenter")),
        new Vocabulary(Kinds.Cluster)
            .Named().Text("config.description", "description").Text("config.comment", "comment").Text("config.cpuType", "cpu_type")
            .Words("config.architecture", "architecture").Other("datacenter", _toDataCenter)
            .Related(Kinds.DataCenter, ["datacenter"], _toDataCenter)
            .Related(Kinds.StorageDomain, ["storage"], _toDataCenter, new From(Kinds.StorageDomain, "dataCenter"))
            .Related(Kinds.Host, ["host", "hosts"], _hostsIn).Related(Kinds.Vm, ["vm", "vms"], _vmsIn),
        new Vocabulary(Kinds.DataCenter)
            .Named().Text("config.description", "description").Text("config.comment", "comment").Flag("config.local", "local")
            .Related(Kinds.Cluster, ["cluster", "clusters"], _clustersIn)
            .Related(Kinds.StorageDomain, ["storage"], new From(Kinds.StorageDomain, "dataCenter"))
            .Related(Kinds.Host, ["host", "hosts"], _clustersIn, _hostsIn).Related(Kinds.Vm, ["vm", "vms"], _clustersIn, _vmsIn),
        new Vocabulary(Kinds.StorageDomain)
            .Named().Text("config.description", "description").Text("config.comment", "comment")
            .Words("status", "status", "active", "inactive", "maintenance", "preparing_for_maintenance", "unattached", "locked", "unknown",
                "detaching", "activating")
            .Words("config.storageType", "type").Other("datacenter", _toDomainsCenter)
            .Number("available", Gibibyte, "free_size").Number("used", Gibibyte, "used_size")
            .Add("total_size", SearchType.Number, new ReadValue.Sum(["available", "used"]), Gibibyte)
            .Related(Kinds.DataCenter, ["datacenter"], _toDomainsCenter)
            .Related(Kinds.Cluster, ["cluster", "clusters"], _toDomainsCenter, _clustersIn)
            .Related(Kinds.Host, ["host", "hosts"], _toDomainsCenter, _clustersIn, _hostsIn)
            .Related(Kinds.Disk, ["disk", "disks"], new From(Kinds.Disk, "config.storageDomain")),
        new Vocabulary(Kinds.Disk)
            .Named("alias", "name").Text("config.description", "description").Words("status", "status", "ok", "locked", "illegal")
            .Words("config.content", "disk_content_type").Words("config.format", "format")
            .Number("config.provisionedSize", Gibibyte, "provisioned_size", "size").Flag("config.shareable", "shareable")
            .Time("createdAt", "creation_date").Add("number_of_vms", SearchType.Number, new ReadValue.Length("vms"))
            .Other("vm_names", new Lists(Kinds.Vm, "vms")).Other("storage", _toDomain)
            .Related(Kinds.StorageDomain, ["storage"], _toDomain)
            .Related(Kinds.DataCenter, ["datacenter"], _toDomain, _toDomainsCenter)
            .Related(Kinds.Vm, ["vm", "vms"], new Lists(Kinds.Vm, "vms")),
        new Vocabulary(Kinds.Template)
            .Named().Text("config.description", "description").Text("config.comment", "comment").Words("status", "status", "ok", "locked", "illegal")
            .Text("config.osType", "os").Other("cluster", _toCluster).Other("datacenter", _toCluster, _toDataCenter)
            .Add("architecture", SearchType.Word, new ReadValue.Path("config.architecture"), 1, _toCluster)
            .Time("createdAt", "creationdate").Number("config.memory", Mebibyte, "mem")
            .Add("childcount", SearchType.Number, new ReadValue.Count(new From(Kinds.Vm, "config.template")))
            .Related(Kinds.Vm, ["vm", "vms"], new From(Kinds.Vm, "config.template"))
            .Related(Kinds.Host, ["host", "hosts"], new From(Kinds.Vm, "config.template"), new To(Kinds.Host, "host"))
            .Related(Kinds.Cluster, ["cluster", "clusters"], _toCluster)
            .Related(Kinds.Event, ["event", "events"], new From(Kinds.Event, "template")),
        new Vocabulary(Kinds.Event)
            .Text("description", "message").Words("severity", "severity", "normal", "warning", "error", "alert").Number("code", 1, "type")
            .Time("at", "time").Add("correlation_id", SearchType.Mark, new ReadValue.Path("correlation")).Text("user", "usrname")
            .Text("origin", "origin").Number("customId", 1, "custom_event_id")
            .Other("event_vm", new To(Kinds.Vm, "vm")).Other("event_host", new To(Kinds.Host, "host"))
            .Other("event_template", new To(Kinds.Template, "template")).Other("event_storage", new To(Kinds.StorageDomain, "storageDomain"))
            .Other("event_datacenter", new To(Kinds.DataCenter, "dataCenter")).Other("event_volume", new To(Kinds.Disk, "disk"))
            .Other("event_cluster", new To(Kinds.Cluster, "cluster"))
            .Related(Kinds.Vm, ["vm", "vms"], new To(Kinds.Vm, "vm")).Related(Kinds.Host, ["host", "hosts"], new To(Kinds.Host, "host"))
            .Related(Kinds.Template, ["template", "templates"], new To(Kinds.Template, "template"))
            .Related(Kinds.Cluster, ["cluster", "clusters"], new To(Kinds.Cluster, "cluster"))
            .Related(Kinds.Disk, ["volume", "volumes", "disk", "disks"], new To(Kinds.Disk, "disk"))
            .Related(Kinds.StorageDomain, ["storage"], new To(Kinds.StorageDomain, "storageDomain"))
            .Related(Kinds.DataCenter, ["datacenter"], new To(Kinds.DataCenter, "dataCenter")),
        new Vocabulary(Kinds.Job)
            .Text("description", "description").Words("status", "status", "started", "finished", "failed", "aborted", "unknown")
            .Add("correlation_id", SearchType.Mark, new ReadValue.Path("correlation")).Text("user", "usrname")
            .Time("startedAt", "start_time").Time("endedAt", "end_time").Flag("external", "external")
            .Add("id", SearchType.Identity, new ReadValue.Id()),
        new Vocabulary(Kinds.User)
            .Named().Text("lastName", "lastname").Text("userName", "usrname").Text("principal", "login").Text("domain", "directory")
            .Text("userName", "user_and_domain"),
    ];

    private Vocabulary Named(params ReadOnlySpan<string> names)
    {
        foreach (var name in names.IsEmpty ? ["name"] : names) Add(name, SearchType.Text, new ReadValue.Name());
        return Add("id", SearchType.Identity, new ReadValue.Id());
    }

    private Vocabulary Text(string path, string name) => Add(name, SearchType.Text, new ReadValue.Path(path));

    private Vocabulary Words(string path, string name, params ImmutableArray<string> words)
    {
        _fields.Add(name, new SearchField(SearchType.Word, new ReadValue.Path(path), []) { Words = words });
        return this;
    }

    private Vocabulary Number(string path, decimal unit, params ReadOnlySpan<string> names)
    {
        foreach (var name in names) Add(name, SearchType.Number, new ReadValue.Path(path), unit);
        return this;
    }

    private Vocabulary Time(string path, string name) => Add(name, SearchType.Time, new ReadValue.Path(path));

    private Vocabulary Flag(string path, string name) => Add(name, SearchType.Flag, new ReadValue.Path(path));

    private Vocabulary Other(string name, params ImmutableArray<ReadLink> through) =>
        Add(name, SearchType.Named, new ReadValue.Name(), 1, through);

    private Vocabulary Add(string name, SearchType type, ReadValue of, decimal unit = 1, params ImmutableArray<ReadLink> through)
    {
        _fields.Add(name, new SearchField(type, of, through, unit));
        return this;
    }

    private Vocabulary Related(string kind, ReadOnlySpan<string> names, params ImmutableArray<ReadLink> links)
    {
        foreach (var name in names) _crosses.Add(name, new SearchCross(kind, links));
        return this;
    }
}
