using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Search;

namespace Orchestrator.Api.Resources;

internal static class Jobs
{
    public static void Map(Router router) => router
        .Get("jobs", List)
        .Get("jobs/{id}", async call => Answer.Of(Show(await call.Get<JobView>(Kinds.Job, call.Id()))))
        .Get("jobs/{id}/steps", async call =>
        {
            // Jobs of this engine are not divided into steps.
            await call.Get<JobView>(Kinds.Job, call.Id());
            return Answer.Of(Shapes.Step, []);
        });

    private static async Task<Answer> List(ApiCall call)
    {
        var equal = new Dictionary<string, string>();
        if (call.Parameters.Text("search") is { Length: > 0 } text)
        {
            foreach (var condition in SearchQuery.Parse(text).Conditions)
                equal[condition.Field switch
                {
                    "correlation_id" => "correlation",
                    "status" => "status",
                    _ => throw SearchQuery.Refused(text, "jobs can be searched by correlation_id and status only"),
                }] = condition.Value;
        }

        var views = await call.List<JobView>(
            new ReadQuery(Kinds.Job, equal, Max: call.Parameters.Max, Descending: true));
        return Answer.Of(Shapes.Job, [.. views.OrderByDescending(job => job.StartedAt).Select(Show)]);
    }

    private static Element Show(JobView view)
    {
        var href = Hrefs.Job(view.Id.Value);
        return Shapes.Job.New(view.Id.Value, href)
            .With("description", view.Description)
            .With("auto_cleared", true)
            .With("external", false)
            .With("start_time", view.StartedAt)
            .With("end_time", view.EndedAt)
            .With("last_updated", view.EndedAt ?? view.StartedAt)
            .With("status", view.Status)
            .With("correlation_id", view.Correlation)
            .With("owner", Shapes.User.New().With("name", view.User))
            .WithLink("steps", $"{href}/steps");
    }
}
