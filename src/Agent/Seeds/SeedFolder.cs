using System.Text;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Seeds;

/// <summary>The CDs that tell guests what they are at their first start: one file for each guest, under the same path on every host,
/// so that a guest may be moved. They may hold passwords: nobody but the host's administrator and the guest reads them.</summary>
internal sealed class SeedFolder(string folder, TimeProvider time)
{
    public string PathOf(Guid vm) => Path.Combine(folder, $"{vm}.iso");

    /// <summary>Makes it anew, or takes one of an earlier life away.</summary>
    /// <exception cref="HypervisorException">It could not be made.</exception>
    public void Prepare(VmDefinition definition)
    {
        if (definition.Seed is not { } seed)
        {
            Delete(definition.Id);
            return;
        }

        try
        {
            Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
            var image = Iso9660.Write(seed.Label, seed.Files.Select(f => (f.Path, Encoding.UTF8.GetBytes(f.Text))), time.GetUtcNow());
            var path = PathOf(definition.Id);
            // Never over the old one, which another guest's QEMU may have open.
            File.Delete(path);
            using var file = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.Write,
                UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
            file.Write(image);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HypervisorException($"the CD for the guest's first start could not be made: {e.Message}", e);
        }
    }

    public void Delete(Guid vm)
    {
        try
        {
            File.Delete(PathOf(vm));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The folder is not there, so there is none; or the next start deletes it.
        }
    }

    /// <summary>Deletes those of guests that are not here any more.</summary>
    public void Keep(IReadOnlyCollection<Guid> guests)
    {
        if (!Directory.Exists(folder)) return;
        foreach (var path in Directory.GetFiles(folder, "*.iso"))
            if (Guid.TryParse(Path.GetFileNameWithoutExtension(path), out var vm) && !guests.Contains(vm)) Delete(vm);
    }
}
