using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Actors.StorageDomain;

/// <summary>A storage domain's effects are work for a host.</summary>
public sealed class StorageDomainHands(StorageDomainId id, IEntities entities)
    : IHands<StorageDomainState, StorageDomainEffect>
{
    public void Do(StorageDomainEffect effect, Reach<StorageDomainState> reach)
    {
        if (effect is StorageDomainEffect.Prepare e && reach.State.Core.Config is { } config)
            entities.Tell(Kinds.Host, e.Host.Value, new HostCommand.RunImageJob(new ImageWork(
                e.Work, Kinds.StorageDomain, id.Value, ImageAction.PrepareDomain, config.Path, "", 0, "", "")));
    }

    public void Dispose()
    {
    }
}
