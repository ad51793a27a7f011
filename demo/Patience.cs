namespace Orchestrator.Demo;

/// <summary>Waits for what the world shows, with a limit and with words for the case that it does not come.</summary>
public static class Patience
{
    public static async Task<T> Until<T>(string what, TimeSpan limit, Func<Task<T?>> look, int everyMs = 50)
        where T : class
    {
        var end = DateTimeOffset.UtcNow + limit;
        while (true)
        {
            if (await look() is { } seen) return seen;
            if (DateTimeOffset.UtcNow > end) throw new DemoException($"Waited {limit.TotalSeconds:0} s in vain for {what}.");
            await Task.Delay(everyMs);
        }
    }
}
