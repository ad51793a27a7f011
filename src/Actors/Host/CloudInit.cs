using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Orchestrator.Actors.Vm;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Actors.Host;

/// <summary>What a guest is told at its first start, as the files of OpenStack's configuration drive: cloud-init and Ignition both
/// read that, as oVirt's guests do. Pure.</summary>
public static class CloudInit
{
    private const string Label = "config-2";
    private static readonly JsonSerializerOptions _json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="password">Null: none is set.</param>
    public static GuestSeed Seed(VmId id, VmConfig config, Initialization told, string? password)
    {
        var meta = Meta(id, config, told).ToJsonString(_json);
        var user = IgnitionOf(told.Script) is { } ignition ? Ignition(ignition, told).ToJsonString(_json) : CloudConfig(told, password);
        var files = ImmutableArray.Create(
            new SeedFile("openstack/latest/meta_data.json", meta),
            new SeedFile("openstack/latest/user_data", user));
        return new GuestSeed(Label, told.Nics.IsEmpty && told.DnsServers == ""
            ? files
            : files.Add(new SeedFile("openstack/latest/network_data.json", Network(config, told).ToJsonString(_json))));
    }

    /// <returns>Null: it is no configuration of Ignition's.</returns>
    public static JsonObject? IgnitionOf(string script)
    {
        if (!script.AsSpan().TrimStart().StartsWith("{", StringComparison.Ordinal)) return null;
        try
        {
            return JsonNode.Parse(script) is JsonObject found && found["ignition"] is JsonObject ? found : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static JsonObject Meta(VmId id, VmConfig config, Initialization told)
    {
        var host = told.HostName == "" ? config.Name : told.HostName;
        var keys = new JsonObject();
        foreach (var key in Keys(told)) keys[keys.Count.ToString(CultureInfo.InvariantCulture)] = key;
        return new JsonObject
        {
            ["uuid"] = id.ToString(),
            ["name"] = config.Name,
            ["hostname"] = host,
            ["local-hostname"] = host,
            ["availability_zone"] = "nova",
            ["launch_index"] = 0,
            ["public_keys"] = keys,
            ["meta"] = new JsonObject { ["essential"] = false, ["role"] = "server" },
        };
    }

    /// <summary>YAML takes what JSON writes as text, so nothing that a user gives can become something else.</summary>
    private static string CloudConfig(Initialization told, string? password)
    {
        var yaml = new StringBuilder("#cloud-config\n");
        void Line(string key, string value) => yaml.Append(CultureInfo.InvariantCulture, $"{key}: {Quoted(value)}\n");

        yaml.Append("disable_root: false\n");
        if (told.UserName != "" || password is not null) Line("user", told.UserName == "" ? "root" : told.UserName);
        if (password is not null)
        {
            yaml.Append("ssh_pwauth: true\n");
            Line("password", password);
            yaml.Append("chpasswd:\n  expire: false\n");
        }

        if (told.HostName != "")
        {
            Line(told.HostName.Contains('.', StringComparison.Ordinal) ? "fqdn" : "hostname", told.HostName);
            yaml.Append("manage_etc_hosts: true\n");
        }

        if (told.TimeZone != "") Line("timezone", told.TimeZone);
        if (told.NewHostKeys) yaml.Append("ssh_deletekeys: true\n");
        var keys = Keys(told);
        if (keys.Length > 0)
        {
            yaml.Append("ssh_authorized_keys:\n");
            foreach (var key in keys) yaml.Append(CultureInfo.InvariantCulture, $"  - {Quoted(key)}\n");
        }

        if (told.DnsSearch != "")
        {
            yaml.Append("manage_resolv_conf: true\nresolv_conf:\n  searchdomains:\n");
            foreach (var domain in Words(told.DnsSearch)) yaml.Append(CultureInfo.InvariantCulture, $"    - {Quoted(domain)}\n");
        }

        // The operator's own last, where it wins.
        var script = told.Script.Replace("\r\n", "\n", StringComparison.Ordinal);
        if (script.StartsWith("#cloud-config", StringComparison.Ordinal)) script = script[(script.IndexOf('\n', StringComparison.Ordinal) + 1)..];
        return yaml.Append(script).Append(script.EndsWith('\n') || script == "" ? "" : "\n").ToString();
    }

    private static JsonObject Ignition(JsonObject config, Initialization told)
    {
        if (told.HostName != "")
            Listed(config, "storage", "files").Add(new JsonObject
            {
                ["path"] = "/etc/hostname",
                ["mode"] = 420,
                ["overwrite"] = true,
                ["contents"] = new JsonObject { ["source"] = "data:," + Uri.EscapeDataString(told.HostName) },
            });
        var keys = Keys(told);
        if (told.UserName != "" || keys.Length > 0)
            Listed(config, "passwd", "users").Add(new JsonObject
            {
                ["name"] = told.UserName == "" ? "root" : told.UserName,
                ["sshAuthorizedKeys"] = new JsonArray([.. keys.Select(k => JsonValue.Create(k))]),
            });
        return config;
    }

    private static JsonArray Listed(JsonObject config, string part, string list)
    {
        if (config[part] is not JsonObject found) config[part] = found = [];
        if (found[list] is not JsonArray items) found[list] = items = [];
        return items;
    }

    private static JsonObject Network(VmConfig config, Initialization told)
    {
        var (links, networks) = (new JsonArray(), new JsonArray());
        for (var at = 0; at < told.Nics.Length; at++)
        {
            var setup = told.Nics[at];
            var nic = config.Nics.FirstOrDefault(n => n.Name == setup.Name) ?? config.Nics.ElementAtOrDefault(at);
            if (nic is null || !setup.OnBoot) continue;
            var link = new JsonObject { ["id"] = setup.Name, ["type"] = "phy", ["ethernet_mac_address"] = nic.Mac };
            if (nic.Name != setup.Name) link["name"] = setup.Name;
            links.Add(link);
            void Add(string type, string address, string mask, string gateway, string every)
            {
                var network = new JsonObject { ["id"] = $"network{networks.Count}", ["type"] = type, ["link"] = setup.Name };
                if (address != "") (network["ip_address"], network["netmask"]) = (address, mask);
                if (gateway != "") network["routes"] = new JsonArray(new JsonObject { ["network"] = every, ["netmask"] = every, ["gateway"] = gateway });
                networks.Add(network);
            }

            if (setup.Protocol == "dhcp") Add("ipv4_dhcp", "", "", "", "");
            if (setup.Protocol == "static") Add("ipv4", setup.Address, setup.Netmask, setup.Gateway, "0.0.0.0");
            if (setup.Protocol6 == "dhcp") Add("ipv6_dhcp", "", "", "", "");
            if (setup.Protocol6 == "autoconf") Add("ipv6_slaac", "", "", "", "");
            if (setup.Protocol6 == "static")
                Add("ipv6", $"{setup.Address6}/{setup.Prefix6.ToString(CultureInfo.InvariantCulture)}", Mask6(setup.Prefix6), setup.Gateway6, "::");
        }

        return new JsonObject
        {
            ["links"] = links,
            ["networks"] = networks,
            ["services"] = new JsonArray([.. Words(told.DnsServers).Select(server => new JsonObject { ["type"] = "dns", ["address"] = server })]),
        };
    }

    private static string Mask6(int bits)
    {
        var mask = new byte[16];
        for (var bit = 0; bit < Math.Min(bits, 128); bit++) mask[bit / 8] |= (byte)(0x80 >> (bit % 8));
        return new System.Net.IPAddress(mask).ToString();
    }

    private static string[] Keys(Initialization told) =>
        told.AuthorizedKeys.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static string[] Words(string text) => text.Split([' ', ',', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries);

    private static string Quoted(string text) => JsonSerializer.Serialize(text, _json);
}
