using System.Collections.Immutable;

#pragma warning disable format // tables stand in columns
namespace Orchestrator.Actors.Vm;

/// <summary>What a change of a running machine was about, with oVirt's codes.</summary>
internal static class VmReshapeStory
{
    public static (int Code, string Words) Done(VmCore core, PendingReshape asked) => WhatOf(core, asked) switch
    {
        (What.PlugDisk, var of)   => (2000, $"{of} was plugged in"),
        (What.UnplugDisk, var of) => (2002, $"{of} was unplugged"),
        (What.PlugNic, var of)    => (1012, $"{of} was plugged in"),
        (What.UnplugNic, var of)  => (1014, $"{of} was unplugged"),
        (What.Nic, var of)        => (934, $"{of} was changed"),
        (What.Cd, var of)         => (38, $"its CD was changed: {of}"),
        (What.Cpus, var of)       => (2033, $"its CPUs were changed to {of}"),
        (What.Memory, var of)     => (2039, $"its memory was changed to {of}"),
        var (_, of)               => (35, $"{of} was changed"),
    };

    /// <param name="has">The machine that the guest has after all.</param>
    public static (int Code, string Words) Failed(VmCore core, PendingReshape asked, VmConfig has) => WhatOf(core, asked) switch
    {
        (What.PlugDisk, var of)   => (2001, $"{of} could not be plugged in"),
        (What.UnplugDisk, var of) => (2003, $"{of} could not be unplugged"),
        (What.PlugNic, var of)    => (1013, $"{of} could not be plugged in"),
        (What.UnplugNic, var of)  => (1015, $"{of} could not be unplugged"),
        (What.Nic, var of)        => (935, $"{of} could not be changed"),
        (What.Cd, var of)         => (39, $"its CD could not be changed: {of}"),
        (What.Cpus, var of) when has.VCpus != asked.Definition.VCpus =>
                                     (2034, $"its CPUs could not be changed to {of} while it runs, which waits for its next start"),
        (What.Cpus or What.Memory, _) =>
                                     (2040, $"its memory could not be changed to {Size(asked.Definition.Memory)} while it runs, which waits for its next start"),
        var (_, of)               => (35, $"{of} could not be changed"),
    };

    public static string Left(VmCore core, VmConfig has) => string.Join(", ",
        (core.Running?.Disks ?? []).Where(d => d.Active && !has.Disks.Any(h => h.Disk == d.Disk && h.Active)).Select(Name)
            .Concat((core.Running?.Nics ?? []).Where(n => n.Plugged && !has.Nics.Any(h => h.Id == n.Id && h.Plugged)).Select(Name)));

    private enum What { PlugDisk, UnplugDisk, PlugNic, UnplugNic, Nic, Cd, Cpus, Memory, Nothing }

    private static (What, string) WhatOf(VmCore core, PendingReshape asked)
    {
        var (from, to) = (core.Running ?? core.Config ?? asked.Definition, asked.Definition);
        if (to.Disks.FirstOrDefault(d => d.Active && !from.Disks.Any(f => f.Disk == d.Disk && f.Active)) is { } plugged) return (What.PlugDisk, Name(plugged));
        if (from.Disks.FirstOrDefault(d => d.Active && !to.Disks.Any(t => t.Disk == d.Disk && t.Active)) is { } unplugged) return (What.UnplugDisk, Name(unplugged));
        if (to.Nics.FirstOrDefault(n => n.Plugged && !from.Nics.Any(f => f.Id == n.Id && f.Plugged)) is { } card) return (What.PlugNic, Name(card));
        if (from.Nics.FirstOrDefault(n => n.Plugged && !to.Nics.Any(t => t.Id == n.Id && t.Plugged)) is { } pulled) return (What.UnplugNic, Name(pulled));
        if (to.Nics.FirstOrDefault(n => n.Plugged && !from.Nics.Contains(n)) is { } changed) return (What.Nic, Name(changed));
        if (from.Cdrom != to.Cdrom) return (What.Cd, to.Cdrom is { } cd ? $"disk {cd}" : "none");
        return from.VCpus != to.VCpus ? (What.Cpus, $"{to.Sockets} sockets, {to.VCpus} in all")
            : from.Memory != to.Memory ? (What.Memory, Size(to.Memory))
            : (What.Nothing, "its machine");
    }

    private static string Name(DiskAttachment disk) => $"disk {disk.Disk}";

    private static string Name(Nic nic) => $"NIC {nic.Name}";

    private static string Size(long bytes) => $"{bytes >> 20} MiB";
}
