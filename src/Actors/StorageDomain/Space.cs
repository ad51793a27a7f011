namespace Orchestrator.Actors.StorageDomain;

public enum SpaceLevel { Enough, Low, Critical }

/// <summary>What the free space of a storage domain means. Pure.</summary>
public static class Space
{
    private const long Gigabyte = 1L << 30;

    public static SpaceLevel Level(StorageDomainConfig config, long available, long used) => (available + used) switch
    {
        0 => SpaceLevel.Enough,
        _ when available < config.CriticalSpaceGigabytes * Gigabyte => SpaceLevel.Critical,
        var all when available < all / 100.0 * config.WarningLowSpacePercent => SpaceLevel.Low,
        _ => SpaceLevel.Enough,
    };

    /// <summary>Whether the news are worth a line in the journal.</summary>
    public static bool IsNews(StorageDomainConfig config, (long Available, long Used) known, (long Available, long Used) seen) =>
        Level(config, known.Available, known.Used) != Level(config, seen.Available, seen.Used)
        || known.Available + known.Used != seen.Available + seen.Used
        || Math.Abs(known.Available - seen.Available) * 100 >= Math.Max(seen.Available + seen.Used, 100);
}
