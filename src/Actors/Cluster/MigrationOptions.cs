namespace Orchestrator.Actors.Cluster;

/// <summary>How guests are moved: oVirt's type MigrationOptions. A cluster has them for all its VMs, a VM for itself; what it
/// leaves open it inherits, a VM from its cluster and a cluster from oVirt's defaults.</summary>
public sealed record MigrationOptions
{
    /// <summary>Obeyed with the policy Legacy only: the others say it themselves. By default off.</summary>
    public Inheritable AutoConverge { get; init; }

    /// <summary>As <see cref="AutoConverge"/>.</summary>
    public Inheritable Compressed { get; init; }

    public Inheritable Encrypted { get; init; }

    /// <summary>One of <see cref="MigrationPolicy.All"/>; null: inherited, by default Minimal downtime.</summary>
    public Guid? Policy { get; init; }

    public ParallelMigrations Parallel { get; init; }

    /// <summary>Connections of <see cref="ParallelMigrations.Custom"/>, 2 to 255.</summary>
    public int CustomParallel { get; init; }

    /// <summary>Of a cluster only.</summary>
    public BandwidthMethod Bandwidth { get; init; }

    /// <summary>Mbit/s of <see cref="BandwidthMethod.Custom"/>, for all migrations of a host together; 1 or more.</summary>
    public int CustomBandwidth { get; init; }

    /// <returns>The name of the field that has no possible value, or null.</returns>
    public string? Wrong() =>
        Policy is { } id && MigrationPolicy.Find(id) is null ? "migration.policy.id"
        : Parallel == ParallelMigrations.Custom && CustomParallel is < 2 or > 255 ? "migration.custom_parallel_migrations"
        : Bandwidth == BandwidthMethod.Custom && CustomBandwidth < 1 ? "migration.bandwidth.custom_value"
        : null;
}

public enum Inheritable { Inherit, True, False }

public enum BandwidthMethod
{
    /// <summary>What the slower of the two hosts' links carries, shared by the migrations that a host may have at a time.</summary>
    Auto,

    /// <summary>What vdsm takes by itself: 52 MiB/s.</summary>
    HypervisorDefault,
    Custom,
}

/// <summary>How many connections a migration uses.</summary>
public enum ParallelMigrations
{
    /// <summary>By default <see cref="Disabled"/>.</summary>
    Inherit,

    /// <summary>One for each 10 Gbit/s and virtual CPU; none below two.</summary>
    Auto,

    /// <summary>As <see cref="Auto"/>, but two at least.</summary>
    AutoParallel,
    Disabled,
    Custom,
}
