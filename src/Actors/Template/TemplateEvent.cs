using System.Collections.Immutable;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Actors.Template;

/// <summary>What happened to a template: the journal's vocabulary.</summary>
public abstract record TemplateEvent
{
    private TemplateEvent()
    {
    }

    public sealed record Created(Origin Origin, VmConfig Config, ImmutableArray<DiskId> Copies) : TemplateEvent
    {
        public TemplateVersion? Version { get; init; }
    }

    public sealed record Redefined(Origin Origin, VmConfig Config) : TemplateEvent;

    public sealed record DiskCopied(DiskId Disk, DateTimeOffset At) : TemplateEvent;

    public sealed record CopyFailed(DiskId Disk, string Reason, DateTimeOffset At) : TemplateEvent;

    /// <param name="Number">Given to no other version.</param>
    public sealed record VersionAdded(Origin Origin, TemplateId Version, int Number, string Name) : TemplateEvent;

    public sealed record VersionDropped(TemplateId Version, DateTimeOffset At) : TemplateEvent;

    /// <summary>The base template knows that this version is no more.</summary>
    public sealed record BaseLeft(DateTimeOffset At) : TemplateEvent;

    public sealed record Removed(Origin Origin) : TemplateEvent;
}
