using System.Collections.Immutable;
using Orchestrator.Engine;

namespace Orchestrator.Tests.Engine;

internal static class StoreCalls
{
    public static async Task<WriteOutcome[]> OutcomesAsync(
        this IEngineStore store, ImmutableArray<JournalBatch> batches, CancellationToken cancel) =>
        [.. await store.WriteAsync(batches, cancel)];
}
