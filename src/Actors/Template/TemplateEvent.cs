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

        public HostId? Sealer { get; init; }
    }

    public sealed record Redefined(Origin Origin, VmConfig Config) : TemplateEvent;

    public sealed record DiskCopied(DiskId Disk, DateTimeOffset At) : TemplateEvent;

    public sealed record CopyFailed(DiskId Disk, string Reason, DateTimeOffset At) : TemplateEvent;

    /// <summary>Nothing on its disks belongs to one machine alone any more.</summary>
    public sealed record DisksSealed(DateTimeOffset At) : TemplateEvent;

    /// <summary>What became of it is not known: it is done again.</summary>
    public sealed record SealRepeated(DateTimeOffset At) : TemplateEvent;

    public sealed record SealFailed(string Reason, DateTimeOffset At) : TemplateEvent;

    /// <param name="Number">Given to no other version.</param>
    public sealed record VersionAdded(Origin Origin, TemplateId Version, int Number, string Name) : TemplateEvent;

    public sealed record VersionDropped(TemplateId Version, DateTimeOffset At) : TemplateEvent;

    /// <summary>The base template knows that this version is no more.</summary>
    public sealed record BaseLeft(DateTimeOffset At) : TemplateEvent;

    public sealed record Removed(Origin Origin) : TemplateEvent;
}
