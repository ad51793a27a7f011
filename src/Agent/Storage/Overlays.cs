using System.Diagnostics;
using System.Text.RegularExpressions;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Storage;

/// <summary>
/// The throw-away overlays of stateless guests: IMAGE.run-LEASE beside their image. A guest is launched only when every
/// earlier copy of it is dead, so whoever launches it deletes what earlier ones have left behind.
/// </summary>
internal static partial class Overlays
{
    /// <exception cref="HypervisorException">One could not be made; those that were are deleted.</exception>
    public static void Make(VmDefinition definition, string qemuImg = "/usr/bin/qemu-img")
    {
        var disks = definition.Disks.Where(d => d.Backing is not null).ToList();
        try
        {
            foreach (var disk in disks) Make(disk, disk.Backing!, qemuImg);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or HypervisorException)
        {
            Delete(disks.Select(d => d.Path));
            throw new HypervisorException($"a throw-away overlay could not be made: {e.Message}", e);
        }
    }

    /// <summary>Deletes those of these paths that are overlays; what cannot be deleted is left to the next start.</summary>
    public static void Delete(IEnumerable<string> paths)
    {
        foreach (var path in paths.Where(p => Name().IsMatch(p)))
            try
            {
                File.Delete(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The storage is away; the guest's next start deletes it.
            }
    }

    public static void DeleteAll(string image, string? except)
    {
        var folder = Path.GetDirectoryName(image)!;
        if (!Directory.Exists(folder)) return;
        Delete(Directory.GetFiles(folder, Path.GetFileName(image) + ".run-*").Where(p => p != except));
    }

    private static void Make(VmDisk disk, VmBacking backing, string qemuImg)
    {
        DeleteAll(backing.Path, except: disk.Path);
        // Of the same lease it can only be half-made: that lease has not started yet.
        File.Delete(disk.Path);
        using var process = Process.Start(new ProcessStartInfo(
            qemuImg,
            ["create", "-q", "-f", "qcow2", "-b", backing.Path, "-F", backing.Format == DiskFormat.Raw ? "raw" : "qcow2", disk.Path])
        {
            RedirectStandardError = true,
        }) ?? throw new HypervisorException($"{qemuImg} could not be started");
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new HypervisorException(errors.Trim());
    }

    [GeneratedRegex(@"\.run-[0-9]+$", RegexOptions.ExplicitCapture)]
    private static partial Regex Name();
}
