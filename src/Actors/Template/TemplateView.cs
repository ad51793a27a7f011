using System.Collections.Immutable;

using Orchestrator.Actors.Vm;

namespace Orchestrator.Actors.Template;

/// <summary>A template as lists, searches and clients see it.</summary>
public sealed record TemplateView
{
    public required TemplateId Id { get; init; }

    public required VmConfig Config { get; init; }

    /// <summary>locked, ok or illegal.</summary>
    public required string Status { get; init; }

    public string StatusDetail { get; init; } = "";

    /// <summary>Null: it is a base template.</summary>
    public TemplateVersion? Version { get; init; }

    /// <summary>Of a base template: all other versions of it.</summary>
    public ImmutableArray<KnownVersion> Versions { get; init; } = [];

    public DateTimeOffset CreatedAt { get; init; }

    public JobId? Job { get; init; }
}
