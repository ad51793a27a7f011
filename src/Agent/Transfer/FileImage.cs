using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Orchestrator.Agent.Transfer;

/// <summary>A file as it is. Zeros become holes where the file may have holes.</summary>
internal sealed partial class FileImage : IOpenImage
{
    private const int KeepSize = 1, PunchHole = 2, ZeroRange = 0x10, Data = 3, Hole = 4, NoSuchData = 6, Interrupted = 4;
    private static readonly byte[] _zeros = new byte[1 << 20];
    private readonly SafeFileHandle _file;
    private readonly bool _sparse;
    private readonly Lock _gate = new();

    /// <param name="limit">Null: it does not grow.</param>
    public FileImage(string path, bool write, bool sparse, long? limit)
    {
        _file = File.OpenHandle(path, FileMode.Open, write ? FileAccess.ReadWrite : FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        _sparse = sparse;
        Limit = limit ?? Size;
    }

    public long Size => RandomAccess.GetLength(_file);

    public long Limit { get; }

    public async ValueTask Read(Memory<byte> into, long offset, CancellationToken cancel)
    {
        while (into.Length > 0)
        {
            var read = await RandomAccess.ReadAsync(_file, into, offset, cancel);
            if (read == 0) throw new EndOfStreamException($"the image ends at {offset}");
            into = into[read..];
            offset += read;
        }
    }

    public ValueTask Write(ReadOnlyMemory<byte> bytes, long offset, CancellationToken cancel) =>
        RandomAccess.WriteAsync(_file, bytes, offset, cancel);

    public async ValueTask Zero(long offset, long length, CancellationToken cancel)
    {
        lock (_gate)
            if (Size < offset + length) RandomAccess.SetLength(_file, offset + length);
        if (Allocate(_sparse ? PunchHole | KeepSize : ZeroRange | KeepSize, offset, length)) return;
        // The file system knows neither.
        for (var at = offset; at < offset + length; at += _zeros.Length)
            await Write(_zeros.AsMemory(0, (int)Math.Min(_zeros.Length, offset + length - at)), at, cancel);
    }

    public ValueTask Flush(CancellationToken cancel) => new(Task.Run(() => RandomAccess.FlushToDisk(_file), cancel));

    public ValueTask<ImmutableArray<Extent>> Extents(CancellationToken cancel) => new(Task.Run(
        () =>
        {
            var all = ImmutableArray.CreateBuilder<Extent>();
            var size = Size;
            for (long at = 0; at < size;)
            {
                cancel.ThrowIfCancellationRequested();
                var data = Seek(at, Data) is { } found ? Math.Min(found, size) : size;
                Extent.Add(all, new Extent(at, data - at, Zero: true));
                var hole = data >= size ? size : Math.Min(Seek(data, Hole) ?? size, size);
                Extent.Add(all, new Extent(data, hole - data, Zero: false));
                at = hole;
            }

            return all.ToImmutable();
        },
        cancel));

    public ValueTask DisposeAsync()
    {
        _file.Dispose();
        return default;
    }

    /// <returns>Null: there is none up to the end.</returns>
    private long? Seek(long offset, int what)
    {
        var found = SeekTo(_file, offset, what);
        if (found >= 0) return found;
        // A file system that cannot tell has no holes.
        return Marshal.GetLastPInvokeError() == NoSuchData ? null : what == Data ? offset : null;
    }

    private bool Allocate(int mode, long offset, long length)
    {
        while (FileAllocate(_file, mode, offset, length) != 0)
            if (Marshal.GetLastPInvokeError() != Interrupted) return false;
        return true;
    }

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long SeekTo(SafeFileHandle file, long offset, int what);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int FileAllocate(SafeFileHandle file, int mode, long offset, long length);
}
