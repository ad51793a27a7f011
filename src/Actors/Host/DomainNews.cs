using System.Collections.Immutable;
using Akka.Actor;
using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Actors.Host;

/// <summary>Which storage domains a host is to look after, and what its words about them mean to its actor. It never waits
/// for the database: a lease is renewed on the same way.</summary>
internal sealed class DomainNews(HostWorld world, IActorRef self)
{
    /// <summary>So old a reading is oVirt's sign of a problem (MaxStorageVdsTimeoutCheckSec).</summary>
    private static readonly TimeSpan LostAfter = TimeSpan.FromSeconds(30);

    /// <summary>Storage domains come and go by an operator's hand. What is lost is looked up again before anything follows.</summary>
    private static readonly TimeSpan ListedEvery = TimeSpan.FromMinutes(5);

    private Listed _listed = new([], world.Clock.GetTimestamp(), false);
    private int _listing;

    /// <param name="leaseFolder">Of the one domain that is known without asking.</param>
    public ImmutableArray<string> Folders(string leaseFolder)
    {
        var listed = Volatile.Read(ref _listed);
        return listed.Heard ? [.. listed.Domains.Select(d => d.Folder)] : [leaseFolder];
    }

    /// <param name="told">Null: the agent says nothing of its storage, and nothing is held against it.</param>
    public void Tell(HostRow row, ImmutableArray<DomainSight>? told, CancellationToken cancel)
    {
        var listed = Volatile.Read(ref _listed);
        var sights = told ?? [];
        var lost = sights.Where(s => s.UnreadMs >= LostAfter.TotalMilliseconds).ToList();
        // An operator wants to read the name of what is lost.
        var nameless = lost.Count > 0 && !listed.Heard;
        if (nameless || world.Clock.GetElapsedTime(listed.At) >= ListedEvery) _ = List(row, cancel);
        // What has just been asked for may be there or not: the agent's next words tell.
        if (nameless || sights.Any(s => !s.Read && s.UnreadMs < LostAfter.TotalMilliseconds)) return;
        var now = world.Clock.GetUtcNow();
        self.Tell(new HostCommand.ReportDomains(
            [
                .. lost.Select(s => new LostDomain(
                    listed.Domains.FirstOrDefault(d => d.Folder == s.Folder).Name ?? s.Folder, s.Folder,
                    now - TimeSpan.FromMilliseconds(s.UnreadMs), s.Why ?? "no answer")),
            ], now));
    }

    private async Task List(HostRow row, CancellationToken cancel)
    {
        if (Interlocked.Exchange(ref _listing, 1) == 1) return;
        try
        {
            var domains = await world.Read.DataDomains(row.Cluster, cancel);
            Volatile.Write(ref _listed, new Listed(domains, world.Clock.GetTimestamp(), true));
        }
        catch (Exception e) when (e is EntityUnavailableException or OperationCanceledException)
        {
            // Asked again with the next renewal.
        }
        finally
        {
            Volatile.Write(ref _listing, 0);
        }
    }

    private sealed record Listed(IReadOnlyList<(string Name, string Folder)> Domains, long At, bool Heard);
}
