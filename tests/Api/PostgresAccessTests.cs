using System.Diagnostics;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Access;
using Orchestrator.Api.ReadModel;
using Orchestrator.Api.Sso;

namespace Orchestrator.Tests.Api;

/// <summary>Permissions in a real PostgreSQL, as two nodes see them.</summary>
public sealed class PostgresAccessTests(OwnPostgres postgres) : IClassFixture<OwnPostgres>
{
    private readonly Patience _patience = new(TimeSpan.FromSeconds(5), TimeProvider.System);

    private PostgresPermissions Permissions => new(() => postgres.Database!, _patience);

    private PostgresAccounts Accounts => new(() => postgres.Database!, _patience);

    [SkippableFact]
    public async Task A_permission_counts_on_another_node_within_a_second()
    {
        Skip.If(postgres.Database is null, "needs root and PostgreSQL 15");
        var user = await User("counts");
        var vm = new ObjectRef(Kinds.Vm, Guid.NewGuid());
        var there = new RightsCache(Permissions, TimeProvider.System);
        Assert.False((await there.Of(user.Id, default))!.May(Permit.RunVm, [vm]));
        var given = await Permissions.Give(new Permission(Guid.NewGuid(), PredefinedRoles.UserRole.Id, user.Id, HolderKind.User, vm), default);
        var watch = Stopwatch.StartNew();
        while (!(await there.Of(user.Id, default))!.May(Permit.RunVm, [vm]))
        {
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(1), "not within a second");
            await Task.Delay(10);
        }

        Assert.Equal(given, await Permissions.Give(given with { Id = Guid.NewGuid() }, default));
        Assert.Equal([given], await Permissions.Permissions(new PermissionQuery(On: [vm]), default));
        Assert.Equal(Removal.Done, await Permissions.Take(given.Id, default));
        Assert.Equal(Removal.NotThere, await Permissions.Take(given.Id, default));
    }

    [SkippableFact]
    public async Task Groups_give_what_they_have_and_everyone_has_what_a_fresh_system_gives()
    {
        Skip.If(postgres.Database is null, "needs root and PostgreSQL 15");
        var group = await Accounts.AddGroup(new Group(Guid.NewGuid(), "devs", "corp", "cn=devs"), default);
        var account = await Accounts.Remember(new Account(Guid.NewGuid(), "alice@corp") { ExternalId = "uid=alice" }, ["cn=devs", "cn=more"], default);
        await Permissions.Give(new Permission(Guid.NewGuid(), PredefinedRoles.VmCreator.Id, group.Id, HolderKind.Group, ObjectRef.System), default);
        var rights = await Permissions.RightsOf(account.Id, default);
        Assert.True(rights!.MayEverywhere(Permit.CreateVm));
        Assert.True(rights.May(Permit.EditProfile, [ObjectRef.System]));
        Assert.False(rights.IsAdministrator);
        Assert.Equal(["Everyone", "devs"], (await Accounts.GroupsOf(account.Id, default)).Select(g => g.Name).Order(StringComparer.Ordinal));
        // A login that says nothing of groups leaves them; one that says there are none takes them.
        await Accounts.Remember(account, null, default);
        Assert.True((await Permissions.RightsOf(account.Id, default))!.MayEverywhere(Permit.CreateVm));
        await Accounts.Remember(account, [], default);
        Assert.False((await Permissions.RightsOf(account.Id, default))!.MayEverywhere(Permit.CreateVm));
    }

    [SkippableFact]
    public async Task Of_two_nodes_that_take_away_the_last_two_superusers_at_once_one_is_refused()
    {
        Skip.If(postgres.Database is null, "needs root and PostgreSQL 15");
        var users = new PostgresUsers(() => postgres.Database!);
        await users.SetPassword("one@internal", "password", true, default);
        await users.SetPassword("two@internal", "password", true, default);
        var all = await Permissions.Permissions(new PermissionQuery(On: [ObjectRef.System]), default);
        var super = all.Where(p => p.Role == PredefinedRoles.SuperUser.Id).ToList();
        Assert.True(super.Count >= 2);
        var answers = await Task.WhenAll(super.Select(p => Permissions.Take(p.Id, default)));
        Assert.Single(answers, Removal.LastSuperUser);
        Assert.Equal(super.Count - 1, answers.Count(answer => answer == Removal.Done));
        var last = Assert.Single(await users.List(default), user => user.IsAdmin);
        Assert.Equal(Removal.LastSuperUser, await Accounts.RemoveAccount(last.Id, default));
        Assert.Equal(Removal.LastSuperUser, await Accounts.SetEnabled(last.Id, false, default));
    }

    [SkippableFact]
    public async Task Own_roles_are_kept_and_stay_while_somebody_has_them()
    {
        Skip.If(postgres.Database is null, "needs root and PostgreSQL 15");
        var user = await User("roles");
        var role = Role.Own(Guid.NewGuid(), "Starter", "starts", RoleKind.User, [Permit.RunVm, Permit.Login]);
        Assert.True(await Permissions.PutRole(role, default));
        Assert.False(await Permissions.PutRole(Role.Own(Guid.NewGuid(), "Starter", "", RoleKind.User, []), default));
        var given = await Permissions.Give(new Permission(Guid.NewGuid(), role.Id, user.Id, HolderKind.User, ObjectRef.System), default);
        Assert.True((await Permissions.RightsOf(user.Id, default))!.MayEverywhere(Permit.RunVm));
        Assert.False(await Permissions.RemoveRole(role.Id, default));
        await Permissions.Take(given.Id, default);
        Assert.Equal("starts", Assert.Single(await Permissions.OwnRoles(default)).Description);
        Assert.True(await Permissions.RemoveRole(role.Id, default));
    }

    [SkippableFact]
    public async Task An_account_is_locked_after_so_many_failures_of_all_nodes_until_it_is_enabled()
    {
        Skip.If(postgres.Database is null, "needs root and PostgreSQL 15");
        var user = await User("locked");
        await Accounts.NoteFailure(user.Name, 3, TimeSpan.FromMinutes(5), default);
        await Accounts.NoteSuccess(user.Name, default);
        for (var failure = 0; failure < 3; failure++)
        {
            Assert.Null(await Accounts.LockedFor(user.Name, default));
            await Accounts.NoteFailure(user.Name, 3, TimeSpan.FromMinutes(5), default);
        }

        Assert.InRange((await Accounts.LockedFor(user.Name, default))!.Value, TimeSpan.FromMinutes(4), TimeSpan.FromMinutes(5));
        await User("another");
        Assert.Equal(Removal.Done, await Accounts.SetEnabled(user.Id, true, default));
        Assert.Null(await Accounts.LockedFor(user.Name, default));
        Assert.Equal(Removal.Done, await Accounts.SetEnabled(user.Id, false, default));
        Assert.Null(await Permissions.RightsOf(user.Id, default));
        await Accounts.PutKey(user.Id, new SshKey(Guid.NewGuid(), "ssh-ed25519 A"), default);
        Assert.Single(await Accounts.Keys(user.Id, default));
        Assert.Equal(Removal.Done, await Accounts.RemoveAccount(user.Id, default));
    }

    /// <summary>By the statement that takes a removed object out of the read model, in the journal's transaction.</summary>
    [SkippableFact]
    public async Task What_is_removed_takes_its_permissions_along()
    {
        Skip.If(postgres.Database is null, "needs root and PostgreSQL 15");
        await using (var tables = postgres.Database.CreateCommand(ReadSchema.Migrations.Single(step => step.Number == 100).Sql))
            await tables.ExecuteNonQueryAsync();
        var user = await User("leaver");
        var (gone, stays) = (new ObjectRef(Kinds.Vm, Guid.NewGuid()), new ObjectRef(Kinds.Vm, Guid.NewGuid()));
        foreach (var on in new[] { gone, stays })
            await Permissions.Give(new Permission(Guid.NewGuid(), PredefinedRoles.UserRole.Id, user.Id, HolderKind.User, on), default);
        await using var removal = postgres.Database.CreateCommand(ReadSchema.Companions.Single(row => row.Kind == "gone").Statement);
        removal.Parameters.AddWithValue(new[] { $"vm/{gone.Id}" });
        removal.Parameters.AddWithValue(new[] { 7L });
        removal.Parameters.AddWithValue(new[] { "{}" });
        await removal.ExecuteNonQueryAsync();
        Assert.Equal([stays], (await Permissions.Permissions(new PermissionQuery(Holder: user.Id), default)).Select(permission => permission.Object));
    }

    /// <summary>Beside a SuperUser, so that accounts can be taken away.</summary>
    private async Task<Identity> User(string name)
    {
        var users = new PostgresUsers(() => postgres.Database!);
        await users.SetPassword($"{name}@internal", "password", name == "another", default);
        return (await users.List(default)).Single(user => user.Name == $"{name}@internal");
    }
}
