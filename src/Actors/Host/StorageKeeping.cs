using System.Collections.Immutable;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Actors.Host;

/// <summary>Tells a host which storage it must have, at once when that changes, and storage domains what space the host sees in
/// them. It waits for nothing but the agent's answer, and the agent waits for no storage.</summary>
internal sealed class StorageKeeping(HostId id, IAgent client, HostWorld world, Func<HostRow> row, Func<Stamp> stamp)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(2);

    /// <summary>What is mounted stays; this is for what could not be mounted, and for news of space.</summary>
    private static readonly TimeSpan SaidEvery = TimeSpan.FromSeconds(12), OldAgentAskedEvery = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan AnswerAwaited = TimeSpan.FromSeconds(5);

    public async Task Run(CancellationToken closed)
    {
        (string? Boot, ImmutableArray<StoragePlace> Places)? said = null;
        var due = 0L;
        while (!closed.IsCancellationRequested)
        {
            await world.Pause(LookEvery, closed);
            var (host, now) = (row(), stamp());
            if (closed.IsCancellationRequested || now.BootId is null || !host.HasStorage || !world.MayAct()) continue;
            try
            {
                var domains = (await world.Storage.Read()).Of(id, host.Cluster).ToList();
                ImmutableArray<StoragePlace> places = [.. domains.Select(Place)];
                var isNew = said is not { } last || last.Boot != now.BootId || !last.Places.SequenceEqual(places);
                if (!isNew && (places.IsEmpty || world.Clock.GetElapsedTime(due) < TimeSpan.Zero)) continue;
                Again(SaidEvery);
                var report = await Ask(new StorageOrder(now) { Places = places }, closed);
                said = (now.BootId, places);
                foreach (var sight in report.Places) Tell(domains, sight);
            }
            catch (AgentRefusedException e) when (e.Refusal.Code == RefusalCode.UnknownOrder)
            {
                // An agent of 0.1.0, until it is another one. Domains that are folders of the host need no order.
                said = (now.BootId, [.. (await Known(host)).Select(Place)]);
                Again(OldAgentAskedEvery);
            }
            catch (Exception e) when (e is AgentUnreachableException or AgentRefusedException or EntityUnavailableException or OperationCanceledException)
            {
                // Said again.
            }
        }

        void Again(TimeSpan after) => due = world.Clock.GetTimestamp() + (long)(after.TotalSeconds * world.Clock.TimestampFrequency);
    }

    /// <summary>An emptied host needs no storage. When it does not hear this it keeps what it has mounted.</summary>
    public async Task LetGo()
    {
        try
        {
            if (world.MayAct()) await Ask(new StorageOrder(stamp()), CancellationToken.None);
        }
        catch (AgentRefusedException e) when (e.Refusal.Code == RefusalCode.UnknownOrder)
        {
            // An agent of 0.1.0 has mounted nothing.
        }
        catch (Exception e) when (e is AgentUnreachableException or AgentRefusedException or OperationCanceledException)
        {
            world.Failed(id, row().Name, "giving back its storage", e.Message);
        }
    }

    private async Task<IEnumerable<StorageDomainView>> Known(HostRow host)
    {
        try
        {
            return (await world.Storage.Read()).Of(id, host.Cluster);
        }
        catch (EntityUnavailableException)
        {
            return [];
        }
    }

    private async Task<StorageReport> Ask(StorageOrder order, CancellationToken closed)
    {
        using var limit = new CancellationTokenSource(AnswerAwaited, world.Clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, closed);
        return await client.KeepStorage(order, both.Token);
    }

    private void Tell(List<StorageDomainView> domains, PlaceSight sight)
    {
        if (sight is not { Ready: true, TotalBytes: > 0 } || domains.Find(d => d.Id.Value == sight.Domain) is not { Status: "active" } domain) return;
        var (available, used) = (sight.AvailableBytes, sight.TotalBytes - sight.AvailableBytes);
        if (Space.IsNews(domain.Config, (domain.Available, domain.Used), (available, used)))
            world.Entities.Tell(Kinds.StorageDomain, sight.Domain, new StorageDomainCommand.ReportSpace(available, used, world.Clock.GetUtcNow()));
    }

    private static StoragePlace Place(StorageDomainView domain) => AgentWords.Place(domain.Id.Value, domain.Config.Root, domain.Config.Mount);
}
