using Akka.Actor;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Actors.Host;

/// <summary>Says to a host's actor what time and its neighbours tell of its fitness. Decides nothing.</summary>
internal sealed class FitnessWatch(HostId id, HostWorld world, CancellationToken closed)
{
    /// <summary>Storage that comes back is not seen by all hosts at once: so long another one must have read what this one does
    /// not. Several readings of an agent.</summary>
    private static readonly TimeSpan ApartFor = TimeSpan.FromSeconds(30);

    /// <summary>A look so long ago is of another trouble; several ticks.</summary>
    private static readonly TimeSpan LooksForget = TimeSpan.FromSeconds(10);

    private (long Since, long Last)? _apart;

    public async Task Look(HostEffect effect, HostState host, IActorRef self)
    {
        var now = world.Clock.GetUtcNow();
        switch (effect)
        {
            case HostEffect.AwaitAnswer e when now - e.Since >= world.Settings.AnswerPatience:
                self.Tell(new HostCommand.ReportNoAnswer(e.Since, now));
                break;
            case HostEffect.AwaitQuarantineEnd e when now >= e.Until:
                self.Tell(new HostCommand.ReportQuarantineOver(e.Until, now));
                break;
            case HostEffect.WeighStorage:
                await Weigh(host, self, now);
                break;
        }
    }

    /// <summary>Storage that nobody reads is no fault of the host; nor is a domain that an operator has taken out of use.</summary>
    private async Task Weigh(HostState host, IActorRef self, DateTimeOffset now)
    {
        var lost = host.Core.Lost.Where(d => now - d.Since >= world.Settings.StoragePatience - ApartFor).ToDictionary(d => d.Folder);
        if (lost.Count == 0) return;
        try
        {
            var cluster = host.Config.Cluster;
            var used = (await world.Read.DataDomains(cluster, closed)).Where(d => lost.ContainsKey(d.Folder)).ToList();
            if (used.Count == 0) return;
            foreach (var other in await world.Read.Sharing(id, cluster, closed))
            {
                if (await world.Read.View<HostView>(Kinds.Host, other.Value, closed) is not { Status: "up" } view) continue;
                var read = used.Where(d => !view.Lost.Any(l => l.Folder == d.Folder)).ToList();
                if (read.Count == 0) continue;
                if (!Apart()) return;
                var over = read.Where(d => now - lost[d.Folder].Since >= world.Settings.StoragePatience).ToList();
                if (over.Count == 0) return;
                self.Tell(new HostCommand.ReportStorageUnreachable(
                    [.. over.Select(d => d.Folder)], string.Join(", ", over.Select(d => d.Name)), now));
                return;
            }

            _apart = null;
        }
        catch (Exception e) when (e is EntityUnavailableException or OperationCanceledException)
        {
            // Looked at again at the next tick.
        }
    }

    private bool Apart()
    {
        var now = world.Clock.GetTimestamp();
        var since = _apart is { } apart && world.Clock.GetElapsedTime(apart.Last, now) < LooksForget ? apart.Since : now;
        _apart = (since, now);
        return world.Clock.GetElapsedTime(since, now) >= ApartFor;
    }
}
