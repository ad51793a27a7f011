using System.Collections.Immutable;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Simulated;

/// <summary>What can be changed in a simulated guest that runs. Pure.</summary>
internal static class SimulatedMachine
{
    public static ImmutableArray<string> DevicesOf(VmDefinition definition) =>
        [.. definition.Disks.Select(d => d.Id.ToString()), .. definition.Nics.Select(n => n.Mac)];

    public static GuestMachine Of(VmDefinition definition, string? failed) =>
        new(DevicesOf(definition), definition.VirtualCpus, definition.MemoryBytes, failed);

    /// <summary>Whether the guest must let something go.</summary>
    public static bool Leaves(VmDefinition has, VmDefinition wanted) =>
        has.Disks.Any(d => !wanted.Disks.Any(w => w.Id == d.Id)) || has.Nics.Any(n => !wanted.Nics.Any(w => w.Mac == n.Mac))
        || wanted.VirtualCpus < has.VirtualCpus;

    public static (VmDefinition Has, string? Failed) Change(
        VmDefinition has, VmDefinition wanted, bool deaf, bool fails, bool storageGone)
    {
        if (deaf && Leaves(has, wanted)) return (has, "the guest did not let go what was to leave");
        if (fails) return (has, "simulated QEMU: could not be plugged (fault)");
        if (storageGone && wanted.Disks.FirstOrDefault(w => !has.Disks.Any(d => d.Id == w.Id)) is { } disk)
            return (has, $"simulated QEMU: could not open '{disk.Path}': input/output error");
        return (has with
        {
            // What stays is as it was.
            Disks = [.. wanted.Disks.Select(w => has.Disks.FirstOrDefault(d => d.Id == w.Id) ?? w)],
            Nics = wanted.Nics,
            Cdrom = wanted.Cdrom ?? has.Cdrom,
            Sockets = wanted.Sockets,
            MemoryBytes = Math.Max(has.MemoryBytes, wanted.MemoryBytes),
        }, null);
    }
}
