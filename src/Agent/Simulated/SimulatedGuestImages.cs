using System.Collections.Immutable;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Agent.Simulated;

/// <summary>What QEMU does with the images that a guest has open, without bytes: which of them it writes, at any time.</summary>
/// <param name="on">Works on a disk of a guest, under the hypervisor's lock.</param>
/// <param name="writes">Hears when the guest writes another set of images than before.</param>
internal sealed class SimulatedGuestImages(
    Action<GuestKey, Guid, Action<GuestDisk>> on, SimulatedImages images, Func<HostFaults> faults,
    Func<TimeSpan, CancellationToken, Task> wait, Action<GuestKey, Guid, ImmutableArray<string>> writes) : IGuestImages
{
    private static readonly TimeSpan Pass = TimeSpan.FromMilliseconds(400);

    public async Task Mirror(
        GuestKey guest, Guid disk, string destination, DiskFormat format, Action<int> percent, CancellationToken cancel)
    {
        var ready = false;
        On(guest, disk, open =>
        {
            ready = open.Source == destination || (open.Copy == destination && open.Ready);
            if (ready) return;
            if (open.Copy is { } other && other != destination) throw new ImageWorkException($"its image is being copied to {other} already");
            if (open.Copy is null) images.MakeEmpty(open.Source, destination, format);
            open.Copy = destination;
        });
        if (ready) return;
        for (var i = 0; i < 4; i++)
        {
            percent(25 * i);
            await wait(Pass, cancel);
            On(guest, disk, open => Break(open, destination));
        }

        On(guest, disk, open =>
        {
            Break(open, destination);
            open.Ready = true;
            writes(guest, disk, [open.Source, destination]);
        });
    }

    public async Task Switch(GuestKey guest, Guid disk, string destination, CancellationToken cancel)
    {
        await wait(Pass / 4, cancel);
        On(guest, disk, open =>
        {
            if (open.Source == destination) return;
            if (open.Copy != destination) throw new ImageWorkException($"it writes {open.Source} alone");
            (open.Source, open.Copy, open.Ready) = (destination, null, false);
            writes(guest, disk, [destination]);
        });
    }

    public async Task TurnBack(GuestKey guest, Guid disk, string destination, CancellationToken cancel)
    {
        await wait(Pass / 4, cancel);
        On(guest, disk, open =>
        {
            if (open.Source == destination) throw new ImageWorkException($"it has been switched to {destination}");
            if (open.Copy != destination) return;
            (open.Copy, open.Ready) = (null, false);
            writes(guest, disk, [open.Source]);
        });
    }

    public async Task<string?> TakeSnapshot(GuestKey guest, ImmutableArray<GuestLayer> layers, CancellationToken cancel)
    {
        await wait(Pass / 4, cancel);
        foreach (var layer in layers)
            On(guest, layer.Disk, open =>
            {
                if (open.Source == layer.Path) return;
                if (open.Copy is not null) throw new ImageWorkException($"disk {layer.Disk} is being copied to {open.Copy}");
                if (faults().StorageFull) throw new ImageWorkException("simulated QEMU: no space left on device");
                if (images.Below(layer.Path) != open.Source) throw new ImageWorkException($"{layer.Path} does not rest on {open.Source}");
            });
        foreach (var layer in layers)
            On(guest, layer.Disk, open =>
            {
                if (open.Source == layer.Path) return;
                open.Source = layer.Path;
                writes(guest, layer.Disk, [layer.Path]);
            });
        return null;
    }

    public async Task Merge(GuestKey guest, Guid disk, string top, string below, Action<int> percent, CancellationToken cancel)
    {
        for (var i = 0; i < 4; i++)
        {
            percent(25 * i);
            await wait(Pass / 2, cancel);
            On(guest, disk, open =>
            {
                if (open.Source == top) throw new ImageWorkException($"the guest writes {top}");
                if (faults().StorageFull) throw new ImageWorkException("simulated QEMU: no space left on device");
            });
        }

        On(guest, disk, open => images.Merge(top, below));
    }

    public async Task Grow(GuestKey guest, Guid disk, long sizeBytes, CancellationToken cancel)
    {
        await wait(Pass / 4, cancel);
        On(guest, disk, open =>
        {
            if (faults().StorageFull) throw new ImageWorkException("simulated QEMU: no space left on device");
            images.Grow(open.Source, sizeBytes);
        });
    }

    /// <summary>A copy that cannot be written breaks off; the guest writes its old image alone.</summary>
    private void Break(GuestDisk open, string destination)
    {
        if (open.Copy == destination && !faults().StorageFull) return;
        (open.Copy, open.Ready) = (null, false);
        throw new ImageWorkException($"simulated QEMU: the copy to {destination} broke off: no space left on device");
    }

    private void On(GuestKey guest, Guid disk, Action<GuestDisk> work)
    {
        if (faults().StorageGone) throw new GuestAwayException("simulated QEMU: the storage does not answer");
        on(guest, disk, work);
    }
}

/// <summary>A disk of a guest that runs.</summary>
internal sealed class GuestDisk(string source)
{
    public string Source { get; set; } = source;

    /// <summary>Where it is being copied to.</summary>
    public string? Copy { get; set; }

    /// <summary>All that is written goes to both.</summary>
    public bool Ready { get; set; }
}
