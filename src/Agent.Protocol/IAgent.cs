namespace Orchestrator.Agent.Protocol;

/// <summary>
/// The engine's hand on one host. Orders never throw for what a host may do (refuse, be silent, answer nonsense): see
/// <see cref="AgentAnswer"/>. Questions throw <see cref="AgentRefusedException"/> or
/// <see cref="AgentUnreachableException"/>.
/// </summary>
public interface IAgent
{
    /// <summary>The engine node by way of which the agent is spoken to; null: straight.</summary>
    string? ByWayOf => null;

    Task<AgentDescription> Describe(CancellationToken cancel = default);

    Task<HostStatistics> Statistics(CancellationToken cancel = default);

    /// <summary>Not known by agents of 0.1.0, which refuse it.</summary>
    Task<HostObservations> Observe(CancellationToken cancel = default);

    /// <summary>Everything the host has, without claiming it: for tools and tests.</summary>
    Task<HostEvent.Report> Report(CancellationToken cancel = default);

    /// <summary>
    /// Claims the host for the owner with this epoch and follows it: one <see cref="HostEvent.Report"/>, then changes as
    /// they happen. Ends when the agent ends the stream (last event <see cref="HostEvent.Superseded"/> if another owner
    /// took over). It does not reconnect and knows no silence: a missing heartbeat is for the caller to notice.
    /// </summary>
    IAsyncEnumerable<HostEvent> Events(
        long epoch, Guid hostId, CancellationToken cancel = default);

    /// <summary>Tells the host that it is heard: see <see cref="RenewalOrder"/>.</summary>
    Task<LeaseTerms> Renew(RenewalOrder order, CancellationToken cancel = default);

    /// <summary>Lets this host look at another one's lease on shared storage.</summary>
    Task<StorageLeaseReading> ReadStorageLease(string folder, Guid host, CancellationToken cancel = default);

    /// <summary>Names the storage that the host must have; not known by agents of 0.1.0, which refuse it.</summary>
    Task<StorageReport> KeepStorage(StorageOrder order, CancellationToken cancel = default);

    Task<AgentAnswer> Launch(LaunchOrder order, CancellationToken cancel = default);

    Task<AgentAnswer> Stop(Guid vm, StopOrder order, CancellationToken cancel = default);

    /// <summary>Launches a guest that goes on from its memory on storage.</summary>
    Task<AgentAnswer> Restore(RestoreOrder order, CancellationToken cancel = default);

    Task<AgentAnswer> Save(Guid vm, SaveOrder order, CancellationToken cancel = default);

    /// <summary>Plugs and unplugs; refused as <see cref="RefusalCode.UnknownOrder"/> by agents of 0.1.0.</summary>
    Task<AgentAnswer> Reshape(Guid vm, ReshapeOrder order, CancellationToken cancel = default);

    Task<AgentAnswer> Pause(Guid vm, GuestOrder order, CancellationToken cancel = default);

    Task<AgentAnswer> Resume(Guid vm, GuestOrder order, CancellationToken cancel = default);

    Task<AgentAnswer> PrepareIncoming(IncomingOrder order, CancellationToken cancel = default);

    Task<AgentAnswer> Migrate(Guid vm, MigrateOrder order, CancellationToken cancel = default);

    Task<AgentAnswer> CancelMigration(Guid vm, GuestOrder order, CancellationToken cancel = default);

    /// <summary>The engine has taken note of how this lease ended; the agent need not report it any more.</summary>
    Task<AgentAnswer> Forget(Guid vm, GuestOrder order, CancellationToken cancel = default);

    /// <summary>Starts the job or, if the id is known, answers how it stands.</summary>
    Task<JobReport> Run(Guid job, JobOrder order, CancellationToken cancel = default);

    /// <summary>Lets a client in to an image; refused as <see cref="RefusalCode.UnknownOrder"/> by agents of 0.1.0.</summary>
    Task<TicketReport> PutTicket(Guid transfer, TicketOrder order, CancellationToken cancel = default);

    Task<TicketReport> EndTicket(Guid transfer, EndTicketOrder order, CancellationToken cancel = default);

    Task<JobReport> Job(Guid job, CancellationToken cancel = default);

    /// <summary>Lets this host turn the power of another; waits as long as the order's own timeout and a little more.</summary>
    Task<FenceResult> Fence(FenceOrder order, CancellationToken cancel = default);

    /// <summary>What the agent shows. Agents of 0.1.0 know none of these three.</summary>
    Task<CertificateReport> Certificate(CancellationToken cancel = default) => throw Unknown;

    Task<NewKeyAnswer> MakeKey(NewKeyOrder order, CancellationToken cancel = default) => throw Unknown;

    Task<CertificateReport> TakeCertificate(CertificateOrder order, CancellationToken cancel = default) => throw Unknown;

    private static AgentRefusedException Unknown => new(new AgentRefusal(RefusalCode.UnknownOrder, "this agent's certificate is not changed by the engine"));

    /// <summary>The last lines of the guest's serial console.</summary>
    Task<string> ConsoleLog(Guid vm, int lines = 100, CancellationToken cancel = default);
}
