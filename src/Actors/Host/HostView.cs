using System.Collections.Immutable;

namespace Orchestrator.Actors.Host;

/// <summary>A host as lists, searches and clients see it.</summary>
public sealed record HostView
{
    public required HostId Id { get; init; }

    public required HostConfig Config { get; init; }

    /// <summary>oVirt's status, lower case: initializing, up, non_operational, connecting, non_responsive, down, reboot, maintenance …</summary>
    public required string Status { get; init; }

    public string StatusDetail { get; init; } = "";

    /// <summary>Domains of its data center that it cannot read.</summary>
    public ImmutableArray<LostDomain> Lost { get; init; } = [];

    /// <summary>Which life of the host: rises with each proof that all its guests are dead.</summary>
    public long Incarnation { get; init; }

    /// <summary>The last restoration of the database since which it has told which guests it has, or was proved dead.</summary>
    public long? AccountedFor { get; init; }

    public AgentFacts? Facts { get; init; }

    /// <summary>When its certificate ends; null: not known.</summary>
    public DateTimeOffset? CertificateUntil { get; init; }

    /// <summary>What its power device said last when a user asked.</summary>
    public PowerAnswer? Power { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public ImmutableArray<string> Owes { get; init; } = [];
}
