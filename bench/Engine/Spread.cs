using System.Globalization;

namespace Orchestrator.Bench.Engine;

/// <summary>Durations and what may be said of them.</summary>
internal sealed class Spread
{
    private readonly double[] _sorted;

    public Spread(IEnumerable<TimeSpan> times)
    {
        _sorted = [.. times.Select(t => t.TotalMilliseconds)];
        Array.Sort(_sorted);
    }

    public int Count => _sorted.Length;

    public double Median => At(0.5);

    public double Worst => _sorted.Length == 0 ? double.NaN : _sorted[^1];

    /// <summary>Milliseconds that this share of all stayed under.</summary>
    public double At(double share) => _sorted.Length == 0
        ? double.NaN
        : _sorted[Math.Min(_sorted.Length - 1, (int)(share * _sorted.Length))];

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Median:0.###} {At(0.99):0.###} {At(0.999):0.###} {Worst:0.###}");

    /// <summary>Reads what <see cref="ToString"/> wrote: median, 99 %, 99.9 % and worst, in milliseconds.</summary>
    public static double[] Read(ReadOnlySpan<string> words) =>
        [.. words.ToArray().Select(w => double.Parse(w, CultureInfo.InvariantCulture))];
}
