using System.Runtime.CompilerServices;
using Orchestrator.Agent;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>An agent over the simulated network: what AgentClient and AgentRoutes are together, without bytes.</summary>
internal sealed class AgentLine(Wire wire) : IAgent
{
    private static readonly TimeSpan OrderLimit = TimeSpan.FromSeconds(10);
    private readonly SimulatedWorld _world = wire.World;

    public Task<AgentDescription> Describe(CancellationToken cancel = default) =>
        Question<AgentDescription>("a description", a => new Reply(a.Describe() with { ImagePort = wire.Host.Tickets.Port }), cancel);

    public Task<HostStatistics> Statistics(CancellationToken cancel = default) =>
        Question<HostStatistics>("statistics", a => new Reply(a.Sample()), cancel);

    public Task<HostObservations> Observe(CancellationToken cancel = default) =>
        throw new AgentUnreachableException("nobody observes a simulated host");

    public Task<HostEvent.Report> Report(CancellationToken cancel = default) =>
        Question<HostEvent.Report>("a report", a => new Reply(a.Report()), cancel);

    public async IAsyncEnumerable<HostEvent> Events(
        long epoch, Guid hostId, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        var owner = hostId.ToString();
        var stream = await Ask<EventStream>("its events", false, (agent, connection) =>
        {
            var (follower, refusal) = agent.Follow(Compared(new Stamp(epoch)).Epoch, owner);
            _world.Leases.Claimed(wire.Host, epoch, refusal);
            return Task.FromResult(
                follower is null ? new Reply(null, refusal) : new Reply(new EventStream(connection, agent, follower)));
        }, OrderLimit, cancel);
        try
        {
            while (await stream.Arrived.WaitToReadAsync(cancel))
                while (stream.Arrived.TryRead(out var told))
                {
                    _world.Heard(wire.Host, wire.Node);
                    yield return told;
                }
        }
        finally
        {
            _world.Context.Run(stream.Leave);
        }
    }

    public Task<LeaseTerms> Renew(RenewalOrder order, CancellationToken cancel = default) =>
        Ask<LeaseTerms>("to keep its lease", true, (agent, _) =>
        {
            var (terms, refusal) = agent.Renew(order with { Stamp = Compared(order.Stamp) });
            _world.Leases.Claimed(wire.Host, order.Stamp.Epoch, refusal);
            return Task.FromResult(new Reply(terms, refusal));
        }, OrderLimit, cancel);

    public Task<StorageLeaseReading> ReadStorageLease(string folder, Guid host, CancellationToken cancel = default) =>
        Ask<StorageLeaseReading>("another host's lease", false, async (agent, _) =>
        {
            try
            {
                return new Reply(await agent.ReadStorageLease(folder, host));
            }
            catch (IOException e)
            {
                return new Reply(null, new AgentRefusal(RefusalCode.Failed, e.Message));
            }
        }, OrderLimit, cancel);

    public Task<StorageReport> KeepStorage(StorageOrder order, CancellationToken cancel = default) =>
        Question<StorageReport>("its storage", agent => agent.Check(Compared(order.Stamp)) is { } refusal
            ? new Reply(null, refusal)
            : agent.Storage is { } storage
                ? new Reply(storage.Keep(order.Places))
                : new Reply(null, new AgentRefusal(RefusalCode.UnknownOrder, "no storage here")), cancel);

    public Task<AgentAnswer> Launch(LaunchOrder order, CancellationToken cancel = default) =>
        Order(order.Definition.Id, order.Stamp, order.Lease, order, (a, s) => a.Launch(order with { Stamp = s }), cancel);

    public Task<AgentAnswer> Restore(RestoreOrder order, CancellationToken cancel = default) =>
        Order(order.Definition.Id, order.Stamp, order.Lease, order, (a, s) => a.Restore(order with { Stamp = s }), cancel);

    public Task<AgentAnswer> Save(Guid vm, SaveOrder order, CancellationToken cancel = default) =>
        Order(vm, order.Stamp, order.Lease, order, (a, s) => a.Save(vm, order with { Stamp = s }), cancel);

    public Task<AgentAnswer> Reshape(Guid vm, ReshapeOrder order, CancellationToken cancel = default) =>
        Order(vm, order.Stamp, order.Lease, order, (a, s) => a.Reshape(order with { Stamp = s }), cancel);

    public Task<AgentAnswer> Stop(Guid vm, StopOrder order, CancellationToken cancel = default) =>
        Order(vm, order.Stamp, order.Lease, order, (a, s) => a.Stop(vm, order with { Stamp = s }), cancel);

    public Task<AgentAnswer> Pause(Guid vm, GuestOrder order, CancellationToken cancel = default) =>
        Order(vm, order.Stamp, order.Lease, order, (a, s) => a.Pause(vm, order with { Stamp = s }), cancel);

    public Task<AgentAnswer> Resume(Guid vm, GuestOrder order, CancellationToken cancel = default) =>
        Order(vm, order.Stamp, order.Lease, order, (a, s) => a.Resume(vm, order with { Stamp = s }), cancel);

    public Task<AgentAnswer> PrepareIncoming(IncomingOrder order, CancellationToken cancel = default) =>
        Order(order.Definition.Id, order.Stamp, order.Lease, order, (a, s) => a.PrepareIncoming(order with { Stamp = s }), cancel);

    public Task<AgentAnswer> Migrate(Guid vm, MigrateOrder order, CancellationToken cancel = default) =>
        Order(vm, order.Stamp, order.Lease, order, (a, s) => a.Migrate(vm, order with { Stamp = s }), cancel);

    public Task<AgentAnswer> CancelMigration(Guid vm, GuestOrder order, CancellationToken cancel = default) =>
        Order(vm, order.Stamp, order.Lease, order, (a, s) => a.CancelMigration(vm, order with { Stamp = s }), cancel);

    public Task<AgentAnswer> Forget(Guid vm, GuestOrder order, CancellationToken cancel = default) =>
        Order(vm, order.Stamp, order.Lease, order, (a, s) => a.Forget(vm, order with { Stamp = s }), cancel);

    public Task<JobReport> Run(Guid job, JobOrder order, CancellationToken cancel = default) =>
        Ask<JobReport>("a job", true, (agent, _) =>
        {
            var (report, refusal) = agent.Run(job, order with { Stamp = Compared(order.Stamp) });
            _world.Leases.Claimed(wire.Host, order.Stamp.Epoch, refusal);
            return Task.FromResult(new Reply(report, refusal));
        }, OrderLimit, cancel);

    public Task<TicketReport> PutTicket(Guid transfer, TicketOrder order, CancellationToken cancel = default) =>
        Ask<TicketReport>($"{order}", true, async (agent, _) =>
        {
            if (agent.Check(Compared(order.Stamp)) is { } refusal) return new Reply(null, refusal);
            var (report, why) = await wire.Host.Tickets.Put(transfer, order);
            return new Reply(report, why);
        }, OrderLimit, cancel);

    public Task<TicketReport> EndTicket(Guid transfer, EndTicketOrder order, CancellationToken cancel = default) =>
        Ask<TicketReport>("the end of a ticket", true, async (agent, _) => agent.Check(Compared(order.Stamp)) is { } refusal
            ? new Reply(null, refusal)
            : new Reply(await wire.Host.Tickets.End(transfer, order.Session)), OrderLimit, cancel);

    public Task<JobReport> Job(Guid job, CancellationToken cancel = default) =>
        Question<JobReport>("a job's state", a => a.Job(job) is { } report
            ? new Reply(report)
            : new Reply(null, new AgentRefusal(RefusalCode.UnknownJob, "no such job on this host")), cancel);

    public Task<FenceResult> Fence(FenceOrder order, CancellationToken cancel = default) =>
        Ask<FenceResult>($"power {order.Action}", true, async (agent, _) =>
            agent.Check(order.Stamp) is { } refusal
                ? new Reply(null, refusal)
                : new Reply(await _world.Turn(order, $"{wire.Node} through {wire.Host.Name}")),
            FenceProgram.LimitOf(order) + OrderLimit, cancel);

    public Task<CertificateReport> Certificate(CancellationToken cancel = default) => _world.Options.Certificates
        ? Question<CertificateReport>("its certificate", _ => new Reply(Shown()), cancel)
        : throw NotKnown;

    public Task<NewKeyAnswer> MakeKey(NewKeyOrder order, CancellationToken cancel = default) => _world.Options.Certificates
        ? Ask<NewKeyAnswer>("a new key", true, (agent, _) =>
        {
            if (agent.Check(Compared(order.Stamp)) is { } refusal) return Task.FromResult(new Reply(null, refusal));
            if (wire.Host.DiskIsFull) return Task.FromResult(new Reply(null, new AgentRefusal(RefusalCode.Failed, "no space left on device")));
            wire.Host.HasNewKey = true;
            return Task.FromResult(new Reply(new NewKeyAnswer($"key of {wire.Host.Name}")));
        }, OrderLimit, cancel)
        : throw NotKnown;

    public Task<CertificateReport> TakeCertificate(CertificateOrder order, CancellationToken cancel = default) =>
        Ask<CertificateReport>("to show another certificate", true, (agent, _) =>
        {
            if (agent.Check(Compared(order.Stamp)) is { } refusal) return Task.FromResult(new Reply(null, refusal));
            if (!wire.Host.HasNewKey)
                return Task.FromResult(new Reply(null, new AgentRefusal(RefusalCode.Failed, "no key of this host waits for a certificate")));
            wire.Host.HasNewKey = false;
            var now = _world.Clock.GetUtcNow();
            wire.Host.Certificate = (now, now + _world.Options.CertificateLife);
            return Task.FromResult(new Reply(Shown()));
        }, OrderLimit, cancel);

    private CertificateReport Shown() =>
        new($"CN={wire.Host.Name}", "CN=the world", "01", wire.Host.Certificate.From, wire.Host.Certificate.Until);

    private static AgentRefusedException NotKnown => new(new AgentRefusal(RefusalCode.UnknownOrder, "this agent is of 0.1.0"));

    public Task<string> ConsoleLog(Guid vm, int lines = 100, CancellationToken cancel = default) =>
        Question<string>("a console log", a => a.ConsoleLog(vm, Math.Clamp(lines, 1, 10_000)) is { } text
            ? new Reply(text)
            : new Reply(null, new AgentRefusal(RefusalCode.UnknownVm, "no console log of this VM is on this host")), cancel);

    /// <summary>With that bug planted, the agent takes every owner for the present one.</summary>
    private Stamp Compared(Stamp stamp) => _world.Options.ObeysOldEpochs
        ? stamp with { Epoch = Math.Max(stamp.Epoch, _world.Leases.HighestEpoch(wire.Host)) }
        : stamp;

    private Task<T> Question<T>(string what, Func<HostAgent, Reply> ask, CancellationToken cancel) =>
        Ask<T>(what, false, (agent, _) => Task.FromResult(ask(agent)), OrderLimit, cancel);

    private async Task<AgentAnswer> Order(
        Guid vm, Stamp stamp, long lease, object order, Func<HostAgent, Stamp, AgentAnswer> give, CancellationToken cancel)
    {
        try
        {
            return new AgentAnswer.Accepted(await Ask<OrderReceipt>(
                $"{order.GetType().Name} of {_world.NameOf(vm)} lease {lease}", true,
                (agent, _) => Task.FromResult(Give(vm, stamp, lease, order, () => give(agent, Compared(stamp)))), OrderLimit, cancel));
        }
        catch (AgentRefusedException e)
        {
            return new AgentAnswer.Refused(e.Refusal);
        }
        catch (AgentUnreachableException e)
        {
            return new AgentAnswer.Unknown(e.Message);
        }
    }

    private Reply Give(Guid vm, Stamp stamp, long lease, object order, Func<AgentAnswer> give)
    {
        var host = wire.Host;
        if (order is LaunchOrder { Definition: var definition }) _world.Learn(definition);
        var answer = _world.Options.Bug is { } bug ? bug(host, vm, order, give) : give();
        _world.Leases.Answered(host, vm, stamp, lease, order, answer);
        _world.Losses.Answered(host, vm, lease, order, answer, wire.Node);
        return answer switch
        {
            AgentAnswer.Accepted a => new Reply(a.Receipt),
            AgentAnswer.Refused r => new Reply(null, r.Refusal),
            AgentAnswer.Unknown u => new Reply(null, Broken: u.Reason),
            _ => throw new InvalidOperationException($"no such answer: {answer}"),
        };
    }

    private async Task<T> Ask<T>(
        string what, bool isOrder, Func<HostAgent, Connection, Task<Reply>> serve, TimeSpan within, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var call = new Call<T>(what, isOrder, serve);
        _world.Context.Run(() =>
        {
            call.Limit = _world.OwnClock.CreateTimer(
                _ => call.Fail(new AgentUnreachableException($"{wire.Host.Address} did not answer {what}: no answer in time")),
                null, within, Timeout.InfiniteTimeSpan);
            wire.Send(call);
        });
        await using var cancelled = cancel.UnsafeRegister(_ => call.Cancel(cancel), null);
        return await call.Answer;
    }
}
