using System.Runtime.InteropServices;

namespace Orchestrator.Agent.Storage;

/// <summary>Reads one block of <c>FOLDER/metadata</c> past the page cache (O_DIRECT): what is in memory says nothing of the
/// storage. Each reading has a thread of its own, since storage that is away may hold it for ever.</summary>
public sealed partial class FolderProbe : IDomainProbe
{
    private const int Block = 4096, InvalidArgument = 22, CloseOnExec = 0x80000;

    private static int Direct => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000;

    public Task Read(string folder) => Task.Factory.StartNew(
        () => ReadBlock(Path.Combine(folder, "metadata")), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static unsafe void ReadBlock(string path)
    {
        var file = OpenFile(path, CloseOnExec | Direct);
        // A file system in memory knows no O_DIRECT.
        if (file < 0 && Marshal.GetLastPInvokeError() == InvalidArgument) file = OpenFile(path, CloseOnExec);
        if (file < 0) throw Failed("open", path);
        var block = (byte*)NativeMemory.AlignedAlloc(Block, Block);
        try
        {
            var length = ReadAt(file, block, Block, 0);
            if (length < 0) throw Failed("read", path);
            if (length == 0) throw new IOException($"{path} is empty");
        }
        finally
        {
            _ = Close(file);
            NativeMemory.AlignedFree(block);
        }
    }

    private static IOException Failed(string what, string path) =>
        new($"{what} {path}: {Marshal.GetLastPInvokeErrorMessage()}");

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int OpenFile(string path, int flags);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    private static unsafe partial nint ReadAt(int file, byte* bytes, nint length, long offset);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);
}
