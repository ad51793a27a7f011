using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Akka.Actor;

/// <summary>The place of an actor in its system's tree. Two incarnations of one place differ only by uid;
/// equality looks at the place, not at the uid.</summary>
[SuppressMessage("Design", "CA1036", Justification = "Akka.NET's paths have an order but no operators for it.")]
public abstract class ActorPath : IEquatable<ActorPath>, IComparable<ActorPath>
{
    private protected ActorPath(Address address, ActorPath? parent, string name, long uid)
    {
        Address = address;
        Parent = parent ?? this;
        Name = name;
        Uid = uid;
    }

    public Address Address { get; }

    public string Name { get; }

    public long Uid { get; }

    public ActorPath Parent { get; }

    public ActorPath Root => Parent == (object)this ? this : Parent.Root;

    public IReadOnlyList<string> Elements => [.. Local().Split('/', StringSplitOptions.RemoveEmptyEntries)];

    public static ActorPath operator /(ActorPath path, string name) => new ChildActorPath(path, name, 0);

    public static bool operator ==(ActorPath? left, ActorPath? right) => Equals(left, right);

    public static bool operator !=(ActorPath? left, ActorPath? right) => !Equals(left, right);

    /// <summary>True for letters, digits and the signs -_.*$+:@&amp;=,!~'(); and %xx; the first one not '$'.</summary>
    public static bool IsValidPathElement(string s)
    {
        if (string.IsNullOrEmpty(s) || s[0] == '$') return false;
        for (var i = 0; i < s.Length; i++)
        {
            var c = s[i];
            if (char.IsAsciiLetterOrDigit(c) || "-_.*$+:@&=,!~'();".Contains(c)) continue;
            if (c != '%' || i + 2 >= s.Length || !char.IsAsciiHexDigit(s[i + 1]) || !char.IsAsciiHexDigit(s[i + 2]))
                return false;
            i += 2;
        }
        return true;
    }

    public static bool TryParse(string path, out ActorPath actorPath)
    {
        actorPath = null!;
        if (!Address.TryParse(path, out var address, out var rest)) return false;
        actorPath = Under(new RootActorPath(address), rest);
        return true;
    }

    public static ActorPath Parse(string path) =>
        TryParse(path, out var parsed) ? parsed : throw new UriFormatException($"Can not parse an ActorPath: {path}");

    public string ToStringWithoutAddress() => Local();

    public string ToStringWithAddress() => ToStringWithAddress(Address);

    public string ToStringWithAddress(Address address) => (Address.HasLocalScope ? address : Address) + Local();

    public string ToStringWithUid() => Address + Local() + UidSuffix();

    public string ToSerializationFormat() => ToStringWithUid();

    public string ToSerializationFormatWithAddress(Address address) => ToStringWithAddress(address) + UidSuffix();

    public bool Equals(ActorPath? other)
    {
        if (other is null) return false;
        ActorPath left = this, right = other;
        while (!ReferenceEquals(left, right))
        {
            if (left.Name != right.Name) return false;
            var leftIsRoot = ReferenceEquals(left.Parent, left);
            if (leftIsRoot || ReferenceEquals(right.Parent, right))
                return leftIsRoot && ReferenceEquals(right.Parent, right) && left.Address == right.Address;
            (left, right) = (left.Parent, right.Parent);
        }
        return true;
    }

    public override bool Equals(object? obj) => Equals(obj as ActorPath);

    public override int GetHashCode() => HashCode.Combine(Name, Parent.Name);

    public int CompareTo(ActorPath? other) =>
        other is null ? 1 : string.CompareOrdinal(ToStringWithAddress(), other.ToStringWithAddress());

    public override string ToString() => ToStringWithAddress();

    /// <summary>Walks down from a root along "/a/b#uid".</summary>
    internal static ActorPath Under(ActorPath root, string rest)
    {
        var uid = 0L;
        var hash = rest.IndexOf('#');
        if (hash >= 0)
        {
            _ = long.TryParse(rest[(hash + 1)..], NumberStyles.Integer, CultureInfo.InvariantCulture, out uid);
            rest = rest[..hash];
        }
        var names = rest.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var path = root;
        for (var i = 0; i < names.Length; i++)
            path = new ChildActorPath(path, names[i], i == names.Length - 1 ? uid : 0);
        return path;
    }

    private string UidSuffix() => Uid == 0 ? "" : "#" + Uid.ToString(CultureInfo.InvariantCulture);

    private string Local()
    {
        if (ReferenceEquals(Parent, this)) return "/";
        return ReferenceEquals(Parent.Parent, Parent) ? "/" + Name : Parent.Local() + "/" + Name;
    }
}

public sealed class RootActorPath(Address address, string name = "") : ActorPath(address, null, name, 0);

public sealed class ChildActorPath(ActorPath parentPath, string name, long uid)
    : ActorPath(parentPath.Address, parentPath, name, uid);
