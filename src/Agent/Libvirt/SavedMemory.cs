using Orchestrator.Agent.Ledgers;

namespace Orchestrator.Agent.Libvirt;

/// <summary>
/// A guest's memory as a file of libvirt's. Whoever goes on from it deletes it before the first instruction runs: as long
/// as it is there nothing has run from it, however hosts and agents have died.
/// </summary>
internal static class SavedMemory
{
    /// <summary>Completes when the guest has ended and the file is flushed. libvirt lets the guest go on when that fails, and
    /// removes what it has written.</summary>
    public static void Write(LibvirtConnection connection, GuestKey guest, string path)
    {
        var folder = Path.GetDirectoryName(path)!;
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HypervisorException(e.Message, e);
        }

        connection.OnDomain(guest.Vm, domain =>
        {
            var xml = Native.Take(Native.virDomainGetXMLDesc(domain, 0));
            if (xml is null || DomainXml.Owner(xml)?.Guest != guest) throw new HypervisorException($"the domain here is not {guest}");
            return Native.virDomainSave(domain, path) >= 0 ? 0 : throw connection.FailureNow();
        });
        try
        {
            using (var file = new FileStream(path, FileMode.Open, FileAccess.Read)) file.Flush(flushToDisk: true);
            Folder.Sync(folder);
        }
        catch (IOException)
        {
            // The guest has ended, and libvirt has closed the file without an error: that is all that can be known.
        }
    }

    /// <returns>The domain's XML.</returns>
    public static string? Restore(LibvirtConnection connection, GuestKey guest, string path)
    {
        if (!File.Exists(path))
            throw Directory.Exists(Path.GetDirectoryName(path))
                ? new MemoryGoneException(path)
                : new HypervisorException($"{Path.GetDirectoryName(path)} is not there: is the storage mounted?");
        connection.Use(c =>
        {
            var xml = Native.Take(Native.virDomainSaveImageGetXMLDesc(c, path, Native.XmlSecure)) ?? throw LibvirtConnection.Failure(c);
            return Native.virDomainRestoreFlags(c, path, DomainXml.WithLease(xml, guest.Lease), Native.SavePaused) >= 0
                ? 0
                : throw LibvirtConnection.Failure(c);
        });
        try
        {
            File.Delete(path);
            Folder.Sync(Path.GetDirectoryName(path)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            connection.Do(guest.Vm, domain => Native.virDomainDestroyFlags(domain, 0));
            throw new HypervisorException($"the memory could not be marked as used: {e.Message}", e);
        }

        connection.Do(guest.Vm, Native.virDomainResume);
        return connection.OnDomain(guest.Vm, domain => Native.Take(Native.virDomainGetXMLDesc(domain, 0)));
    }
}
