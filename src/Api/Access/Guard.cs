using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Access;

/// <summary>Asks the table of <see cref="Guards"/> before a resource is asked, and looks over what it answers.</summary>
public static class Guard
{
    /// <exception cref="FaultException">403; 404 for an object that the user does not see; 400 when the request does not name
    /// the object that the permission would be on.</exception>
    public static async Task Check(ApiCall call, string pattern)
    {
        if (call.Access.Rights.IsSuperUser && !call.Access.Filtered) return;
        if (Guards.Find(call.Method, pattern) is not { } line) throw Forbidden(call);
        foreach (var need in line.Needs) await Check(call, need);
    }

    /// <summary>The lists of a user who sees his own alone hold nothing else, however they were made.</summary>
    public static async Task<Answer> Narrow(ApiCall call, Answer answer)
    {
        if (!call.Access.Filtered || answer is not Answer.Many many || ObjectKinds.Of(many.Shape) is not { } kind) return answer;
        var seen = new List<Element>(many.Elements.Count);
        foreach (var element in many.Elements)
            if (!Guid.TryParse(element.Id, out var id) || await call.Access.Sees(call, new ObjectRef(kind.Name, id)))
                seen.Add(element);
        return many with { Elements = seen };
    }

    public static FaultException Forbidden(ApiCall call) => new(403, FaultException.OperationFailed,
        $"{call.User.Name} is not authorized to perform this action; ask an administrator for a role");

    private static async Task Check(ApiCall call, Need need)
    {
        switch (need)
        {
            case Need.Anybody:
                return;
            case Need.AllSight:
                if (call.Access.Filtered) throw Forbidden(call);
                return;
            case Need.Sight sight:
                if (!call.Access.Filtered) return;
                foreach (var what in await sight.What(call) ?? [])
                    if (!await call.Access.Sees(call, what))
                        throw FaultException.Unknown(what.Kind, what.Id.ToString());
                return;
            case Need.Right right:
                await Check(call, right);
                return;
            default:
                throw new InvalidOperationException($"{need.GetType().Name} is not known here");
        }
    }

    private static async Task Check(ApiCall call, Need.Right right)
    {
        if (right.When is { } when && !await when(call)) return;
        if (call.Access.Rights.MayEverywhere(right.Permit)) return;
        if (!call.Access.Rights.MaySomewhere(right.Permit))
        {
            // Nothing is told of what the request names, but that it names nothing.
            if (await NamesNothing(call, right)) return;
            throw Forbidden(call);
        }

        if (await right.On(call) is not { } targets)
            throw FaultException.Bad("The request does not name the object that it is about; your permissions are not on everything");
        foreach (var target in targets)
            if (!await call.Access.May(call, right.Permit, target))
                throw Forbidden(call);
    }

    private static async Task<bool> NamesNothing(ApiCall call, Need.Right right)
    {
        if (!right.Optional) return false;
        try
        {
            return await right.On(call) is { Count: 0 };
        }
        catch (FaultException unknown) when (unknown.Status == 404)
        {
            return false;
        }
    }
}
