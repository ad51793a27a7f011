using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Orchestrator.Tests.Simulation.Planting;

namespace Orchestrator.Tests.Simulation;

/// <summary>`./do simulate`: one seed told in full, or many seeds on all cores until the time is over.</summary>
public static class CommandLine
{
    private const string Usage = """
        simulate [--seed N | --seeds A..B] [--hours H] [--minutes WALL] [--nodes N] [--hosts N] [--vms N]
                 [--faults KIND,KIND] [--bug NAME] [--threads N] [--verbose]
                 [--storm SECONDS] [--fault-every SECONDS] [--command-every SECONDS]
        """;

    public static int Run(string[] args)
    {
        var (first, last) = (1, 0);
        var options = new Options { Seed = 1 };
        var (minutes, threads, echo, random) = (double.PositiveInfinity, Environment.ProcessorCount, false, true);
        for (var i = 0; i < args.Length; i++)
        {
            string Value() => ++i < args.Length ? args[i] : throw new ArgumentException($"{args[i - 1]} needs a value");
            double Real() => double.Parse(Value(), CultureInfo.InvariantCulture);
            int Whole() => int.Parse(Value(), CultureInfo.InvariantCulture);
            try
            {
                switch (args[i])
                {
                    case "--seed": (first, random) = (Whole(), false); last = first; break;
                    case "--seeds":
                        var range = Value().Split("..");
                        (first, last, random) = (int.Parse(range[0], CultureInfo.InvariantCulture),
                            int.Parse(range[^1], CultureInfo.InvariantCulture), false);
                        break;
                    case "--hours": options = options with { Time = TimeSpan.FromHours(Real()) }; break;
                    case "--minutes": minutes = Real(); break;
                    case "--nodes": options = options with { Nodes = Whole() }; break;
                    case "--hosts": options = options with { Hosts = Whole() }; break;
                    case "--vms": options = options with { Vms = Whole() }; break;
                    case "--storm": options = options with { Storm = TimeSpan.FromSeconds(Real()) }; break;
                    case "--command-every": options = options with { CommandEvery = TimeSpan.FromSeconds(Real()) }; break;
                    case "--fault-every": options = options with { FaultEvery = TimeSpan.FromSeconds(Real()) }; break;
                    case "--faults": options = options with { Faults = Value().Split(',') }; break;
                    case "--threads": threads = Whole(); break;
                    case "--verbose": options = options with { Verbose = true }; echo = true; break;
                    case "--bug":
                        var name = Value();
                        options = options with
                        {
                            Bug = PlantedBugs.All.FirstOrDefault(b => b.Name == name)
                                ?? throw new ArgumentException(
                                    $"no such bug; there are {string.Join(", ", PlantedBugs.All.Select(b => b.Name))}"),
                        };
                        break;
                    default: throw new ArgumentException($"'{args[i]}' is not understood");
                }
            }
            catch (Exception e) when (e is ArgumentException or FormatException or OverflowException)
            {
                Console.Error.WriteLine($"{e.Message}\n\n{Usage}");
                return 2;
            }
        }

        if (random)
        {
            first = Random.Shared.Next(1, 1_000_000_000);
            last = int.MaxValue;
            if (double.IsPositiveInfinity(minutes)) last = first;
        }

        return first == last
            ? One(options with { Seed = first }, echo)
            : Fleet.Run(options, first, last, TimeSpan.FromMinutes(Math.Min(minutes, 60 * 24 * 30)), threads);
    }

    private static int One(Options options, bool echo)
    {
        // Work that nobody awaits and that ended with an exception is a loop that stopped without a word.
        var silent = new ConcurrentDictionary<string, int>();
        TaskScheduler.UnobservedTaskException += (_, e) =>
            silent.AddOrUpdate(e.Exception.InnerException?.ToString() ?? "", 1, (_, n) => n + 1);
        using var simulation = new Simulation(options, echo ? Console.WriteLine : null);
        var outcome = simulation.Run();
        Console.WriteLine(Report.Of(simulation, outcome));
        GC.Collect();
        GC.WaitForPendingFinalizers();
        foreach (var (what, times) in silent) Console.WriteLine($"unobserved, {times} times: {what}");
        return outcome.Violations.Count == 0 ? 0 : 1;
    }
}
