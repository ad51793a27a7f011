using System.Globalization;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Engine;

namespace Orchestrator.Tests.Simulation.Installation;

/// <summary>The read model's tables, fed by the rows that come with the facts: objects, audit lines, names.</summary>
public sealed class ReadTables
{
    private Dictionary<string, SortedDictionary<Guid, Row>> _kinds = new(StringComparer.Ordinal);
    private Dictionary<string, AuditRow> _audit = new(StringComparer.Ordinal);
    private Dictionary<(string, string, string), Guid> _names = [];

    /// <summary>Passwords that clients gave to log in to hosts, by name.</summary>
    public Dictionary<string, string> Secrets { get; } = [];

    public sealed record Row(Document Document, JObject Fields, bool IsGone);

    /// <summary>Raised once for each new line of the audit log.</summary>
    public event Action<AuditLine>? Said;

    public void Take(CompanionRow row)
    {
        if (row.Kind == CompanionDocument.Audit)
        {
            if (_audit.ContainsKey(row.Key)) return;
            var line = WireJson.Read<AuditLine>(row.Json);
            _audit[row.Key] = new AuditRow(_audit.Count + 1, line);
            Said?.Invoke(line);
            return;
        }

        var slash = row.Key.IndexOf('/', StringComparison.Ordinal);
        var (kind, id) = (row.Key[..slash], Guid.Parse(row.Key[(slash + 1)..]));
        if (!_kinds.TryGetValue(kind, out var rows)) _kinds[kind] = rows = [];
        if (rows.TryGetValue(id, out var old) && old.Document.Version >= row.Version) return;
        var fields = Parse(row.Json);
        rows[id] = new Row(
            new Document(kind, id, (string?)fields.SelectToken("config.name") ?? "", row.Version, row.Json), fields,
            row.Kind == CompanionDocument.Gone);
    }

    /// <summary>What they are now; running the result makes them so again.</summary>
    public Action Backup()
    {
        var kinds = _kinds.ToDictionary(k => k.Key, k => k.Value.ToArray(), StringComparer.Ordinal);
        var (audit, names) = (_audit.ToArray(), _names.ToArray());
        return () =>
        {
            _kinds = kinds.ToDictionary(
                k => k.Key, k => new SortedDictionary<Guid, Row>(k.Value.ToDictionary()), StringComparer.Ordinal);
            _audit = new Dictionary<string, AuditRow>(audit, StringComparer.Ordinal);
            _names = names.ToDictionary();
        };
    }

    public IEnumerable<Row> Of(string kind) =>
        _kinds.TryGetValue(kind, out var rows) ? rows.Values.Where(r => !r.IsGone) : [];

    public Row? Find(string kind, Guid id) =>
        _kinds.TryGetValue(kind, out var rows) && rows.TryGetValue(id, out var row) && !row.IsGone ? row : null;

    public IReadOnlyList<Document> List(ReadQuery query)
    {
        if (query is not { Only: null, Visible: null, Order: null }) throw new NotSupportedException("nobody searches here");
        var found = Of(query.Kind)
            .Where(r => query.Equal is null || query.Equal.All(e => Text(r, e.Key) == e.Value))
            .Select(r => r.Document);
        found = query.Descending
            ? found.OrderByDescending(d => d.Name, StringComparer.Ordinal)
            : found.OrderBy(d => d.Name, StringComparer.Ordinal);
        found = found.Skip(query.Offset);
        return [.. query.Max is { } max ? found.Take(max) : found];
    }

    public IReadOnlyList<VmOnHost> VmsOn(HostId host)
    {
        var text = host.ToString();
        return [.. Of(Kinds.Vm).Where(r => Text(r, "host") == text || Text(r, "destination") == text)
            .Select(r => new VmOnHost(
                r.Document.Id, Text(r, "status") == "migrating", (int?)r.Fields["config"]!["priority"] ?? 0)
            {
                HighlyAvailable = IsHighlyAvailable(r),
            })
            .OrderByDescending(v => v.Priority).ThenBy(v => v.Vm)];
    }

    public IReadOnlyList<VmId> HighlyAvailableIn(ClusterId cluster)
    {
        var text = cluster.ToString();
        return [.. Of(Kinds.Vm).Where(r => Text(r, "host") is not null && Text(r, "config.cluster") == text && IsHighlyAvailable(r))
            .Select(r => new VmId(r.Document.Id))];
    }

    private static bool IsHighlyAvailable(Row row) => (bool?)row.Fields["config"]!["highlyAvailable"] ?? false;

    public IReadOnlyList<VmCopy> CopiesOn(HostId host)
    {
        var text = host.ToString();
        return [.. Of(Kinds.Vm).Where(r => Text(r, "host") == text)
            .Select(r => new VmCopy(r.Document.Id, new Lease((long)r.Fields["heldLease"]!))).Where(c => c.Lease.Number > 0)];
    }

    /// <summary>Nobody searches here.</summary>
    public IReadOnlyList<AuditRow> Events(AuditQuery query) =>
        [.. _audit.Values.Where(r => query.After is not { } after || r.Id > after).OrderByDescending(r => r.Id)
            .Take(query.Max ?? int.MaxValue)];

    public bool Claim(string kind, string scope, string name, Guid id)
    {
        if (_names.TryGetValue((kind, scope, name), out var holder) && holder != id) return false;
        _names[(kind, scope, name)] = id;
        return true;
    }

    public void Release(string kind, string scope, string name, Guid id)
    {
        if (_names.TryGetValue((kind, scope, name), out var holder) && holder == id) _names.Remove((kind, scope, name));
    }

    /// <summary>As in production, jobs that are over are dropped after a while.</summary>
    public void DropOldJobs(DateTimeOffset now)
    {
        if (!_kinds.TryGetValue(Kinds.Job, out var jobs)) return;
        foreach (var (id, row) in jobs.ToArray())
        {
            if ((string?)row.Fields["endedAt"] is { } ended
                && now - DateTimeOffset.Parse(ended, CultureInfo.InvariantCulture) > TimeSpan.FromMinutes(10))
                jobs.Remove(id);
        }
    }

    private static JObject Parse(string json)
    {
        using var reader = new JsonTextReader(new StringReader(json)) { DateParseHandling = DateParseHandling.None };
        return JObject.Load(reader);
    }

    public static string? Text(Row row, string path) => path.Contains('.', StringComparison.Ordinal)
        ? (string?)row.Fields.SelectToken(path)
        : (string?)row.Fields[path];
}
