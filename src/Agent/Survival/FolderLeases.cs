using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Orchestrator.Agent.Survival;

/// <summary>
/// Leases as files of one block, <c>host-leases/HOST</c> in a storage domain's <c>dom_md</c>, written and read past the page
/// cache (O_DIRECT, O_DSYNC): what a neighbour reads is on the storage. Each call has a thread of its own, since storage that
/// is away may hold it for ever.
/// </summary>
public sealed partial class FolderLeases : IStorageLeases
{
    private const int Block = 4096;
    private const string First = "orchestrator host lease 1";
    private const int ReadOnly = 0, WriteOnly = 1, Create = 0x40, CloseOnExec = 0x80000, Synced = 0x1000;
    private const int InvalidArgument = 22;

    private static int Direct => RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x10000 : 0x4000;

    public Task Begin(string folder, StorageLease lease) => OnItsOwn(() =>
    {
        if (!Directory.Exists(folder)) throw new IOException($"{folder} is not there: is the storage mounted?");
        Directory.CreateDirectory(Path.Combine(folder, "host-leases"));
        Write(PathOf(folder, lease.Host), lease, Create);
        return true;
    });

    public Task Renew(string folder, StorageLease lease) => OnItsOwn(() =>
    {
        Write(PathOf(folder, lease.Host), lease, 0);
        return true;
    });

    public Task<StorageLease?> Read(string folder, Guid host) => OnItsOwn(() => ReadBlock(PathOf(folder, host)));

    private static string PathOf(string folder, Guid host) => Path.Combine(folder, "host-leases", host.ToString());

    private static Task<T> OnItsOwn<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static unsafe void Write(string path, StorageLease lease, int flags)
    {
        var block = (byte*)NativeMemory.AlignedAlloc(Block, Block);
        var file = -1;
        try
        {
            file = Open(path, WriteOnly | Synced | flags);
            var bytes = new Span<byte>(block, Block);
            bytes.Fill((byte)'\n');
            Encoding.ASCII.GetBytes(
                string.Create(CultureInfo.InvariantCulture, $"{First}\n{lease.Host}\n{lease.BootId}\n{lease.Number}"), bytes);
            if (WriteAt(file, block, Block, 0) != Block) throw Failed("write", path);
        }
        finally
        {
            if (file >= 0) _ = Close(file);
            NativeMemory.AlignedFree(block);
        }
    }

    private static unsafe StorageLease? ReadBlock(string path)
    {
        if (!File.Exists(path)) return null;
        var block = (byte*)NativeMemory.AlignedAlloc(Block, Block);
        var file = -1;
        try
        {
            file = Open(path, ReadOnly);
            var length = ReadAt(file, block, Block, 0);
            if (length < 0) throw Failed("read", path);
            return Parse(Encoding.ASCII.GetString(block, (int)length));
        }
        finally
        {
            if (file >= 0) _ = Close(file);
            NativeMemory.AlignedFree(block);
        }
    }

    private static StorageLease? Parse(string text) =>
        text.Split('\n') is [First, var host, var boot, var number, ..]
        && Guid.TryParse(host, out var id) && boot.Length > 0
        && long.TryParse(number, CultureInfo.InvariantCulture, out var n)
            ? new StorageLease(id, boot, n)
            : null;

    /// <summary>A file system in memory, as tests have it, knows no O_DIRECT, and no cache apart from itself either.</summary>
    private static int Open(string path, int flags)
    {
        var file = OpenFile(path, flags | CloseOnExec | Direct, 0b110_100_100);
        if (file < 0 && Marshal.GetLastPInvokeError() == InvalidArgument)
            file = OpenFile(path, flags | CloseOnExec, 0b110_100_100);
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
}
