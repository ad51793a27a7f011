using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Search;

namespace Orchestrator.Api.Resources;

/// <summary>Jobs of the engine, which carry out commands, and jobs of clients, which the engine only keeps.</summary>
internal static class Jobs
{
    private const int LongestText = 4_000;
    private const int MostSteps = 500;

    public static void Map(Router router) => router
        .Get("jobs", List)
        .Post("jobs", Add)
        .Get("jobs/{id}", async call => Answer.Of(Show(await Read(call))))
        .Post("jobs/{id}/clear", async call =>
        {
            await call.ReadBody(Shapes.Action);
            return await Change(call, job => job with { AutoCleared = true });
        })
        .Post("jobs/{id}/end", End)
        .Get("jobs/{id}/steps", async call => Answer.Of(Shapes.Step, await Steps(call)))
        .Post("jobs/{id}/steps", AddStep)
        .Get("jobs/{id}/steps/{id}", async call => (await Steps(call)).FirstOrDefault(step => step.Id == call.Ids[1]) is { } step
            ? Answer.Of(step)
            : throw FaultException.Unknown("step", call.Ids[1]))
        .Post("jobs/{id}/steps/{id}/end", EndStep);

    private static async Task<IReadOnlyList<Element>> Steps(ApiCall call)
    {
        var job = await Read(call);
        if (job.External) return [.. job.Steps.Select((step, at) => Show(job, step, at))];
        if (job is not { EntityKind: Kinds.Vm, Status: "started" } || await call.Find(Kinds.Vm, job.EntityId) is not { } document) return [];
        // A migration has one step, which says how far it is; other jobs of this engine are not divided into steps.
        var vm = WireJson.Read<VmView>(document.Json);
        if (vm.Job != job.Id || await Migrations.Progress(call, vm) is not { } progress) return [];
        // One step of one job: the job's id names it.
        return [Show(job, new StepView(job.Id.Value, job.Description, "executing", "started", job.StartedAt, null), 0).With("progress", progress.Percent)];
    }

    private static async Task<JobView> Read(ApiCall call)
    {
        var job = await call.Get<JobView>(Kinds.Job, call.Id());
        return !call.Access.Filtered || job.User == call.User.Name ? job : throw FaultException.Unknown(Kinds.Job, call.Ids[0]);
    }

    private static async Task<Answer> List(ApiCall call)
    {
        var query = Searching.Query(call, Kinds.Job) with { Descending = true };
        if (!call.Access.Filtered) return Answer.Of(Shapes.Job, [.. (await call.List<JobView>(query)).Select(Show)]);
        // Jobs that he began: what a job of somebody else says of an object is not for him.
        var own = (await call.List<JobView>(query with { Max = null, Offset = 0 })).Where(job => job.User == call.User.Name);
        return Answer.Of(Shapes.Job, [.. own.Skip(query.Offset).Take(query.Max ?? int.MaxValue).Select(Show)]);
    }

    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Job);
        var now = call.World.Clock.GetUtcNow();
        var id = Names.NewId(body);
        var job = new JobView
        {
            Id = new JobId(id),
            Description = Text(body, "Job"),
            Status = "started",
            StartedAt = now,
            LastUpdated = now,
            User = call.User.Name,
            Correlation = call.Parameters.Correlation,
            EntityKind = Kinds.User,
            EntityId = call.User.Id,
            External = true,
            AutoCleared = body.Flag("auto_cleared") ?? true,
        };
        if (await call.World.Read.Get(Kinds.Job, id, call.Cancel) is not null) throw FaultException.Conflict($"There is a job with the id {id} already");
        await call.World.Records.AddJob(job, call.Cancel);
        return Answer.Created(Show(job));
    }

    private static async Task<Answer> AddStep(ApiCall call)
    {
        await Read(call);
        var body = await call.ReadBody(Shapes.Step);
        var description = Text(body, "Step");
        var type = body.Text("type") ?? throw FaultException.Missing("Step", "type", "add");
        var step = new StepView(Names.NewId(body), description, type, "started", call.World.Clock.GetUtcNow(), null);
        var at = 0;
        var job = await Changed(call, job =>
        {
            if (job.EndedAt is not null) throw FaultException.Conflict($"The job {job.Id} has ended; add a job of its own");
            if (job.Steps.Length >= MostSteps) throw FaultException.Conflict($"The job {job.Id} has {MostSteps} steps, which are the most");
            at = job.Steps.Length;
            return job with { Steps = job.Steps.Add(step) };
        });
        return Answer.Created(Show(job, step, at));
    }

    /// <summary>Ends the job, and with force its steps too that still go on.</summary>
    private static async Task<Answer> End(ApiCall call)
    {
        var (status, force) = await Ending(call);
        return await Change(call, job =>
        {
            if (job.EndedAt is not null) return job;
            if (!force && job.Steps.Any(step => step.EndedAt is null))
                throw FaultException.Conflict($"Steps of the job {job.Id} have not ended; end them, or end it with force");
            var now = call.World.Clock.GetUtcNow();
            return job with
            {
                Status = status,
                EndedAt = now,
                Steps = [.. job.Steps.Select(step => step.EndedAt is null ? step with { Status = status, EndedAt = now } : step)],
            };
        });
    }

    private static async Task<Answer> EndStep(ApiCall call)
    {
        if ((await Steps(call)).All(step => step.Id != call.Ids[1])) throw FaultException.Unknown("step", call.Ids[1]);
        var (status, _) = await Ending(call);
        return await Change(call, job =>
        {
            var step = job.Steps.FirstOrDefault(step => step.Id == call.Id(1)) ?? throw FaultException.Unknown("step", call.Ids[1]);
            return step.EndedAt is not null ? job : job with
            {
                Steps = job.Steps.Replace(step, step with { Status = status, EndedAt = call.World.Clock.GetUtcNow() }),
            };
        });
    }

    private static async Task<(string Status, bool Force)> Ending(ApiCall call)
    {
        var action = await call.ReadBody(Shapes.Action);
        var succeeded = action.Flag("succeeded") ?? call.Parameters.Flag("succeeded") ?? true;
        return (succeeded ? "finished" : "failed", action.Flag("force") ?? call.Parameters.Flag("force") ?? false);
    }

    private static async Task<Answer> Change(ApiCall call, Func<JobView, JobView> change)
    {
        await Changed(call, change);
        return Acts.Complete();
    }

    /// <summary>Changes a job of a client's as it is now, once more if another client was first.</summary>
    private static async Task<JobView> Changed(ApiCall call, Func<JobView, JobView> change)
    {
        while (true)
        {
            var document = await call.World.Read.Get(Kinds.Job, call.Id(), call.Cancel) ?? throw FaultException.Unknown(Kinds.Job, call.Ids[0]);
            var job = WireJson.Read<JobView>(document.Json);
            if (!job.External)
                throw FaultException.Conflict($"The job {job.Id} is the engine's own; only jobs that clients have added are theirs to change");
            var next = change(job);
            if (next == job) return job;
            next = next with { LastUpdated = call.World.Clock.GetUtcNow() };
            if (await call.World.Records.ReplaceJob(next, document.Version, call.Cancel)) return next;
        }
    }

    private static string Text(Element body, string type)
    {
        if (body.Text("description") is not { } text || string.IsNullOrWhiteSpace(text)) throw FaultException.Missing(type, "description", "add");
        return text.Length <= LongestText && !text.Contains('\0', StringComparison.Ordinal)
            ? text
            : throw FaultException.Bad($"{type}.description has at most {LongestText} characters, and no control characters");
    }

    private static Element Show(JobView job, StepView step, int at) =>
        Shapes.Step.New(step.Id, $"{Hrefs.Job(job.Id.Value)}/steps/{step.Id}")
            .With("description", step.Description)
            .With("external", job.External)
            .With("number", at)
            .With("start_time", step.StartedAt)
            .With("end_time", step.EndedAt)
            .With("status", step.Status)
            .With("type", step.Type)
            .With("job", Shapes.Job.New(job.Id.Value, Hrefs.Job(job.Id.Value)));

    private static Element Show(JobView view)
    {
        var href = Hrefs.Job(view.Id.Value);
        var shown = Shapes.Job.New(view.Id.Value, href)
            .With("description", view.Description)
            .With("auto_cleared", view.AutoCleared)
            .With("external", view.External)
            .With("start_time", view.StartedAt)
            .With("end_time", view.EndedAt)
            .With("last_updated", view.LastUpdated ?? view.EndedAt ?? view.StartedAt)
            .With("status", view.Status)
            .With("correlation_id", view.Correlation)
            .With("owner", Shapes.User.New().With("name", view.User))
            .WithLink("steps", $"{href}/steps");
        if (view.External) shown.WithAction("clear", $"{href}/clear").WithAction("end", $"{href}/end");
        return shown;
    }
}
