using System.Globalization;
using System.Text.Json;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.DataCenter;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Template;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Search;

namespace Orchestrator.Tests.Api;

/// <summary>A random installation as documents, and random searches for it.</summary>
public sealed class SearchWorld
{
    public static readonly DateTimeOffset Now = new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);

    private static readonly string[] _names =
    [
        "web", "WEB-1", "web-2", "a%b", "a_b", "a\\b", "o'brien", "say \"x\"", "日本", "db", "Db-10", "db-9", "", "x*y", "and", "tab b", "$1",
    ];

    private readonly Random _random;
    private readonly Dictionary<string, List<SearchRow>> _rows = [];

    public SearchWorld(int seed)
    {
        _random = new Random(seed);
        var centers = Make(2, Kinds.DataCenter, id => new DataCenterView
        {
            Id = new(id),
            CreatedAt = Then(),
            Config = new DataCenterConfig { Name = Name(), Description = Name(), Local = Coin() },
        });
        var clusters = Make(3, Kinds.Cluster, id => new ClusterView
        {
            Id = new(id),
            CreatedAt = Then(),
            Config = new ClusterConfig { Name = Name(), DataCenter = new(One(centers)), Comment = Name() },
        });
        var hosts = Make(5, Kinds.Host, id => new HostView
        {
            Id = new(id),
            CreatedAt = Then(),
            Status = Coin() ? "up" : "non_responsive",
            Config = new HostConfig { Name = Name(), Address = $"10.0.0.{_random.Next(4)}", Cluster = new(One(clusters)) },
            Facts = Coin() ? null : new AgentFacts("u", "b", "0.1.0", "libvirt", "kvm", _random.Next(1, 9), Name(), (long)_random.Next(1, 9) << 30, ""),
        });
        var domains = Make(3, Kinds.StorageDomain, id => new StorageDomainView
        {
            Id = new(id),
            Status = Coin() ? "active" : "maintenance",
            DataCenter = Coin() ? new(One(centers)) : null,
            Available = (long)_random.Next(100) << 30,
            Used = (long)_random.Next(100) << 29,
            Config = new StorageDomainConfig { Name = Name(), Path = "/p" },
        });
        var templates = Make(3, Kinds.Template, id => new TemplateView
        {
            Id = new(id),
            Status = "ok",
            CreatedAt = Then(),
            Config = new VmConfig { Name = Name(), Cluster = new(One(clusters)) },
        });
        var vms = Make(40, Kinds.Vm, id => new VmView
        {
            Id = new(id),
            Status = Coin() ? "up" : Coin() ? "powering_up" : "down",
            VmState = "up",
            PowerState = "running",
            CreatedAt = Then(),
            StartedAt = Coin() ? Then() : null,
            Host = Coin() ? new(One(hosts)) : null,
            NextRunExists = Coin(),
            Config = new VmConfig
            {
                Name = Name(),
                Cluster = new(One(clusters)),
                Template = new(One(templates)),
                Description = Name(),
                Comment = Name(),
                Memory = (long)_random.Next(1, 9) << 30,
                Sockets = _random.Next(1, 3),
                Cores = _random.Next(1, 5),
            },
        });
        Make(20, Kinds.Disk, id => new DiskView
        {
            Id = new(id),
            Status = Coin() ? "ok" : "locked",
            Path = "/p",
            Vms = [.. vms.Where(_ => _random.Next(20) == 0).Select(v => new VmId(v))],
            CreatedAt = Then(),
            Config = new DiskConfig
            {
                Name = Name(),
                StorageDomain = new(One(domains)),
                ProvisionedSize = (long)_random.Next(1, 40) << 29,
                Shareable = Coin(),
            },
        });
        Make(15, Kinds.Job, id => new JobView
        {
            Id = new(id),
            Description = Name(),
            Status = Coin() ? "finished" : "failed",
            StartedAt = Then(),
            EndedAt = Coin() ? Then() : null,
            User = Name(),
            Correlation = Coin() ? Name() : null,
            EntityKind = Kinds.Vm,
            EntityId = One(vms),
        });
        _rows[Kinds.Event] = [.. Enumerable.Range(1, 60).Select(number =>
        {
            var line = new AuditLine(_random.Next(30, 40), (Severity)_random.Next(3), Name(), Then(), Coin() ? Name() : null, Name(),
                Vm: Coin() ? One(vms) : null, Host: Coin() ? One(hosts) : null, Cluster: Coin() ? One(clusters) : null);
            return new SearchRow(Kinds.Event, number.ToString(CultureInfo.InvariantCulture), "", JsonDocument.Parse(WireJson.Write(line)).RootElement);
        })];
    }

    public IReadOnlyDictionary<string, List<SearchRow>> Rows => _rows;

    public IEnumerable<SearchRow> Of(string kind) => _rows.GetValueOrDefault(kind, []);

    /// <summary>The seed that SEED= asks for, else another one each time.</summary>
    public static int Seed() => int.TryParse(Environment.GetEnvironmentVariable("SEED"), out var seed) ? seed : Random.Shared.Next(1_000_000);

    /// <summary>A search that is understood.</summary>
    public string Search(string kind)
    {
        var words = Vocabulary.Of(kind);
        var parts = new List<string>();
        var hasFree = false;
        for (var left = _random.Next(0, 5); left > 0; left--)
        {
            if (parts.Count > 0 && _random.Next(3) > 0) parts.Add(Coin() ? "and" : "or");
            if (!hasFree && _random.Next(8) == 0)
            {
                hasFree = true;
                parts.Add(Quoted(Name() is { Length: > 0 } name and not "*" ? name : "e"));
            }
            else parts.Add(Condition(words));
        }

        if (Coin()) parts.Add($"sortby {words.Fields.ElementAt(_random.Next(words.Fields.Count()))}{(Coin() ? " desc" : "")}");
        return string.Join(' ', parts);
    }

    private string Condition(Vocabulary words)
    {
        var crosses = words.Crosses.ToList();
        if (crosses.Count > 0 && _random.Next(3) == 0)
        {
            var cross = crosses[_random.Next(crosses.Count)];
            if (words.Field(cross) is null && _random.Next(4) == 0) return $"{cross}{Unlike()}{Quoted(Pattern())}";
            return $"{cross}.{OwnCondition(Vocabulary.Of(words.Cross(cross)!.Kind))}";
        }

        return OwnCondition(words);
    }

    private string OwnCondition(Vocabulary words)
    {
        var name = words.Fields.ElementAt(_random.Next(words.Fields.Count()));
        var field = words.Field(name)!;
        string[] relations = ["=", "!=", "<", ">", "<=", ">="];
        return field.Type switch
        {
            SearchType.Number => $"{name}{relations[_random.Next(6)]}{Number()}",
            SearchType.Time => $"{name}{relations[_random.Next(6)]}{Time()}",
            SearchType.Flag => $"{name}{Unlike()}{(Coin() ? "true" : "no")}",
            SearchType.Word => $"{name}{Unlike()}{(Coin() ? "up" : Coin() ? "poweringup" : "*n*")}",
            SearchType.Identity => $"{name}{Unlike()}{AnyId()}",
            SearchType.Named when _random.Next(4) == 0 => $"{name}{Unlike()}{AnyId()}",
            _ => $"{name}{Unlike()}{Quoted(Pattern())}",
        };
    }

    private string AnyId()
    {
        var all = _rows.Where(r => r.Key != Kinds.Event).SelectMany(r => r.Value).ToList();
        return all[_random.Next(all.Count)].Id;
    }

    private string Number() => _random.Next(4) switch
    {
        0 => _random.Next(1, 10).ToString(CultureInfo.InvariantCulture),
        1 => (_random.Next(1, 9) * 1024).ToString(CultureInfo.InvariantCulture),
        2 => $"{_random.Next(1, 40)}.5",
        _ => _random.Next(30, 40).ToString(CultureInfo.InvariantCulture),
    };

    private string Time() => _random.Next(5) switch
    {
        0 => "today",
        1 => "Yesterday",
        2 => "friday",
        3 => Then().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        _ => $"\"{Then():yyyy-MM-dd HH:mm:ss}\"",
    };

    private string Pattern() => _random.Next(4) switch
    {
        0 => Name() + "*",
        1 => "*" + Name(),
        2 => "*" + (Name() is [var first, ..] ? first : 'e') + "*",
        _ => Coin() ? Name().ToUpperInvariant() : Name(),
    };

    /// <summary>In quotes of the kind that it does not have itself.</summary>
    private static string Quoted(string value)
    {
        if (value.Contains('\ud83d', StringComparison.Ordinal)) value = "e";
        return value.Contains('"', StringComparison.Ordinal) ? $"'{value.Replace("'", "", StringComparison.Ordinal)}'" : $"\"{value}\"";
    }

    private string Unlike() => _random.Next(3) == 0 ? "!=" : "=";

    private bool Coin() => _random.Next(2) == 0;

    private string Name() => _names[_random.Next(_names.Length)];

    private DateTimeOffset Then() => Now.AddSeconds(-_random.Next(0, 10 * 86_400));

    private Guid One(List<Guid> ids) => ids[_random.Next(ids.Count)];

    private List<Guid> Make(int count, string kind, Func<Guid, object> view)
    {
        var ids = new List<Guid>();
        var rows = _rows[kind] = [];
        for (; count > 0; count--)
        {
            var bytes = new byte[16];
            _random.NextBytes(bytes);
            var id = new Guid(bytes);
            ids.Add(id);
            var document = JsonDocument.Parse(WireJson.Write(view(id))).RootElement;
            var name = document.TryGetProperty("config", out var config) ? config.GetProperty("name").GetString()! : "";
            rows.Add(new SearchRow(kind, id.ToString(), name, document)
            {
                Seen = kind is Kinds.Vm or Kinds.Host && Coin()
                    ? JsonDocument.Parse($$$"""{"cpuPercent": {{{_random.Next(100)}}}, "facts": {"hostName": "db"}, "host": {"cpuPercent": {{{_random.Next(9)}}}.5} }""").RootElement
                    : null,
            });
        }

        return ids;
    }
}
