using Orchestrator.Agent.Ledgers;

namespace Orchestrator.Agent.Libvirt;

/// <summary>
/// A guest's memory as a file of libvirt's. Whoever goes on from it deletes it before the first instruction runs: as long
/// as it is there nothing has run from it, however hosts and agents have died.
/// </summary>
internal static class SavedMemory
{
    /// <summary>Until all of it is there, the file begins with "LibvirtQemudPart" (libvirt, qemu_saveimage.h).</summary>
    private static ReadOnlySpan<byte> Whole => "LibvirtQemudSave"u8;

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
            Flush(path);
        }
        catch (IOException)
        {
            // The guest has ended, and libvirt has closed the file without an error: that is all that can be known.
        }
    }

    /// <summary>A guest that was stopped to be saved, and was not, runs on. A libvirtd that was killed in between tries that itself once, too
    /// early: QEMU is not done with its attempt then. Best effort: what failed before is what is told.</summary>
    public static async Task LetGoOn(Func<Action<LibvirtConnection>, Task> run, GuestKey guest, TimeProvider time)
    {
        for (var attempt = 0; attempt < 10; attempt++)
        {
            var stands = false;
            try
            {
                await run(connection => stands = connection.OnDomain(guest.Vm, domain =>
                    LibvirtGuest.IsPausedBySave(domain) && Native.virDomainResume(domain) < 0));
            }
            catch (Exception e) when (e is HypervisorException or HypervisorAwayException)
            {
                return;
            }

            if (!stands) return;
            await Task.Delay(TimeSpan.FromMilliseconds(500), time);
        }
    }

    /// <summary>Whether it is the whole memory of that guest, which has not run since. libvirt writes its mark at the front when all of
    /// the rest is there, and ends the guest then; one that libvirtd, killed at that very moment, let go on afterwards has written to a
    /// disk later than to the file, or has not written at all: then it can go on from here as well.</summary>
    public static bool IsOf(LibvirtConnection connection, GuestKey guest, string path)
    {
        try
        {
            var written = File.GetLastWriteTimeUtc(path);
            using (var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite))
            {
                var mark = new byte[Whole.Length];
                if (file.ReadAtLeast(mark, mark.Length, throwOnEndOfStream: false) < mark.Length || !Whole.SequenceEqual(mark)) return false;
            }

            var xml = connection.Use(c => Native.Take(Native.virDomainSaveImageGetXMLDesc(c, path, 0)));
            if (xml is null || DomainXml.Owner(xml)?.Guest != guest) return false;
            if (DomainXml.DiskPaths(xml).Any(disk => File.GetLastWriteTimeUtc(disk) > written)) return false;
            Flush(path);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static void Flush(string path)
    {
        using (var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite)) file.Flush(flushToDisk: true);
        Folder.Sync(Path.GetDirectoryName(path)!);
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
