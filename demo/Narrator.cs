using System.Diagnostics;
using System.Globalization;

namespace Orchestrator.Demo;

/// <summary>Prints what happens, each line with the wall clock in UTC and the seconds since the start.</summary>
public static class Narrator
{
    private static readonly long _began = Stopwatch.GetTimestamp();
    private static readonly Lock _one = new();

    public static void Chapter(string title)
    {
        lock (_one)
        {
            Console.WriteLine();
            Console.WriteLine(title);
        }
    }

    public static void Say(string text)
    {
        var since = Stopwatch.GetElapsedTime(_began).TotalSeconds.ToString("0.000", CultureInfo.InvariantCulture);
        lock (_one) Console.WriteLine($"  {DateTime.UtcNow:HH:mm:ss.fff} {since,9} s  {text}");
    }

    public static void Row(string what, string value)
    {
        lock (_one) Console.WriteLine($"      {what,-46} {value}");
    }
}
