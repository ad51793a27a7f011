namespace Orchestrator.Bench.Engine;

/// <summary>What was measured, each beside its limit and, where there is one, beside its bar.</summary>
internal sealed class Report
{
    private readonly List<string> _missed = [];

    public static void Line(string text) => Console.WriteLine(text);

    /// <summary>A figure beside the limit of the same run.</summary>
    public void Rate(string what, double ours, string limitName, double limit, double? bar = null)
    {
        var ratio = ours / limit;
        Console.WriteLine($"{what}: {ours:#,0}/s; limit, {limitName}: {limit:#,0}/s; ratio {ratio:0.00}{Verdict(what, bar, ratio >= bar)}");
    }

    public void Bar(string what, string bar, bool kept) => Console.WriteLine($"  bar: {bar}: {(kept ? "kept" : Missed(what))}");

    /// <summary>1 when a bar was missed.</summary>
    public int Close()
    {
        Console.WriteLine(_missed.Count == 0 ? "All bars are kept." : $"Bars missed: {string.Join(", ", _missed)}.");
        return _missed.Count == 0 ? 0 : 1;
    }

    private string Verdict(string what, double? bar, bool kept) =>
        bar is null ? "" : $"; bar {bar:0.00}: {(kept ? "kept" : Missed(what))}";

    private string Missed(string what)
    {
        _missed.Add(what);
        return "MISSED";
    }
}
