namespace Orchestrator.Demo;

/// <summary>The promises and whether this run kept them.</summary>
public sealed class Verdict
{
    private readonly List<(string What, string Value, bool Kept)> _lines = [];

    public bool Kept => _lines.Count > 0 && _lines.TrueForAll(line => line.Kept);

    public void Add(string what, string value, bool kept) => _lines.Add((what, value, kept));

    public void Print()
    {
        Narrator.Chapter("Verdict");
        foreach (var (what, value, kept) in _lines)
            Console.WriteLine($"  {(kept ? "kept  " : "BROKEN")}  {what,-62} {value}");
    }
}
