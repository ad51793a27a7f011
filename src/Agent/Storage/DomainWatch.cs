using System.Collections.Immutable;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Storage;

/// <summary>Looks after the storage domains that the engine names: reads each every few seconds, and knows how long ago that
/// last went well. Called by any thread; it never waits for storage.</summary>
public sealed class DomainWatch(IDomainProbe probe, TimeProvider time)
{
    private static readonly TimeSpan ReadEvery = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Domain> _domains = new(StringComparer.Ordinal);

    /// <param name="folders">All that are to be looked after.</param>
    public ImmutableArray<DomainSight> Look(ImmutableArray<string> folders)
    {
        lock (_gate)
        {
            foreach (var gone in _domains.Keys.Except(folders).ToList()) _domains.Remove(gone);
            return [.. folders.Distinct().Select(Look)];
        }
    }

    private DomainSight Look(string folder)
    {
        if (!_domains.TryGetValue(folder, out var domain)) _domains[folder] = domain = new Domain(time.GetTimestamp());
        // One at a time: storage that is away may hold a reading for ever.
        if (domain.Reading.IsCompleted && (domain.Begun is not { } begun || time.GetElapsedTime(begun) >= ReadEvery))
        {
            domain.Begun = time.GetTimestamp();
            domain.Reading = Read(folder, domain, domain.Begun.Value);
        }

        return new DomainSight(folder, (long)time.GetElapsedTime(domain.GoodAt).TotalMilliseconds, domain.Read) { Why = domain.Why };
    }

    private async Task Read(string folder, Domain domain, long begun)
    {
        string? why = null;
        try
        {
            await probe.Read(folder);
        }
        catch (IOException e)
        {
            why = e.Message;
        }

        lock (_gate)
        {
            domain.Why = why;
            if (why is null) (domain.GoodAt, domain.Read) = (begun, true);
        }
    }

    private sealed class Domain(long since)
    {
        public long GoodAt { get; set; } = since;

        public bool Read { get; set; }

        public string? Why { get; set; }

        public long? Begun { get; set; }

        public Task Reading { get; set; } = Task.CompletedTask;
    }
}

/// <summary>Reads a domain's metadata from the storage itself.</summary>
public interface IDomainProbe
{
    /// <exception cref="IOException">They cannot be read.</exception>
    Task Read(string folder);
}
