using System.Text.Json;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Agent.Transfer;

/// <summary>Whether what a client has written is what its disk says: a client may write anything, also an image that names
/// another host's files as its base.</summary>
internal static class UploadedImage
{
    private static readonly string[] _otherFiles = ["backing-filename", "full-backing-filename"];

    /// <exception cref="ImageWorkException">It is not, and why.</exception>
    public static async Task<ImageFacts> Check(ImageJob.CloseUpload job, CancellationToken cancel)
    {
        var format = job.Format == DiskFormat.Raw ? "raw" : "qcow2";
        await Task.Run(() => Sync(job.Path), cancel);
        // As it looks by itself, and not as it is said to be.
        var (_, text) = await QemuImages.Ask(["info", "-U", "--output=json", job.Path], 0, cancel);
        using var json = JsonDocument.Parse(text);
        var root = json.RootElement;
        if (root.GetProperty("format").GetString() is var found && found != format)
            throw new ImageWorkException($"the image is {found}, and the disk {format}");
        if (_otherFiles.Any(name => root.TryGetProperty(name, out _)))
            throw new ImageWorkException("the image rests on another file");
        if (root.TryGetProperty("format-specific", out var specific) && specific.TryGetProperty("data", out var data)
            && data.TryGetProperty("data-file", out _))
            throw new ImageWorkException("the image keeps its data in another file");
        var bytes = root.GetProperty("virtual-size").GetInt64();
        if (bytes != job.VirtualBytes) throw new ImageWorkException($"the image has {bytes} bytes for a guest, and the disk {job.VirtualBytes}");
        // Room that is lost in it (3) does no harm.
        if (job.Format == DiskFormat.Qcow2 && await QemuImages.Ask(["check", "-q", "-U", "-f", format, job.Path], 3, cancel) is (not (0 or 3), var why))
            throw new ImageWorkException($"the image is damaged: {why}");
        return new ImageFacts(job.Format, bytes, root.GetProperty("actual-size").GetInt64());
    }

    private static void Sync(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        RandomAccess.FlushToDisk(file);
    }
}
