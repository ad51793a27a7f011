using System.Text.Json;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Access;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Search;
using Orchestrator.Api.Sso;

namespace Orchestrator.Api.Resources;

/// <summary>Accounts of all profiles. Who is no administrator sees himself alone.</summary>
internal static class Users
{
    /// <summary>Keeps SuperUser, whatever happens to the others.</summary>
    public const string First = "admin@internal";

    private const int ShortestPassword = 8;

    public static void Map(Router router) => router
        .Get("users", List)
        .Post("users", Add)
        .Get("users/{id}", async call => Answer.Of(Show(await Find(call))))
        .Put("users/{id}", Update)
        .Delete("users/{id}", Remove)
        .Post("users/{id}/disable", call => Enable(call, enabled: false))
        .Post("users/{id}/enable", call => Enable(call, enabled: true))
        .Get("users/{id}/groups", async call =>
        {
            var groups = await call.World.Accounts.GroupsOf((await Find(call)).Id, call.Cancel);
            return Answer.Of(Shapes.Group, [.. groups.Select(Groups.Show)]);
        })
        .Get("users/{id}/roles", async call => await Roles.OfHolder(call, (await Find(call)).Id))
        .Get("users/{id}/roles/{id}", Roles.Get)
        .Get("users/{id}/sshpublickeys", Keys)
        .Post("users/{id}/sshpublickeys", PutKey)
        .Get("users/{id}/sshpublickeys/{id}", async call => Answer.Of(Show(call.Id(), await FindKey(call))))
        .Put("users/{id}/sshpublickeys/{id}", PutKey)
        .Delete("users/{id}/sshpublickeys/{id}", RemoveKey);

    private static SearchRow Row(Account user)
    {
        var at = user.Name.LastIndexOf('@');
        var name = at < 0 ? user.Name : user.Name[..at];
        return new SearchRow(Kinds.User, user.Id.ToString(), name, JsonSerializer.SerializeToElement(new Dictionary<string, string>
        {
            ["userName"] = user.Name,
            ["principal"] = name,
            ["domain"] = at < 0 ? "" : user.Name[(at + 1)..],
        }));
    }

    public static Element Show(Identity user) => Show(new Account(user.Id, user.Name));

    public static Element Show(Account account)
    {
        var href = Hrefs.User(account.Id);
        var shown = Shapes.User.New(account.Id, href)
            .With("name", account.FirstName.Length > 0 ? account.FirstName : account.ShortName)
            .With("user_name", account.Name)
            .With("principal", account.ShortName);
        if (account.LastName.Length > 0) shown.With("last_name", account.LastName);
        if (account.Email.Length > 0) shown.With("email", account.Email);
        if (account.Department.Length > 0) shown.With("department", account.Department);
        if (account.ExternalId.Length > 0) shown.With("domain_entry_id", account.ExternalId);
        foreach (var name in new[] { "groups", "permissions", "roles", "sshpublickeys", "tags" }) shown.WithLink(name, $"{href}/{name}");
        return account.Name.Contains('@', StringComparison.Ordinal) ? shown.With("domain", Domains.Refer(account.Profile)) : shown;
    }

    /// <exception cref="FaultException">404, also when he is somebody else and this is no administrator.</exception>
    public static async Task<Account> Find(ApiCall call) =>
        (!call.Access.Filtered || call.Id() == call.User.Id) && await call.World.Accounts.Account(call.Id(), call.Cancel) is { } account
            ? account
            : throw FaultException.Unknown("user", call.Ids[0]);

    private static async Task<Answer> List(ApiCall call)
    {
        if (call.Access.Filtered)
            return Answer.Of(Shapes.User, await call.World.Accounts.Account(call.User.Id, call.Cancel) is { } me ? [Show(me)] : []);
        var accounts = (await call.World.Accounts.Accounts(call.Cancel)).ToDictionary(account => account.Id.ToString());
        return Answer.Of(Shapes.User,
            [.. Searching.Pick(call, Kinds.User, accounts.Values.Select(Row)).Select(row => Show(accounts[row.Id]))]);
    }

    /// <summary>From a directory; or into the internal profile, when a password is sent.</summary>
    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.User);
        var name = body.Text("user_name") ?? body.Text("principal") ?? throw FaultException.Missing("User", "userName", "add");
        var profile = body.One("domain") is { } domain
            ? Domains.Resolve(call, domain)
            : name.LastIndexOf('@') is >= 0 and var at ? name[(at + 1)..] : throw FaultException.Missing("User", "domain.id|name", "add");
        var own = name.EndsWith("@" + profile, StringComparison.OrdinalIgnoreCase) ? name[..^(profile.Length + 1)] : name;
        if (profile == Directories.Internal) return await AddInternal(call, Names.Checked(own, "User"), body.Text("password"));
        var directory = call.World.Directories.Of(profile) ?? throw FaultException.Bad($"There is no profile {profile}");
        var found = await Domains.Ask(() => directory.People(own, 2, call.Cancel));
        if (found.FirstOrDefault(entry => entry.Name.Equals(own, StringComparison.OrdinalIgnoreCase)) is not { } entry)
            throw new FaultException(404, FaultException.OperationFailed, $"The directory of {profile} knows no {own}");
        var account = await call.World.Accounts.Remember(Domains.AccountOf(directory.Profile, entry), null, call.Cancel);
        call.World.Rights.Forget();
        return Answer.Created(Show(account));
    }

    private static async Task<Answer> AddInternal(ApiCall call, string own, string? password)
    {
        var name = $"{own}@{Directories.Internal}";
        var known = (await call.World.Accounts.Accounts(call.Cancel)).FirstOrDefault(account => account.Name == name);
        if (known is not null) return Answer.Created(Show(known));
        if (password is null) throw FaultException.Missing("User", "password", "add");
        await call.World.Users.SetPassword(name, CheckedPassword(password), false, call.Cancel);
        call.World.Rights.Forget();
        return Answer.Created(Show((await call.World.Accounts.Accounts(call.Cancel)).First(account => account.Name == name)));
    }

    private static async Task<Answer> Update(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.User);
        var account = await Find(call);
        if (body.Text("password") is not { } password) return Answer.Of(Show(account));
        if (account.Profile != Directories.Internal)
            throw FaultException.Bad($"The password of {account.Name} is kept by its directory; change it there");
        await RequireSuperUserFor(call, account);
        await call.World.Users.SetPassword(account.Name, CheckedPassword(password), false, call.Cancel);
        return Answer.Of(Show(account));
    }

    private static string CheckedPassword(string password) => password.Length >= ShortestPassword
        ? password
        : throw FaultException.Bad($"A password must have {ShortestPassword} characters or more");

    /// <summary>Who sets the password of an administrator is that administrator.</summary>
    private static async Task RequireSuperUserFor(ApiCall call, Account account)
    {
        if (call.Access.Rights.IsSuperUser) return;
        if (await call.World.Rights.Of(account.Id, call.Cancel) is { IsAdministrator: true })
            throw new FaultException(403, FaultException.OperationFailed, "Only a SuperUser may do this to an administrator");
    }

    private static async Task<Answer> Remove(ApiCall call)
    {
        var account = await Find(call);
        if (account.Id == call.User.Id) throw FaultException.Conflict("Cannot remove User. Nobody can remove himself");
        if (account.Name == First) throw FaultException.Conflict($"Cannot remove User. {First} stays, as the way back in");
        await RequireSuperUserFor(call, account);
        Permissions.RequireDone(await call.World.Accounts.RemoveAccount(account.Id, call.Cancel), "user", call.Ids[0]);
        call.World.Rights.Forget();
        return new Answer.Empty();
    }

    private static async Task<Answer> Enable(ApiCall call, bool enabled)
    {
        var account = await Find(call);
        if (!enabled && (account.Id == call.User.Id || account.Name == First))
            throw FaultException.Conflict($"Neither you yourself nor {First} can be disabled");
        await RequireSuperUserFor(call, account);
        Permissions.RequireDone(await call.World.Accounts.SetEnabled(account.Id, enabled, call.Cancel), "user", call.Ids[0]);
        call.World.Rights.Forget();
        return Acts.Complete();
    }

    private static async Task<Answer> Keys(ApiCall call)
    {
        var account = await Find(call);
        var keys = await call.World.Accounts.Keys(account.Id, call.Cancel);
        return Answer.Of(Shapes.SshPublicKey, [.. keys.Take(call.Parameters.Max ?? int.MaxValue).Select(key => Show(account.Id, key))]);
    }

    private static async Task<Answer> PutKey(ApiCall call)
    {
        var account = await OwnOr(call, Permit.ManipulateUsers);
        var added = call.Ids.Count == 1;
        var id = added ? Guid.NewGuid() : (await FindKey(call)).Id;
        var content = (await call.ReadBody(Shapes.SshPublicKey)).Text("content")?.Trim();
        if (string.IsNullOrEmpty(content)) throw FaultException.Missing("SshPublicKey", "content", "add");
        if (content.Split(' ') is not [var type, { Length: > 0 }, ..] || !type.Contains('-', StringComparison.Ordinal) || content.Any(char.IsControl))
            throw FaultException.Bad("SshPublicKey.content must be one line as in authorized_keys, such as 'ssh-ed25519 AAAA…'");
        var key = new SshKey(id, content);
        await call.World.Accounts.PutKey(account.Id, key, call.Cancel);
        return added ? Answer.Created(Show(account.Id, key)) : Answer.Of(Show(account.Id, key));
    }

    private static async Task<Answer> RemoveKey(ApiCall call)
    {
        var account = await OwnOr(call, Permit.ManipulateUsers);
        return await call.World.Accounts.RemoveKey(account.Id, call.Id(1), call.Cancel)
            ? new Answer.Empty()
            : throw FaultException.Unknown("key", call.Ids[1]);
    }

    private static async Task<Account> OwnOr(ApiCall call, Permit permit)
    {
        if (call.Id() != call.User.Id && !call.Access.Rights.MayEverywhere(permit)) throw Guard.Forbidden(call);
        return await Find(call);
    }

    private static async Task<SshKey> FindKey(ApiCall call) =>
        (await call.World.Accounts.Keys((await Find(call)).Id, call.Cancel)).FirstOrDefault(key => key.Id == call.Id(1))
            ?? throw FaultException.Unknown("key", call.Ids[1]);

    private static Element Show(Guid account, SshKey key) => Shapes.SshPublicKey
        .New(key.Id, $"{Hrefs.User(account)}/sshpublickeys/{key.Id}")
        .With("content", key.Content)
        .With("user", Shapes.User.New(account, Hrefs.User(account)));
}
