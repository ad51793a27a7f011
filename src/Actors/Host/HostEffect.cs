using System.Collections.Immutable;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Actors.Host;

/// <summary>What a host asks of the world, and the orders that pass through it to its agent.</summary>
public abstract record HostEffect
{
    private HostEffect()
    {
    }

    // owed
    /// <summary>Hold the link to the agent and watch for silence.</summary>
    public sealed record KeepLink(string Address, int Port, string PathPrefix) : HostEffect;

    /// <summary>Tell the cluster what placement must know.</summary>
    public sealed record Announce(bool TakesGuests, bool Reachable, long Incarnation) : HostEffect
    {
        /// <summary>As <see cref="HostReport.Fencing"/>.</summary>
        public long? Fencing { get; init; }

        /// <summary>Whether it takes guests is known in a moment.</summary>
        public bool Awaited { get; init; }
    }

    /// <summary>Tell every VM that sits here: the host is silent.</summary>
    public sealed record TellLost(long Incarnation) : HostEffect;

    /// <summary>Tell every VM that sat here in a former life: the old copy is dead.</summary>
    public sealed record TellFenced(long Incarnation, bool OnStorageAlone) : HostEffect;

    /// <summary>Look for shared storage that the host can keep its lease on.</summary>
    public sealed record ChooseLeaseFolder : HostEffect;

    /// <summary>Have neighbours watch its lease on the storage, and say when it must have ended its guests.</summary>
    public sealed record AwaitSelfFence(HostBond Bond, long Incarnation) : HostEffect;

    /// <param name="Failures">Attempts that failed in a row: wait longer before the next.</param>
    /// <param name="ByHand">An operator has ordered it: the cluster's fencing policy is not asked.</param>
    public sealed record Power(PowerAction Action, long Attempt, int Failures, bool ByHand) : HostEffect
    {
        /// <summary>When the host was given up: of those that wait for their turn, the first goes first.</summary>
        public DateTimeOffset SilentSince { get; init; }
    }

    /// <summary>Say so when it does not answer in time after it was switched on.</summary>
    public sealed record AwaitBoot(long Attempt) : HostEffect;

    /// <summary>Say so when its crash kernel has fallen silent.</summary>
    public sealed record AwaitKdumpEnd(long Attempt) : HostEffect;

    /// <summary>Move the guests away, and say when none is left.</summary>
    public sealed record Drain(long Incarnation) : HostEffect;

    /// <summary>Move the guests away that its cluster's policy wants moved when a host is non-operational.</summary>
    public sealed record MoveAway(long Incarnation) : HostEffect;

    /// <summary>Look whether others read the domains that it cannot read.</summary>
    public sealed record WeighStorage : HostEffect;

    public sealed record AwaitQuarantineEnd(DateTimeOffset Until) : HostEffect;

    /// <summary>Say so when its agent does not answer in time after it was added or activated.</summary>
    public sealed record AwaitAnswer(DateTimeOffset Since) : HostEffect;

    /// <summary>Do this to its own software, and say how it ended.</summary>
    public sealed record Deploy(HostDeploy Under) : HostEffect;

    /// <summary>Its installation has ended: its password is kept no longer.</summary>
    public sealed record ForgetPassword : HostEffect;

    /// <summary>Say so when no VM sits on the silent host.</summary>
    public sealed record LookWhetherEmpty(long Attempt) : HostEffect;

    // relayed once
    public sealed record LeaveCluster : HostEffect;

    public sealed record SendLaunch(VmId Vm, Seat Seat, VmConfig Definition) : HostEffect
    {
        /// <summary>As <see cref="HostCommand.Launch.Memory"/>.</summary>
        public string Memory { get; init; } = "";
    }

    public sealed record SendHalt(VmId Vm, Lease Lease, StopMode Mode) : HostEffect;

    public sealed record SendIncoming(VmId Vm, Seat Seat, VmConfig Definition) : HostEffect;

    public sealed record SendMigrate(VmId Vm, Seat From, Seat To) : HostEffect
    {
        public MigrationTerms? Terms { get; init; }
    }

    public sealed record SendCancel(VmId Vm, Lease Lease) : HostEffect;

    public sealed record SendSave(VmId Vm, Lease Lease, JobId Id, string Path) : HostEffect;

    public sealed record SendAction(VmId Vm, Lease Lease, PendingAction Action) : HostEffect;

    public sealed record SendReshape(VmId Vm, Lease Lease, long Number, VmConfig Definition, ImmutableArray<DiskId> New) : HostEffect;

    public sealed record SendAbandonIncoming(VmId Vm, Lease Lease) : HostEffect;

    /// <summary>Ask the agent what it has of this VM; the answer is a report, or that it has none under this lease.</summary>
    public sealed record Inquire(VmId Vm, Lease Lease) : HostEffect;

    public sealed record SendImageJob(ImageWork Work) : HostEffect;

    public sealed record SendTicket(TransferTicket Ticket) : HostEffect;

    public sealed record SendTicketEnd(DiskId Disk, Guid Transfer, int Session) : HostEffect;

    /// <summary>Ask its power device whether the power is on.</summary>
    public sealed record AskPower(JobId Question) : HostEffect;

    /// <summary>The proxy that was asked is away: ask the next one.</summary>
    public sealed record NextProxy(long Attempt, PowerAction Action) : HostEffect;

    /// <summary>Its turn has come: cut its power.</summary>
    public sealed record BeginFence(long Attempt) : HostEffect;

    /// <summary>Its crash kernel was heard again.</summary>
    public sealed record NoteKdump : HostEffect;

    /// <summary>The cluster has answered that it is not its turn yet.</summary>
    public sealed record KeepWaiting(long Attempt) : HostEffect;

    /// <summary>Try to restart its agent over SSH.</summary>
    public sealed record RestartAgent : HostEffect;

    public sealed record SendFence(HostCommand.RunFence Order) : HostEffect;

    public sealed record SendLeaseReading(HostId Target, Guid Reading, string Folder) : HostEffect;

    public sealed record NoteStorageLease(Guid Reading, bool Trusted, string BootId, long Number) : HostEffect;

    public sealed record AnswerLost(VmId Vm, long Incarnation) : HostEffect;

    public sealed record AnswerFenced(VmId Vm, long Incarnation, bool OnStorageAlone) : HostEffect;
}
