using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.ReadModel;
using Orchestrator.Api.Search;

namespace Orchestrator.Tests.Api;

/// <summary>The search language: what is found, what is refused and where, and the SQL that is made of it.</summary>
public sealed class SearchTests : IAsyncLifetime
{
    private static readonly DateTimeOffset _now = new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);
    private static readonly string[] _kinds =
        [Kinds.Vm, Kinds.Host, Kinds.Cluster, Kinds.DataCenter, Kinds.StorageDomain, Kinds.Disk, Kinds.Template, Kinds.Event, Kinds.Job, Kinds.User];

    private readonly TestApi _api = new();

    public async Task InitializeAsync() => await _api.InitializeAsync();

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [Fact]
    public async Task Vms_are_found_by_what_they_are_and_by_what_is_around_them()
    {
        var disk = Guid.NewGuid();
        Vm("db-1", v => v with { Status = "up", Host = new(TestApi.Host), StartedAt = _api.Clock.Now }, c => c with { Memory = 4L << 30, Sockets = 2, Cores = 4 });
        Vm("db-2", v => v with { Status = "powering_up", CreatedAt = _api.Clock.Now.AddDays(-1) }, c => c with { Memory = 2L << 30, Comment = "of Ann's" });
        Vm("db_3", v => v with { CreatedAt = _api.Clock.Now.AddDays(-30) }, c => c with { Description = "old one", Disks = [new(new DiskId(disk), "virtio", true, true, false)] });
        var db3 = (await Found("vms", "name=db_3")).Single();
        Assert.Equal("db_3", db3);
        _api.Engine.Put(Kinds.Disk, disk, new DiskView
        {
            Id = new(disk),
            Status = "ok",
            Path = "/p",
            Vms = [new(VmNamed("db_3"))],
            Config = new DiskConfig { Name = "disk-of-3", StorageDomain = new(TestApi.Domain), ProvisionedSize = 10L << 30 },
        });

        Assert.Equal(["db-1", "db-2"], await Found("vms", "name=db-*"));
        Assert.Equal(["db-1", "db-2", "db_3"], await Found("vms", "name != web"));
        Assert.Equal(["db-1", "db-2"], await Found("vms", "memory >= 2048"));
        Assert.Equal(["db-1"], await Found("vms", "memory = 4096 vcpus=8"));
        Assert.Equal(["db-2"], await Found("vms", "status=poweringup"));
        Assert.Equal(["db-2"], await Found("vms", "status=powering*"));
        Assert.Equal(["db-1"], await Found("vms", "host=host-1"));
        Assert.Equal(["db-1"], await Found("vms", $"host={TestApi.Host}"));
        Assert.Equal(["db-1"], await Found("vms", "host.address=10.77.* and host.status=up"));
        Assert.Equal(["db-1", "db-2", "db_3", "web"], await Found("vms", "datacenter=Default"));
        Assert.Equal(["db_3"], await Found("vms", "storage.name=data-1"));
        Assert.Equal(["db_3"], await Found("vms", "disk.size > 9.5"));
        Assert.Equal(["db-2"], await Found("vms", "creationdate = yesterday"));
        Assert.Equal(["db_3"], await Found("vms", $"creationdate < {_api.Clock.Now.AddDays(-7):yyyy-MM-dd}"));
        Assert.Equal(["db_3"], await Found("vms", "OLD"));
        Assert.Empty(await Found("vms", "OLD", "&case_sensitive=true"));
        Assert.Equal(["db-2"], await Found("vms", "\"ann's\""));
        Assert.Equal(["db-1", "web"], await Found("vms", "status=up or name=web"));
        // From the left: (web or up) and memory.
        Assert.Equal(["db-1"], await Found("vms", "name=web or status=up and memory>2000"));
        Assert.Equal(["db-1", "db-2", "db_3", "web"], (await Found("vms", "* sortby memory desc")).Order(StringComparer.Ordinal));
        Assert.Equal(["db-1", "db-2"], (await Found("vms", "sortby memory desc", "&max=2")));
        Assert.Equal(["db-1"], (await Found("vms", "sortby start_time desc", "&max=1")));
        Assert.Equal(["db-1"], (await Found("vms", "sortby host", "&max=1")));
        Assert.Equal(["web"], await Found("vms", "sortby name page 2", "&max=3"));
        Assert.Empty(await Found("vms", "page 2147483647", "&max=2147483647"));

        Assert.Equal(["host-1"], await Found("hosts", "vm.name=db-1 and active_vms=1"));
        Assert.Empty(await Found("hosts", "active_vms > 1"));
        Assert.Equal(["Default"], await Found("clusters", "host.name=host-1"));
        Assert.Equal(["Default"], await Found("datacenters", "vms.name=web and local=false"));
        Assert.Equal(["data-1"], await Found("storagedomains", "status=active and free_size > 1000 and type=posixfs"));
        Assert.Equal(["disk-of-3"], await Found("disks", "vm_names=db_3 and number_of_vms=1 and storage=data-1"));
        Assert.Equal(["guest"], await Found("users", "name=gu* and usrname=guest@internal"));
        Assert.Equal(["admin", "guest"], await Found("users", "directory=internal sortby name"));
    }

    [Fact]
    public async Task Events_are_found_by_their_texts_and_objects()
    {
        for (var id = 1; id <= 3; id++)
            _api.Engine.Audit.Add(new AuditRow(id, new AuditLine(
                30 + id, id == 3 ? Severity.Error : Severity.Normal, $"line {id}", _api.Clock.Now.AddDays(-id), id == 2 ? "Corr" : null, TestApi.User,
                Vm: id == 1 ? TestApi.Vm : null)));
        async Task<IEnumerable<string>> Numbers(string search, string more = "") =>
            (await _api.GetXml($"/events?search={Uri.EscapeDataString(search)}{more}")).Elements().Select(e => (string)e.Attribute("id")!);
        Assert.Equal(["1"], await Numbers("event_vm=web"));
        Assert.Equal(["1"], await Numbers("vm.status=down"));
        Assert.Equal(["3"], await Numbers("severity=error"));
        Assert.Equal(["2", "1"], await Numbers("severity!=error"));
        Assert.Equal(["2"], await Numbers("correlation_id=Corr"));
        Assert.Empty(await Numbers("correlation_id=corr"));
        Assert.Equal(["3", "2"], await Numbers("type>=32 and usrname=admin*"));
        Assert.Equal(["1"], await Numbers("time=yesterday"));
        Assert.Equal(["1", "2", "3"], await Numbers("sortby type"));
        Assert.Equal(["1"], await Numbers("line page 3", "&max=1"));
    }

    [Theory]
    [InlineData("vms", "color=red", "position 1", "cpu_usage, creationdate")]
    [InlineData("vms", "name=a and host.color=red", "position 12", "active_vms")]
    [InlineData("vms", "name=a and moon.name=red", "position 12", "datacenter, disk")]
    [InlineData("vms", "status=\"up", "position 8", "not closed")]
    [InlineData("vms", "page zero", "position 6", "number from 1")]
    [InlineData("vms", "page", "position 1", "number from 1")]
    [InlineData("vms", "sortby", "position 1", "field")]
    [InlineData("vms", "sortby colour", "position 8", "vcpus")]
    [InlineData("vms", "page 1 name=a", "position 8", "ends")]
    [InlineData("vms", "and name=a", "position 1", "before it")]
    [InlineData("vms", "name=a or", "position 8", "expected after 'or'")]
    [InlineData("vms", "name=a and or b", "position 12", "expected after 'and'")]
    [InlineData("vms", "name=", "position 5", "value is expected")]
    [InlineData("vms", "name==a", "position 6", "value is expected")]
    [InlineData("vms", "=a", "position 1", "no field")]
    [InlineData("vms", "name>a", "position 5", "= or !=")]
    [InlineData("vms", "memory>much", "position 8", "number")]
    [InlineData("vms", "memory>1e30", "position 8", "number")]
    [InlineData("vms", "creationdate>someday", "position 14", "yesterday")]
    [InlineData("vms", "next_run_config_exists=maybe", "position 24", "true or false")]
    [InlineData("vms", "(name=a)", "position 1", "parentheses")]
    [InlineData("vms", "web db", "position 5", "once")]
    [InlineData("vms", "name=a\u0001b", "position 7", "control")]
    [InlineData("hosts", "name>1", "position 5", "= or !=")]
    [InlineData("users", "vm.name=1", "position 1", "not something")]
    [InlineData("events", "colour=red", "position 1", "correlation_id")]
    [InlineData("jobs", "colour=red", "position 1", "correlation_id")]
    public async Task What_cannot_be_understood_is_said_with_its_place(string path, string search, params string[] says)
    {
        var detail = await TestApi.FaultOf(
            await _api.Client.GetAsync($"/ovirt-engine/api/{path}?search={Uri.EscapeDataString(search)}"), HttpStatusCode.BadRequest);
        foreach (var part in says) Assert.Contains(part, detail, StringComparison.Ordinal);
    }

    /// <summary>The text and its SQL, beside each other. ORCHESTRATOR_REWRITE=1 writes them anew.</summary>
    [Fact]
    public async Task The_sql_is_as_agreed()
    {
        var text = new StringBuilder();
        foreach (var (kind, search) in new (string, string)[]
        {
            (Kinds.Vm, "name=web*"), (Kinds.Vm, "name=web and status=poweringup or host=h-1"), (Kinds.Vm, "\"' OR 1=1; --\""),
            (Kinds.Vm, "memory>1024 sortby memory desc page 2"), (Kinds.Vm, "creationdate>=2026-11-01"), (Kinds.Vm, "host.status!=up"),
            (Kinds.Vm, "datacenter!=Default sortby cluster"), (Kinds.Vm, "storage.free_size<10"), (Kinds.Vm, "vcpus=4 cpu_usage>50"),
            (Kinds.Vm, "id=00000000-0000-4000-8000-0000000000f1"), (Kinds.Vm, "events.severity=error"), (Kinds.Host, "active_vms>3 sortby active_vms"),
            (Kinds.Disk, "vm_names=web size>=10 shareable=true"), (Kinds.StorageDomain, "total_size>100"), (Kinds.Template, "vms=web"),
            (Kinds.Event, "vm.name=web and time>yesterday"), (Kinds.Event, "correlation_id=abc sortby time"), (Kinds.Job, "status=failed"),
        })
        {
            var (sql, values) = Sql(kind, search, LetterCase.Ignored);
            text.Append(kind).Append(": ").Append(search).Append('\n').Append("  ").Append(sql).Append('\n');
            for (var at = 0; at < values.Count; at++) text.Append(Invariant($"  ${at + 1} = {Shown(values[at])}\n"));
        }

        var file = Path.Combine(Path.GetDirectoryName(Here())!, "Golden", "search.txt");
        if (Environment.GetEnvironmentVariable("ORCHESTRATOR_REWRITE") == "1") await File.WriteAllTextAsync(file, text.ToString());
        Assert.Equal(await File.ReadAllTextAsync(file), text.ToString());
    }

    /// <summary>Whatever is written, it is refused with a sentence, or becomes parameters: nothing of it is in the SQL.</summary>
    [Fact]
    public void Hostile_text_is_refused_or_becomes_parameters()
    {
        var seed = SearchWorld.Seed();
        var random = new Random(seed);
        string[] parts =
        [
            "name", "host.name", "status", "memory", "creationdate", "=", "!=", "<", ">", "<=", ">=", "and", "or", "sortby", "page", "desc", "1", "-7", "*",
            "zq7'; DROP TABLE read.objects; --", "zq7\"", "'zq7", "$1zq7", "zq7\\", "zq7%_", "(", ")", ";", "zq7/*", "\0", "\ud800", "zq7\u2028", "today", "0x1", ".", "a.b.c",
            "{zq7}", "::uuid", "\"zq7 zq7\"", "'zq7'", "true", "\t", "NaN", "1e9", "99999999999999999999", "\u202e", "zq7 UNION SELECT",
        ];
        var (understood, refused) = (0, 0);
        for (var round = 0; round < 20_000; round++)
        {
            var search = string.Join(random.Next(3) == 0 ? "" : " ", Enumerable.Range(0, random.Next(1, 9)).Select(_ => parts[random.Next(parts.Length)]));
            Check(_kinds[random.Next(_kinds.Length - 1)], search, ref understood, ref refused, seed);
        }

        foreach (var search in new[]
        {
            new string('a', 10_000), string.Join(" or ", Enumerable.Repeat("name=zq7", 1_200)), string.Join(" ", Enumerable.Repeat("host.name=zq7", 99)),
            new string('(', 10_000), new string('"', 9_999), new string('=', 10_000), "name=" + new string('*', 9_000) + "zq7", new string('.', 10_000) + "=1",
            string.Concat(Enumerable.Repeat("\ud83d\ude00", 4_000)),
        })
            Check(Kinds.Vm, search, ref understood, ref refused, seed);
        Assert.True(understood > 500 && refused > 5_000, $"understood {understood}, refused {refused}, SEED={seed}");
    }

    [Fact]
    public void A_pattern_of_many_stars_costs_little() =>
        Assert.False(FilterEvaluation.IsLike(new string('a', 5_000), string.Concat(Enumerable.Repeat("a*", 1_000)) + "b", LetterCase.Ignored));

    private static void Check(string kind, string search, ref int understood, ref int refused, int seed)
    {
        try
        {
            var (sql, _) = Sql(kind, search, LetterCase.Ignored);
            Assert.False(sql.Contains("zq7", StringComparison.OrdinalIgnoreCase), $"{search} became {sql}; SEED={seed}");
            understood++;
        }
        catch (FaultException fault)
        {
            Assert.Equal(400, fault.Status);
            Assert.InRange(fault.Detail.Length, 20, 2_000);
            refused++;
        }
    }

    private static (string Sql, List<object> Values) Sql(string kind, string search, LetterCase letters)
    {
        var query = SearchQuery.Parse(search);
        var (only, order) = SearchMeaning.Of(query, kind, letters, _now);
        return kind == Kinds.Event
            ? PostgresReadModel.Statement(new AuditQuery { Only = only, Order = order })
            : PostgresReadModel.Statement(new ReadQuery(kind, Max: 50, Offset: ((query.Page ?? 1) - 1) % 1000 * 50) { Only = only, Order = order });
    }

    private static string Shown(object value) => value switch
    {
        DateTimeOffset time => time.ToString("O"),
        Guid[] ids => string.Join(", ", ids),
        _ => FormattableString.Invariant($"{value}"),
    };

    private static string Here([CallerFilePath] string here = "") => here;

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    private Guid VmNamed(string name) => _api.Engine.Named(Kinds.Vm, name);

    private void Vm(string name, Func<VmView, VmView> view, Func<VmConfig, VmConfig> config)
    {
        var id = Guid.NewGuid();
        _api.Engine.Put(Kinds.Vm, id, view(new VmView
        {
            Id = new(id),
            Status = "down",
            VmState = "down",
            PowerState = "off",
            CreatedAt = _api.Clock.Now,
            Config = config(new VmConfig { Name = name, Cluster = new(TestApi.Cluster) }),
        }));
    }

    private async Task<IReadOnlyList<string>> Found(string path, string search, string more = "") =>
        [.. (await _api.GetXml($"/{path}?search={Uri.EscapeDataString(search)}{more}")).Elements().Select(found => (string)found.Element("name")!)];
}
