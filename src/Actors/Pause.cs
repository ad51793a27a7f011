namespace Orchestrator.Actors;

/// <summary>How long to wait before what failed is tried again.</summary>
internal static class Pause
{
    /// <summary>No pause that doubles grows longer than this.</summary>
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(30);

    /// <summary><paramref name="first"/> after the first failure, twice as long after each further one, at most 30 s.</summary>
    /// <param name="failures">In a row; 0: no pause.</param>
    public static TimeSpan After(int failures, TimeSpan first)
    {
        if (failures <= 0) return TimeSpan.Zero;
        var pause = first * (1L << Math.Min(failures - 1, 16));
        return pause < _longest ? pause : _longest;
    }
}
