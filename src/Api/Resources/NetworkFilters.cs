using System.Collections.Immutable;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>networkfilters: those that oVirt knows. A NIC may name any other that an operator has defined on the hosts.</summary>
internal static class NetworkFilters
{
    private static readonly ImmutableArray<string> _all =
    [
        "allow-arp", "allow-dhcp", "allow-incoming-ipv4", "allow-ipv4", "clean-traffic", "clean-traffic-gateway", "no-arp-ip-spoofing",
        "no-arp-mac-spoofing", "no-arp-spoofing", "no-ip-multicast", "no-ip-spoofing", "no-mac-broadcast", "no-mac-spoofing",
        "no-other-l2-traffic", "no-other-rarp-traffic", "qemu-announce-self", "qemu-announce-self-rarp", "vdsm-no-mac-spoofing",
    ];

    public static void Map(Router router) => router
        .Get("networkfilters", _ => Task.FromResult(Answer.Of(Shapes.NetworkFilter, [.. _all.Select(Show)])))
        .Get("networkfilters/{id}", call => Task.FromResult(Answer.Of(Show(
            _all.FirstOrDefault(name => IdOf(name) == call.Id()) ?? throw FaultException.Unknown("network filter", call.Ids[0])))));

    /// <summary>The filter that a body means; empty: none. Null where the body says nothing of it.</summary>
    public static string? Of(Element body)
    {
        if (body.One("network_filter") is not { } filter) return null;
        if (filter.Text("name") is { } name) return name;
        if (filter.Id is not { Length: > 0 } id) return "";
        return _all.FirstOrDefault(known => IdOf(known).ToString() == id) ?? throw FaultException.Bad($"network_filter: there is no filter with the id {id}");
    }

    public static Element? Of(string filter) => filter == "" ? null : _all.Contains(filter) ? Show(filter) : Shapes.NetworkFilter.New().With("name", filter);

    private static Guid IdOf(string name) => NamedIds.Of($"network filter {name}");

    private static Element Show(string name) => Shapes.NetworkFilter.New(IdOf(name), $"{Hrefs.Base}/networkfilters/{IdOf(name)}").With("name", name);
}
