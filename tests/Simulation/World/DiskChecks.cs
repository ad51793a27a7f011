using System.Collections.Immutable;
using Orchestrator.Agent;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Simulated;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>An image has at most one writer at any moment: a guest that has it, or a job that deletes it. A job that makes
/// it writes under a name of its own, which becomes the image's only if nobody has that (QemuImages).</summary>
internal sealed class DiskChecks(SimulatedWorld world, WorldChecks checks)
{
    public const string Rule = "one-writer";
    public const string LostWrite = "no-lost-write";
    private readonly Dictionary<string, List<Writer>> _writers = [];
    private readonly Dictionary<(int Host, Guid Vm, long Lease), List<Writer>> _guests = [];

    /// <summary>The last write to each disk that a guest was answered, and the last one that each image has.</summary>
    private readonly Dictionary<Guid, long> _written = [];
    private readonly Dictionary<string, long> _holds = new(StringComparer.Ordinal);
    private long _writes;

    /// <summary>All that each disk ever had when it was left, and the disks of which a client has asked for some of that back.</summary>
    private readonly Dictionary<Guid, HashSet<long>> _ever = [];
    private readonly HashSet<Guid> _back = [];

    public void Told(GuestLife life)
    {
        var key = (life.Host, life.Vm, life.Lease);
        if (life.ToMs is not null)
        {
            if (!_guests.Remove(key, out var gone)) return;
            Write(gone);
            foreach (var writer in gone) _writers[writer.Path].Remove(writer);
            return;
        }

        var host = world.HostOf(life);
        var definition = host.Guests.FirstOrDefault(g => g.Key.Vm == life.Vm && g.Key.Lease == life.Lease).Definition;
        if (definition is null) return;
        var writers = _guests[key] = [];
        foreach (var disk in definition.Disks)
            if (!disk.ReadOnly)
            {
                writers.Add(Add(new Writer(disk.Path, host, checks.Line(life)) { Disk = disk.Backing is null ? disk.Id : null }));
                if (disk.Backing is null) Find(disk, host, checks.Line(life));
            }

        Write(writers);
    }

    /// <summary>A guest that runs has got disks, or let some go.</summary>
    public void Reshaped(int number, GuestKey key, VmDefinition definition)
    {
        if (!_guests.TryGetValue((number, key.Vm, key.Lease), out var writers)) return;
        var gone = writers.Where(w => w.Disk is { } disk && definition.Disks.All(d => d.Id != disk)).ToArray();
        Write(gone);
        foreach (var writer in gone)
        {
            writers.Remove(writer);
            _writers[writer.Path].Remove(writer);
        }

        var (host, who) = (world.Hosts.Single(h => h.Number == number), $"{world.NameOf(key.Vm)}, plugged in under lease {key.Lease}");
        foreach (var disk in definition.Disks.Where(d => !d.ReadOnly && writers.All(w => w.Disk != d.Id && w.Path != d.Path)).ToArray())
        {
            Find(disk, host, who);
            writers.Add(Add(new Writer(disk.Path, host, who) { Disk = disk.Id }));
        }

        Write(writers);
    }

    /// <summary>The guest writes these images of one of its disks from now on; those that it did not write before have all that it
    /// has written.</summary>
    public void Writes(WorldHost host, GuestKey guest, Guid disk, ImmutableArray<string> paths)
    {
        if (!_guests.TryGetValue((host.Number, guest.Vm, guest.Lease), out var writers)) return;
        var before = writers.Where(w => w.Disk == disk).ToList();
        if (before.Count == 0) return;
        Write(before);
        foreach (var writer in before)
        {
            writers.Remove(writer);
            _writers[writer.Path].Remove(writer);
        }

        foreach (var path in paths) writers.Add(Add(before[0] with { Path = path }));
        Write([.. writers.Where(w => w.Disk == disk)]);
    }

    /// <summary>A client looks at a snapshot of the disk, or ends that: the next guest may find what some guest had written then.</summary>
    public void ClientGoesBack(Guid disk) => _back.Add(disk);

    /// <summary>A guest that begins finds all that was written to the disk, by whichever guest.</summary>
    private void Find(VmDisk disk, WorldHost host, string who)
    {
        if (_back.Remove(disk.Id) && Holds(disk.Path) is var then && (then == 0 || _ever.GetValueOrDefault(disk.Id)?.Contains(then) == true))
            _written[disk.Id] = then;
        if (_written.TryGetValue(disk.Id, out var written) && Holds(disk.Path) != written)
            checks.BreakUnlessLied([host], LostWrite, $"{disk.Path} has not all that was written to disk {disk.Id}", [who]);
    }

    private void Write(IEnumerable<Writer> writers)
    {
        var write = ++_writes;
        foreach (var writer in writers)
            if (writer.Disk is { } disk)
            {
                if (!_ever.TryGetValue(disk, out var ever)) _ever[disk] = ever = [];
                ever.Add(_written[disk] = _holds[writer.Path] = write);
            }
    }

    /// <summary>What an image that is copied has at the beginning: what is written meanwhile may be missing in the copy.</summary>
    public long Held(ImageJob job) => job switch
    {
        ImageJob.Copy c => Holds(c.Source),
        ImageJob.Rewrite r => Holds(r.Source),
        _ => 0,
    };

    /// <summary>All of an image is in the one that it rested on.</summary>
    public void Merged(string top, string below) => _holds[below] = Holds(top);

    /// <summary>An image in which nothing was written reads as the one below it.</summary>
    private long Holds(string path) => _holds.TryGetValue(path, out var own) ? own : world.Images.Below(path) is { } below ? Holds(below) : 0;

    /// <summary>A job on images; what it writes under the image's own name, it writes until the result is disposed.</summary>
    public IDisposable Writes(WorldHost host, ImageJob job) => new Writing(this, Add(host, job, (job as ImageJob.Delete)?.Path));

    /// <summary>The job has made an image: from here on its name stands for what the job wrote.</summary>
    public void Made(WorldHost host, ImageJob job, long held)
    {
        var path = job switch
        {
            ImageJob.Create c => c.Path,
            ImageJob.Copy c => c.Destination,
            ImageJob.Rewrite r => r.Destination,
            _ => null,
        };
        new Writing(this, Add(host, job, path)).Dispose();
        if (path is not null && job is not ImageJob.Create { Backing: not null }) _holds[path] = held;
        if (job is ImageJob.Delete d) _holds.Remove(d.Path);
    }

    private Writer? Add(WorldHost host, ImageJob job, string? path) =>
        path is null ? null : Add(new Writer(path, host, $"{job.GetType().Name} job on {host.Name}") { Deletes = job is ImageJob.Delete });

    private Writer Add(Writer writer)
    {
        if (!_writers.TryGetValue(writer.Path, out var others)) _writers[writer.Path] = others = [];
        // What two hosts delete at a time is gone.
        if (others.Any(o => !o.Deletes || !writer.Deletes))
            checks.BreakUnlessLied(
                others.Select(o => o.Host), Rule, $"{writer.Path} has {others.Count + 1} writers",
                [.. others.Select(o => o.Who), writer.Who]);
        others.Add(writer);
        return writer;
    }

    private sealed record Writer(string Path, WorldHost Host, string Who)
    {
        public bool Deletes { get; init; }

        /// <summary>Of a guest, except where what it writes is thrown away.</summary>
        public Guid? Disk { get; init; }
    }

    private sealed class Writing(DiskChecks owner, Writer? writer) : IDisposable
    {
        public void Dispose()
        {
            if (writer is not null) owner._writers[writer.Path].Remove(writer);
        }
    }
}
