using System.Collections.Immutable;

namespace Orchestrator.Actors.Cluster;

/// <summary>
/// What is done while a guest writes its memory faster than it is copied. The five of oVirt (its setting MigrationPolicies),
/// with its ids, numbers and order of steps.
/// </summary>
/// <param name="AtOnce">Migrations that a host may have at a time, in each direction.</param>
/// <param name="FirstDowntimeMs">How long the guest's last stop may take at first.</param>
/// <param name="Steps">One after the other, each when the memory had to be gone over again too often.</param>
public sealed record MigrationPolicy(
    Guid Id, string Name, int AtOnce, bool AutoConverge, bool Compressed, int FirstDowntimeMs, ImmutableArray<MigrationStep> Steps)
{
    /// <summary>Its memory goes to the network card without a copy, by parallel connections.</summary>
    public bool ZeroCopy { get; init; }

    /// <summary>In vdsm the longest stop of a legacy migration is 500 ms, and is come to in five steps.</summary>
    public const int LegacyDowntimeMs = 500;

    public static MigrationPolicy MinimalDowntime { get; } = new(
        new Guid("80554327-0569-496b-bdeb-fcbbf52b827b"), "Minimal downtime", 2, true, false, 100,
        [.. Raise((1, 150), (2, 200), (3, 300), (4, 400), (6, 500)), GiveUp]);

    public static MigrationPolicy PostCopy { get; } = new(
        new Guid("a7aeedb2-8d66-4e51-bb22-32595027ce71"), "Post-copy migration", 2, true, false, 100,
        [.. Raise((1, 150), (2, 200)), new MigrationStep(-1, MigrationAction.PostCopy), GiveUp]);

    public static MigrationPolicy SuspendIfNeeded { get; } = new(
        new Guid("80554327-0569-496b-bdeb-fcbbf52b827c"), "Suspend workload if needed", 1, true, true, 100,
        [.. Raise((1, 150), (2, 200), (3, 300), (4, 400), (6, 500), (-1, 5000)), GiveUp]);

    public static MigrationPolicy VeryLarge { get; } = new(
        new Guid("57237b82-b8c2-425f-b425-114b35219626"), "Very large VMs", 1, true, false, 300,
        [.. Raise((1, 400), (2, 500), (3, 700), (4, 1000), (6, 1500), (-1, 5000)), GiveUp])
    {
        ZeroCopy = true,
    };

    public static MigrationPolicy Legacy { get; } = LegacyOf(LegacyDowntimeMs);

    public static ImmutableArray<MigrationPolicy> All { get; } = [MinimalDowntime, PostCopy, SuspendIfNeeded, VeryLarge, Legacy];

    private static MigrationStep GiveUp => new(-1, MigrationAction.Abort);

    public static MigrationPolicy? Find(Guid id) => All.FirstOrDefault(p => p.Id == id);

    /// <summary>The VM's own choice, else its cluster's, else oVirt's default. A longest stop of the VM is obeyed by the policy
    /// Legacy only, as in oVirt.</summary>
    /// <param name="downtimeMs">Milliseconds, or null.</param>
    public static MigrationPolicy Of(MigrationOptions cluster, MigrationOptions vm, int? downtimeMs) =>
        Find(vm.Policy ?? cluster.Policy ?? MinimalDowntime.Id) switch
        {
            null => MinimalDowntime,
            var policy when policy.Id == Legacy.Id && downtimeMs is { } longest => LegacyOf(longest),
            var policy => policy,
        };

    /// <summary>vdsm's exponential_downtime: a fifth of the longest first, then ever longer steps up to all of it.</summary>
    private static MigrationPolicy LegacyOf(int longestMs)
    {
        var first = longestMs / 5.0;
        var factor = Math.Pow(longestMs - first, 1 / 4.0);
        int Step(int i) => (int)Math.Round(first + Math.Pow(factor, i));
        return new(
            Guid.Empty, "Legacy", 2, false, false, Math.Max(1, Step(0)),
            [.. Raise((1, Step(1)), (2, Step(2)), (3, Step(3)), (4, longestMs)), GiveUp]);
    }

    private static IEnumerable<MigrationStep> Raise(params IEnumerable<(int After, int DowntimeMs)> steps) =>
        steps.Select(s => new MigrationStep(s.After, MigrationAction.SetDowntime, s.DowntimeMs));
}

/// <param name="After">Done when the memory was gone over again more often than this; -1: at the next time.</param>
/// <param name="DowntimeMs">Of <see cref="MigrationAction.SetDowntime"/>, milliseconds.</param>
public sealed record MigrationStep(int After, MigrationAction Action, int DowntimeMs = 0);

public enum MigrationAction
{
    /// <summary>The guest's last stop may take longer.</summary>
    SetDowntime,

    /// <summary>It runs at the destination at once, and what it lacks is fetched. If that breaks it is lost.</summary>
    PostCopy,

    /// <summary>It stays where it is.</summary>
    Abort,
}
