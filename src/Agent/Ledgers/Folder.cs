using System.Runtime.InteropServices;

namespace Orchestrator.Agent.Ledgers;

/// <summary>Names in a folder. A new or renamed file is only safe once its folder is on disk too.</summary>
internal static partial class Folder
{
    public static void Sync(string path)
    {
        var folder = Open(path, 0x10000 /* O_RDONLY|O_DIRECTORY */);
        if (folder < 0) return;
        _ = Fsync(folder);
        _ = Close(folder);
    }

    /// <summary>
    /// Gives a draft its name in one step, which on NFS is one, too: <c>File.Move</c> looks first and then renames over
    /// whatever has come in between.
    /// </summary>
    /// <exception cref="IOException">The name is taken, or the file system refuses; the draft is still there.</exception>
    public static void Publish(string draft, string path)
    {
        if (Link(draft, path) != 0)
        {
            var error = Marshal.GetLastPInvokeError();
            throw new IOException($"{draft} cannot become {path}: {Marshal.GetPInvokeErrorMessage(error)}", error);
        }

        File.Delete(draft);
        Sync(Path.GetDirectoryName(path)!);
    }

    /// <summary>The inode: the same by whichever name the file is called, and another one after it was replaced.</summary>
    /// <exception cref="IOException">There is no such file, or it cannot be looked at.</exception>
    public static unsafe ulong NumberOf(string path)
    {
        // struct statx is the same on every architecture; its inode is at byte 32.
        var told = stackalloc byte[256];
        if (Statx(-100 /* AT_FDCWD */, path, 0, 0x100 /* STATX_INO */, told) == 0) return *(ulong*)(told + 32);
        var error = Marshal.GetLastPInvokeError();
        throw new IOException($"{path}: {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static unsafe partial int Statx(int folder, string path, int flags, uint wanted, byte* told);

    [LibraryImport("libc", EntryPoint = "link", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Link(string existing, string name);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Fsync(int file);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);
}
