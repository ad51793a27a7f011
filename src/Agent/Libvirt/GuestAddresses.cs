using System.Collections.Immutable;
using System.Runtime.InteropServices;

namespace Orchestrator.Agent.Libvirt;

/// <summary>The addresses a guest's agent tells, without loopback and link-local ones.</summary>
internal static class GuestAddresses
{
    /// <returns>Empty when the agent does not answer.</returns>
    public static ImmutableArray<string> Read(LibvirtConnection connection, Guid vm)
    {
        try
        {
            return connection.OnDomain(vm, Read);
        }
        catch (Exception e) when (e is DomainGoneException or HypervisorException or HypervisorAwayException)
        {
            return [];
        }
    }

    public static bool IsReachable(string address) =>
        !address.StartsWith("127.", StringComparison.Ordinal) && address is not ("" or "::1")
        && !address.StartsWith("fe80:", StringComparison.OrdinalIgnoreCase);

    private static unsafe ImmutableArray<string> Read(nint domain)
    {
        var count = Native.virDomainInterfaceAddresses(domain, out var interfaces, Native.AddressesFromAgent, 0);
        if (count < 0) return [];
        var found = ImmutableArray.CreateBuilder<string>();
        for (var i = 0; i < count; i++)
        {
            for (var j = 0; j < interfaces[i]->count; j++)
            {
                var text = Marshal.PtrToStringUTF8((nint)interfaces[i]->addresses[j].text) ?? "";
                if (IsReachable(text)) found.Add(text);
            }

            Native.virDomainInterfaceFree(interfaces[i]);
        }

        Native.Free((nint)interfaces);
        return found.ToImmutable();
    }
}
