using System.Text;
using Orchestrator.Agent.Ledgers;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Storage;

/// <summary>
/// A storage domain on a mounted file system: PATH/DOMAIN/images for disks, PATH/DOMAIN/dom_md/metadata for whose it is.
/// The layout is oVirt's; the metadata keys too, as far as they mean something here.
/// </summary>
internal static class DomainFolder
{
    public static DomainFacts Prepare(string path, Guid domain, string owner)
    {
        if (!Directory.Exists(path)) throw new ImageWorkException($"{path} is not there: is the storage mounted?");
        if (owner.Length == 0 || owner.Any(char.IsControl)) throw new ImageWorkException("the owner is not a plain word");
        var metadata = Metadata(path, domain);
        if (File.Exists(metadata) && Owner(metadata) is var found && found != owner)
            throw new ImageWorkException($"domain {domain} in {path} belongs to {found}");

        Directory.CreateDirectory(Path.Combine(path, domain.ToString(), "images"));
        Directory.CreateDirectory(Path.GetDirectoryName(metadata)!);
        if (!File.Exists(metadata)) Write(metadata, $"CLASS=Data\nSDUUID={domain}\nOWNER={owner}\nVERSION=5\n");
        return Check(path, domain);
    }

    public static DomainFacts Check(string path, Guid domain)
    {
        var metadata = Metadata(path, domain);
        if (!File.Exists(metadata)) throw new ImageWorkException($"there is no domain {domain} in {path}");
        Write(Path.Combine(Path.GetDirectoryName(metadata)!, "probe"), "written to see whether it can be\n");
        var drive = new DriveInfo(path);
        return new DomainFacts(Owner(metadata), drive.TotalSize, drive.AvailableFreeSpace);
    }

    private static string Metadata(string path, Guid domain) =>
        Path.Combine(path, domain.ToString(), "dom_md", "metadata");

    private static string Owner(string metadata) =>
        File.ReadLines(metadata).FirstOrDefault(l => l.StartsWith("OWNER=", StringComparison.Ordinal))?[6..]
        ?? throw new ImageWorkException($"{metadata} names no owner");

    private static void Write(string path, string text)
    {
        var draft = $"{path}.{Environment.MachineName}.new";
        using (var file = new FileStream(draft, FileMode.Create, FileAccess.Write))
        {
            file.Write(Encoding.UTF8.GetBytes(text));
            file.Flush(flushToDisk: true);
        }

        File.Move(draft, path, overwrite: true);
        Folder.Sync(Path.GetDirectoryName(path)!);
    }
}
