using Orchestrator.Api.Access;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>Groups of directories that permissions are given to, and Everyone. Who is no administrator sees his own.</summary>
internal static class Groups
{
    public static void Map(Router router) => router
        .Get("groups", List)
        .Post("groups", Add)
        .Get("groups/{id}", async call => Answer.Of(Show(await Find(call))))
        .Delete("groups/{id}", Remove)
        .Get("groups/{id}/roles", async call => await Roles.OfHolder(call, (await Find(call)).Id))
        .Get("groups/{id}/roles/{id}", Roles.Get);

    public static Element Show(Group group)
    {
        var href = Hrefs.Group(group.Id);
        var shown = Shapes.Group.New(group.Id, href).With("name", group.Name);
        if (group.ExternalId.Length > 0) shown.With("domain_entry_id", group.ExternalId);
        if (group.Profile.Length > 0) shown.With("domain", Domains.Refer(group.Profile));
        foreach (var name in new[] { "permissions", "roles", "tags" }) shown.WithLink(name, $"{href}/{name}");
        return shown;
    }

    public static async Task<Group> Find(ApiCall call) =>
        (await Visible(call)).FirstOrDefault(group => group.Id == call.Id()) ?? throw FaultException.Unknown("group", call.Ids[0]);

    private static Task<IReadOnlyList<Group>> Visible(ApiCall call) => call.Access.Filtered
        ? call.World.Accounts.GroupsOf(call.User.Id, call.Cancel)
        : call.World.Accounts.Groups(call.Cancel);

    private static async Task<Answer> List(ApiCall call)
    {
        var groups = await Visible(call);
        if (call.Parameters.Text("search") is { Length: > 0 } text)
            groups = [.. groups.Where(Domains.Pattern(text, "groups").Matches)];
        return Answer.Of(Shapes.Group, [.. groups.Take(call.Parameters.Max ?? int.MaxValue).Select(Show)]);
    }

    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Group);
        var name = body.Text("name") ?? throw FaultException.Missing("Group", "name", "add");
        var profile = Domains.Resolve(call, body.One("domain") ?? throw FaultException.Missing("Group", "domain.id|name", "add"));
        var directory = call.World.Directories.Of(profile)
            ?? throw FaultException.Bad($"The profile {profile} has no groups; give the permission to its users, or to Everyone");
        var found = await Domains.Ask(() => directory.Groups(name, 2, call.Cancel));
        if (found.FirstOrDefault(entry => entry.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is not { } entry)
            throw new FaultException(404, FaultException.OperationFailed, $"The directory of {profile} knows no group {name}");
        var group = await call.World.Accounts.AddGroup(
            new Group(NamedIds.Of($"group {directory.Profile} {entry.ExternalId}"), entry.Name, directory.Profile, entry.ExternalId), call.Cancel);
        call.World.Rights.Forget();
        return Answer.Created(Show(group));
    }

    private static async Task<Answer> Remove(ApiCall call)
    {
        var group = await Find(call);
        if (group.Id == Group.Everyone.Id) throw FaultException.Conflict("Cannot remove Group. Everyone stays; take its permissions away instead");
        await call.World.Accounts.RemoveGroup(group.Id, call.Cancel);
        call.World.Rights.Forget();
        return new Answer.Empty();
    }
}
