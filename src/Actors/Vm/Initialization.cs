using System.Collections.Immutable;

namespace Orchestrator.Actors.Vm;

/// <summary>What a guest is told at its first start, by cloud-init or Ignition: a CD that its host makes. Its password is nowhere in
/// it.</summary>
public sealed record Initialization
{
    public string HostName { get; init; } = "";

    public string TimeZone { get; init; } = "";

    /// <summary>Empty: root.</summary>
    public string UserName { get; init; } = "";

    /// <summary>Name under which its password is kept; empty: it has none.</summary>
    public string Secret { get; init; } = "";

    /// <summary>One in each line.</summary>
    public string AuthorizedKeys { get; init; } = "";

    public bool NewHostKeys { get; init; }

    /// <summary>Addresses, with spaces between them.</summary>
    public string DnsServers { get; init; } = "";

    public string DnsSearch { get; init; } = "";

    public ImmutableArray<NicSetup> Nics { get; init; } = [];

    /// <summary>Cloud-config in YAML that is added; or a configuration of Ignition's in JSON, which then takes all.</summary>
    public string Script { get; init; } = "";

    /// <summary>Of a guest that runs: it was started with that CD, and is moved with it.</summary>
    public bool Given { get; init; }
}

/// <summary>One NIC's address: the n-th of them is about the VM's n-th NIC unless one has its name.</summary>
/// <param name="Protocol">none, dhcp or static.</param>
/// <param name="Protocol6">none, dhcp, autoconf or static.</param>
/// <param name="Prefix6">Bits.</param>
public sealed record NicSetup(
    string Name, bool OnBoot, string Protocol, string Address, string Netmask, string Gateway,
    string Protocol6, string Address6, int Prefix6, string Gateway6);
