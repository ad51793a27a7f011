using Orchestrator.Agent;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Simulated;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>An image has at most one writer at any moment: a guest that has it, or a job that deletes it. A job that makes
/// it writes under a name of its own, which becomes the image's only if nobody has that (QemuImages).</summary>
internal sealed class DiskChecks(SimulatedWorld world, WorldChecks checks)
{
    public const string Rule = "one-writer";
    private readonly Dictionary<string, List<Writer>> _writers = [];
    private readonly Dictionary<(int Host, Guid Vm, long Lease), List<Writer>> _guests = [];

    public void Told(GuestLife life)
    {
        var key = (life.Host, life.Vm, life.Lease);
        if (life.ToMs is not null)
        {
            if (!_guests.Remove(key, out var gone)) return;
            foreach (var writer in gone) _writers[writer.Path].Remove(writer);
            return;
        }

        var host = world.HostOf(life);
        var definition = host.Guests.FirstOrDefault(g => g.Key.Vm == life.Vm && g.Key.Lease == life.Lease).Definition;
        if (definition is null) return;
        var writers = _guests[key] = [];
        foreach (var disk in definition.Disks)
            if (!disk.ReadOnly)
                writers.Add(Add(new Writer(disk.Path, host, checks.Line(life))));
    }

    /// <summary>A guest that runs has got disks, or let some go.</summary>
    public void Reshaped(int number, GuestKey key, VmDefinition definition)
    {
        var at = (number, key.Vm, key.Lease);
        if (!_guests.TryGetValue(at, out var writers)) return;
        foreach (var gone in writers.Where(w => !definition.Disks.Any(d => d.Path == w.Path && !d.ReadOnly)).ToArray())
        {
            writers.Remove(gone);
            _writers[gone.Path].Remove(gone);
        }

        foreach (var disk in definition.Disks.Where(d => !d.ReadOnly && writers.All(w => w.Path != d.Path)).ToArray())
            writers.Add(Add(new Writer(disk.Path, world.Hosts.Single(h => h.Number == number), $"{world.NameOf(key.Vm)}, plugged in under lease {key.Lease}")));
    }

    /// <summary>A job on images; what it writes under the image's own name, it writes until the result is disposed.</summary>
    public IDisposable Writes(WorldHost host, ImageJob job) => new Writing(this, Add(host, job, (job as ImageJob.Delete)?.Path));

    /// <summary>The job has made an image: from here on its name stands for what the job wrote.</summary>
    public void Made(WorldHost host, ImageJob job) => new Writing(this, Add(host, job, job switch
    {
        ImageJob.Create c => c.Path,
        ImageJob.Copy c => c.Destination,
        _ => null,
    })).Dispose();

    private Writer? Add(WorldHost host, ImageJob job, string? path) =>
        path is null ? null : Add(new Writer(path, host, $"{job.GetType().Name} job on {host.Name}"));

    private Writer Add(Writer writer)
    {
        if (!_writers.TryGetValue(writer.Path, out var others)) _writers[writer.Path] = others = [];
        if (others.Count > 0)
            checks.BreakUnlessLied(
                others.Select(o => o.Host), Rule, $"{writer.Path} has {others.Count + 1} writers",
                [.. others.Select(o => o.Who), writer.Who]);
        others.Add(writer);
        return writer;
    }

    private sealed record Writer(string Path, WorldHost Host, string Who);

    private sealed class Writing(DiskChecks owner, Writer? writer) : IDisposable
    {
        public void Dispose()
        {
            if (writer is not null) owner._writers[writer.Path].Remove(writer);
        }
    }
}
