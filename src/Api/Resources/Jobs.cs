using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Search;

namespace Orchestrator.Api.Resources;

internal static class Jobs
{
    public static void Map(Router router) => router
        .Get("jobs", List)
        .Get("jobs/{id}", async call => Answer.Of(Show(await Read(call))))
        .Get("jobs/{id}/steps", Steps);

    /// <summary>A migration has one step, which says how far it is; other jobs of this engine are not divided into steps.</summary>
    private static async Task<Answer> Steps(ApiCall call)
    {
        var job = await Read(call);
        if (job is not { EntityKind: Kinds.Vm, Status: "started" } || await call.Find(Kinds.Vm, job.EntityId) is not { } document)
            return Answer.Of(Shapes.Step, []);
        var vm = WireJson.Read<VmView>(document.Json);
        if (vm.Job != job.Id || await Migrations.Progress(call, vm) is not { } progress) return Answer.Of(Shapes.Step, []);
        // One step of one job: the job's id names it.
        return Answer.Of(Shapes.Step, [Shapes.Step.New(job.Id.Value, $"{Hrefs.Job(job.Id.Value)}/steps/{job.Id}")
            .With("description", job.Description)
            .With("number", 0)
            .With("progress", progress.Percent)
            .With("start_time", job.StartedAt)
            .With("status", "started")
            .With("type", "executing")
            .With("job", Shapes.Job.New(job.Id.Value, Hrefs.Job(job.Id.Value)))]);
    }

    private static async Task<JobView> Read(ApiCall call)
    {
        var job = await call.Get<JobView>(Kinds.Job, call.Id());
        return !call.Access.Filtered || job.User == call.User.Name ? job : throw FaultException.Unknown(Kinds.Job, call.Ids[0]);
    }

    private static async Task<Answer> List(ApiCall call)
    {
        var (equal, max) = (new Dictionary<string, string>(), call.Parameters.Max);
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
            new ReadQuery(Kinds.Job, equal, Max: call.Access.Filtered ? null : max, Descending: true));
        // Jobs that he began: what a job of somebody else says of an object is not for him.
        var shown = call.Access.Filtered ? views.Where(job => job.User == call.User.Name) : views;
        return Answer.Of(Shapes.Job, [.. shown.OrderByDescending(job => job.StartedAt).Take(max ?? int.MaxValue).Select(Show)]);
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
