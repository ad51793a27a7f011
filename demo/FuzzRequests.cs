using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Orchestrator.Demo;

/// <summary>Draws requests that no client should send: paths of the API's own description, everything else invented.</summary>
public sealed class FuzzRequests(IReadOnlyList<(string Method, string Path)> routes, int seed)
{
    private static readonly string[] _hostile =
    [
        "", " ", "\0", "null", "NaN", "-1", "0", "9223372036854775808", "1e309", "true", "'; DROP TABLE read.objects; --", "%", "_", "\\", "*", "<a>", "&lt;",
        "{{}}", "../../../etc/passwd", "${jndi:ldap://x}", "\u202e\ufeff", "😀", "名前", "name=", "sortby", "or or and", "((", "\"", "a=\"b", "VMs: status=up",
        "00000000-0000-0000-0000-000000000000", "2026-02-30T25:61:00Z", "inherit", "x\r\nSet-Cookie: y", "\ud83d",
    ];

    private static readonly string[] _fields =
    [
        "id", "name", "description", "status", "memory", "cpu", "topology", "cores", "cluster", "template", "disk", "disks", "provisioned_size", "format",
        "sparse", "storage_domains", "storage_domain", "bootable", "interface", "active", "os", "boot", "devices", "device", "type", "address", "root_password",
        "ssh", "host", "hosts", "vm", "vms", "force", "async", "quota", "user", "role", "permits", "permit", "ticket", "expiry", "value", "nics", "nic",
        "mac", "network", "vnic_profile", "snapshot", "snapshots", "initialization", "custom_properties", "custom_property", "regexp", "high_availability",
        "priority", "migration", "policy", "link", "href", "rel", "action", "fault", "storage", "path", "logical_unit", "port", "target", "data_center",
    ];

    private static readonly string[] _elements =
    [
        "vm", "host", "disk", "cluster", "data_center", "storage_domain", "action", "nic", "snapshot", "template", "user", "role", "permission", "tag",
        "network", "vnic_profile", "event", "job", "disk_attachment", "cdrom", "watchdog", "image_transfer", "fault", "api", "x:y", "1",
    ];

    private readonly Random _random = new(seed);
    private readonly List<string> _ids = [Guid.Empty.ToString(), "766e63"];

    /// <summary>An id of something that is there: later paths are more often about it.</summary>
    public void Know(string id)
    {
        if (_ids.Count < 200) _ids.Add(id);
        else _ids[_random.Next(_ids.Count)] = id;
    }

    /// <returns>The request, and how to say it again.</returns>
    public (HttpRequestMessage Request, string Told) Next(Uri node)
    {
        var (method, path) = routes[_random.Next(routes.Count)];
        if (Odds(0.05)) method = Pick(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"]);
        var segments = path.Split('/').Select(s => s.StartsWith('{') ? Uri.EscapeDataString(Odds(0.85) ? Pick(_ids) : Text()) : s);
        var target = $"ovirt-engine/api/{string.Join('/', segments).TrimStart('/')}";
        if (Odds(0.1)) target += $";{Name()}={Uri.EscapeDataString(Text())}";
        if (Odds(0.4)) target += "?" + string.Join('&', Enumerable.Range(0, _random.Next(1, 5)).Select(_ => Query()));
        var request = new HttpRequestMessage(new HttpMethod(method), new Uri(node, target));
        for (var count = _random.Next(4); count > 0; count--) Header(request);
        if (method is "POST" or "PUT" or "PATCH" || Odds(0.1)) request.Content = Body();
        return (request, $"{method} {target}");
    }

    private string Query() => Odds(0.8)
        ? $"{Pick(["search", "max", "follow", "filter", "from", "case_sensitive", "all_content", "async", "current", "next_run", "accept", "correlation_id", "force", "detach_only", "schema"])}"
            + $"={Uri.EscapeDataString(Odds(0.3) ? Search() : Text())}"
        : $"{Uri.EscapeDataString(Text())}={Uri.EscapeDataString(Text())}";

    private string Search() => string.Join(' ', Enumerable.Range(0, _random.Next(1, 12)).Select(_ => Pick(
        ["name", "status", "cluster", "host.name", "vms.name", "=", "!=", "<", ">=", "and", "or", "sortby", "desc", "page", "1", "up", "\"a b\"", "*", "x*y", "Today", "(", Text()])));

    private void Header(HttpRequestMessage request)
    {
        var (name, value) = _random.Next(10) switch
        {
            0 => ("Accept", Pick(["application/xml", "application/json", "text/html", "*/*;q=x", "application/x-virt-viewer", ",,,"])),
            1 => ("Version", Pick(["4", "3", "99999999999999", "-", "4.0"])),
            2 => ("Expect", Pick(["201-created", "202-accepted", "nothing"])),
            3 => ("Prefer", Pick(["persistent-auth", "csrf-protection", "new-auth, persistent-auth", ";"])),
            4 => ("Filter", Text()),
            5 => ("All-Content", Text()),
            6 => ("Correlation-Id", Text()),
            7 => ("Cookie", $"JSESSIONID={Text()}"),
            8 => ("Accept-Language", Pick(["de", "xx-YY;q=0.5", "*"])),
            _ => ("Session-TTL", Text()),
        };
        var clean = new string([.. value.Where(c => c is >= ' ' and < '\u007f')]);
        // The client would wait for a go-ahead that no server gives to such an expectation.
        request.Headers.TryAddWithoutValidation(name == "Expect" ? "X-Ovirt-Expect" : name, clean);
    }

    private ByteArrayContent Body()
    {
        var xml = Odds(0.5);
        var text = _random.Next(8) switch
        {
            0 => "",
            1 => Noise(),
            2 => xml ? $"<action>{new string('<', _random.Next(1, 40))}" : new string('[', _random.Next(1, 5000)),
            3 => xml ? "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><vm><name>&b;</name></vm>" : "{\"name\": \"" + new string('x', _random.Next(1, 300_000)) + "\"}",
            _ => xml ? Xml(Pick(_elements), 0) : Json(0).ToJsonString(),
        };
        var bytes = Encoding.UTF8.GetBytes(text.Replace('\ud83d', '?'));
        if (Odds(0.1) && bytes.Length > 0) bytes[_random.Next(bytes.Length)] = (byte)_random.Next(256);
        var content = new ByteArrayContent(bytes);
        var type = Odds(0.9) ? xml ? "application/xml" : "application/json" : Pick(["text/plain", "application/octet-stream", "multipart/form-data; boundary=x", "application/xml; charset=utf-16"]);
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        return content;
    }

    private JsonNode Json(int depth)
    {
        var made = new JsonObject();
        for (var count = _random.Next(1, 6); count > 0; count--) made[Name()] = depth < 6 && Odds(0.4) ? Odds(0.5) ? Json(depth + 1) : new JsonArray(Json(depth + 1)) : Scalar();
        return made;
    }

    private JsonValue Scalar() => _random.Next(5) switch
    {
        0 => JsonValue.Create(_random.NextInt64(long.MinValue, long.MaxValue)),
        1 => JsonValue.Create(Odds(0.5)),
        2 => JsonValue.Create(_random.NextDouble() * 1e300),
        3 => JsonValue.Create(Pick(_ids)),
        _ => JsonValue.Create(Text().Replace('\ud83d', '?')),
    };

    private string Xml(string element, int depth)
    {
        var inside = depth < 6 && Odds(0.6)
            ? string.Concat(Enumerable.Range(0, _random.Next(1, 6)).Select(_ => Xml(Name(), depth + 1)))
            : Odds(0.5) ? Pick(_ids) : Odds(0.9) ? System.Security.SecurityElement.Escape(Clean(Text())) : Clean(Text());
        var id = Odds(0.3) ? $" id=\"{(Odds(0.7) ? Pick(_ids) : "x")}\"" : "";
        return $"<{element}{id}>{inside}</{(Odds(0.98) ? element : Name())}>";
    }

    private string Name() => Odds(0.95) ? Pick(_fields) : "a" + _random.Next(1000).ToString(CultureInfo.InvariantCulture);

    private string Text() => _random.Next(6) switch
    {
        0 => Noise(),
        1 => _random.NextInt64().ToString(CultureInfo.InvariantCulture),
        2 => new string(Pick(_hostile).FirstOrDefault('x'), _random.Next(1, 2000)),
        _ => Pick(_hostile),
    };

    private string Noise() => string.Concat(Enumerable.Range(0, _random.Next(1, 60)).Select(_ => (char)_random.Next(1, 0xd7ff)));

    private static string Clean(string text) => new([.. text.Where(c => c >= ' ' && !char.IsSurrogate(c))]);

    private bool Odds(double chance) => _random.NextDouble() < chance;

    private T Pick<T>(IReadOnlyList<T> from) => from[_random.Next(from.Count)];
}
