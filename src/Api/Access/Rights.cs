using System.Collections.Immutable;

namespace Orchestrator.Api.Access;

/// <summary>A role that somebody has on an object and all below it.</summary>
/// <param name="Holder">A user or a group.</param>
public sealed record Permission(Guid Id, Guid Role, Guid Holder, HolderKind HolderKind, ObjectRef Object);

public enum HolderKind { User, Group }

/// <summary>Of a user: his own grants and those of his groups.</summary>
public sealed record Grant(Role Role, ObjectRef Object);

/// <summary>All that a user may, as the database said it a moment ago. Decides; reads nothing.</summary>
public sealed class Rights
{
    private readonly ILookup<ObjectRef, Role> _roles;

    public Rights(IEnumerable<Grant> grants)
    {
        Grants = [.. grants];
        _roles = Grants.ToLookup(grant => grant.Object, grant => grant.Role);
        IsSuperUser = _roles[ObjectRef.System].Any(role => role.Id == PredefinedRoles.SuperUser.Id);
        IsAdministrator = Grants.Any(grant => grant.Role.Kind == RoleKind.Admin);
    }

    public static Rights None { get; } = new([]);

    public ImmutableArray<Grant> Grants { get; }

    public bool IsSuperUser { get; }

    /// <summary>Sees everything, unless he asks for his own alone.</summary>
    public bool IsAdministrator { get; }

    public bool MayEverywhere(Permit permit) => _roles[ObjectRef.System].Any(role => role.Permits.Contains(permit));

    public bool MaySomewhere(Permit permit) => Grants.Any(grant => grant.Role.Permits.Contains(permit));

    /// <param name="lineage">The object and all that is above it.</param>
    public bool May(Permit permit, IEnumerable<ObjectRef> lineage) =>
        MayEverywhere(permit) || lineage.Any(on => _roles[on].Any(role => role.Permits.Contains(permit)));

    /// <summary>A grant on the object itself shows it, and one above it when its role shows children.</summary>
    public bool Sees(ObjectRef what, IEnumerable<ObjectRef> lineage) =>
        _roles[what].Any()
        || _roles[ObjectRef.System].Any(role => role.Sight == Sight.Children)
        || lineage.Any(on => _roles[on].Any(role => role.Sight == Sight.Children));
}
