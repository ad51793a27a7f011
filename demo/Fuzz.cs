using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Orchestrator.Demo;

/// <param name="Minutes">From 1.</param>
public sealed record FuzzOptions(int Minutes, int Seed);

/// <summary>Requests that make no sense, to all nodes at once: each gets a clear answer in time, no node grows, and the engine goes on. It leaves
/// an installation in which anything may have been changed or removed, so it is for one that can be thrown away.</summary>
public sealed partial class Fuzz(Installation installation, FuzzOptions options)
{
    private const int Workers = 6;
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(35);
    private readonly Verdict _verdict = new();
    private readonly Dictionary<int, long> _statuses = [];
    private readonly List<string> _mistakes = [];
    private readonly Lock _gate = new();
    private TimeSpan _slowest;

    /// <returns>Whether every promise was kept.</returns>
    public async Task<bool> Run()
    {
        Narrator.Chapter($"{options.Minutes} minutes of requests that make no sense, seed {options.Seed}");
        using var api = new EngineApi(installation);
        await api.LogIn("admin@internal", installation.Password);
        var routes = Routes(await api.Get("ovirt-engine/api/openapi.json"));
        Narrator.Say($"{routes.Count} methods of the API's own description, {Workers} clients, {api.Nodes.Count} nodes");
        var clock = Stopwatch.StartNew();
        var length = TimeSpan.FromMinutes(options.Minutes);
        var warm = length / 5;
        Dictionary<int, long>? before = null;
        using var end = new CancellationTokenSource(length);
        var workers = Enumerable.Range(0, Workers).Select(n => Work(api, new FuzzRequests(routes, options.Seed + n), n, end.Token)).ToArray();
        while (!end.IsCancellationRequested)
        {
            await Task.WhenAny(Task.Delay(TimeSpan.FromSeconds(30), end.Token), Task.WhenAll(workers));
            if (before is null && clock.Elapsed >= warm) before = Memory();
            lock (_gate) Narrator.Say($"{_statuses.Values.Sum()} answered, slowest {_slowest.TotalSeconds:0.0} s, nodes have {string.Join(", ", Memory().Values)} MiB");
        }

        await Task.WhenAll(workers);
        var after = Memory();
        foreach (var (status, count) in _statuses.OrderBy(s => s.Key)) Narrator.Say(status < 0 ? $"ended before the body was sent: {count}" : $"{status}: {count}");
        foreach (var mistake in _mistakes.Take(40)) Narrator.Say(mistake.Length > 600 ? mistake[..200] + " ... " + mistake[^400..] : mistake);
        _verdict.Add("no answer is the engine's own mistake (500)", $"{_statuses.Values.Sum()} answers, {_mistakes.Count} wrong", _mistakes.Count == 0);
        _verdict.Add("no request hangs", $"slowest {_slowest.TotalSeconds:0.0} s", _slowest < _longest);
        before ??= after;
        var grown = before.Count == 0 ? double.PositiveInfinity : before.Max(node => after.TryGetValue(node.Key, out var now) ? (double)now / node.Value : double.PositiveInfinity);
        _verdict.Add("no node grows, none dies", $"{grown.ToString("0.00", CultureInfo.InvariantCulture)} times what it had after {warm.TotalSeconds:0} s", grown < 1.35);
        _verdict.Add("the engine goes on", "VMs are listed by every node", await Lists(api));
        _verdict.Print();
        return _verdict.Kept;
    }

    private async Task Work(EngineApi api, FuzzRequests requests, int number, CancellationToken end)
    {
        for (var turn = number; !end.IsCancellationRequested; turn++)
        {
            var (request, told) = requests.Next(api.Nodes[turn % api.Nodes.Count]);
            var clock = Stopwatch.StartNew();
            try
            {
                using var answer = await api.Raw(request, _longest + TimeSpan.FromSeconds(10));
                var body = await answer.Content.ReadAsStringAsync(CancellationToken.None);
                foreach (Match id in Ids().Matches(body).Take(3)) requests.Know(id.Groups[1].Value);
                Count((int)answer.StatusCode, clock.Elapsed, WrongWith(answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, body) is { } wrong ? $"{told}: {wrong}" : null);
            }
            catch (HttpRequestException e) when (clock.Elapsed < TimeSpan.FromSeconds(1) && e.InnerException is IOException)
            {
                // A request line that is too long or no HTTP is refused, and the connection ended, while its body is still on the way.
                Count(-1, clock.Elapsed, null);
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                Count(0, clock.Elapsed, $"{told}: no answer after {clock.Elapsed.TotalSeconds:0.0} s: {e.Message} {e.InnerException?.Message}");
            }
        }
    }

    private void Count(int status, TimeSpan took, string? mistake)
    {
        lock (_gate)
        {
            _statuses[status] = _statuses.GetValueOrDefault(status) + 1;
            if (took > _slowest) _slowest = took;
            if (mistake is not null) _mistakes.Add(mistake);
        }
    }

    /// <summary>Refusals below the API come as oVirt's fault, in the form that was asked for.</summary>
    private static string? WrongWith(HttpStatusCode status, string? type, string body)
    {
        var short_ = body.Length > 300 ? body[..300] : body;
        if (status >= HttpStatusCode.InternalServerError && status != HttpStatusCode.ServiceUnavailable) return $"{(int)status} {short_}";
        if ((int)status < 400 || body.Length == 0) return null;
        try
        {
            var told = type == "application/json" ? (string?)JsonNode.Parse(body)?["detail"] : XElement.Parse(body).Element("detail")?.Value;
            return string.IsNullOrWhiteSpace(told) ? $"{(int)status} without a reason: {short_}" : null;
        }
        catch (Exception unreadable) when (unreadable is System.Text.Json.JsonException or System.Xml.XmlException)
        {
            return $"{(int)status} that is no fault ({type}): {short_}";
        }
    }

    private static List<(string Method, string Path)> Routes(JsonNode description)
    {
        var routes = new List<(string, string)>();
        foreach (var (path, methods) in description["paths"]!.AsObject())
            foreach (var (method, _) in methods!.AsObject())
                if (method is "get" or "post" or "put" or "delete" && !path.Contains("events", StringComparison.Ordinal)) routes.Add((method.ToUpperInvariant(), path));
        return routes.Count > 0 ? routes : throw new DemoException("The API's description has no paths.");
    }

    private static async Task<bool> Lists(EngineApi api)
    {
        foreach (var node in api.Nodes)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(node, "ovirt-engine/api/vms?max=5"));
            using var answer = await api.Raw(request, _longest);
            if (!answer.IsSuccessStatusCode) return false;
        }

        return true;
    }

    /// <summary>What each node holds in memory (VmRSS), MiB.</summary>
    private Dictionary<int, long> Memory()
    {
        var memory = new Dictionary<int, long>();
        foreach (var node in installation.Nodes)
        {
            var pid = File.ReadAllText(Path.Combine(installation.Var, "nodes", node.ToString(CultureInfo.InvariantCulture), "pid")).Split(' ')[0];
            var line = File.Exists($"/proc/{pid}/status") ? File.ReadLines($"/proc/{pid}/status").FirstOrDefault(l => l.StartsWith("VmRSS:", StringComparison.Ordinal)) : null;
            if (line is not null) memory[node] = long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) >> 10;
        }

        return memory;
    }

    [GeneratedRegex("\\bid\"?(?:=|: ?)\"([0-9a-f]{8}-[0-9a-f-]{27})\"")]
    private static partial Regex Ids();
}
