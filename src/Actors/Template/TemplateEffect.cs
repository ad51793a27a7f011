namespace Orchestrator.Actors.Template;

/// <summary>What a template asks of the world.</summary>
public abstract record TemplateEffect
{
    private TemplateEffect()
    {
    }

    /// <summary>Have a host take off its disks what belongs to one machine alone.</summary>
    public sealed record SealDisks(HostId Host, Guid Work) : TemplateEffect;

    /// <summary>Tell the base template that this version is no more.</summary>
    public sealed record LeaveBase(TemplateId Base) : TemplateEffect;

    /// <summary>Ask the disk whether its copy is made.</summary>
    public sealed record AwaitDisk(DiskId Disk) : TemplateEffect;
}
