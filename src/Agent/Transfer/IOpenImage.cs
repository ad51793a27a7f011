using System.Collections.Immutable;

namespace Orchestrator.Agent.Transfer;

/// <summary>An image that clients read and write, many at a time.</summary>
internal interface IOpenImage : IAsyncDisposable
{
    /// <summary>Bytes that can be read.</summary>
    long Size { get; }

    /// <summary>Where writing ends at the latest.</summary>
    long Limit { get; }

    /// <summary>Fills all of it; it lies within <see cref="Size"/>.</summary>
    ValueTask Read(Memory<byte> into, long offset, CancellationToken cancel);

    ValueTask Write(ReadOnlyMemory<byte> bytes, long offset, CancellationToken cancel);

    ValueTask Zero(long offset, long length, CancellationToken cancel);

    /// <summary>Returns when all that was written is on the storage.</summary>
    ValueTask Flush(CancellationToken cancel);

    /// <summary>All of it, in order.</summary>
    ValueTask<ImmutableArray<Extent>> Extents(CancellationToken cancel);
}

/// <param name="Zero">Reads as zeros, and need not be read.</param>
internal readonly record struct Extent(long Start, long Length, bool Zero)
{
    public static void Add(ImmutableArray<Extent>.Builder all, Extent next)
    {
        if (next.Length == 0) return;
        if (all.Count > 0 && all[^1].Zero == next.Zero) all[^1] = all[^1] with { Length = all[^1].Length + next.Length };
        else all.Add(next);
    }
}
