using System.Collections.Immutable;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Actors.Template;

/// <summary>What a template is: a definition, usable once all its disks are copied.</summary>
public abstract record TemplateState(TemplateCore Core)
{
    public sealed record Absent(TemplateCore Core) : TemplateState(Core);

    public sealed record Copying(TemplateCore Core, ImmutableArray<DiskId> Left) : TemplateState(Core);

    /// <summary>Its disks are copied; what belongs to one machine alone is being taken off them.</summary>
    public sealed record Sealing(TemplateCore Core, HostId Host) : TemplateState(Core)
    {
        /// <summary>How often it was begun anew because nobody knew what became of it.</summary>
        public int Lost { get; init; }
    }

    public sealed record Ok(TemplateCore Core) : TemplateState(Core);

    public sealed record Illegal(TemplateCore Core, string Reason) : TemplateState(Core);

    public sealed record Gone(TemplateCore Core) : TemplateState(Core);
}

public sealed record TemplateCore(TemplateId Id)
{
    public VmConfig? Config { get; init; }

    /// <summary>Seals its disks when they are copied; null: nobody does.</summary>
    public HostId? Sealer { get; init; }

    /// <summary>Null: it is a base template.</summary>
    public TemplateVersion? Version { get; init; }

    /// <summary>Of a base template: all other versions of it.</summary>
    public ImmutableArray<KnownVersion> Versions { get; init; } = [];

    /// <summary>Of a base template: the highest number that was ever given; below 2: none.</summary>
    public int LastVersion { get; init; }

    /// <summary>Of a removed version: its base template knows.</summary>
    public bool HasLeft { get; init; }

    public Job? Job { get; init; }

    public RecentJobs Recent { get; init; } = RecentJobs.None;

    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Which version of which template.</summary>
public sealed record TemplateVersion(TemplateId Base, int Number, string Name);

/// <param name="At">When its number was given.</param>
public sealed record KnownVersion(TemplateId Template, int Number, string Name, DateTimeOffset At);
