namespace Orchestrator.Agent.Libvirt;

/// <summary>The filters of NICs that every host of ours has besides libvirt's own.</summary>
internal static class NetworkFilters
{
    /// <summary>By the name that vdsm gives it, for who comes from there: no other MAC address than the guest's own leaves it.</summary>
    private const string NoMacSpoofing = "vdsm-no-mac-spoofing";

    private const string Definition = $"""
        <filter name='{NoMacSpoofing}' chain='root'>
          <filterref filter='no-mac-spoofing'/>
          <filterref filter='no-arp-mac-spoofing'/>
        </filter>
        """;

    /// <returns>Why it is not there; null: it is, as it was or anew.</returns>
    public static string? Define(LibvirtConnection connection) => connection.Use(c =>
    {
        var filter = Native.virNWFilterLookupByName(c, NoMacSpoofing);
        if (filter == 0) filter = Native.virNWFilterDefineXML(c, Definition);
        if (filter == 0) return Native.LastError().Message;
        _ = Native.virNWFilterFree(filter);
        return null;
    });
}
