using System.Collections.Concurrent;
using Orchestrator.Api.Access;

namespace Orchestrator.Tests.Api;

/// <summary>Accounts, groups, roles and permissions in memory, by the rules of the tables.</summary>
public sealed class FakeAccess(FakeUsers users) : IAccounts, IPermissions
{
    private readonly ConcurrentDictionary<Guid, Permission> _permissions = new();
    private readonly ConcurrentDictionary<Guid, Role> _roles = new();
    private readonly ConcurrentDictionary<Guid, Group> _groups = new([KeyValuePair.Create(Group.Everyone.Id, Group.Everyone)]);
    private readonly ConcurrentDictionary<Guid, (Guid Account, SshKey Key)> _keys = new();
    private readonly ConcurrentDictionary<Guid, (Account Account, IReadOnlyCollection<string> Groups)> _external = new();
    private readonly ConcurrentDictionary<Guid, bool> _disabled = new();

    public int Asked { get; private set; }

    /// <summary>Thrown by questions for rights while set.</summary>
    public Exception? Away { get; set; }

    public Task<IReadOnlyList<Account>> Accounts(CancellationToken cancel) => Of([.. All()]);

    public Task<Account?> Account(Guid id, CancellationToken cancel) => Task.FromResult(All().FirstOrDefault(account => account.Id == id));

    public Task<Account> Remember(Account account, IReadOnlyCollection<string>? groups, CancellationToken cancel)
    {
        _external[account.Id] = (account, groups ?? (_external.TryGetValue(account.Id, out var known) ? known.Groups : []));
        return Task.FromResult(account);
    }

    public Task<Removal> SetEnabled(Guid id, bool enabled, CancellationToken cancel)
    {
        _disabled[id] = !enabled;
        Locked.RemoveWhere(name => All().Any(account => account.Id == id && account.Name == name));
        return Task.FromResult(Removal.Done);
    }

    public Task<Removal> RemoveAccount(Guid id, CancellationToken cancel)
    {
        if (All().All(account => account.Id != id)) return Task.FromResult(Removal.NotThere);
        if (SuperUsers().All(permission => permission.Holder == id)) return Task.FromResult(Removal.LastSuperUser);
        users.Remove(id);
        _external.TryRemove(id, out _);
        foreach (var permission in _permissions.Values.Where(p => p.Holder == id)) _permissions.TryRemove(permission.Id, out _);
        return Task.FromResult(Removal.Done);
    }

    public ConcurrentDictionary<string, int> Failures { get; } = new();

    public HashSet<string> Locked { get; } = [];

    public Task<TimeSpan?> LockedFor(string name, CancellationToken cancel) =>
        Task.FromResult<TimeSpan?>(Locked.Contains(name) ? TimeSpan.FromMinutes(15) : null);

    public Task NoteFailure(string name, int most, TimeSpan lockFor, CancellationToken cancel)
    {
        if (Failures.AddOrUpdate(name, 1, (_, before) => before + 1) >= most) Locked.Add(name);
        return Task.CompletedTask;
    }

    public Task NoteSuccess(string name, CancellationToken cancel)
    {
        Failures.TryRemove(name, out _);
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<Group>> Groups(CancellationToken cancel) => Of([.. _groups.Values.OrderBy(group => group.Name)]);

    public Task<IReadOnlyList<Group>> GroupsOf(Guid account, CancellationToken cancel) => Of([.. _groups.Values.Where(group => IsIn(account, group))]);

    public Task<Group> AddGroup(Group group, CancellationToken cancel) => Task.FromResult(_groups.GetOrAdd(group.Id, group));

    public Task<bool> RemoveGroup(Guid id, CancellationToken cancel)
    {
        foreach (var permission in _permissions.Values.Where(p => p.Holder == id)) _permissions.TryRemove(permission.Id, out _);
        return Task.FromResult(_groups.TryRemove(id, out _));
    }

    public Task<IReadOnlyList<SshKey>> Keys(Guid account, CancellationToken cancel) =>
        Of([.. _keys.Values.Where(key => key.Account == account).Select(key => key.Key)]);

    public Task PutKey(Guid account, SshKey key, CancellationToken cancel)
    {
        _keys[key.Id] = (account, key);
        return Task.CompletedTask;
    }

    public Task<bool> RemoveKey(Guid account, Guid key, CancellationToken cancel) => Task.FromResult(_keys.TryRemove(key, out _));

    public Task<Rights?> RightsOf(Guid account, CancellationToken cancel)
    {
        Asked++;
        if (Away is not null) throw Away;
        if (All().All(known => known.Id != account) || _disabled.GetValueOrDefault(account)) return Task.FromResult<Rights?>(null);
        var held = _permissions.Values.Where(p => p.Holder == account || (_groups.TryGetValue(p.Holder, out var group) && IsIn(account, group)))
            .Concat(users.Administrators.Contains(account) ? [SuperUser(account)] : []);
        return Task.FromResult<Rights?>(new Rights(held.Select(p => new Grant(PredefinedRoles.Find(p.Role) ?? _roles[p.Role], p.Object))));
    }

    public Task<IReadOnlyList<Permission>> Permissions(PermissionQuery query, CancellationToken cancel) =>
        Of([.. _permissions.Values.Concat(users.Administrators.Select(SuperUser))
            .Where(p => query.Id is null || p.Id == query.Id)
            .Where(p => query.Holder is null || p.Holder == query.Holder)
            .Where(p => query.On is null || query.On.Contains(p.Object))]);

    public Task<Permission> Give(Permission permission, CancellationToken cancel)
    {
        var known = _permissions.Values.FirstOrDefault(p => p with { Id = permission.Id } == permission);
        return Task.FromResult(known ?? (_permissions[permission.Id] = permission));
    }

    public Task<Removal> Take(Guid permission, CancellationToken cancel)
    {
        if (users.Administrators.Any(id => SuperUser(id).Id == permission))
        {
            if (SuperUsers().Count == 1) return Task.FromResult(Removal.LastSuperUser);
            users.Administrators.Remove(users.Administrators.First(id => SuperUser(id).Id == permission));
            return Task.FromResult(Removal.Done);
        }

        return Task.FromResult(_permissions.TryRemove(permission, out _) ? Removal.Done : Removal.NotThere);
    }

    public Task<IReadOnlyList<Role>> OwnRoles(CancellationToken cancel) => Of([.. _roles.Values.OrderBy(role => role.Name)]);

    public Task<bool> PutRole(Role role, CancellationToken cancel)
    {
        if (_roles.Values.Any(other => other.Name == role.Name && other.Id != role.Id)) return Task.FromResult(false);
        _roles[role.Id] = role;
        return Task.FromResult(true);
    }

    public Task<bool> RemoveRole(Guid id, CancellationToken cancel) =>
        Task.FromResult(_permissions.Values.All(p => p.Role != id) && _roles.TryRemove(id, out _));

    private static Permission SuperUser(Guid account) =>
        new(new Guid(9, 9, 9, account.ToByteArray()[8..]), PredefinedRoles.SuperUser.Id, account, HolderKind.User, ObjectRef.System);

    private List<Permission> SuperUsers() => [.. users.Administrators.Select(SuperUser)
        .Concat(_permissions.Values.Where(p => p.Role == PredefinedRoles.SuperUser.Id && p.Object == ObjectRef.System))];

    private IEnumerable<Account> All() => users.All.Select(user => new Account(user.Id, user.Name))
        .Concat(_external.Values.Select(known => known.Account)).OrderBy(account => account.Name, StringComparer.Ordinal);

    private bool IsIn(Guid account, Group group) => group.Id == Group.Everyone.Id
        || (_external.TryGetValue(account, out var known) && known.Account.Profile == group.Profile && known.Groups.Contains(group.ExternalId));

    private static Task<IReadOnlyList<T>> Of<T>(List<T> list) => Task.FromResult<IReadOnlyList<T>>(list);
}
