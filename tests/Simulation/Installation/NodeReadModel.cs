using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Engine;
using Orchestrator.Tests.Simulation.Machine;

namespace Orchestrator.Tests.Simulation.Installation;

/// <summary>The read model as one node sees it: over that node's way to the database, asked again while it is away.</summary>
public sealed class NodeReadModel(SimulatedStore store, ReadTables tables, ProcessClock clock, TimeSpan patience)
    : IReadModel, IDevicePasswords
{
    private static readonly TimeSpan _againAfter = TimeSpan.FromMilliseconds(250);

    public Task<Document?> Get(string kind, Guid id, CancellationToken cancel) =>
        Ask(() => tables.Find(kind, id)?.Document, cancel);

    public Task<IReadOnlyList<Document>> List(ReadQuery query, CancellationToken cancel) =>
        Ask(() => tables.List(query), cancel);

    public Task<long> Count(ReadQuery query, CancellationToken cancel) =>
        Ask(() => (long)tables.List(query).Count, cancel);

    public Task<IReadOnlyList<VmOnHost>> VmsOn(HostId host, CancellationToken cancel) =>
        Ask(() => tables.VmsOn(host), cancel);

    public Task<IReadOnlyList<VmId>> HighlyAvailableIn(ClusterId cluster, CancellationToken cancel) =>
        Ask(() => tables.HighlyAvailableIn(cluster), cancel);

    public Task<IReadOnlyList<VmCopy>> CopiesOn(HostId host, CancellationToken cancel) =>
        Ask(() => tables.CopiesOn(host), cancel);

    public Task<IReadOnlyList<AuditRow>> Events(AuditQuery query, CancellationToken cancel) =>
        Ask(() => tables.Events(query), cancel);

    public Task<bool> ClaimName(string kind, string scope, string name, Guid id, CancellationToken cancel) =>
        Ask(() => tables.Claim(kind, scope, name, id), cancel);

    public Task ReleaseName(string kind, string scope, string name, Guid id, CancellationToken cancel) => Ask(
        () =>
        {
            tables.Release(kind, scope, name, id);
            return true;
        },
        cancel);

    /// <summary>Those of power devices are all alike.</summary>
    public Task<string?> Get(string name, CancellationToken cancel) =>
        Ask(() => name.StartsWith("ssh/", StringComparison.Ordinal) ? tables.Secrets.GetValueOrDefault(name) : "secret", cancel);

    public Task Remove(string name, CancellationToken cancel) => Ask(() => tables.Secrets.Remove(name), cancel);

    private async Task<T> Ask<T>(Func<T> question, CancellationToken cancel)
    {
        var began = clock.GetTimestamp();
        while (true)
        {
            try
            {
                return await store.Ask(question, cancel);
            }
            catch (StoreUnavailableException e)
            {
                if (clock.GetElapsedTime(began) > patience)
                    throw new EntityUnavailableException($"the database does not answer: {e.Message}", TimeSpan.FromSeconds(2));
            }

            await Task.Delay(_againAfter, clock, cancel);
        }
    }
}
