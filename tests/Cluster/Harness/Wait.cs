using System.Diagnostics;

namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>The only place that lets time pass: everything else names the event that it waits for.</summary>
public static class Wait
{
    private static readonly TimeSpan _beat = TimeSpan.FromMilliseconds(50);

    /// <summary>Polls until the condition holds and answers how long that took.</summary>
    /// <param name="evidence">What is known at the moment of giving up, for the failure's text.</param>
    /// <exception cref="TimeoutException">The limit passed; the text names what was waited for.</exception>
    public static async Task<TimeSpan> Until(
        Func<Task<bool>> condition, TimeSpan limit, string what, Func<string>? evidence = null,
        TimeSpan? beat = null, CancellationToken cancel = default)
    {
        var clock = Stopwatch.StartNew();
        using var timer = new PeriodicTimer(beat ?? _beat);
        while (true)
        {
            if (await condition()) return clock.Elapsed;
            if (clock.Elapsed >= limit)
            {
                throw new TimeoutException(
                    $"not within {limit.TotalSeconds:0.#} s: {what}" + (evidence is null ? "" : $" ({evidence()})"));
            }

            await timer.WaitForNextTickAsync(cancel);
        }
    }

    public static Task<TimeSpan> Until(
        Func<bool> condition, TimeSpan limit, string what, Func<string>? evidence = null,
        TimeSpan? beat = null, CancellationToken cancel = default) =>
        Until(() => Task.FromResult(condition()), limit, what, evidence, beat, cancel);

    /// <summary>For what has a length by its nature (a process frozen for 20 s, a client's pace, the pause that a
    /// server asked for), never for hoping that something is done by then.</summary>
    public static async Task Pass(TimeSpan length, CancellationToken cancel = default)
    {
        if (length <= TimeSpan.Zero) return;
        using var timer = new PeriodicTimer(length);
        await timer.WaitForNextTickAsync(cancel);
    }
}
