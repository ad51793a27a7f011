namespace Orchestrator.Tests.Cluster.Checkers;

/// <summary>Statuses of one moment.</summary>
public sealed record StatusSample(DateTimeOffset At, IReadOnlyDictionary<Guid, string> Statuses);

/// <summary>After the last fault nothing stays on its way for longer than the limit.</summary>
public static class SettleChecker
{
    private static readonly HashSet<string> _stable = ["up", "down", "paused", "suspended"];

    public static bool IsStable(string status) => _stable.Contains(status);

    /// <param name="samples">Taken while no new commands were given, in order of time.</param>
    public static IReadOnlyList<Violation> Check(
        IReadOnlyList<StatusSample> samples, DateTimeOffset lastFault, TimeSpan limit)
    {
        var deadline = lastFault + limit;
        if (samples is not [.., var last])
        {
            return [new Violation("nothing is stuck", "nobody looked after the last fault")];
        }

        var judged = samples.FirstOrDefault(s => s.At >= deadline) ?? last;
        return
        [
            .. judged.Statuses.Where(s => !IsStable(s.Value)).Select(s => new Violation("nothing is stuck",
                $"vm {s.Key} is {s.Value} {(judged.At - lastFault).TotalSeconds:0} s after the last fault")),
        ];
    }
}
