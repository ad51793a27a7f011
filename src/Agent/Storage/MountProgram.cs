using System.Text;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Storage;

/// <summary>mount(8) and umount(8), as children with a time limit: a server that is away can hold one of them for ever, and then
/// it is left behind.</summary>
public sealed class MountProgram(
    TimeSpan limit, string mountProgram = "/bin/mount", string umountProgram = "/bin/umount", string mounts = "/proc/self/mountinfo") : IMounter
{
    /// <summary>What was killed may hang in the kernel: it is waited for no longer than this.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    public IReadOnlySet<string> Mounted() => Points(File.ReadAllLines(mounts));

    public async Task Mount(StorageMount mount, string folder, CancellationToken cancel)
    {
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"{folder} cannot be made: {e.Message}", e);
        }

        await Run(mountProgram, Words(mount, folder), cancel);
    }

    public async Task Unmount(string folder, CancellationToken cancel)
    {
        await Run(umountProgram, ["--", folder], cancel);
        // What somebody has put there before it was mounted stays.
        if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any()) Directory.Delete(folder);
    }

    internal static IReadOnlyList<string> Words(StorageMount mount, string folder) =>
        mount.Options.Length > 0
            ? ["-t", mount.Type, "-o", mount.Options, "--", mount.Source, folder]
            : ["-t", mount.Type, "--", mount.Source, folder];

    /// <summary>The fifth word of each line, in which a blank is \040.</summary>
    internal static IReadOnlySet<string> Points(IEnumerable<string> lines) =>
        lines.Select(line => line.Split(' ')).Where(words => words.Length > 4).Select(words => Unescaped(words[4])).ToHashSet(StringComparer.Ordinal);

    private async Task Run(string program, IReadOnlyList<string> words, CancellationToken cancel)
    {
        using var timed = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        timed.CancelAfter(limit);
        try
        {
            var end = await ShortProgram.Run(program, words, "", timed.Token).WaitAsync(limit + Grace, cancel);
            if (end.ExitCode != 0) throw new IOException(end.Words);
        }
        catch (Exception e) when (e is TimeoutException || (e is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            throw new IOException($"{Path.GetFileName(program)} did not end within {limit.TotalSeconds:F0} s: does the storage answer?", e);
        }
    }

    private static string Unescaped(string text)
    {
        if (!text.Contains('\\', StringComparison.Ordinal)) return text;
        var bytes = new List<byte>();
        for (var i = 0; i < text.Length; i++)
            if (text[i] == '\\' && i + 3 < text.Length)
            {
                bytes.Add((byte)(((text[i + 1] - '0') << 6) | ((text[i + 2] - '0') << 3) | (text[i + 3] - '0')));
                i += 3;
            }
            else
            {
                bytes.AddRange(Encoding.UTF8.GetBytes(text[i].ToString()));
            }

        return Encoding.UTF8.GetString([.. bytes]);
    }
}
