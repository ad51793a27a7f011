using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Orchestrator.Agent.Libvirt;

/// <summary>The terminal behind a guest's serial line. It ends when the guest does, or when it is closed.</summary>
internal sealed partial class SerialLine : LineStream
{
    // open(2)
    private const int ReadWrite = 2, NotOurTerminal = 0x100, DoNotBlock = 0x800, CloseOnExec = 0x80000;
    private const int TryAgain = 11, Interrupted = 4;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(20);
    private readonly SafeFileHandle _terminal;

    private SerialLine(SafeFileHandle terminal) => _terminal = terminal;

    /// <exception cref="HypervisorException">It is not there.</exception>
    public static SerialLine Open(string path)
    {
        // Not as .NET opens files: an agent without a terminal would get this one, and end when the guest does.
        var number = open(path, ReadWrite | NotOurTerminal | DoNotBlock | CloseOnExec);
        return number >= 0
            ? new SerialLine(new SafeFileHandle(number, ownsHandle: true))
            : throw new HypervisorException($"the serial line {path} cannot be opened: error {Marshal.GetLastPInvokeError()}");
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (Try(file => read(file, ref MemoryMarshal.GetReference(buffer.Span), buffer.Length)) is not { } count) return 0;
            if (count > 0) return count;
            await Task.Delay(LookEvery, cancellationToken);
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (buffer.Length > 0)
        {
            var left = buffer;
            if (Try(file => write(file, ref MemoryMarshal.GetReference(left.Span), left.Length)) is not { } count)
                throw new IOException("the serial line has ended");
            buffer = buffer[count..];
            // A guest that does not read gets nothing more.
            if (count == 0) await Task.Delay(LookEvery, cancellationToken);
        }
    }

    protected override void Dispose(bool disposing)
    {
        _terminal.Dispose();
        base.Dispose(disposing);
    }

    /// <returns>Bytes that passed, 0 while none can; null when the guest has gone or the line was closed.</returns>
    private int? Try(Func<SafeFileHandle, nint> call)
    {
        try
        {
            var count = call(_terminal);
            if (count > 0) return (int)count;
            return count < 0 && Marshal.GetLastPInvokeError() is TryAgain or Interrupted ? 0 : null;
        }
        catch (ObjectDisposedException)
        {
            return null;
        }
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)] private static partial int open(string path, int flags);
    [LibraryImport("libc", SetLastError = true)] private static partial nint read(SafeFileHandle file, ref byte at, nint count);
    [LibraryImport("libc", SetLastError = true)] private static partial nint write(SafeFileHandle file, ref byte at, nint count);
}
