using System.Runtime.InteropServices;

namespace Orchestrator.Agent.Ledgers;

/// <summary>A new or renamed file is only safe once its folder is on disk too.</summary>
internal static partial class Folder
{
    public static void Sync(string path)
    {
        var folder = Open(path, 0x10000 /* O_RDONLY|O_DIRECTORY */);
        if (folder < 0) return;
        _ = Fsync(folder);
        _ = Close(folder);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Fsync(int file);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);
}
