using System.Collections.Immutable;

#pragma warning disable format // tables stand in columns
namespace Orchestrator.Actors.Cluster;

/// <summary>
/// How one migration is done: what the options of cluster and VM, its policy and the two hosts come to. Decided together with
/// the destination, and journaled with it, so that the order is the same however often it is said.
/// </summary>
public sealed record MigrationTerms
{
    /// <summary>vdsm's migration_max_bandwidth, MiB/s.</summary>
    public const int HypervisorBandwidthMiB = 52;

    public required Guid Policy { get; init; }

    public bool AutoConverge { get; init; }

    public bool Compressed { get; init; }

    public bool Encrypted { get; init; }

    public bool ZeroCopy { get; init; }

    /// <summary>Parallel connections, 2 to 255; 0: one for all.</summary>
    public int Connections { get; init; }

    /// <summary>MiB/s; 0: as fast as it goes.</summary>
    public int BandwidthMiB { get; init; }

    /// <summary>Milliseconds.</summary>
    public int FirstDowntimeMs { get; init; }

    public ImmutableArray<MigrationStep> Steps { get; init; } = [];

    /// <summary>The destination's address that the memory is sent to; empty: the one by which it is known.</summary>
    public string Address { get; init; } = "";

    /// <summary>The network of <see cref="Address"/>, in which the source must have one, too.</summary>
    public string Network { get; init; } = "";

    /// <summary>Migrations that a host may have at a time, in each direction: what oVirt gives vdsm as the limits of both
    /// ends. Parallel connections are meant to fill the link alone.</summary>
    public static int AtOnce(MigrationOptions cluster, Move move, int vCpus) =>
        Connected(cluster, move, vCpus, 0) > 0 ? 1 : MigrationPolicy.Of(cluster, move.Options, move.DowntimeMs).AtOnce;

    /// <param name="vCpus">The guest's.</param>
    /// <param name="linkMbps">Of the slower of the two hosts, Mbit/s; 0: not known.</param>
    public static MigrationTerms Of(MigrationOptions cluster, Move move, int vCpus, int linkMbps)
    {
        var vm = move.Options;
        var policy = MigrationPolicy.Of(cluster, vm, move.DowntimeMs);
        var legacy = policy.Id == MigrationPolicy.Legacy.Id;
        var encrypted = Either(vm.Encrypted, cluster.Encrypted);
        var connections = Connected(cluster, move, vCpus, linkMbps);
        return new MigrationTerms
        {
            Policy = policy.Id,
            AutoConverge = legacy ? Either(vm.AutoConverge, cluster.AutoConverge) : policy.AutoConverge,
            Compressed = connections == 0 && (legacy ? Either(vm.Compressed, cluster.Compressed) : policy.Compressed),
            Encrypted = encrypted,
            ZeroCopy = policy.ZeroCopy && !encrypted,
            Connections = connections,
            BandwidthMiB = Bandwidth(cluster, linkMbps, AtOnce(cluster, move, vCpus)),
            FirstDowntimeMs = policy.FirstDowntimeMs,
            // QEMU cannot switch to post-copy with parallel connections.
            Steps = connections == 0 ? policy.Steps : policy.Steps.RemoveAll(s => s.Action == MigrationAction.PostCopy),
        };
    }

    private static int Bandwidth(MigrationOptions cluster, int linkMbps, int atOnce) => cluster.Bandwidth switch
    {
        BandwidthMethod.Auto              => linkMbps == 0 ? 0 : Math.Max(1, linkMbps / 8 / atOnce),
        BandwidthMethod.HypervisorDefault => HypervisorBandwidthMiB,
        _                                 => Math.Max(1, cluster.CustomBandwidth / 8 / atOnce),
    };

    private static int Connected(MigrationOptions cluster, Move move, int vCpus, int linkMbps)
    {
        var own = move.Options.Parallel != ParallelMigrations.Inherit;
        var (how, custom) = own ? (move.Options.Parallel, move.Options.CustomParallel) : (cluster.Parallel, cluster.CustomParallel);
        var auto = Math.Min(linkMbps / 10_000, vCpus);
        var connections = how switch
        {
            ParallelMigrations.Auto         => auto >= 2 ? auto : 0,
            ParallelMigrations.AutoParallel => Math.Max(2, auto),
            ParallelMigrations.Custom       => Math.Min(custom, Math.Max(2, vCpus)),
            _                               => 0,
        };
        // Memory can be sent without a copy by parallel connections only.
        var zeroCopy = MigrationPolicy.Of(cluster, move.Options, move.DowntimeMs).ZeroCopy
            && !Either(move.Options.Encrypted, cluster.Encrypted);
        return Math.Min(255, connections == 0 && zeroCopy ? Math.Max(2, auto) : connections);
    }

    private static bool Either(Inheritable vm, Inheritable cluster) =>
        (vm == Inheritable.Inherit ? cluster : vm) == Inheritable.True;
}
