using System.Globalization;
using System.Text;

namespace Orchestrator.Tests.Simulation;

/// <summary>What a reader is told of a run.</summary>
public static class Report
{
    private const int LastLines = 120;

    public static string Of(Simulation simulation, Outcome outcome)
    {
        var text = new StringBuilder();
        var options = outcome.Options;
        if (outcome.Violations.Count > 0)
        {
            text.AppendLine(CultureInfo.InvariantCulture,
                $"INCIDENT of seed {options.Seed} at {Timeline.Format(outcome.Simulated)}");
            foreach (var line in simulation.Timeline.Lines.TakeLast(LastLines)) text.Append("  ").AppendLine(line);
            text.AppendLine();
            foreach (var violation in outcome.Violations) text.Append("BROKEN  ").AppendLine(violation);
            if (outcome.Exception is { } exception) text.AppendLine(exception);
            text.AppendLine();
        }

        text.AppendLine(CultureInfo.InvariantCulture,
            $"seed {options.Seed}: {outcome.Simulated.TotalHours:F2} h simulated in {outcome.Wall.TotalSeconds:F1} s, "
            + $"{outcome.Turns} turns, {outcome.Accepted} commands accepted, {outcome.Refused} refused, "
            + $"{outcome.Unavailable} times asked again, {outcome.Faults.Values.Sum()} faults, "
            + $"slowest settling {outcome.SlowestSettling.TotalSeconds:F0} s, "
            + $"{(outcome.Violations.Count == 0 ? "no rule broken" : "BROKEN")}");
        text.AppendLine(CultureInfo.InvariantCulture, $"digest {outcome.Digest} of {simulation.Timeline.Count} lines");
        text.Append("again: ").Append(options.Command);
        return text.ToString();
    }
}
