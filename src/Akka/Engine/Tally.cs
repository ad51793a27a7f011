using System.Runtime.InteropServices;

namespace Orchestrator.Engine;

/// <summary>
/// A count that many threads raise at once and a reader adds up now and then: one cache line for each few threads, no
/// lock, nothing allocated. What is read is never less than what was read before, as long as only positive numbers are
/// added.
/// </summary>
public sealed class Tally
{
    private const int Cells = 16;

    private readonly Cell[] _cells = new Cell[Cells];

    public long Total
    {
        get
        {
            var sum = 0L;
            foreach (ref var cell in _cells.AsSpan()) sum += Volatile.Read(ref cell.Count);
            return sum;
        }
    }

    public void Add(long number = 1) =>
        Interlocked.Add(ref _cells[Environment.CurrentManagedThreadId & (Cells - 1)].Count, number);

    /// <summary>Alone on its cache line, and on the one that the processor fetches with it.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Cell
    {
        [FieldOffset(0)]
        public long Count;
    }
}
