using System.Collections.Immutable;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Actors.Template;

/// <summary>What may be asked of a template, and what may be reported to it.</summary>
public abstract record TemplateCommand : Traced
{
    private TemplateCommand()
    {
    }

    /// <param name="Config">The definition that VMs made from it start with; its disks are the template's own.</param>
    /// <param name="Copies">Disks to wait for: the template is locked until all are copied.</param>
    public sealed record Create(Origin Origin, VmConfig Config, ImmutableArray<DiskId> Copies) : TemplateCommand
    {
        /// <summary>Null: it is a base template, and its own first version.</summary>
        public TemplateVersion? Version { get; init; }

        /// <summary>What belongs to one machine alone is taken off its disks when they are copied: a host that reaches them; null: it
        /// is not.</summary>
        public HostId? Sealer { get; init; }
    }

    public sealed record Update(Origin Origin, TemplatePatch Patch) : TemplateCommand;

    public sealed record Remove(Origin Origin) : TemplateCommand;

    /// <summary>Another version of it is about to be made; which number it has is in the answer.</summary>
    public sealed record AddVersion(Origin Origin, TemplateId Version, string Name) : TemplateCommand;

    /// <param name="IsGone">It is no more, or certainly was not made; else nobody knows of it.</param>
    public sealed record DropVersion(TemplateId Version, bool IsGone, DateTimeOffset At) : TemplateCommand;

    /// <summary>The base template knows that this version is no more.</summary>
    public sealed record ReportBaseLeft(DateTimeOffset At) : TemplateCommand;

    public sealed record ReportSealed(Guid Work, bool Ok, string Message, DateTimeOffset At) : TemplateCommand
    {
        /// <summary>What became of it is not known.</summary>
        public bool Lost { get; init; }
    }

    public sealed record ReportDisk(DiskId Disk, bool Ok, string Message, DateTimeOffset At) : TemplateCommand;
}

public sealed record TemplatePatch
{
    public string? Name { get; init; }

    public string? Description { get; init; }

    public string? Comment { get; init; }

    public VmConfig Apply(VmConfig config) => config with
    {
        Name = Name ?? config.Name,
        Description = Description ?? config.Description,
        Comment = Comment ?? config.Comment,
    };
}
