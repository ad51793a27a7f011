using System.Text;
using Newtonsoft.Json.Linq;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.DataCenter;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Template;
using Orchestrator.Actors.Vm;
using Orchestrator.Tests.Deciders;

namespace Orchestrator.Tests.Contracts;

/// <summary>
/// What is stored stays readable for ever. tests/Contracts/golden has one file per name, written when the name was
/// first released; a file is never edited and never deleted: a new shape gets a new number.
/// </summary>
public sealed class WireContract
{
    private static readonly string _golden = Path.Combine(Golden.Root(), "tests/Contracts/golden");

    public static TheoryData<string> Names => [.. WireNames.All.Select(n => n.Name)];

    [Fact]
    public void A_name_means_one_type_and_a_type_has_one_name()
    {
        Assert.Equal([], WireNames.All.GroupBy(n => n.Name).Where(g => g.Count() > 1).Select(g => g.Key));
        Assert.Equal([], WireNames.All.GroupBy(n => n.Type).Where(g => g.Count() > 1).Select(g => g.Key.FullName));
    }

    [Fact]
    public void A_name_is_small_words_with_a_version() => Assert.All(
        WireNames.All, n => Assert.Matches(@"^[a-z]+(\.[a-z]+(-[a-z]+)*)*\.[1-9][0-9]*$", n.Name));

    /// <summary>What is rebuilt from reports is never stored, so it alone needs no name.</summary>
    [Fact]
    public void Every_event_and_every_command_has_a_name()
    {
        Type[] families =
        [
            typeof(DataCenterEvent), typeof(DataCenterCommand), typeof(ClusterEvent), typeof(ClusterCommand),
            typeof(HostEvent), typeof(HostCommand), typeof(VmEvent), typeof(VmCommand), typeof(StorageDomainEvent),
            typeof(StorageDomainCommand), typeof(DiskEvent), typeof(DiskCommand), typeof(TemplateEvent),
            typeof(TemplateCommand), typeof(Reply),
        ];
        Assert.Equal([], families.SelectMany(Making.Family)
            .Where(t => !typeof(IUnrecorded).IsAssignableFrom(t) && WireNames.NameOf(t) is null)
            .Select(t => $"{t.FullName} has no name: add it to WireNames"));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_was_stored_is_read_and_written_as_it_was(string name)
    {
        var type = WireNames.TypeOf(name)!;
        var file = Path.Combine(_golden, $"{name}.json");
        if (!File.Exists(file) && Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(_golden);
            File.WriteAllText(file, WireJson.Write(Full(type)) + "\n");
        }

        Assert.True(File.Exists(file), $"{file} is missing: UPDATE_GOLDEN=1 writes it, once");
        var stored = File.ReadAllText(file).TrimEnd();
        var read = WireJson.Read(stored, type);
        Assert.IsType(type, read);

        // Fields that a later version added may be missing from the file; none of the file's may be lost.
        Assert.Equal([], Lost(JToken.Parse(stored), JToken.Parse(WireJson.Write(read)), name));
    }

    [Fact]
    public void No_stored_name_is_forgotten() => Assert.Equal([], Directory.GetFiles(_golden, "*.json")
        .Select(f => Path.GetFileNameWithoutExtension(f)).Where(n => WireNames.TypeOf(n) is null)
        .Select(n => $"{n} was released once and must be read for ever"));

    [Theory]
    [MemberData(nameof(Names))]
    public void A_field_of_a_later_version_is_ignored(string name)
    {
        var type = WireNames.TypeOf(name)!;
        var sample = Full(type);
        var json = JObject.Parse(WireJson.Write(sample));
        var before = json.ToString();
        json["aFieldOfALaterVersion"] = new JObject { ["x"] = 1 };
        Assert.Equal(before, JObject.Parse(WireJson.Write(WireJson.Read(json.ToString(), type))).ToString());
    }

    [Fact]
    public void An_unknown_name_and_a_broken_text_are_told_and_not_thrown()
    {
        var serializer = new WireSerializer(null!);
        var unknown = Assert.IsType<Unreadable>(serializer.FromBinary([.. "{}"u8], "vm.beamed-up.7"));
        Assert.Equal("vm.beamed-up.7", unknown.Manifest);
        Assert.IsType<Unreadable>(serializer.FromBinary(Encoding.UTF8.GetBytes("{\"origin\": 3}"), "vm.created.1"));
        Assert.IsType<Unreadable>(serializer.FromBinary([.. "not json"u8], "vm.placed.1"));
    }

    [Theory]
    [InlineData(typeof(VmView))]
    [InlineData(typeof(HostView))]
    [InlineData(typeof(ClusterView))]
    [InlineData(typeof(DataCenterView))]
    [InlineData(typeof(StorageDomainView))]
    [InlineData(typeof(DiskView))]
    [InlineData(typeof(TemplateView))]
    [InlineData(typeof(JobView))]
    [InlineData(typeof(AuditLine))]
    public void A_view_is_read_as_it_was_written(Type view)
    {
        for (var seed = 1; seed <= 50; seed++)
        {
            var json = WireJson.Write(new Making(new Random(seed)).One(view));
            Assert.Equal(json, WireJson.Write(WireJson.Read(json, view)));
        }
    }

    /// <summary>The first of many samples in which the most is filled in.</summary>
    private static object Full(Type type) => Enumerable.Range(1, 100)
        .Select(seed => new Making(new Random(seed)).One(type)).MaxBy(o => WireJson.Write(o).Length)!;

    private static IEnumerable<string> Lost(JToken stored, JToken now, string path) => (stored, now) switch
    {
        (JObject s, JObject n) => s.Properties().SelectMany(p => n[p.Name] is { } value
            ? Lost(p.Value, value, $"{path}.{p.Name}")
            : [$"{path}.{p.Name} is lost"]),
        (JArray s, JArray n) => s.Count == n.Count
            ? s.Zip(n).SelectMany((pair, i) => Lost(pair.First, pair.Second, $"{path}[{i}]"))
            : [$"{path} has {n.Count} of {s.Count} elements"],
        _ => JToken.DeepEquals(stored, now) ? [] : [$"{path}: {stored} became {now}"],
    };
}
