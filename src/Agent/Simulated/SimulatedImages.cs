using System.Collections.Concurrent;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Agent.Simulated;

/// <summary>The shared storage of a simulated fleet: images and domains by path, no bytes.</summary>
public sealed class SimulatedImages(TimeProvider time) : IImageWork
{
    public const long DomainBytes = 100L << 40;
    private readonly ConcurrentDictionary<string, ImageFacts> _images = new();
    private readonly ConcurrentDictionary<string, string> _owners = new();
    private readonly ConcurrentDictionary<string, Guid> _makers = new();

    private readonly ConcurrentDictionary<string, GuestKey> _memories = new();
    private readonly ConcurrentDictionary<string, string> _below = new();

    /// <summary>Hears that all of an image is in the one that it rested on.</summary>
    public Action<string, string> Merged { get; set; } = (_, _) => { };

    /// <summary>The image that this one rests on; null: none.</summary>
    /// <summary>Images that are there.</summary>
    public int Count(Func<string, bool> which) => _images.Keys.Count(which);

    public string? Below(string path) => _below.GetValueOrDefault(path);

    /// <exception cref="ImageWorkException">It does not rest on that one.</exception>
    public ImageFacts Merge(string top, string below)
    {
        if (!_images.TryGetValue(top, out var image)) throw new ImageWorkException($"{top} is not there");
        if (!_images.TryGetValue(below, out var taking)) throw new ImageWorkException($"{below} is not there");
        var above = _below.Where(b => b.Value == top).Select(b => b.Key).ToList();
        if (_below.GetValueOrDefault(top) != below) throw new ImageWorkException($"{top} does not rest on {below}");
        Merged(top, below);
        foreach (var one in above) _below[one] = below;
        return _images[below] = taking with { VirtualBytes = Math.Max(taking.VirtualBytes, image.VirtualBytes) };
    }

    /// <summary>Hears of uploads that are closed.</summary>
    public Action<Guid> Closed { get; init; } = _ => { };

    /// <summary>A client has made something else of it.</summary>
    public void Spoil(string path)
    {
        if (_images.TryGetValue(path, out var image)) _images[path] = image with { VirtualBytes = image.VirtualBytes - 512 };
    }

    public void PutMemory(string path, GuestKey guest, long bytes)
    {
        _images[path] = new ImageFacts(DiskFormat.Raw, bytes, bytes);
        _memories[path] = guest;
    }

    /// <summary>An image as big as another one, in place of what may have that name.</summary>
    public void MakeEmpty(string like, string path, DiskFormat format) =>
        _images[path] = (_images.GetValueOrDefault(like) ?? new ImageFacts(format, 0, 0)) with { Format = format };

    /// <exception cref="ImageWorkException">It is not there.</exception>
    public ImageFacts Grow(string path, long bytes) => _images.TryGetValue(path, out var image)
        ? _images[path] = image with { VirtualBytes = Math.Max(image.VirtualBytes, bytes) }
        : throw new ImageWorkException($"{path} is not there");

    public bool IsMemoryOf(GuestKey guest, string path) => _memories.TryGetValue(path, out var saved) && saved == guest;

    /// <returns>Whose memory it is: he is the only one who gets it. Null when it is not there.</returns>
    public GuestKey? TakeMemory(string path) =>
        _images.TryRemove(path, out _) && _memories.TryRemove(path, out var guest) ? guest : null;

    /// <summary>Files of memory that are there.</summary>
    public int Memories => _memories.Count;

    public Task<ImageFacts?> Made(Guid id, ImageJob job, CancellationToken cancel) => Task.FromResult(job switch
    {
        ImageJob.Create c => Made(id, c.Path),
        ImageJob.Copy c => Made(id, c.Destination),
        ImageJob.Rewrite r => Made(id, r.Destination),
        _ => null,
    });

    public async Task<ImageResult> Do(
        Guid id, ImageJob job, Action<int> percent, CancellationToken cancel)
    {
        await Task.Delay(TimeSpan.FromMilliseconds(job is ImageJob.Copy or ImageJob.Rewrite ? 500 : 20), time, cancel);
        percent(50);
        switch (job)
        {
            case ImageJob.Create c:
                var created = new ImageFacts(c.Format, c.SizeBytes, 0);
                if (c.Backing is { } below && !_images.ContainsKey(below)) throw new ImageWorkException($"{below} is not there");
                var made = Publish(id, c.Path, created);
                if (c.Backing is not null) _below.TryAdd(c.Path, c.Backing);
                return new(made);
            case ImageJob.Delete d:
                _images.TryRemove(d.Path, out _);
                _below.TryRemove(d.Path, out _);
                _memories.TryRemove(d.Path, out _);
                return default;
            case ImageJob.Copy c:
                var source = _images.GetValueOrDefault(c.Source) ?? throw new ImageWorkException($"{c.Source} is not there");
                var copy = source with { Format = c.DestinationFormat };
                return new(Publish(id, c.Destination, copy));
            case ImageJob.Rewrite r:
                var old = _images.GetValueOrDefault(r.Source) ?? throw new ImageWorkException($"{r.Source} is not there");
                return new(Publish(id, r.Destination, old with { Format = r.DestinationFormat }));
            case ImageJob.Seal s:
                return s.Images.FirstOrDefault(i => !_images.ContainsKey(i.Path)) is { } missing
                    ? throw new ImageWorkException($"{missing.Path} is not there")
                    : default(ImageResult);
            case ImageJob.CloseUpload c:
                Closed(c.Transfer);
                return new(_images.TryGetValue(c.Path, out var uploaded) && uploaded.VirtualBytes == c.VirtualBytes
                    ? uploaded
                    : throw new ImageWorkException($"the image has {uploaded?.VirtualBytes ?? 0} bytes for a guest, and the disk {c.VirtualBytes}"));
            case ImageJob.Grow g:
                return new(Grow(g.Path, g.SizeBytes));
            case ImageJob.Merge m:
                // Said again: what rested on it rests on the lower one already.
                return new(m.Above is { } upper && Below(upper) == m.Base ? _images.GetValueOrDefault(m.Base) : Merge(m.Path, m.Base));
            case ImageJob.PrepareDomain p:
                var owner = _owners.GetOrAdd($"{p.Path}/{p.Domain}", p.Owner);
                if (owner != p.Owner) throw new ImageWorkException($"domain {p.Domain} belongs to {owner}");
                return new(Domain: new DomainFacts(owner, DomainBytes, DomainBytes));
            case ImageJob.StepDomain d:
                return new(Domain: Step(d));
            case ImageJob.CheckDomain c:
                return _owners.TryGetValue($"{c.Path}/{c.Domain}", out var found)
                    ? new(Domain: new DomainFacts(found, DomainBytes, DomainBytes))
                    : throw new ImageWorkException($"there is no domain {c.Domain} in {c.Path}");
            default:
                throw new ImageWorkException($"{job.GetType().Name} is not a job of this agent");
        }
    }

    /// <summary>Whose a domain is; nothing else of its metadata matters here.</summary>
    private DomainFacts Step(ImageJob.StepDomain job)
    {
        var name = $"{job.Place.Folder}/{job.Place.Domain}";
        if (job.Step == DomainStep.Wipe) _owners.TryRemove(name, out _);
        else if (job.Step == DomainStep.Format) _owners[name] = job.Installation;
        else if (!_owners.TryGetValue(name, out var owner)) throw new ImageWorkException($"there is no domain {job.Place.Domain}");
        else if (job.Step == DomainStep.Import) _owners[name] = job.Installation;
        else if (owner != job.Installation) throw new ImageWorkException($"domain {job.Place.Domain} belongs to {owner}");
        return new DomainFacts(job.Installation, DomainBytes, DomainBytes);
    }

    private ImageFacts Publish(Guid id, string path, ImageFacts image)
    {
        if (Made(id, path) is { } made) return made;
        if (!_images.TryAdd(path, image)) throw new ImageWorkException($"{path} exists already");
        _makers[path] = id;
        return image;
    }

    private ImageFacts? Made(Guid id, string path) =>
        _makers.TryGetValue(path, out var maker) && maker == id ? _images.GetValueOrDefault(path) : null;
}
