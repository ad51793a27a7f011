using System.Diagnostics;
using System.Globalization;
using Orchestrator.Tests.Simulation.Planting;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Simulation;

/// <summary>A fixed set of seeds, a few fresh ones, the proof that a seed repeats itself, and of each checker that it
/// sees the bug that is planted for it.</summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private static Options Small(int seed) => new()
    {
        Seed = seed,
        Nodes = 3 + (seed % 3),
        Hosts = 5,
        Vms = 25,
        Time = TimeSpan.FromMinutes(14),
        Storm = TimeSpan.FromMinutes(3),
        CommandEvery = TimeSpan.FromSeconds(2),
        FaultEvery = TimeSpan.FromSeconds(12),
    };

    public static TheoryData<int> Fixed => [1, 2, 3, 4];

    public static TheoryData<string> Bugs => [.. PlantedBugs.All.Select(b => b.Name)];

    [Theory]
    [MemberData(nameof(Fixed))]
    public void A_known_seed_breaks_no_rule(int seed) => Clean(Small(seed));

    [Fact]
    public void Fresh_seeds_break_no_rule()
    {
        for (var i = 0; i < 2; i++) Clean(Small(Random.Shared.Next(1000, int.MaxValue)));
    }

    [Fact]
    public void One_seed_is_one_timeline_byte_for_byte()
    {
        var options = Small(7) with { Time = TimeSpan.FromMinutes(6), Keep = int.MaxValue };
        var (first, second) = (Run(options), Run(options));
        Assert.Equal(first.Lines, second.Lines);
        Assert.Equal(first.Outcome.Turns, second.Outcome.Turns);
        Assert.NotEqual(first.Outcome.Digest, Run(options with { Seed = 8 }).Outcome.Digest);
    }

    /// <summary>Hash codes of strings and objects differ from process to process; a timeline must not.</summary>
    [Fact]
    public async Task One_seed_is_one_timeline_in_another_process_too()
    {
        var options = Small(9) with { Time = TimeSpan.FromMinutes(6) };
        var here = Run(options).Outcome;
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            ArgumentList =
            {
                typeof(SimulationTests).Assembly.Location, "--seed", "9", "--hours",
                options.Time.TotalHours.ToString("R", CultureInfo.InvariantCulture), "--nodes", $"{options.Nodes}",
                "--hosts", "5", "--vms", "25", "--storm", "180", "--command-every", "2", "--fault-every", "12",
            },
        };
        using var process = Process.Start(start)!;
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Contains($"digest {here.Digest} ", said, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Bugs))]
    public void A_planted_bug_is_seen(string name)
    {
        var bug = PlantedBugs.All.Single(b => b.Name == name);
        for (var seed = 1; seed <= 1000; seed++)
        {
            var (outcome, _) = Run(Small(seed) with { Bug = bug, Faults = bug.Faults });
            if (outcome.Violations.Count == 0) continue;
            output.WriteLine($"seen by seed {seed} after {outcome.Simulated}: {outcome.Violations[0]}");
            Assert.Contains(outcome.Violations[0].Split(':')[0], bug.Rules);
            return;
        }

        Assert.Fail($"no seed up to 1000 shows {name}");
    }

    private void Clean(Options options)
    {
        using var simulation = new Simulation(options);
        var outcome = simulation.Run();
        output.WriteLine(Report.Of(simulation, outcome));
        Assert.True(outcome.Violations.Count == 0, Report.Of(simulation, outcome));
        Assert.True(outcome.Accepted > 50, "hardly a command was accepted: the clients do not work");
        Assert.True(outcome.Faults.Values.Sum() > 10, "hardly a fault was injected");
    }

    private static (Outcome Outcome, string[] Lines) Run(Options options)
    {
        using var simulation = new Simulation(options);
        return (simulation.Run(), [.. simulation.Timeline.Lines]);
    }
}
