using Orchestrator.Agent.Storage;

namespace Orchestrator.Agent.Libvirt;

/// <summary>Looks whether images can be used: by a read past the page cache, which would answer for a storage that is gone.
/// A storage that hangs is one that cannot.</summary>
internal static class Disks
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    /// <summary>Bytes that a file system must have free before a guest that it has paused goes on.</summary>
    private const long Room = 64L << 20;

    public static async Task<bool> Work(IEnumerable<string> paths)
    {
        var done = Task.WhenAll(paths.Select(p => Task.Run(() => Works(p))));
        return await Task.WhenAny(done, Task.Delay(Patience)) == done && (await done).All(works => works);
    }

    private static bool Works(string path)
    {
        try
        {
            DirectFile.Read(path);
            return path.StartsWith("/dev/", StringComparison.Ordinal)
                || new DriveInfo(Path.GetDirectoryName(path)!).AvailableFreeSpace >= Room;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
