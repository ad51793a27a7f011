using System.Text;
using Orchestrator.Agent.Ledgers;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Storage;

/// <summary>The steps of a storage domain's life on a file system that is there. Each may be repeated, and each writes the metadata
/// last or not at all.</summary>
internal static class DomainSteps
{
    public static DomainFacts Do(ImageJob.StepDomain job)
    {
        var (place, id) = (job.Place, job.Place.Domain);
        if (!Directory.Exists(place.Folder))
            throw new ImageWorkException(place.Mount is null
                ? $"{place.Folder} is not there: make the folder on the host first"
                : $"{place.Folder} is not there");
        var label = new DomainLabel(id, job.Installation, job.Name, job.Role, job.DataCenter);
        switch (job.Step)
        {
            case DomainStep.Format:
                Format(place.Folder, label, job.Force);
                break;
            case DomainStep.Import:
                Import(place.Folder, Found(place.Folder, id), label, job.Force);
                break;
            case DomainStep.Open:
                Open(place.Folder, Own(place.Folder, label), label);
                break;
            case DomainStep.Close:
                Write(place.Folder, Own(place.Folder, label) with { Owner = job.Installation, DataCenter = null });
                break;
            case DomainStep.Wipe:
                Wipe(place.Folder, label);
                break;
        }

        var drive = new DriveInfo(place.Folder);
        return new DomainFacts(job.Installation, drive.TotalSize, drive.AvailableFreeSpace);
    }

    /// <summary>All domains of whatever installation in a folder.</summary>
    public static IEnumerable<DomainLabel> Look(string folder) =>
        Directory.EnumerateDirectories(folder).Where(d => Guid.TryParse(Path.GetFileName(d), out _))
            .Select(d => Metadata(folder, Guid.Parse(Path.GetFileName(d)))).Where(File.Exists)
            .Select(m => DomainMetadata.Read(File.ReadAllText(m))).OfType<DomainLabel>();

    private static void Format(string folder, DomainLabel label, bool force)
    {
        if (File.Exists(Metadata(folder, label.Domain)))
        {
            // This very job, said again.
            Own(folder, label);
        }
        else
        {
            foreach (var other in Look(folder))
                if (!other.Belongs(label.Owner))
                    throw new ImageWorkException($"it has the domain {Words(other)}: import that one, or take another place");
                else if (!force)
                    throw new ImageWorkException($"it has the domain {Words(other)} of this installation: import that one, or take another place");
            if (!force && Directory.EnumerateFileSystemEntries(folder).Select(Path.GetFileName).FirstOrDefault(n => n != "lost+found" && n != label.Domain.ToString()) is { } stranger)
                throw new ImageWorkException($"the place is not empty, it has {stranger}: empty it, or give override as true");
        }

        Directory.CreateDirectory(Path.Combine(folder, label.Domain.ToString(), "images"));
        Directory.CreateDirectory(Path.GetDirectoryName(Metadata(folder, label.Domain))!);
        Write(folder, label with { DataCenter = null });
        Folder.Sync(folder);
    }

    private static void Import(string folder, DomainLabel found, DomainLabel label, bool force)
    {
        if (!found.Belongs(label.Owner) && found.DataCenter is { } center && !force)
            throw new ImageWorkException(
                $"the domain {Words(found)} is attached there to the data center {center}: detach it there; "
                + "when that installation is lost for ever, import it with force=true");
        Write(folder, found with { Owner = label.Owner, Name = label.Name, DataCenter = null });
    }

    private static void Open(string folder, DomainLabel found, DomainLabel label)
    {
        if (found.DataCenter is { } center && center != label.DataCenter && found.Owner != DomainMetadata.AnyOwner)
            throw new ImageWorkException($"its metadata say that it is attached to the data center {center}");
        Write(folder, label with { Role = found.Role });
    }

    private static void Wipe(string folder, DomainLabel label)
    {
        var whole = Path.Combine(folder, label.Domain.ToString());
        if (!Directory.Exists(whole)) return;
        if (File.Exists(Metadata(folder, label.Domain)) && Own(folder, label).DataCenter is { } center)
            throw new ImageWorkException($"its metadata say that it is attached to the data center {center}");
        foreach (var part in Directory.EnumerateDirectories(whole).Where(d => Path.GetFileName(d) != "dom_md")) Directory.Delete(part, recursive: true);
        Directory.Delete(whole, recursive: true);
        Folder.Sync(folder);
    }

    private static DomainLabel Found(string folder, Guid domain)
    {
        var metadata = Metadata(folder, domain);
        if (!File.Exists(metadata)) throw new ImageWorkException($"there is no domain {domain} in {folder}");
        return DomainMetadata.Read(File.ReadAllText(metadata)) is { } label && label.Domain == domain
            ? label
            : throw new ImageWorkException($"{metadata} is not of a domain that this installation can read");
    }

    private static DomainLabel Own(string folder, DomainLabel label) =>
        Found(folder, label.Domain) is var found && found.Belongs(label.Owner)
            ? found
            : throw new ImageWorkException($"the domain {label.Domain} belongs to the installation {found.Owner}: somebody has imported it there");

    private static string Words(DomainLabel label) => $"{label.Domain} ({label.Name}) of the installation {label.Owner}";

    private static string Metadata(string folder, Guid domain) => Path.Combine(folder, domain.ToString(), "dom_md", "metadata");

    private static void Write(string folder, DomainLabel label)
    {
        var path = Metadata(folder, label.Domain);
        var draft = $"{path}.{Environment.MachineName}.new";
        using (var file = new FileStream(draft, FileMode.Create, FileAccess.Write))
        {
            file.Write(Encoding.UTF8.GetBytes(DomainMetadata.Text(label)));
            file.Flush(flushToDisk: true);
        }

        File.Move(draft, path, overwrite: true);
        Folder.Sync(Path.GetDirectoryName(path)!);
    }
}
