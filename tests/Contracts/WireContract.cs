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
/// What is stored stays readable for ever. tests/Contracts/golden has a folder per version with a file for each name that
/// was new in it or got a field: 0.1.0 has them all. A released folder is never touched: a new shape gets a new number.
/// </summary>
public sealed class WireContract
{
    private static readonly string _golden = Path.Combine(Golden.Root(), "tests/Contracts/golden");

    /// <summary>The version that is being made: only its folder may still change.</summary>
    private static readonly string _version = typeof(WireNames).Assembly.GetName().Version!.ToString(3);

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

    /// <summary>Files of every version: folder by folder, name by name.</summary>
    public static TheoryData<string> Stored => [.. Directory.GetFiles(_golden, "*.json", SearchOption.AllDirectories)
        .Select(f => Path.GetRelativePath(_golden, f)).Order()];

    [Theory]
    [MemberData(nameof(Stored))]
    public void What_any_version_stored_is_read_and_nothing_of_it_is_lost(string file)
    {
        var name = Path.GetFileNameWithoutExtension(file);
        var stored = File.ReadAllText(Path.Combine(_golden, file)).TrimEnd();
        var read = new WireSerializer(null!).FromBinary(Encoding.UTF8.GetBytes(stored), name);
        Assert.False(read is Unreadable, $"{file} was released once and must be read for ever: {(read as Unreadable)?.Reason}");
        if (WireNames.TypeOf(name) is not { } type)
        {
            Assert.True(Upcasts.Released.Knows(name), $"{file}: no such name, and no step from it in Upcasts");
            return;
        }

        // Fields that a later version added may be missing from the file; none of the file's may be lost.
        Assert.IsType(type, read);
        Assert.Equal([], Lost(JToken.Parse(stored), JToken.Parse(WireJson.Write(read)), file));
    }

    /// <summary>A new name, and a new field of an old one, is in a golden file of the version that brings it.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Every_field_of_every_name_is_in_a_golden_file(string name)
    {
        var json = JToken.Parse(WireJson.Write(Sample.Of(WireNames.TypeOf(name)!)));
        var present = Path.Combine(_golden, _version, $"{name}.json");
        var files = Directory.GetFiles(_golden, $"{name}.json", SearchOption.AllDirectories);
        var known = files.SelectMany(f => Fields(JToken.Parse(File.ReadAllText(f)), "")).ToHashSet();
        var missing = Fields(json, "").Where(f => !known.Contains(f)).ToArray();
        if (missing.Length == 0 && files.Length > 0) return;
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(present)!);
            File.WriteAllText(present, json.ToString(Newtonsoft.Json.Formatting.Indented) + "\n");
            return;
        }

        Assert.Fail(files.Length == 0
            ? $"{name} has no golden file: UPDATE_GOLDEN=1 writes one for version {_version}"
            : $"{name}: no golden file has {string.Join(", ", missing)}: UPDATE_GOLDEN=1 writes one for version {_version}");
    }

    /// <summary>The files of a released version are evidence: golden/VERSION.sha256 has what they were.</summary>
    [Fact]
    public void A_golden_file_of_a_released_version_is_never_touched()
    {
        foreach (var list in Directory.GetFiles(_golden, "*.sha256"))
        {
            var folder = Path.ChangeExtension(list, null);
            var now = Directory.GetFiles(folder, "*.json").Order(StringComparer.Ordinal).Select(f =>
                $"{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(f)))}  {Path.GetFileName(f)}");
            Assert.Equal(File.ReadAllLines(list), now);
        }
    }

    /// <summary>What version 0.1.0 wrote lacks every later field; each then has the value that the type gives it.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void An_optional_field_that_is_missing_has_its_default(string name)
    {
        var type = WireNames.TypeOf(name)!;
        var whole = JObject.Parse(WireJson.Write(Sample.Of(type)));
        foreach (var property in type.GetProperties().Where(p => p.CanWrite))
        {
            var field = char.ToLowerInvariant(property.Name[0]) + property.Name[1..];
            if (type.GetConstructors().Any(c => c.GetParameters().Any(p => p.Name == property.Name))) continue;
            var without = (JObject)whole.DeepClone();
            without.Remove(field);
            var read = WireJson.Read(without.ToString(), type);
            if (property.PropertyType.IsGenericType && property.PropertyType.Name.StartsWith("ImmutableArray", StringComparison.Ordinal))
                Assert.False((bool)property.PropertyType.GetProperty("IsDefault")!.GetValue(property.GetValue(read))!, $"{name}.{field} is no list");
        }
    }

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

    /// <summary>Paths of all fields, whatever the place in a list.</summary>
    private static IEnumerable<string> Fields(JToken token, string path) => token switch
    {
        JObject o => o.Properties().SelectMany(p => Fields(p.Value, $"{path}.{p.Name}").Prepend($"{path}.{p.Name}")),
        JArray a => a.SelectMany(e => Fields(e, $"{path}[]")),
        _ => [],
    };

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
