using System.Diagnostics;
using System.Globalization;

namespace Orchestrator.Tests.Simulation;

/// <summary>Many seeds, each on one thread of its own, as many at a time as there are cores.</summary>
public static class Fleet
{
    public static int Run(Options options, int first, int last, TimeSpan wall, int threads)
    {
        var began = Stopwatch.GetTimestamp();
        var gate = new Lock();
        var next = (long)first;
        var outcomes = new List<Outcome>();
        var failed = new List<string>();

        bool Over() => Stopwatch.GetElapsedTime(began) > wall;
        void Work()
        {
            while (!Over())
            {
                int seed;
                lock (gate)
                {
                    if (next > last) return;
                    seed = (int)next++;
                }

                using var simulation = new Simulation(options with { Seed = seed });
                var outcome = simulation.Run(Over);
                lock (gate)
                {
                    outcomes.Add(outcome);
                    if (outcome.Violations.Count > 0)
                    {
                        failed.Add(options.Command);
                        Console.WriteLine(Report.Of(simulation, outcome));
                    }
                    else
                    {
                        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                            $"seed {seed}: {outcome.Simulated.TotalHours:F2} h in {outcome.Wall.TotalSeconds:F1} s, "
                            + $"{outcome.Accepted} accepted, {outcome.Faults.Values.Sum()} faults, settled within "
                            + $"{outcome.SlowestSettling.TotalSeconds:F0} s"));
                    }
                }
            }
        }

        var workers = Enumerable.Range(0, threads).Select(_ => new Thread(Work, 16 << 20)).ToArray();
        foreach (var worker in workers) worker.Start();
        foreach (var worker in workers) worker.Join();
        Summary(outcomes, Stopwatch.GetElapsedTime(began));
        return outcomes.All(o => o.Violations.Count == 0) ? 0 : 1;
    }

    private static void Summary(List<Outcome> outcomes, TimeSpan wall)
    {
        var hours = outcomes.Sum(o => o.Simulated.TotalHours);
        var cpu = Process.GetCurrentProcess().TotalProcessorTime;
        Console.WriteLine();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{outcomes.Count} seeds, {hours:F1} cluster-hours in {wall.TotalMinutes:F1} minutes "
            + $"({cpu.TotalSeconds / Math.Max(hours, 0.001):F1} core-seconds per hour)"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{outcomes.Sum(o => o.Accepted)} commands accepted, {outcomes.Sum(o => o.Refused)} refused, "
            + $"{outcomes.Sum(o => o.Unavailable)} times asked again"));
        var faults = outcomes.SelectMany(o => o.Faults).GroupBy(f => f.Key).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => $"{g.Key} {g.Sum(f => f.Value)}");
        Console.WriteLine($"faults: {string.Join(", ", faults)}");
        Console.WriteLine($"settled within {outcomes.Select(o => o.SlowestSettling).DefaultIfEmpty().Max().TotalSeconds:F0} s");
        var broken = outcomes.Where(o => o.Violations.Count > 0).ToArray();
        Console.WriteLine(broken.Length == 0 ? "no rule broken" : $"{broken.Length} seeds BROKE a rule:");
        foreach (var outcome in broken) Console.WriteLine($"  {outcome.Options.Command}    {outcome.Violations[0].Split('\n')[0]}");
    }
}
