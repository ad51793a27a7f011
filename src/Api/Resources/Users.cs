using System.Text.Json;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Search;
using Orchestrator.Api.Sso;

namespace Orchestrator.Api.Resources;

/// <summary>The users of the internal profile; adding and removing them is the command line's work so far.</summary>
internal static class Users
{
    public static void Map(Router router) => router
        .Get("users", async call =>
        {
            var users = (await call.World.Users.List(call.Cancel)).ToDictionary(user => user.Id.ToString());
            return Answer.Of(Shapes.User,
                [.. Searching.Pick(call, Kinds.User, users.Values.Select(Row)).Select(row => Show(users[row.Id]))]);
        })
        .Get("users/{id}", async call =>
        {
            var id = call.Id();
            var users = await call.World.Users.List(call.Cancel);
            return users.FirstOrDefault(user => user.Id == id) is { } user
                ? Answer.Of(Show(user))
                : throw FaultException.Unknown("user", call.Ids[0]);
        });

    private static SearchRow Row(Identity user)
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

    public static Element Show(Identity user)
    {
        var at = user.Name.LastIndexOf('@');
        var shown = Shapes.User.New(user.Id, Hrefs.User(user.Id))
            .With("name", at < 0 ? user.Name : user.Name[..at])
            .With("user_name", user.Name)
            .With("principal", at < 0 ? user.Name : user.Name[..at]);
        return at < 0 ? shown : shown.With("domain", Shapes.Domain.New().With("name", user.Name[(at + 1)..]));
    }
}
