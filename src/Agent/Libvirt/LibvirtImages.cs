using System.Collections.Immutable;
using System.Diagnostics;
using System.Xml.Linq;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Agent.Libvirt;

/// <summary>
/// Images under running guests, by libvirt's block copy with synchronous writes: once it is ready, QEMU answers a write only
/// when both images have it. Nothing is remembered here: libvirt's XML says at any time which image a disk has and whether a
/// copy is under way, so an agent that was started anew goes on where the one before it was.
/// </summary>
internal sealed partial class LibvirtImages(Func<LibvirtConnection> connected, TimeProvider time, ILogger log) : IGuestImages
{
    // virDomainBlockCopyFlags and virDomainBlockJobAbortFlags.
    private const uint ReuseFile = 1 << 1, Transient = 1 << 2, SynchronousWrites = 1 << 3;
    private const uint Pivot = 1 << 1;

    // virDomainBlockResizeFlags.
    private const uint InBytes = 1;
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(250);

    public async Task Mirror(
        GuestKey guest, Guid disk, string destination, DiskFormat format, Action<int> percent, CancellationToken cancel)
    {
        var has = await Read(guest, disk);
        if (has.Source == destination) return;
        if (has.Copy is { } other && other != destination)
            throw new ImageWorkException($"its image is being copied to {other} already");
        if (has.Copy is null) await Begin(guest, has, destination, format, cancel);
        while (true)
        {
            var now = await Read(guest, disk);
            if (now.Source == destination || now.Ready) return;
            if (now.Copy is null) throw new ImageWorkException($"the copy to {destination} broke off; look at the storage and its space");
            percent(await Task.Run(() => Copied(guest, now.Target), cancel));
            await Task.Delay(Look, time, cancel);
        }
    }

    public async Task Switch(GuestKey guest, Guid disk, string destination, CancellationToken cancel)
    {
        var has = await Read(guest, disk);
        if (has.Source == destination) return;
        if (has.Copy != destination) throw new ImageWorkException($"it is not being copied to {destination} any more, and writes {has.Source} alone");
        await End(guest, disk, destination, has.Target, Pivot, now => now.Source == destination, cancel);
    }

    public async Task TurnBack(GuestKey guest, Guid disk, string destination, CancellationToken cancel)
    {
        var has = await Read(guest, disk);
        if (has.Source == destination) throw new ImageWorkException($"it has been switched to {destination}");
        if (has.Copy != destination) return;
        await End(guest, disk, destination, has.Target, 0, now => now.Copy is null && now.Source != destination, cancel);
    }

    public async Task Grow(GuestKey guest, Guid disk, long sizeBytes, CancellationToken cancel)
    {
        var has = await Read(guest, disk);
        await On(guest, (connection, domain) =>
        {
            if (Native.virDomainGetBlockInfo(domain, has.Target, out var info, 0) < 0) throw connection.FailureNow();
            if (info.capacity >= (ulong)sizeBytes) return 0;
            return Native.virDomainBlockResize(domain, has.Target, (ulong)sizeBytes, InBytes) >= 0 ? 0 : throw connection.FailureNow();
        });
    }

    private async Task Begin(GuestKey guest, Disk has, string destination, DiskFormat format, CancellationToken cancel)
    {
        await QemuImages.MakeEmpty(has.Source, destination, format, cancel);
        var file = new XElement(
            "disk", new XAttribute("type", "file"),
            new XElement("source", new XAttribute("file", destination)),
            new XElement("driver", new XAttribute("name", "qemu"), new XAttribute("type", format == DiskFormat.Raw ? "raw" : "qcow2"))).ToString();
        await On(guest, (connection, domain) => BlockCopy(domain, has.Target, file) >= 0 ? 0 : throw connection.FailureNow());
    }

    private static unsafe int BlockCopy(nint domain, string target, string file) =>
        Native.virDomainBlockCopy(domain, target, file, null, 0, ReuseFile | Transient | SynchronousWrites);

    /// <summary>libvirt answers when the job is over; whether it is as it was to be shows in the XML alone.</summary>
    private async Task End(
        GuestKey guest, Guid disk, string destination, string target, uint flags, Func<Disk, bool> done, CancellationToken cancel)
    {
        string? why = null;
        try
        {
            await On(guest, (connection, domain) => Native.virDomainBlockJobAbort(domain, target, flags) >= 0 ? 0 : throw connection.FailureNow());
        }
        catch (ImageWorkException e)
        {
            why = e.Message;
        }

        for (var began = Stopwatch.StartNew(); ; await Task.Delay(Look, time, cancel))
        {
            var now = await Read(guest, disk);
            if (done(now)) return;
            if (now.Copy == destination && why is null && began.Elapsed < TimeSpan.FromSeconds(10)) continue;
            // Still in both images: it can be asked again. In one of them, and it is not the one that was meant: that is an answer.
            throw now.Copy == destination ? new GuestAwayException(why ?? "libvirt has not ended the copy yet") : new ImageWorkException(
                why ?? $"it writes {now.Source} alone");
        }
    }

    private int Copied(GuestKey guest, string target)
    {
        try
        {
            return connected().OnDomain(guest.Vm, domain =>
                Native.virDomainGetBlockJobInfo(domain, target, out var info, 0) > 0 && info.end > 0 ? (int)(100 * info.cur / info.end) : 0);
        }
        catch (Exception e) when (e is HypervisorException or HypervisorAwayException or DomainGoneException)
        {
            return 0;
        }
    }

    private async Task<Disk> Read(GuestKey guest, Guid disk)
    {
        string? xml = null;
        try
        {
            await On(guest, (_, domain) => { xml = Native.Take(Native.virDomainGetXMLDesc(domain, 0)); return 0; });
        }
        catch (ImageWorkException e)
        {
            // Who cannot look knows nothing of what the guest writes: that is no answer.
            throw new GuestAwayException(e.Message, e);
        }

        return xml is null ? throw new GuestAwayException($"libvirt does not say what {guest} has")
            : Find(xml, disk) ?? throw new GuestAwayException($"the guest has no disk {disk}");
    }

    /// <summary>What a domain's XML says of one of its disks, or null.</summary>
    internal static Disk? Find(string xml, Guid disk)
    {
        var element = XElement.Parse(xml).Element("devices")?.Elements("disk").FirstOrDefault(d => (string?)d.Element("serial") == disk.ToString());
        if ((string?)element?.Element("target")?.Attribute("dev") is not { } target) return null;
        var mirror = element.Element("mirror");
        return new Disk(
            target, Path(element.Element("source")) ?? "", mirror is null ? null : Path(mirror.Element("source")) ?? (string?)mirror.Attribute("file"),
            (string?)mirror?.Attribute("ready") == "yes")
        {
            Below = [.. Backing(element)],
        };
    }

    private static IEnumerable<string> Backing(XElement disk)
    {
        for (var below = disk.Element("backingStore"); below is not null; below = below.Element("backingStore"))
            if (Path(below.Element("source")) is { } path) yield return path;
    }

    private static string? Path(XElement? source) => (string?)source?.Attribute("file") ?? (string?)source?.Attribute("dev");

    /// <summary>Each call has a thread of its own: libvirt may hold it for as long as the storage does not answer.</summary>
    private async Task On(GuestKey guest, Func<LibvirtConnection, nint, int> call)
    {
        try
        {
            await Task.Factory.StartNew(
                () =>
                {
                    var connection = connected();
                    return connection.OnDomain(guest.Vm, domain =>
                        Native.Take(Native.virDomainGetXMLDesc(domain, 0)) is { } xml && DomainXml.Owner(xml)?.Guest == guest
                            ? call(connection, domain)
                            : throw new GuestAwayException($"the domain here is not {guest}"));
                },
                CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        }
        catch (Exception e) when (e is HypervisorAwayException or DomainGoneException)
        {
            throw new GuestAwayException(e.Message, e);
        }
        catch (HypervisorException e)
        {
            throw new ImageWorkException(e.Message, e);
        }
    }

    /// <param name="Target">libvirt's name of the device.</param>
    /// <param name="Source">The image that the guest has.</param>
    /// <param name="Copy">Where it is being copied to; null: it is not.</param>
    /// <param name="Ready">All that is written goes to both.</param>
    internal sealed record Disk(string Target, string Source, string? Copy, bool Ready)
    {
        /// <summary>Images that the source rests on, from the top down.</summary>
        public ImmutableArray<string> Below { get; init; } = [];
    }
}
