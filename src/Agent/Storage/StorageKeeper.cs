using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Storage;

/// <summary>
/// Has the storage of the newest order mounted, and looks at each place every few seconds. The order is kept over a restart, so that
/// a host that boots has its storage before anybody asks. Called by any thread; it never waits for storage.
/// </summary>
/// <param name="memory">The file of the newest order; null: it is forgotten.</param>
public sealed class StorageKeeper(Mounts mounts, IPlaceProbe probe, string? memory, TimeProvider time, ILogger log)
{
    /// <summary>So long a start, or a piece of work on an image, waits for a domain to be mounted.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, Kept> _kept = [];
    private ImmutableArray<StoragePlace> _wanted = [];
    private Task _releasing = Task.CompletedTask;

    /// <summary>Looks for domains at a place that is not kept.</summary>
    public Func<StoragePlace, CancellationToken, Task<ImmutableArray<DomainLabel>>>? Finds { get; init; }

    /// <summary>Mounts what the agent before this one had.</summary>
    public void TakeUp()
    {
        try
        {
            if (memory is null || !File.Exists(memory)) return;
            var known = JsonSerializer.Deserialize(File.ReadAllText(memory), AgentJson.Default.StorageOrder)?.Places ?? [];
            lock (_gate)
            {
                _wanted = known;
                foreach (var place in known) Begin(place);
            }
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            log.LogWarning("storage: what was mounted before is not known: {Why}; the engine will say", e.Message);
        }
    }

    /// <summary>Done when what the guest's images are in is mounted.</summary>
    /// <exception cref="IOException">It is not, after a while.</exception>
    public Task Await(VmDefinition guest, CancellationToken cancel) => mounts.Await(
        [
            .. guest.Disks.Select(disk => disk.Path), .. guest.Disks.Select(disk => disk.Backing?.Path).OfType<string>(),
            .. guest.Cdrom is { Path.Length: > 0 } cd ? (string[])[cd.Path] : [],
        ], Patience, cancel);

    public StorageReport Keep(ImmutableArray<StoragePlace> places)
    {
        lock (_gate)
        {
            if (!places.SequenceEqual(_wanted)) Remember(places);
            foreach (var gone in _kept.Keys.Except(places.Select(p => p.Domain)).ToList()) _kept.Remove(gone);
            foreach (var place in places) Begin(place);
            if (_releasing.IsCompleted) _releasing = Release([.. places.Where(p => p.Mount is not null).Select(p => p.Folder)]);
            return new StorageReport { Places = [.. places.Select(p => Sight(_kept[p.Domain]))] };
        }
    }

    private void Remember(ImmutableArray<StoragePlace> places)
    {
        _wanted = places;
        if (memory is null) return;
        try
        {
            var draft = $"{memory}.new";
            File.WriteAllText(draft, JsonSerializer.Serialize(new StorageOrder(new Stamp(0)) { Places = places }, AgentJson.Default.StorageOrder));
            File.Move(draft, memory, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.LogWarning("storage: {File} is not written: {Why}; after a boot the engine's order is awaited", memory, e.Message);
        }
    }

    private void Begin(StoragePlace place)
    {
        if (!_kept.TryGetValue(place.Domain, out var kept) || kept.Place != place) _kept[place.Domain] = kept = new Kept(place);
        // One at a time: storage that is away may hold it for ever.
        if (!kept.Looking.IsCompleted || (kept.Begun is { } begun && time.GetElapsedTime(begun) < LookEvery)) return;
        kept.Begun = time.GetTimestamp();
        kept.Looking = Look(kept, kept.Begun.Value);
    }

    private async Task Look(Kept kept, long begun)
    {
        var (seen, why) = (default(PlaceSize?), default(string));
        try
        {
            await mounts.Mount(kept.Place, CancellationToken.None);
            seen = await probe.Look(kept.Place);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            why = e.Message;
        }

        lock (_gate)
        {
            if (why is not null && why != kept.Why) log.LogWarning("storage: domain {Domain} is not there: {Why}", kept.Place.Domain, why);
            (kept.Seen, kept.Why) = (seen ?? kept.Seen, why);
            if (seen is not null) kept.GoodAt = begun;
        }
    }

    private PlaceSight Sight(Kept kept) => new(kept.Place.Domain, kept is { GoodAt: not null, Why: null })
    {
        Why = kept.Why,
        TotalBytes = kept.Seen?.TotalBytes ?? 0,
        AvailableBytes = kept.Seen?.AvailableBytes ?? 0,
        DelaySeconds = kept.Seen?.Delay.TotalSeconds,
        AgeMs = kept.GoodAt is { } good ? (long)time.GetElapsedTime(good).TotalMilliseconds : null,
    };

    private async Task Release(HashSet<string> but)
    {
        try
        {
            await mounts.Release(but, CancellationToken.None);
        }
        catch (IOException e)
        {
            log.LogWarning("storage: what is mounted is not known: {Why}", e.Message);
        }
    }

    private sealed class Kept(StoragePlace place)
    {
        public StoragePlace Place => place;

        public Task Looking { get; set; } = Task.CompletedTask;

        public long? Begun { get; set; }

        public long? GoodAt { get; set; }

        public PlaceSize? Seen { get; set; }

        public string? Why { get; set; }
    }
}

/// <param name="Delay">How long reading the domain's metadata took.</param>
public sealed record PlaceSize(long TotalBytes, long AvailableBytes, TimeSpan Delay);

/// <summary>Looks at a storage domain where it is mounted.</summary>
public interface IPlaceProbe
{
    /// <exception cref="IOException">Its metadata cannot be read.</exception>
    Task<PlaceSize> Look(StoragePlace place);
}
