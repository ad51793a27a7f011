namespace Orchestrator.Demo;

/// <summary>
/// How many times larger the median of one sample is than that of another, with the range in which it lies at 99 %
/// (bootstrap: both samples are drawn anew, with replacement, from themselves). Single downtimes differ by a factor of
/// three on a busy machine, so a ratio without its range says little. The range is wide because it is looked at after every
/// round and the first clear answer ends the race: every look is one more occasion to err.
/// </summary>
public sealed record MedianRatio(double Low, double Estimate, double High)
{
    /// <summary>Percent of the draws that the range holds.</summary>
    public const int Confidence = 99;

    private const int Draws = 2000, Outside = Draws * (100 - Confidence) / 200;

    public static MedianRatio Of(IReadOnlyList<double> one, IReadOnlyList<double> other)
    {
        var random = new Random(1);
        var ratios = new double[Draws];
        for (var draw = 0; draw < Draws; draw++)
            ratios[draw] = Median(Anew(one, random)) / Median(Anew(other, random));
        Array.Sort(ratios);
        return new MedianRatio(ratios[Outside], Median([.. one]) / Median([.. other]), ratios[Draws - 1 - Outside]);
    }

    public static double Median(double[] values)
    {
        if (values.Length == 0) throw new DemoException("There is nothing to compare.");
        Array.Sort(values);
        return (values[(values.Length - 1) / 2] + values[values.Length / 2]) / 2;
    }

    private static double[] Anew(IReadOnlyList<double> sample, Random random)
    {
        var drawn = new double[sample.Count];
        for (var at = 0; at < drawn.Length; at++) drawn[at] = sample[random.Next(sample.Count)];
        return drawn;
    }
}
