using Akka.Actor;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Actors.StorageDomain;

/// <summary>A storage domain's effects are work for a host, and looks at what its hosts say of it.</summary>
/// <param name="patience">So long no host has read a domain that is inactive.</param>
public sealed class StorageDomainHands(StorageDomainId id, IEntities entities, IReadModel read, TimeSpan patience, TimeProvider clock)
    : IHands<StorageDomainState, StorageDomainEffect>
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _closed = new();
    private long? _looked;

    public void Do(StorageDomainEffect effect, Reach<StorageDomainState> reach)
    {
        if (reach.State.Core.Config is not { } config) return;
        switch (effect, reach.State)
        {
            case (StorageDomainEffect.Prepare e, _) when config.Installation.Length == 0:
                _ = Send(e.Host, config, new ImageWork(e.Work, Kinds.StorageDomain, id.Value, ImageAction.PrepareDomain, config.Path, "", 0, "", ""));
                break;
            case (StorageDomainEffect.Prepare e, StorageDomainState.Preparing s):
                _ = Send(e.Host, config, s.Opening is Opening.Import or Opening.Seize
                    ? Work(config, e.Work, DomainAction.Import, force: s.Opening == Opening.Seize)
                    : Work(config, e.Work, DomainAction.Format, force: s.Opening == Opening.FormatBeside));
                break;
            case (StorageDomainEffect.Open e, _):
                _ = Send(e.Host, config, Work(config, e.Work, DomainAction.Open, e.DataCenter));
                break;
            case (StorageDomainEffect.Release e, _):
                _ = Send(e.Host, config, Work(config, e.Work, DomainAction.Close));
                break;
            case (StorageDomainEffect.Wipe e, _):
                _ = Send(e.Host, config, Work(config, e.Work, DomainAction.Wipe));
                break;
            case (StorageDomainEffect.Watch e, _) when config.StorageType != "localfs":
                if (_looked is { } looked && clock.GetElapsedTime(looked) < LookEvery) break;
                _looked = clock.GetTimestamp();
                _ = Look(e.DataCenter, StoragePlaces.Metadata(config, id), reach.State, reach.Self);
                break;
        }
    }

    public void Dispose()
    {
        _closed.Cancel();
        _closed.Dispose();
    }

    private ImageWork Work(StorageDomainConfig config, Guid work, DomainAction action, DataCenterId? center = null, bool force = false) =>
        new(work, Kinds.StorageDomain, id.Value, ImageAction.StepDomain, config.Root, "", 0, "", "")
        {
            Domain = new DomainWork(action, config.Root, config.Installation, config.Name, config.Type)
            {
                Mount = config.Mount,
                DataCenter = center,
                Force = force,
            },
        };

    /// <summary>Each of these steps may be taken by any host that shares the storage, and again.</summary>
    private async Task Send(HostId preferred, StorageDomainConfig config, ImageWork work)
    {
        try
        {
            if (config.Host is { } bound) entities.Tell(Kinds.Host, bound.Value, new HostCommand.RunImageJob(work));
            else if (await read.AnyUp(preferred, _closed.Token) is { } host)
                entities.Tell(Kinds.Host, host.Value, new HostCommand.RunImageJob(work));
        }
        catch (Exception e) when (e is EntityUnavailableException or OperationCanceledException)
        {
            // The next tick asks again.
        }
    }

    /// <summary>As long as one host that is up reads it, those that do not are at fault.</summary>
    private async Task Look(DataCenterId center, string folder, StorageDomainState state, IActorRef self)
    {
        try
        {
            var now = clock.GetUtcNow();
            var complaints = new List<LostDomain?>();
            foreach (var cluster in await read.List(new ReadQuery(
                Kinds.Cluster, new Dictionary<string, string>(StringComparer.Ordinal) { ["config.dataCenter"] = center.ToString() }), _closed.Token))
                foreach (var host in await read.UpIn(new ClusterId(cluster.Id), _closed.Token))
                    complaints.Add(host.Lost.FirstOrDefault(d => d.Folder == folder));
            if (complaints.Count == 0) return;
            if (state is StorageDomainState.Active && complaints.All(c => c is not null && now - c.Since >= patience))
                self.Tell(new StorageDomainCommand.ReportUnread(complaints[0]!.Why, now));
            else if (state is StorageDomainState.Inactive && complaints.Any(c => c is null))
                self.Tell(new StorageDomainCommand.ReportRead(now));
        }
        catch (Exception e) when (e is EntityUnavailableException or OperationCanceledException)
        {
            // Looked at again.
        }
    }
}
