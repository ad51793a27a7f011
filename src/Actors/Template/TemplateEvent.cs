using System.Collections.Immutable;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Actors.Template;

/// <summary>What happened to a template: the journal's vocabulary.</summary>
public abstract record TemplateEvent
{
    private TemplateEvent()
    {
    }

    public sealed record Created(Origin Origin, VmConfig Config, ImmutableArray<DiskId> Copies) : TemplateEvent;

    public sealed record Redefined(Origin Origin, VmConfig Config) : TemplateEvent;

    public sealed record DiskCopied(DiskId Disk, DateTimeOffset At) : TemplateEvent;

    public sealed record CopyFailed(DiskId Disk, string Reason, DateTimeOffset At) : TemplateEvent;

    public sealed record Removed(Origin Origin) : TemplateEvent;
}
