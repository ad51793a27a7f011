using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Sso;

namespace Orchestrator.Api.Resources;

/// <summary>The users of the internal profile; adding and removing them is the command line's work so far.</summary>
internal static class Users
{
    public static void Map(Router router) => router
        .Get("users", async call =>
        {
            if (call.Parameters.Text("search") is { Length: > 0 }) throw FaultException.NotYet("Searching for users");
            var users = await call.World.Users.List(call.Cancel);
            return Answer.Of(Shapes.User, [.. users.Take(call.Parameters.Max ?? int.MaxValue).Select(Show)]);
        })
        .Get("users/{id}", async call =>
        {
            var id = call.Id();
            var users = await call.World.Users.List(call.Cancel);
            return users.FirstOrDefault(user => user.Id == id) is { } user
                ? Answer.Of(Show(user))
                : throw FaultException.Unknown("user", call.Ids[0]);
        });

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
