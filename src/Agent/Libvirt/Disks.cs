using System.Runtime.InteropServices;

namespace Orchestrator.Agent.Libvirt;

/// <summary>Looks whether images can be used: by a read past the page cache, which would answer for a storage that is gone.
/// A storage that hangs is one that cannot.</summary>
internal static partial class Disks
{
    private const int ReadDirect = 0x4000, Block = 4096;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(4);

    /// <summary>Bytes that a file system must have free before a guest that it has paused goes on.</summary>
    private const long Room = 64L << 20;

    public static async Task<bool> Work(IEnumerable<string> paths)
    {
        var done = Task.WhenAll(paths.Select(p => Task.Run(() => Works(p))));
        return await Task.WhenAny(done, Task.Delay(Patience)) == done && (await done).All(works => works);
    }

    private static unsafe bool Works(string path)
    {
        var file = Open(path, ReadDirect);
        if (file < 0) return false;
        var block = NativeMemory.AlignedAlloc(Block, Block);
        try
        {
            return Read(file, block, Block, 0) >= 0
                && (path.StartsWith("/dev/", StringComparison.Ordinal)
                    || new DriveInfo(Path.GetDirectoryName(path)!).AvailableFreeSpace >= Room);
        }
        catch (IOException)
        {
            return false;
        }
        finally
        {
            NativeMemory.AlignedFree(block);
            _ = Close(file);
        }
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "pread")]
    private static unsafe partial nint Read(int file, void* block, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);
}
