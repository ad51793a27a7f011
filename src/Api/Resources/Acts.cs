using Orchestrator.Actors;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>Answers of actions. An action is answered when the journal holds it, as oVirt's are when it is launched;
/// the job tells how it ends.</summary>
internal static class Acts
{
    public static async Task<Answer> Send(ApiCall call, string kind, Guid id, Func<Origin, object> command)
    {
        var origin = call.NewOrigin();
        await call.Ask(kind, id, command(origin));
        return Accepted(call, origin);
    }

    /// <param name="more">What the action has besides.</param>
    public static Answer Accepted(ApiCall call, Origin origin, Action<Element>? more = null)
    {
        var action = Shapes.Action.New()
            .With("status", call.Parameters.Async ? "in_progress" : "complete")
            .With("job", Shapes.Job.New(origin.Job.Value, Hrefs.Job(origin.Job.Value)));
        more?.Invoke(action);
        return new Answer.One(action) { Status = call.Parameters.Async ? 202 : 200 };
    }

    /// <summary>Nothing to be done, and that is true.</summary>
    public static Answer Complete() => Answer.Of(Shapes.Action.New().With("status", "complete"));
}
