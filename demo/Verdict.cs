namespace Orchestrator.Demo;

/// <summary>The promises and whether this run kept them.</summary>
public sealed class Verdict
{
    private readonly List<(string What, string Value, bool? Kept)> _lines = [];

    /// <summary>Something was looked at, and no promise was seen broken.</summary>
    public bool Kept => _lines.Exists(line => line.Kept is true) && !_lines.Exists(line => line.Kept is false);

    /// <param name="kept">Null: the machine is too unsteady to tell.</param>
    public void Add(string what, string value, bool? kept) => _lines.Add((what, value, kept));

    public void Print()
    {
        Narrator.Chapter("Verdict");
        foreach (var (what, value, kept) in _lines)
            Console.WriteLine($"  {Word(kept)}  {what,-62} {value}");
    }

    private static string Word(bool? kept) => kept switch
    {
        true => "kept   ",
        false => "BROKEN ",
        null => "unclear",
    };
}
