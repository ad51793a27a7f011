using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent;

/// <summary>Reads an event stream step by step; waiting too long fails with what was seen.</summary>
public sealed class Follower : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly IAsyncEnumerator<HostEvent> _events;
    private readonly TimeSpan _within;
    private readonly List<HostEvent> _seen = [];

    public Follower(IAsyncEnumerable<HostEvent> events, TimeSpan within)
    {
        _events = events.GetAsyncEnumerator(_end.Token);
        _within = within;
        _first = _events.MoveNextAsync().AsTask();
    }

    private Task<bool>? _first;

    public async Task<HostEvent> Next()
    {
        var step = _first ?? _events.MoveNextAsync().AsTask();
        _first = null;
        try
        {
            if (!await step.WaitAsync(_within)) throw new InvalidOperationException($"the stream ended; seen: {Seen()}");
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"nothing came in {_within}; seen: {Seen()}");
        }

        if (_events.Current is not HostEvent.Heartbeat) _seen.Add(_events.Current);
        return _events.Current;
    }

    public async Task<GuestReport> Until(Guid vm, GuestState state, Func<GuestReport, bool>? where = null)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (clock.Elapsed < _within)
        {
            var found = await Next() switch
            {
                HostEvent.GuestChanged g when g.Guest.Vm == vm => g.Guest,
                HostEvent.Report r => r.Guests.FirstOrDefault(g => g.Vm == vm),
                _ => null,
            };
            if (found?.State == state && (where is null || where(found))) return found;
        }

        throw new TimeoutException($"vm {vm} was not {state} in {_within}; seen: {Seen()}");
    }

    public async Task<List<GuestState>> StatesUntil(Guid vm, GuestState last)
    {
        await Until(vm, last);
        return _seen.OfType<HostEvent.GuestChanged>().Where(g => g.Guest.Vm == vm).Select(g => g.Guest.State).ToList();
    }

    public async Task<JobReport> Job(Guid id, JobState state)
    {
        while (true)
            if (await Next() is HostEvent.JobChanged { Job: var job } && job.Id == id && job.State == state)
                return job;
    }

    /// <summary>Reads to the end of the stream.</summary>
    public async Task<T> Last<T>() where T : HostEvent
    {
        while (true)
            if (await Next() is T last)
            {
                Assert.False(await _events.MoveNextAsync().AsTask().WaitAsync(_within));
                return last;
            }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        try
        {
            if (_first is { } first) await first;
            await _events.DisposeAsync();
        }
        catch (Exception e) when (e is OperationCanceledException or AgentUnreachableException or AgentRefusedException)
        {
            // The end we asked for, or one the test has looked at already.
        }

        _end.Dispose();
    }

    private string Seen() => string.Join("; ", _seen.TakeLast(20).Select(e => e is HostEvent.Report r ? $"report of {string.Join(", ", r.Guests)}" : $"{e}"));
}
