using System.Buffers;

namespace Orchestrator.Agent.Transfer;

/// <summary>Bytes between a client and an image: while one piece is on the network the next is on the disk.</summary>
internal static class Streaming
{
    private const int Piece = 512 << 10;

    /// <summary>Zeros are looked for in pieces of this size, at multiples of it.</summary>
    private const int Grain = 64 << 10;

    public static async Task Download(Ticket ticket, Stream to, long start, long length, CancellationToken cancel)
    {
        var (one, other) = (ArrayPool<byte>.Shared.Rent(Piece), ArrayPool<byte>.Shared.Rent(Piece));
        var next = Task.CompletedTask;
        try
        {
            var end = start + length;
            var size = Next(start, end);
            next = ticket.Image.Read(one.AsMemory(0, size), start, cancel).AsTask();
            for (var at = start; at < end;)
            {
                await next;
                var (ready, after) = (size, at + size);
                size = Next(after, end);
                if (size > 0) next = ticket.Image.Read(other.AsMemory(0, size), after, cancel).AsTask();
                await to.WriteAsync(one.AsMemory(0, ready), cancel);
                ticket.Moved(ready);
                if (ticket.IsOver) throw new OperationCanceledException("the ticket is over");
                (one, other) = (other, one);
                at = after;
            }
        }
        finally
        {
            await Quiet(next);
            ArrayPool<byte>.Shared.Return(one);
            ArrayPool<byte>.Shared.Return(other);
        }
    }

    /// <exception cref="IOException">The client has sent less than it said.</exception>
    public static async Task Upload(Ticket ticket, Stream from, long start, long length, CancellationToken cancel)
    {
        var (one, other) = (ArrayPool<byte>.Shared.Rent(Piece), ArrayPool<byte>.Shared.Rent(Piece));
        var written = Task.CompletedTask;
        try
        {
            var end = start + length;
            for (var at = start; at < end;)
            {
                var size = Next(at, end);
                await from.ReadExactlyAsync(one.AsMemory(0, size), cancel);
                await written;
                if (ticket.IsOver) throw new OperationCanceledException("the ticket is over");
                written = Write(ticket, one.AsMemory(0, size), at, cancel);
                (one, other) = (other, one);
                at += size;
            }

            await written;
        }
        finally
        {
            await Quiet(written);
            ArrayPool<byte>.Shared.Return(one);
            ArrayPool<byte>.Shared.Return(other);
        }
    }

    /// <summary>Up to a multiple of the piece, so that zeros are found where the file system can leave them out.</summary>
    private static int Next(long at, long end) => (int)(Math.Min(end, (at / Piece * Piece) + Piece) - at);

    private static async Task Write(Ticket ticket, ReadOnlyMemory<byte> bytes, long at, CancellationToken cancel)
    {
        for (var done = 0; done < bytes.Length;)
        {
            var zero = IsZero(bytes, at, done);
            var size = 0;
            do size += GrainAt(bytes, at, done + size);
            while (done + size < bytes.Length && IsZero(bytes, at, done + size) == zero);
            if (zero) await ticket.Image.Zero(at + done, size, cancel);
            else await ticket.Image.Write(bytes.Slice(done, size), at + done, cancel);
            done += size;
        }

        ticket.Moved(bytes.Length);
    }

    private static int GrainAt(ReadOnlyMemory<byte> bytes, long at, int done) =>
        (int)Math.Min(bytes.Length - done, Grain - ((at + done) % Grain));

    /// <summary>A short piece is written as it is.</summary>
    private static bool IsZero(ReadOnlyMemory<byte> bytes, long at, int done) =>
        GrainAt(bytes, at, done) is Grain && !bytes.Span.Slice(done, Grain).ContainsAnyExcept((byte)0);

    private static async Task Quiet(Task task)
    {
        try
        {
            await task;
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or UnauthorizedAccessException)
        {
            // Who waits for it hears of it; the buffers must not be given back before it is over.
        }
    }
}
