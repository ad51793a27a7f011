namespace Orchestrator.Api.Access;

/// <summary>Somebody who can log in.</summary>
/// <param name="Name">user@profile.</param>
/// <param name="Enabled">False: every token and password of his is refused.</param>
public sealed record Account(Guid Id, string Name, bool Enabled = true)
{
    public string FirstName { get; init; } = "";

    public string LastName { get; init; } = "";

    public string Email { get; init; } = "";

    public string Department { get; init; } = "";

    /// <summary>What names him in his directory for ever; empty in the internal profile.</summary>
    public string ExternalId { get; init; } = "";

    /// <summary>Until then no password of his is looked at.</summary>
    public DateTimeOffset? LockedUntil { get; init; }

    public string Profile => Name[(Name.LastIndexOf('@') + 1)..];

    public string ShortName => Name.LastIndexOf('@') is >= 0 and var at ? Name[..at] : Name;
}

/// <summary>A group of a directory that permissions are given to.</summary>
/// <param name="ExternalId">Its distinguished name.</param>
public sealed record Group(Guid Id, string Name, string Profile, string ExternalId)
{
    /// <summary>Everybody is in it; the id is oVirt's.</summary>
    public static Group Everyone { get; } = new(new Guid("eee00000-0000-0000-0000-123456789eee"), "Everyone", "", "");
}

public sealed record SshKey(Guid Id, string Content);

/// <summary>Who is known, of all profiles.</summary>
public interface IAccounts
{
    Task<IReadOnlyList<Account>> Accounts(CancellationToken cancel);

    Task<Account?> Account(Guid id, CancellationToken cancel);

    /// <summary>Adds an account of a directory, or takes over what the directory says of it now.</summary>
    /// <param name="groups">Distinguished names of the groups it is in, by however many steps; null leaves those that are known.</param>
    Task<Account> Remember(Account account, IReadOnlyCollection<string>? groups, CancellationToken cancel);

    /// <summary>Enabling also ends a lock-out.</summary>
    Task<Removal> SetEnabled(Guid id, bool enabled, CancellationToken cancel);

    /// <summary>With all its permissions.</summary>
    Task<Removal> RemoveAccount(Guid id, CancellationToken cancel);

    /// <summary>How long no password of his is looked at yet; null: it is.</summary>
    Task<TimeSpan?> LockedFor(string name, CancellationToken cancel);

    /// <summary>Counts a wrong password, on whatever node; the last of so many in a row locks the account.</summary>
    Task NoteFailure(string name, int most, TimeSpan lockFor, CancellationToken cancel);

    Task NoteSuccess(string name, CancellationToken cancel);

    Task<IReadOnlyList<Group>> Groups(CancellationToken cancel);

    Task<IReadOnlyList<Group>> GroupsOf(Guid account, CancellationToken cancel);

    /// <summary>The same group again answers the one that is there.</summary>
    Task<Group> AddGroup(Group group, CancellationToken cancel);

    Task<bool> RemoveGroup(Guid id, CancellationToken cancel);

    Task<IReadOnlyList<SshKey>> Keys(Guid account, CancellationToken cancel);

    Task PutKey(Guid account, SshKey key, CancellationToken cancel);

    Task<bool> RemoveKey(Guid account, Guid key, CancellationToken cancel);
}

/// <param name="Holder">Permissions of one user or group, not of his groups.</param>
/// <param name="On">Permissions given on any of these.</param>
public sealed record PermissionQuery(Guid? Id = null, Guid? Holder = null, IReadOnlyCollection<ObjectRef>? On = null);

public enum Removal { Done, NotThere, LastSuperUser }

/// <summary>Roles, and who has which on what. Always of the primary.</summary>
public interface IPermissions
{
    /// <summary>Null: there is no such account any more, or it was disabled.</summary>
    Task<Rights?> RightsOf(Guid account, CancellationToken cancel);

    Task<IReadOnlyList<Permission>> Permissions(PermissionQuery query, CancellationToken cancel);

    /// <summary>The same permission again answers the one that is there.</summary>
    Task<Permission> Give(Permission permission, CancellationToken cancel);

    /// <summary>Never the last SuperUser's.</summary>
    Task<Removal> Take(Guid permission, CancellationToken cancel);

    /// <summary>Those that operators made.</summary>
    Task<IReadOnlyList<Role>> OwnRoles(CancellationToken cancel);

    /// <summary>Adds it or replaces it; false when another has the name.</summary>
    Task<bool> PutRole(Role role, CancellationToken cancel);

    /// <summary>False while somebody has it.</summary>
    Task<bool> RemoveRole(Guid id, CancellationToken cancel);
}
