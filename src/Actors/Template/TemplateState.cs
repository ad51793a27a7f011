using System.Collections.Immutable;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Actors.Template;

/// <summary>What a template is: a definition, usable once all its disks are copied.</summary>
public abstract record TemplateState(TemplateCore Core)
{
    public sealed record Absent(TemplateCore Core) : TemplateState(Core);

    public sealed record Copying(TemplateCore Core, ImmutableArray<DiskId> Left) : TemplateState(Core);

    public sealed record Ok(TemplateCore Core) : TemplateState(Core);

    public sealed record Illegal(TemplateCore Core, string Reason) : TemplateState(Core);

    public sealed record Gone(TemplateCore Core) : TemplateState(Core);
}

public sealed record TemplateCore(TemplateId Id)
{
    public VmConfig? Config { get; init; }

    public Job? Job { get; init; }

    public RecentJobs Recent { get; init; } = RecentJobs.None;

    public DateTimeOffset CreatedAt { get; init; }
}
