using System.Diagnostics.CodeAnalysis;

namespace Akka.Actor;

/// <summary>Where an actor system can be reached. Without a host it means "this very system".</summary>
[SuppressMessage("Design", "CA1036", Justification = "Akka.NET's addresses have an order but no operators for it.")]
public sealed class Address : IEquatable<Address>, IComparable<Address>
{
    public static readonly Address AllSystems = new("akka", "all-systems");

    public Address(string protocol, string system, string? host = null, int? port = null)
    {
        Protocol = protocol;
        System = system;
        Host = host?.ToLowerInvariant();
        Port = port;
    }

    public string? Host { get; }

    public int? Port { get; }

    public string System { get; }

    public string Protocol { get; }

    /// <summary>True when the address names no host: it can only be understood inside its own system.</summary>
    public bool HasLocalScope => string.IsNullOrEmpty(Host);

    public bool HasGlobalScope => !HasLocalScope;

    public static bool operator ==(Address? left, Address? right) => Equals(left, right);

    public static bool operator !=(Address? left, Address? right) => !Equals(left, right);

    /// <summary>Reads "protocol://system@host:port". Throws <see cref="UriFormatException"/> on anything else.</summary>
    public static Address Parse(string address) =>
        TryParse(address, out var parsed, out _) ? parsed : throw new UriFormatException($"Not an address: {address}");

    public Address WithProtocol(string protocol) => new(protocol, System, Host, Port);

    public Address WithSystem(string system) => new(Protocol, system, Host, Port);

    public Address WithHost(string? host = null) => new(Protocol, System, host, Port);

    public Address WithPort(int? port = null) => new(Protocol, System, Host, port);

    public bool Equals(Address? other) =>
        other is not null && Port == other.Port && Host == other.Host && System == other.System
        && Protocol == other.Protocol;

    public override bool Equals(object? obj) => Equals(obj as Address);

    public override int GetHashCode() => HashCode.Combine(Host, Port, System, Protocol);

    public int CompareTo(Address? other)
    {
        if (other is null) return 1;
        var order = string.CompareOrdinal(Protocol, other.Protocol);
        if (order == 0) order = string.CompareOrdinal(System, other.System);
        if (order == 0) order = string.CompareOrdinal(Host ?? "", other.Host ?? "");
        return order != 0 ? order : (Port ?? 0).CompareTo(other.Port ?? 0);
    }

    public override string ToString() =>
        HasLocalScope ? $"{Protocol}://{System}"
        : Port is { } port ? $"{Protocol}://{System}@{Host}:{port}" : $"{Protocol}://{System}@{Host}";

    /// <summary>Splits a full actor path into its address and the rest ("/user/a#1").</summary>
    internal static bool TryParse(string text, out Address address, out string rest)
    {
        address = null!;
        rest = "";
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme <= 0) return false;
        var authority = text[(scheme + 3)..];
        var slash = authority.IndexOf('/');
        if (slash >= 0) (rest, authority) = (authority[slash..], authority[..slash]);
        var at = authority.IndexOf('@');
        if (at < 0)
        {
            if (authority.Length == 0) return false;
            address = new Address(text[..scheme], authority);
            return true;
        }
        var host = authority[(at + 1)..];
        int? port = null;
        var colon = host.LastIndexOf(':');
        if (colon >= 0 && !host.EndsWith(']'))
        {
            if (!int.TryParse(host[(colon + 1)..], out var number) || number is < 0 or > 65535) return false;
            (port, host) = (number, host[..colon]);
        }
        if (at == 0 || host.Length == 0) return false;
        address = new Address(text[..scheme], authority[..at], host, port);
        return true;
    }
}
