using Akka.Actor;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Actors.Host;

/// <summary>Tells a host that it is heard, and the actor by what the host says that it is bound.</summary>
internal sealed class LeaseRenewals(IAgent client, HostWorld world, DomainNews domains, IActorRef self)
{
    private static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(2);

    /// <summary>A renewal that was not answered by then is said again.</summary>
    private static readonly TimeSpan AnswerAwaited = TimeSpan.FromSeconds(3);

    private int _under;
    private long _due;
    private long _number;

    /// <summary>The newest renewal on the storage that the host has told of in its present boot.</summary>
    public long Number => Volatile.Read(ref _number);

    public void Forget() => Volatile.Write(ref _number, 0);

    /// <param name="heard">The number of a heartbeat.</param>
    public async Task Heard(long heard, HostId host, HostRow row, Stamp stamp, CancellationToken closed)
    {
        var folder = row.LeaseFolder;
        // A process that was frozen and wakes must not lengthen what its successor counts on to end.
        if (folder.Length == 0 || stamp.BootId is not { } boot || !world.MayAct()) return;
        if (world.Clock.GetElapsedTime(Volatile.Read(ref _due)) < TimeSpan.Zero || Interlocked.Exchange(ref _under, 1) == 1) return;
        try
        {
            using var limit = new CancellationTokenSource(AnswerAwaited, world.Clock);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, closed);
            var terms = await client.Renew(new RenewalOrder(stamp, host.Value, heard, folder) { Domains = domains.Folders(folder) }, both.Token);
            if (terms.LeaseMs > 0) Volatile.Write(ref _number, terms.Number);
            var bond = terms.LeaseMs > 0
                ? new HostBond(boot, terms.Folder, terms.LeaseMs, terms.WatchdogMs, terms.Number)
                : null;
            self.Tell(new HostCommand.ReportBound(bond, world.Clock.GetUtcNow()));
            domains.Tell(row, terms.Domains, closed);
        }
        catch (Exception e) when (e is AgentUnreachableException or AgentRefusedException or OperationCanceledException)
        {
            // Said again with a later heartbeat; an agent of an older version never answers it.
        }
        finally
        {
            Volatile.Write(ref _due, world.Clock.GetTimestamp() + (long)(RenewEvery.TotalSeconds * world.Clock.TimestampFrequency));
            Volatile.Write(ref _under, 0);
        }
    }
}
