using Orchestrator.Agent.Ledgers;
using Orchestrator.Agent.Protocol;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Agent;

/// <summary>What to do with an order, given what the ledger remembers.</summary>
public abstract record Verdict
{
    private Verdict() { }

    /// <summary>Record it, then do it.</summary>
    public sealed record Act : Verdict;

    /// <summary>It is so already: answer the present state.</summary>
    public sealed record AlreadySo : Verdict;

    /// <summary>Never seen, and now never to start: record the lease as ended.</summary>
    public sealed record Bury : Verdict;

    public sealed record Refuse(AgentRefusal Refusal) : Verdict;
}

/// <summary>
/// The agent's half of "a guest never runs twice". Pure. Who may order: the highest epoch seen. What may start: a lease
/// higher than any seen for the VM, while no other lease of it is open here. A lease that has ended stays ended.
/// </summary>
public static class OrderGuard
{
    private static readonly Verdict Act = new Verdict.Act();
    private static readonly Verdict AlreadySo = new Verdict.AlreadySo();
    private static readonly Verdict Bury = new Verdict.Bury();

    /// <summary>Is the sender still the owner, and does it speak of this boot? Null when so.</summary>
    public static AgentRefusal? Check(Stamp stamp, long highestEpoch, string bootId) => stamp switch
    {
        { Epoch: < 0 } => new AgentRefusal(RefusalCode.Malformed, $"epoch {stamp.Epoch} is below 0"),
        { Epoch: var e } when e < highestEpoch =>
            new AgentRefusal(RefusalCode.StaleEpoch, $"epoch {e} is over, {highestEpoch} owns this host")
            {
                Epoch = highestEpoch,
            },
        { BootId: { } boot } when boot != bootId =>
            new AgentRefusal(RefusalCode.OtherBoot, $"meant for boot {boot}, this is boot {bootId}") { BootId = bootId },
        _ => null,
    };

    /// <summary>May a guest come to be here under this lease: by launch, or by an incoming migration?</summary>
    public static Verdict Begin(LeaseRecord? known, long lease, GuestReport? guest) => known switch
    {
        _ when lease < 1                                    => Malformed(lease),
        null                                                => Act,
        { Lease: var highest } when lease < highest         => Stale(known, lease, guest),
        { Lease: var highest, Ended: true } when lease == highest  => EndedBefore(known, guest),
        { Lease: var highest } when lease == highest        => AlreadySo,
        { Ended: false }                                    => Occupied(known, lease, guest),
        _                                                   => Act,
    };

    /// <summary>
    /// A power off of a lease never seen buries it, so that a launch still under way on the network comes too late. That
    /// makes a stop final whatever became of the launch before it.
    /// </summary>
    public static Verdict Stop(LeaseRecord? known, long lease, StopMode mode, GuestReport? guest) => known switch
    {
        _ when lease < 1                                    => Malformed(lease),
        null when mode == StopMode.PowerOff                 => Bury,
        null                                                => Unknown(lease),
        { Lease: var highest } when lease < highest         => Stale(known, lease, guest),
        { Ended: true, Lease: var highest } when lease == highest && IsStop(mode) => AlreadySo,
        { Ended: true, Lease: var highest } when lease == highest => EndedBefore(known, guest),
        { Lease: var highest } when lease == highest && mode == StopMode.AbandonIncoming && guest?.State != GuestState.Incoming
                                                            => WrongState("given up as one that is awaited", guest),
        { Lease: var highest } when lease == highest && mode is StopMode.Reboot or StopMode.Reset
            && guest is { State: not (GuestState.Up or GuestState.PoweringUp) }
                                                            => WrongState(mode == StopMode.Reset ? "reset" : "rebooted", guest),
        { Lease: var highest } when lease == highest        => Act,
        { Ended: false }                                    => Occupied(known, lease, guest),
        _ when mode == StopMode.PowerOff                    => Bury,
        _                                                   => Unknown(lease),
    };

    public static Verdict Pause(LeaseRecord? known, long lease, GuestReport? guest) =>
        About(known, lease, guest) ?? guest?.State switch
        {
            GuestState.Paused => AlreadySo,
            GuestState.Up or GuestState.PoweringUp => Act,
            _ => WrongState("paused", guest),
        };

    public static Verdict Resume(LeaseRecord? known, long lease, GuestReport? guest) =>
        About(known, lease, guest) ?? guest?.State switch
        {
            GuestState.Up or GuestState.PoweringUp => AlreadySo,
            GuestState.Paused => Act,
            _ => WrongState("resumed", guest),
        };

    public static Verdict Save(LeaseRecord? known, long lease, Guid order, GuestReport? guest) =>
        About(known, lease, guest) ?? guest switch
        {
            { Save: { } save } when save == order => AlreadySo,
            { State: GuestState.Up or GuestState.PoweringUp or GuestState.Paused } => Act,
            _ => WrongState("suspended", guest),
        };

    /// <summary>One that was taken is never refused: some of it may have been done, and only its end tells what.</summary>
    public static Verdict Reshape(LeaseRecord? known, long lease, long number, GuestReport? guest, bool followed) =>
        About(known, lease, guest) ?? guest switch
        {
            _ when number < 1 => new Verdict.Refuse(new AgentRefusal(RefusalCode.Malformed, $"number {number} is below 1")),
            _ when number < known!.Reshape => new Verdict.Refuse(new AgentRefusal(
                RefusalCode.StaleOrder, $"change {number} of the machine is over, {known.Reshape} was ordered here") { Guest = guest }),
            _ when number == known.Reshape => followed || guest is { Reshaped: true } or { ReshapeError: not null } ? AlreadySo : Act,
            { State: GuestState.Up or GuestState.PoweringUp or GuestState.Paused } => Act,
            _ => WrongState("changed", guest),
        };

    /// <param name="followed">The agent knows how its migration goes; else it was begun by an agent before this one.</param>
    public static Verdict Migrate(
        LeaseRecord? known, long lease, long destinationLease, GuestReport? guest, bool followed = true) =>
        About(known, lease, guest) ?? guest?.State switch
        {
            GuestState.MigratingOut when guest.MigrationLease is { } under && under != destinationLease =>
                new Verdict.Refuse(new AgentRefusal(
                    RefusalCode.WrongState, $"it is on its way to lease {under}; cancel that before lease {destinationLease}")
                {
                    Guest = guest,
                }),
            GuestState.MigratingOut when followed => AlreadySo,
            GuestState.MigratingOut => Act,
            _ when destinationLease <= lease => new Verdict.Refuse(new AgentRefusal(
                RefusalCode.Malformed, $"the destination's lease {destinationLease} is not above {lease}")),
            // Its own end was told already, or it was given up: an order that comes late, or twice, moves nothing.
            _ when guest?.MigrationLease is { } newest && destinationLease <= newest
                && !(known is { MoveFailed: false, Move: { } move } && move == destinationLease) => new Verdict.Refuse(new AgentRefusal(
                RefusalCode.StaleLease, $"the migration to lease {destinationLease} is over, {newest} was ordered here")
            {
                Guest = guest,
            }),
            // Its machine would be another one at the destination.
            _ when guest is { Reshape: not null, Reshaped: not true, ReshapeError: null } => WrongState("migrated while its machine is changed", guest),
            GuestState.Up or GuestState.PoweringUp or GuestState.Paused => Act,
            _ => WrongState("migrated", guest),
        };

    /// <summary>Only a guest whose system runs can hold its file systems still.</summary>
    public static Verdict FileSystems(LeaseRecord? known, long lease, GuestReport? guest) =>
        About(known, lease, guest) ?? (guest?.State is GuestState.Up or GuestState.PoweringUp ? AlreadySo : WrongState("frozen or thawed", guest));

    /// <summary>Whoever may look at a guest, does so where it runs.</summary>
    public static Verdict Console(LeaseRecord? known, long lease, GuestReport? guest) =>
        About(known, lease, guest) ?? (guest?.State is GuestState.Up or GuestState.PoweringUp or GuestState.Paused or GuestState.PoweringDown
            or GuestState.MigratingOut ? AlreadySo : WrongState("looked at", guest));

    public static Verdict CancelMigration(LeaseRecord? known, long lease, GuestReport? guest) =>
        About(known, lease, guest) ?? (guest?.State is GuestState.MigratingOut ? Act : AlreadySo);

    public static Verdict Forget(LeaseRecord? known, long lease, GuestReport? guest) => known switch
    {
        null                                                => AlreadySo,
        { Lease: var highest } when lease < highest         => Stale(known, lease, guest),
        { Lease: var highest } when lease > highest         => Unknown(lease),
        { Ended: false }                                    => WrongState("forgotten", guest),
        { Forgotten: true }                                 => AlreadySo,
        _                                                   => Act,
    };

    /// <summary>Null when the lease is the one that is open here.</summary>
    private static Verdict.Refuse? About(LeaseRecord? known, long lease, GuestReport? guest) => known switch
    {
        null                                                => Unknown(lease),
        { Lease: var highest } when lease < highest         => Stale(known, lease, guest),
        { Lease: var highest } when lease > highest         => Unknown(lease),
        { Ended: true }                                     => EndedBefore(known, guest),
        _                                                   => null,
    };

    public static bool IsPath(string path) => Path.IsPathRooted(path) && Path.GetFullPath(path) == path;

    public static AgentAnswer.Refused NoPath(string path) => new(new AgentRefusal(
        RefusalCode.Malformed, $"'{path}' is not an absolute path in its simplest form"));

    private static bool IsStop(StopMode mode) => mode is StopMode.PowerOff or StopMode.Shutdown or StopMode.AbandonIncoming;

    private static Verdict.Refuse Malformed(long lease) =>
        new Verdict.Refuse(new AgentRefusal(RefusalCode.Malformed, $"lease {lease} is below 1"));

    private static Verdict.Refuse Unknown(long lease) =>
        new Verdict.Refuse(new AgentRefusal(RefusalCode.UnknownVm, $"no lease {lease} of this VM has come to this host"));

    private static Verdict.Refuse Stale(LeaseRecord known, long lease, GuestReport? guest) =>
        Refuse(RefusalCode.StaleLease, $"lease {lease} is over, this host has seen {known.Lease}", known, guest);

    private static Verdict.Refuse EndedBefore(LeaseRecord known, GuestReport? guest) =>
        Refuse(RefusalCode.LeaseEnded, $"lease {known.Lease} has ended here and never starts again", known, guest);

    private static Verdict.Refuse Occupied(LeaseRecord known, long lease, GuestReport? guest) =>
        Refuse(RefusalCode.Occupied, $"the VM is here under lease {known.Lease}; end that before lease {lease}", known, guest);

    private static Verdict.Refuse WrongState(string what, GuestReport? guest) =>
        new Verdict.Refuse(new AgentRefusal(
            RefusalCode.WrongState, $"a guest that is {Word(guest)} cannot be {what}") { Guest = guest });

    private static Verdict.Refuse Refuse(string code, string message, LeaseRecord known, GuestReport? guest) =>
        new Verdict.Refuse(new AgentRefusal(code, message) { Lease = known.Lease, Guest = guest });

    private static string Word(GuestReport? guest) =>
        guest is null ? "not here" : System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(guest.State.ToString());
}
