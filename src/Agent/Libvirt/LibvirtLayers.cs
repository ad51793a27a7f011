using System.Collections.Immutable;
using System.Xml.Linq;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Agent.Libvirt;

/// <summary>Images on top of others, under guests that run: by libvirt's external snapshots without metadata, and its block
/// commit. libvirt's XML says at any time which images a disk has.</summary>
internal sealed partial class LibvirtImages
{
    // virDomainSnapshotCreateFlags.
    private const uint NoMetadata = 1 << 2, DiskOnly = 1 << 4, ReuseFiles = 1 << 5, Atomic = 1 << 7;

    /// <summary>How long a guest may take until its file systems stand still (oVirt's LiveSnapshotFreezeTimeout), s.</summary>
    private const int FreezePatience = 8;

    public async Task<string?> TakeSnapshot(GuestKey guest, ImmutableArray<GuestLayer> layers, CancellationToken cancel)
    {
        var disks = new List<(string Target, string Path)>();
        foreach (var layer in layers)
        {
            var has = await Read(guest, layer.Disk);
            if (has.Copy is { } copy) throw new ImageWorkException($"disk {layer.Disk} is being copied to {copy}");
            if (has.Source != layer.Path) disks.Add((has.Target, layer.Path));
        }

        if (disks.Count == 0) return null;
        string? note = null;
        try
        {
            await On(guest, (connection, domain) =>
            {
                var xml = Native.Take(Native.virDomainGetXMLDesc(domain, 0)) ?? throw connection.FailureNow();
                var frozen = Freeze(guest, domain, xml, out note);
                try
                {
                    var snapshot = Native.virDomainSnapshotCreateXML(domain, SnapshotXml(xml, disks), NoMetadata | DiskOnly | ReuseFiles | Atomic);
                    if (snapshot == 0) throw connection.FailureNow();
                    return Native.virDomainSnapshotFree(snapshot);
                }
                finally
                {
                    if (frozen && Native.virDomainFSThaw(domain, 0, 0, 0) < 0)
                        log.LogError("guest {Guest}: its file systems could not be told to go on: {Why}; thaw them in the guest (fsfreeze -u)", guest, Native.LastError().Message);
                }
            });
        }
        catch (ImageWorkException e)
        {
            foreach (var layer in layers)
                if ((await Read(guest, layer.Disk)).Source != layer.Path) throw new ImageWorkException(e.Message, e);
        }

        return note;
    }

    public async Task Merge(GuestKey guest, Guid disk, string top, string below, Action<int> percent, CancellationToken cancel)
    {
        for (var begun = false; ; begun = true)
        {
            var has = await Read(guest, disk);
            if (has.Source == top) throw new ImageWorkException($"the guest writes {top}");
            if (!has.Below.Contains(top))
            {
                if (has.Below.Contains(below)) return;
                throw new ImageWorkException($"the guest's disk does not rest on {below}");
            }

            if (begun) throw new ImageWorkException($"the merge of {top} into {below} broke off; look at the storage and its space");
            if (await Running(guest, has.Target) is null)
                await On(guest, (connection, domain) => Native.virDomainBlockCommit(domain, has.Target, below, top, 0, 0) >= 0 ? 0 : throw connection.FailureNow());
            while (await Running(guest, has.Target) is { } now)
            {
                percent(now);
                await Task.Delay(Look, time, cancel);
            }

            // libvirt hears of the end before it has changed its XML.
            for (var i = 0; i < 8 && (await Read(guest, disk)).Below.Contains(top); i++) await Task.Delay(Look, time, cancel);
        }
    }

    /// <summary>All disks but these stay as they are.</summary>
    internal static string SnapshotXml(string domain, IReadOnlyList<(string Target, string Path)> disks) => new XElement(
        "domainsnapshot",
        new XElement("disks", XElement.Parse(domain).Element("devices")!.Elements("disk")
            .Select(d => (string?)d.Element("target")?.Attribute("dev") ?? "")
            .Select(target => disks.FirstOrDefault(d => d.Target == target) is { Path: { } path }
                ? new XElement(
                    "disk", new XAttribute("name", target), new XAttribute("snapshot", "external"), new XAttribute("type", "file"),
                    new XElement("driver", new XAttribute("type", "qcow2")),
                    new XElement("source", new XAttribute("file", path)))
                : new XElement("disk", new XAttribute("name", target), new XAttribute("snapshot", "no"))))).ToString();

    /// <summary>Without a guest agent, or when it does not answer in time, the snapshot is what a power cut would have left.</summary>
    /// <param name="note">Why not, where it has one that should have done it.</param>
    private bool Freeze(GuestKey guest, nint domain, string xml, out string? note)
    {
        note = null;
        var agent = XElement.Parse(xml).Element("devices")?.Elements("channel").Select(c => c.Element("target"))
            .FirstOrDefault(t => (string?)t?.Attribute("name") == "org.qemu.guest_agent.0");
        if ((string?)agent?.Attribute("state") != "connected") return false;
        _ = Native.virDomainAgentSetResponseTimeout(domain, FreezePatience, 0);
        if (Native.virDomainFSFreeze(domain, 0, 0, 0) >= 0) return true;
        note = $"its file systems were not frozen: {Native.LastError().Message}";
        log.LogWarning("guest {Guest}: a snapshot: {Why}", guest, note);
        // It may have done so too late for the answer.
        _ = Native.virDomainFSThaw(domain, 0, 0, 0);
        return false;
    }

    /// <returns>Percent of the work on its images; null: there is none.</returns>
    private async Task<int?> Running(GuestKey guest, string target)
    {
        int? percent = null;
        await On(guest, (connection, domain) =>
        {
            var known = Native.virDomainGetBlockJobInfo(domain, target, out var info, 0);
            if (known < 0) throw connection.FailureNow();
            if (known > 0) percent = info.end > 0 ? (int)(100 * info.cur / info.end) : 0;
            return 0;
        });
        return percent;
    }
}
