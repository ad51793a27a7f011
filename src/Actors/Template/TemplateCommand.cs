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
    public sealed record Create(Origin Origin, VmConfig Config, ImmutableArray<DiskId> Copies) : TemplateCommand;

    public sealed record Update(Origin Origin, TemplatePatch Patch) : TemplateCommand;

    public sealed record Remove(Origin Origin) : TemplateCommand;

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
