using System.Collections.Frozen;

namespace Orchestrator.Api.Access;

public enum RoleKind { User, Admin }

/// <summary>Whether who has a role on an object sees what is below it.</summary>
public enum Sight { Itself, Children }

/// <summary>A name for permits that are given together.</summary>
public sealed record Role(Guid Id, string Name, string Description, RoleKind Kind, Sight Sight, FrozenSet<Permit> Permits)
{
    public Role(Guid id, string name, string description, RoleKind kind, Sight sight, IEnumerable<Permit> permits)
        : this(id, name, description, kind, sight, permits.ToFrozenSet())
    {
    }

    public bool Predefined { get; init; }

    /// <summary>One that an operator made: what it shows follows from its permits.</summary>
    public static Role Own(Guid id, string name, string description, RoleKind kind, IEnumerable<Permit> permits)
    {
        var all = permits.ToFrozenSet();
        return new Role(id, name, description, kind, all.Any(Access.Permits.ShowsChildren) ? Sight.Children : Sight.Itself, all);
    }
}
