using System.Collections.Immutable;

namespace Orchestrator.Actors.Journal;

public enum Outcome { Finished, Failed }

/// <summary>Rows of jobs: what a user follows after an action was accepted.</summary>
public static class Jobs
{
    public static JobView Begun(Job job, string kind, Guid entity) => new()
    {
        Id = job.Id,
        Description = job.Description,
        Status = "started",
        StartedAt = job.Origin.At,
        User = job.Origin.User,
        Correlation = job.Origin.Correlation,
        EntityKind = kind,
        EntityId = entity,
    };

    public static JobView Ended(Job job, string kind, Guid entity, Outcome outcome, DateTimeOffset at) =>
        Begun(job, kind, entity) with { Status = outcome == Outcome.Finished ? "finished" : "failed", EndedAt = at };

    /// <summary>Rows for a step from one present job to another: what ended and what began.</summary>
    public static ImmutableArray<JobView> Change(
        Job? before, Job? after, string kind, Guid entity, Outcome outcome, DateTimeOffset at)
    {
        if (before == after) return [];
        var rows = ImmutableArray.CreateBuilder<JobView>(2);
        if (before is not null && before.Id != after?.Id) rows.Add(Ended(before, kind, entity, outcome, at));
        if (after is not null && after.Id != before?.Id) rows.Add(Begun(after, kind, entity));
        return rows.ToImmutable();
    }

    /// <summary>A job whose whole work was the fact itself.</summary>
    public static JobView AtOnce(Origin origin, string description, string kind, Guid entity) =>
        Ended(new Job(origin.Job, description, origin), kind, entity, Outcome.Finished, origin.At);
}
