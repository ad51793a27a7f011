using System.Runtime.InteropServices;

namespace Orchestrator.Agent.Storage;

/// <summary>
/// The first block of a file or device, read and written past the page cache (O_DIRECT): what is in memory says nothing of the
/// storage, and what a neighbour is to read must be on it. Storage that is away may hold the caller for ever.
/// </summary>
internal static partial class DirectFile
{
    /// <summary>In bytes; what O_DIRECT asks for on every disk of today.</summary>
    public const int Block = 4096;

    private const int ReadOnly = 0, WriteOnly = 1, Create = 0x40, CloseOnExec = 0x80000, Synced = 0x1000;
    private const int InvalidArgument = 22, Readable = 0b110_100_100;

    private static int Direct => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000;

    /// <returns>At most a block; fewer bytes where the file ends.</returns>
    /// <exception cref="IOException">It is not there, or cannot be read.</exception>
    public static unsafe byte[] Read(string path)
    {
        using var block = new Aligned();
        var file = Open(path, ReadOnly);
        try
        {
            var length = ReadAt(file, block.Bytes, Block, 0);
            return length >= 0 ? new Span<byte>(block.Bytes, (int)length).ToArray() : throw Failed("read", path);
        }
        finally
        {
            _ = Close(file);
        }
    }

    /// <summary>Returns when the block is on the storage.</summary>
    /// <param name="bytes">At most a block; line feeds fill it.</param>
    /// <param name="create">Make the file when it is not there.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public static unsafe void Write(string path, ReadOnlySpan<byte> bytes, bool create)
    {
        using var block = new Aligned();
        var all = new Span<byte>(block.Bytes, Block);
        bytes.CopyTo(all);
        all[bytes.Length..].Fill((byte)'\n');
        var file = Open(path, WriteOnly | Synced | (create ? Create : 0));
        try
        {
            if (WriteAt(file, block.Bytes, Block, 0) != Block) throw Failed("write", path);
        }
        finally
        {
            _ = Close(file);
        }
    }

    /// <summary>A file system in memory, as tests have it, may know no O_DIRECT, and has no cache apart from itself either.</summary>
    private static int Open(string path, int flags)
    {
        var file = OpenFile(path, flags | CloseOnExec | Direct, Readable);
        if (file < 0 && Marshal.GetLastPInvokeError() == InvalidArgument) file = OpenFile(path, flags | CloseOnExec, Readable);
        return file >= 0 ? file : throw Failed("open", path);
    }

    private static IOException Failed(string what, string path) =>
        new($"{what} {path}: {Marshal.GetLastPInvokeErrorMessage()}");

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int OpenFile(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    private static unsafe partial nint WriteAt(int file, byte* bytes, nint length, long offset);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    private static unsafe partial nint ReadAt(int file, byte* bytes, nint length, long offset);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);

    private readonly unsafe ref struct Aligned
    {
        public readonly byte* Bytes = (byte*)NativeMemory.AlignedAlloc(Block, Block);

        public Aligned()
        {
        }

        public void Dispose() => NativeMemory.AlignedFree(Bytes);
    }
}
