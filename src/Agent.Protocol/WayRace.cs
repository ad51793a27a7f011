namespace Orchestrator.Agent.Protocol;

/// <summary>Asks an agent who it is by several ways, one after the other with a small advance, and takes the first answer:
/// that is a proof of the whole way, with TLS and the agent's own word.</summary>
internal static class WayRace
{
    /// <exception cref="AgentUnreachableException">No way led to an answer; it is the reason of the first one.</exception>
    public static async Task<(AgentWay Way, AgentDescription Answer)> First(
        IEnumerable<AgentWay> ways, WayPace pace, TimeProvider clock, CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var next = ways.GetEnumerator();
        var asked = new List<(AgentWay Way, Task<AgentDescription> Answer)>();
        var more = next.MoveNext();
        try
        {
            while (true)
            {
                if (more)
                {
                    asked.Add((next.Current, Ask(next.Current, asked.Count == 0 ? pace.First : pace.Other, clock, over.Token)));
                    more = next.MoveNext();
                }

                // It is not cancelled: whoever waits for it would go on in a thread of the pool.
                var headStart = more ? Task.Delay(asked.Count == 1 ? pace.HeadStart : pace.Step, clock, CancellationToken.None) : null;
                while (headStart is not { IsCompleted: true })
                {
                    var waiting = asked.Where(a => !a.Answer.IsCompleted).Select(a => (Task)a.Answer).ToList();
                    if (Answered(asked) is { Way: not null } first) return (first.Way, await first.Answer);
                    if (waiting.Count == 0) break;
                    if (headStart is not null) waiting.Add(headStart);
                    await Task.WhenAny(waiting);
                }

                cancel.ThrowIfCancellationRequested();
                if (!more && asked.All(a => a.Answer.IsCompleted) && Answered(asked).Way is null)
                    return (asked[0].Way, await asked[0].Answer);
            }
        }
        finally
        {
            End(over, asked.Select(a => a.Answer));
        }
    }

    /// <summary>Whether the agent answers by this way.</summary>
    public static async Task<bool> Answers(AgentWay way, WayPace pace, TimeProvider clock, CancellationToken cancel)
    {
        try
        {
            await Ask(way, pace.Other, clock, cancel);
            return true;
        }
        catch (Exception e) when (e is AgentUnreachableException or AgentRefusedException)
        {
            return false;
        }
    }

    private static async Task<AgentDescription> Ask(AgentWay way, TimeSpan patience, TimeProvider clock, CancellationToken over)
    {
        using var limit = new CancellationTokenSource(patience, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(over, limit.Token);
        try
        {
            return await way.Agent.Describe(either.Token);
        }
        catch (OperationCanceledException e) when (!over.IsCancellationRequested)
        {
            throw new AgentUnreachableException("the agent did not say who it is: no answer in time", e);
        }
    }

    /// <summary>A refusal is an answer, too.</summary>
    private static (AgentWay? Way, Task<AgentDescription> Answer) Answered(
        List<(AgentWay Way, Task<AgentDescription> Answer)> asked) => asked.FirstOrDefault(a =>
        a.Answer.IsCompletedSuccessfully || a.Answer.Exception?.InnerException is AgentRefusedException);

    private static void End(CancellationTokenSource over, IEnumerable<Task> asked)
    {
        over.Cancel();
        // What they come to does not matter any more.
        foreach (var answer in asked)
            _ = answer.ContinueWith(
                static t => _ = t.Exception, CancellationToken.None,
                TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }
}
