using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>What a guest is told at its first start. A password goes into <see cref="ISecrets"/>, is never shown and in no
/// journal.</summary>
internal static class Initializations
{
    private const int LongestScript = 256 << 10;

    /// <summary>Null where the body says nothing of it. A password that it has is not kept yet, see <see cref="KeepPassword"/>.</summary>
    public static Initialization? Read(Element body, Initialization? given)
    {
        if (body.One("initialization") is not { } told) return null;
        var present = given ?? new Initialization();
        if (told.Text("domain") is { Length: > 0 }) throw FaultException.NotYet("Joining a domain of Windows (initialization.domain)");
        var script = told.Text("custom_script") ?? present.Script;
        if (script.Length > LongestScript) throw FaultException.Bad($"initialization.custom_script has {script.Length} characters; at most {LongestScript} are possible");
        if (script.AsSpan().TrimStart().StartsWith("{", StringComparison.Ordinal) && CloudInit.IgnitionOf(script) is null)
            throw FaultException.Bad("initialization.custom_script begins as JSON does, and is no configuration of Ignition's (an object with ignition.version)");
        return present with
        {
            HostName = Line("host_name", told.Text("host_name"), host: true) ?? present.HostName,
            TimeZone = Line("timezone", told.Text("timezone")) ?? present.TimeZone,
            UserName = Line("user_name", told.Text("user_name")) ?? present.UserName,
            AuthorizedKeys = told.Text("authorized_ssh_keys")?.Replace("\r\n", "\n", StringComparison.Ordinal) ?? present.AuthorizedKeys,
            NewHostKeys = told.Flag("regenerate_ssh_keys") ?? present.NewHostKeys,
            DnsServers = Servers(told.Text("dns_servers")) ?? present.DnsServers,
            DnsSearch = Line("dns_search", told.Text("dns_search")) ?? present.DnsSearch,
            Script = script,
            Nics = told.Many("nic_configurations") is { } nics ? [.. nics.Select(Nic)] : present.Nics,
            Given = false,
        };
    }

    /// <summary>Puts the body's password away, and the patch names it.</summary>
    /// <param name="owner">The VM or template, or its next run alone.</param>
    public static async Task<VmPatch> KeepPassword(ApiCall call, Element body, VmPatch patch, string owner)
    {
        if (patch.Initialization is not { } told || body.One("initialization")?.Text("root_password") is not { } password) return patch;
        var name = NameOf(owner);
        if (password.Any(char.IsControl)) throw FaultException.Bad("initialization.root_password must be one line without control characters");
        if (password == "")
        {
            await call.World.Secrets.Remove(name, call.Cancel);
            return patch with { Initialization = told with { Secret = "" } };
        }

        await call.World.Secrets.Put(name, password, call.Cancel);
        return patch with { Initialization = told with { Secret = name } };
    }

    public static async Task Forget(ApiCall call, VmConfig config, string owner)
    {
        if (config.Initialization is null) return;
        await call.World.Secrets.Remove(NameOf(owner), call.Cancel);
        await call.World.Secrets.Remove(NameOf($"{owner}/once"), call.Cancel);
    }

    /// <summary>Without the password.</summary>
    public static Element Show(Initialization told)
    {
        var element = Shapes.Initialization.New().With("regenerate_ssh_keys", told.NewHostKeys);
        foreach (var (field, text) in new[]
        {
            ("authorized_ssh_keys", told.AuthorizedKeys), ("custom_script", told.Script), ("dns_search", told.DnsSearch),
            ("dns_servers", told.DnsServers), ("host_name", told.HostName), ("timezone", told.TimeZone), ("user_name", told.UserName),
        })
            if (text != "") element.With(field, text);
        return told.Nics.IsEmpty ? element : element.With("nic_configurations", [.. told.Nics.Select(Show)]);
    }

    private static string NameOf(string owner) => $"initialization/{owner}";

    private static Element Show(NicSetup nic)
    {
        var element = Shapes.NicConfiguration.New()
            .With("name", nic.Name).With("boot_protocol", nic.Protocol).With("ipv6_boot_protocol", nic.Protocol6).With("on_boot", nic.OnBoot);
        if (nic.Protocol == "static")
            element.With("ip", Address(nic.Address, nic.Netmask, nic.Gateway).With("version", "v4"));
        if (nic.Protocol6 == "static")
            element.With("ipv6", Address(nic.Address6, nic.Prefix6.ToString(System.Globalization.CultureInfo.InvariantCulture), nic.Gateway6).With("version", "v6"));
        return element;
    }

    private static Element Address(string address, string netmask, string gateway) =>
        Shapes.Ip.New().With("address", address).With("gateway", gateway == "" ? null : gateway).With("netmask", netmask);

    private static NicSetup Nic(Element body)
    {
        var name = Line("nic_configurations.name", body.Text("name")) is { Length: > 0 } given
            ? given
            : throw FaultException.Bad("initialization.nic_configurations: each needs the name that the guest gives the NIC, such as eth0");
        var (ip, ip6) = (body.One("ip"), body.One("ipv6"));
        var protocol = body.Text("boot_protocol") ?? "none";
        var protocol6 = body.Text("ipv6_boot_protocol") is { } p and not "poly_dhcp_autoconf" ? p : body.Has("ipv6_boot_protocol") ? "dhcp" : "none";
        var prefix = 0;
        if (protocol6 == "static" && (!int.TryParse(ip6?.Text("netmask"), out prefix) || prefix is < 1 or > 128))
            throw FaultException.Bad($"initialization.nic_configurations: {name} needs ipv6.netmask, its prefix in bits from 1 to 128");
        return new NicSetup(
            name, body.Flag("on_boot") ?? true, protocol,
            protocol == "static" ? Needed(name, "ip.address", ip?.Text("address"), AddressFamily.InterNetwork) : "",
            protocol == "static" ? Needed(name, "ip.netmask", ip?.Text("netmask"), AddressFamily.InterNetwork) : "",
            protocol == "static" && ip?.Text("gateway") is { Length: > 0 } gateway ? Needed(name, "ip.gateway", gateway, AddressFamily.InterNetwork) : "",
            protocol6,
            protocol6 == "static" ? Needed(name, "ipv6.address", ip6?.Text("address"), AddressFamily.InterNetworkV6) : "",
            prefix,
            protocol6 == "static" && ip6?.Text("gateway") is { Length: > 0 } gateway6 ? Needed(name, "ipv6.gateway", gateway6, AddressFamily.InterNetworkV6) : "");
    }

    private static string Needed(string nic, string field, string? text, AddressFamily family) =>
        IPAddress.TryParse(text, out var address) && address.AddressFamily == family
            ? text
            : throw FaultException.Bad($"initialization.nic_configurations: {nic} needs {field}, and '{text}' is none");

    private static string? Servers(string? text)
    {
        foreach (var server in (text ?? "").Split([' ', ','], StringSplitOptions.RemoveEmptyEntries))
            if (!IPAddress.TryParse(server, out _)) throw FaultException.Bad($"initialization.dns_servers: '{server}' is no address");
        return text;
    }

    private static string? Line(string field, string? text, bool host = false) =>
        text is null || (!text.Any(char.IsControl) && (!host || text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.')))
            ? text
            : throw FaultException.Bad(host
                ? $"initialization.{field} is '{text}'; a host's name has letters, digits, '-' and '.'"
                : $"initialization.{field} must be one line without control characters");
}
