using System.Runtime.CompilerServices;

namespace Orchestrator.Agent.Protocol;

/// <summary>
/// An agent that is spoken to straight while that works, and by way of another engine node while it does not: a host is
/// silent only when no node reaches it. The way changes between two streams of events, so that all that is heard of the
/// host comes by one way at a time; orders take the way of the stream. For one follower at a time.
/// </summary>
/// <param name="others">The ways by other nodes, as they are now, the best first.</param>
public sealed class AgentByWays(IAgent straight, Func<IEnumerable<AgentWay>> others, WayRules rules, TimeProvider clock) : IAgent
{
    private readonly AgentWay _straight = new(null, straight);
    private volatile Way _way = new(new AgentWay(null, straight));
    private readonly Lock _gate = new();
    private volatile WayWatch _watch = WayWatch.New(rules);
    private volatile bool _followed;

    public string? ByWayOf => _way.Taken.By;

    /// <summary>While nobody follows the agent, this finds the way.</summary>
    public async Task<AgentDescription> Describe(CancellationToken cancel = default)
    {
        if (_followed) return await Ask((agent, c) => agent.Describe(c), cancel);
        var present = _way.Taken;
        var all = _watch.MayAskOthers(Now);
        try
        {
            var (way, answer) = await WayRace.First(all ? Ways(present) : [present], _watch.Pace(Now), clock, cancel);
            Note(w => w.Found(Now));
            if (way.By != present.By) _way = new Way(way);
            return answer;
        }
        catch (AgentUnreachableException) when (all)
        {
            Note(w => w.FoundNone(Now));
            throw;
        }
    }

    public async IAsyncEnumerable<HostEvent> Events(
        long epoch, Guid hostId, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        var way = _way;
        using var left = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        Note(w => w.Hear(Now));
        _followed = true;
        var watching = Watch(way, left);
        var said = way.Taken.Agent.Events(epoch, hostId, left.Token).GetAsyncEnumerator(left.Token);
        try
        {
            while (await More(said, left.Token, cancel))
            {
                Note(w => w.Hear(Now));
                yield return said.Current;
            }
        }
        finally
        {
            End(left);
            await said.DisposeAsync();
            await watching;
            _followed = false;
        }
    }

    public Task<HostStatistics> Statistics(CancellationToken cancel = default) => Ask((agent, c) => agent.Statistics(c), cancel);

    public Task<HostObservations> Observe(CancellationToken cancel = default) => Ask((agent, c) => agent.Observe(c), cancel);

    public Task<HostEvent.Report> Report(CancellationToken cancel = default) => Ask((agent, c) => agent.Report(c), cancel);

    public Task<LeaseTerms> Renew(RenewalOrder order, CancellationToken cancel = default) =>
        Ask((agent, c) => agent.Renew(order, c), cancel);

    public Task<StorageLeaseReading> ReadStorageLease(string folder, Guid host, CancellationToken cancel = default) =>
        Ask((agent, c) => agent.ReadStorageLease(folder, host, c), cancel);

    public Task<StorageReport> KeepStorage(StorageOrder order, CancellationToken cancel = default) =>
        Ask((agent, c) => agent.KeepStorage(order, c), cancel);

    public Task<AgentAnswer> Launch(LaunchOrder order, CancellationToken cancel = default) =>
        Order((agent, c) => agent.Launch(order, c), cancel);

    public Task<AgentAnswer> Stop(Guid vm, StopOrder order, CancellationToken cancel = default) =>
        Order((agent, c) => agent.Stop(vm, order, c), cancel);

    public Task<AgentAnswer> Restore(RestoreOrder order, CancellationToken cancel = default) =>
        Order((agent, c) => agent.Restore(order, c), cancel);

    public Task<AgentAnswer> Save(Guid vm, SaveOrder order, CancellationToken cancel = default) =>
        Order((agent, c) => agent.Save(vm, order, c), cancel);

    public Task<AgentAnswer> Reshape(Guid vm, ReshapeOrder order, CancellationToken cancel = default) =>
        Order((agent, c) => agent.Reshape(vm, order, c), cancel);

    public Task<AgentAnswer> Pause(Guid vm, GuestOrder order, CancellationToken cancel = default) =>
        Order((agent, c) => agent.Pause(vm, order, c), cancel);

    public Task<AgentAnswer> Resume(Guid vm, GuestOrder order, CancellationToken cancel = default) =>
        Order((agent, c) => agent.Resume(vm, order, c), cancel);

    public Task<AgentAnswer> PrepareIncoming(IncomingOrder order, CancellationToken cancel = default) =>
        Order((agent, c) => agent.PrepareIncoming(order, c), cancel);

    public Task<AgentAnswer> Migrate(Guid vm, MigrateOrder order, CancellationToken cancel = default) =>
        Order((agent, c) => agent.Migrate(vm, order, c), cancel);

    public Task<AgentAnswer> CancelMigration(Guid vm, GuestOrder order, CancellationToken cancel = default) =>
        Order((agent, c) => agent.CancelMigration(vm, order, c), cancel);

    public Task<AgentAnswer> Forget(Guid vm, GuestOrder order, CancellationToken cancel = default) =>
        Order((agent, c) => agent.Forget(vm, order, c), cancel);

    public Task<JobReport> Run(Guid job, JobOrder order, CancellationToken cancel = default) =>
        Ask((agent, c) => agent.Run(job, order, c), cancel);

    public Task<TicketReport> PutTicket(Guid transfer, TicketOrder order, CancellationToken cancel = default) =>
        Ask((agent, c) => agent.PutTicket(transfer, order, c), cancel);

    public Task<CertificateReport> Certificate(CancellationToken cancel = default) => Ask((agent, c) => agent.Certificate(c), cancel);

    public Task<NewKeyAnswer> MakeKey(NewKeyOrder order, CancellationToken cancel = default) =>
        Ask((agent, c) => agent.MakeKey(order, c), cancel);

    public Task<CertificateReport> TakeCertificate(CertificateOrder order, CancellationToken cancel = default) =>
        Ask((agent, c) => agent.TakeCertificate(order, c), cancel);

    public Task<TicketReport> EndTicket(Guid transfer, EndTicketOrder order, CancellationToken cancel = default) =>
        Ask((agent, c) => agent.EndTicket(transfer, order, c), cancel);

    public Task<JobReport> Job(Guid job, CancellationToken cancel = default) => Ask((agent, c) => agent.Job(job, c), cancel);

    public Task<FenceResult> Fence(FenceOrder order, CancellationToken cancel = default) =>
        Ask((agent, c) => agent.Fence(order, c), cancel);

    public Task<string> ConsoleLog(Guid vm, int lines = 100, CancellationToken cancel = default) =>
        Ask((agent, c) => agent.ConsoleLog(vm, lines, c), cancel);

    private long Now => (long)clock.GetElapsedTime(0).TotalMilliseconds;

    private async Task<AgentAnswer> Order(Func<IAgent, CancellationToken, Task<AgentAnswer>> say, CancellationToken cancel)
    {
        try
        {
            return await Ask(say, cancel);
        }
        catch (AgentUnreachableException e)
        {
            return new AgentAnswer.Unknown(e.Message);
        }
    }

    /// <summary>What waits for its answer by a way that is left for broken would wait in vain: its outcome is unknown now, and
    /// whoever owes it says it again.</summary>
    private async Task<T> Ask<T>(Func<IAgent, CancellationToken, Task<T>> ask, CancellationToken cancel)
    {
        var way = _way;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, way.Broken.Token);
        try
        {
            return await ask(way.Taken.Agent, either.Token);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            throw new AgentUnreachableException("the way to the agent broke before its answer came", e);
        }
    }

    /// <summary>At once and in this thread, so that a simulation tells the same story each time.</summary>
    private static void End(CancellationTokenSource what) => what.Cancel();

    private void Note(Func<WayWatch, WayWatch> change)
    {
        lock (_gate) _watch = change(_watch);
    }

    /// <summary>Ends the stream when the agent is better reached by another way.</summary>
    private async Task Watch(Way way, CancellationTokenSource left)
    {
        try
        {
            while (true)
            {
                await Task.Delay(_watch.UntilNext(Now, way.Taken.Kind), clock, left.Token);
                var step = _watch.Next(Now, way.Taken.Kind);
                var better = step switch
                {
                    WayStep.AskAll => await AskAll(way, left.Token),
                    WayStep.TryStraight => await TryStraight(left.Token),
                    _ => null,
                };
                if (better is null) continue;
                _way = new Way(better);
                if (step == WayStep.AskAll) End(way.Broken);
                End(left);
                return;
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task<AgentWay?> AskAll(Way way, CancellationToken left)
    {
        try
        {
            var (found, _) = await WayRace.First(Ways(way.Taken), rules.Doubting, clock, left);
            Note(w => w.Found(Now));
            return found.By == way.Taken.By ? null : found;
        }
        catch (Exception e) when (e is AgentUnreachableException or AgentRefusedException)
        {
            Note(w => w.FoundNone(Now));
            return null;
        }
    }

    private async Task<AgentWay?> TryStraight(CancellationToken left)
    {
        var answer = await WayRace.Answers(_straight, rules.Doubting, clock, left) ? WayAnswer.Came : WayAnswer.Failed;
        Note(w => w.TriedStraight(Now, answer));
        return _watch.IsStraightAgain ? _straight : null;
    }

    private IEnumerable<AgentWay> Ways(AgentWay present)
    {
        yield return present;
        if (present.Kind == WayKind.Around) yield return _straight;
        foreach (var other in others())
            if (other.By != present.By) yield return other;
    }

    private static async Task<bool> More(IAsyncEnumerator<HostEvent> said, CancellationToken left, CancellationToken cancel)
    {
        try
        {
            return await said.MoveNextAsync();
        }
        catch (Exception e) when (e is OperationCanceledException or AgentUnreachableException
            && left.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            // We left it ourselves, for a better way.
            return false;
        }
    }

    /// <summary>A way in use, and the end of its use.</summary>
    private sealed record Way(AgentWay Taken)
    {
        public CancellationTokenSource Broken { get; } = new();
    }
}
