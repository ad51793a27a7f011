using System.Collections.Immutable;
using System.Diagnostics;

namespace Orchestrator.Agent.Storage;

/// <summary>Sealing by virt-sysprep, which runs the images in a small machine of its own.</summary>
internal static class Sealing
{
    private const string Program = "/usr/bin/virt-sysprep";

    public static async Task<ImageResult> Do(ImmutableArray<(string Path, string Format)> images, string accelerator, CancellationToken cancel)
    {
        if (!File.Exists(Program))
            throw new ImageWorkException("this host cannot seal a template: virt-sysprep is not there (install libguestfs-tools, and a kernel in /boot)");
        foreach (var (path, _) in images)
            if (!File.Exists(path)) throw new ImageWorkException($"{path} is not there");
        var start = new ProcessStartInfo(Program, ["--quiet", "--no-network", .. images.SelectMany(i => (string[])["--format", i.Format, "-a", i.Path])])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // Without libvirt: its domain would be a guest that nobody knows.
        start.Environment["LIBGUESTFS_BACKEND"] = "direct";
        if (accelerator == "tcg") start.Environment["LIBGUESTFS_BACKEND_SETTINGS"] = "force_tcg";
        using var process = Process.Start(start) ?? throw new ImageWorkException($"{Program} could not be started");
        try
        {
            var errors = process.StandardError.ReadToEndAsync(cancel);
            await process.StandardOutput.ReadToEndAsync(cancel);
            await process.WaitForExitAsync(cancel);
            if (process.ExitCode == 0) return default;
            var said = (await errors).Split('\n').FirstOrDefault(line => line.Contains("error:", StringComparison.Ordinal))?.Trim();
            throw new ImageWorkException(said ?? $"virt-sysprep ended with {process.ExitCode}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
