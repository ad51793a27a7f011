using System.Collections.Immutable;
using Orchestrator.Actors.Journal;
using static Orchestrator.Actors.Disk.DiskCommand;
using static Orchestrator.Actors.Disk.DiskDecider;
using static Orchestrator.Actors.Disk.DiskEvent;
using static Orchestrator.Actors.Disk.DiskState;
using Decision = Orchestrator.Actors.Decision<
    Orchestrator.Actors.Disk.DiskEvent, Orchestrator.Actors.Disk.DiskEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Disk;

/// <summary>
/// The rules by which a client writes or reads a disk's image. Pure.
/// <list type="number">
/// <item>From the first moment nobody is given the disk, and it begins only when no guest has the image open.</item>
/// <item>What a client may have written is given to a guest only after the transfer's own host has said that the client is
/// shut out, also should it be asked to let it in again by an order that was late.</item>
/// <item>What is nobody's image any more may still be written by such a client: it is deleted, and never used.</item>
/// </list>
/// </summary>
public static class DiskTransfer
{
    /// <summary>Progress is worth a line in the journal when it is so old, or a twentieth of the disk.</summary>
    private static readonly TimeSpan NotedAfter = TimeSpan.FromSeconds(10);

    internal static Decision Begin(DiskState disk, BeginTransfer c) => disk switch
    {
        Ok or Illegal when disk.Core.Vms.Length > 1                            => No(Fault.DiskShared),
        Illegal when c.Transfer.Direction == TransferDirection.Download        => No(Fault.DiskIllegal),
        Ok or Illegal when c.Transfer.Format == "cow" && disk.Config.Format == "raw" => No(Fault.TransferFormatIllegal),
        Ok when disk.Core.Preview is not null                                  => No(Fault.DiskInPreview),
        Ok when c.Transfer.Direction == TransferDirection.Upload && !disk.Core.Below.IsEmpty => No(Fault.DiskHasSnapshots),
        // The file of the topmost image would not be the whole disk.
        Ok when c.Transfer.Format == "cow" && !disk.Core.Below.IsEmpty         => No(Fault.DiskHasSnapshots),
        Ok                                                                     => Accept(new TransferRequested(c.Origin, c.Transfer)),
        Illegal s                                                              => Accept(new TransferRequested(c.Origin, c.Transfer with { Before = s.Reason })),
        _                                                                      => No(Fault.DiskLocked),
    };

    internal static Decision Decide(Transferring s, DiskCommand command) => (s.Transfer.Step, command) switch
    {
        (TransferStep.Asking, ReportIdle c) when c.Work == s.Transfer.Id    => Accept(new TransferAllowed(c.At)),
        (TransferStep.Asking, ReportLent c) when c.Work == s.Transfer.Id    =>
            new Decision.Accept(new TransferEnded(TransferEnd.Failed, "a VM runs with the disk; stop it first", c.At)) { Then = [Back(c)] },
        (TransferStep.Asking, ReportNotLent c) when c.Work == s.Transfer.Id => Accept(new TransferEnded(TransferEnd.Failed, c.Why, c.At)),
        (_, ReportLent c)                              => new Decision.Relay(Back(c)),
        (_, ReportIdle or ReportNotLent)               => No(Fault.StaleReport),
        (_, AskWhetherLent c)                          => DiskMove.Answer(c),

        (TransferStep.Opening, ReportTicket c) when IsOf(s, c.Transfer, c.Session) => Accept(new TransferOpened(c.At)),
        (TransferStep.Open, ReportTicket c) when IsOf(s, c.Transfer, c.Session)    => Progress(s, c),
        // Let in by an order that was late.
        (_, ReportTicket c)                            => Late(c),
        (TransferStep.Opening, ReportNoTicket c) when IsOf(s, c.Transfer, c.Session) && !s.Transfer.WasOpen =>
            Accept(new TransferEnded(TransferEnd.Failed, c.Why, c.At)),
        (TransferStep.Opening or TransferStep.Open, ReportNoTicket c) when IsOf(s, c.Transfer, c.Session) =>
            Accept(new TransferPaused(TransferStep.PausedBySystem, c.Why, c.At)),
        (TransferStep.Opening or TransferStep.Open, ReportTransferHostAway c) when IsOf(s, c.Transfer, c.Session) =>
            TimedOut(s, "its host does not answer", c.At),
        (_, ReportNoTicket or ReportTransferHostAway)  => No(Fault.StaleReport),

        (_, ReportImageWork c) when c.Work != s.CloseWork() || s.Transfer.Step < TransferStep.Finalizing => No(Fault.StaleReport),
        (_, ReportImageWork { Lost: true } c)          => Accept(new StepRepeated(c.At)),
        (TransferStep.Finalizing, ReportImageWork c)   => Accept(c.Ok
            ? new TransferEnded(TransferEnd.Succeeded, "", c.At)
            : new TransferEnded(TransferEnd.Failed, c.Message, c.At)),
        (_, ReportImageWork c)                         => Accept(new TransferEnded(s.Transfer.Ending, s.Transfer.Why, c.At)),

        (_, OrderTransfer c) when c.Transfer != s.Transfer.Id => No(Fault.TransferOver),
        (_, OrderTransfer c)                           => Ordered(s, c),

        // A late copy: of a start that is under way it may well be; of any other, its time is over.
        (_, Attach c) when s.Core.Recent.Contains(c.Origin.Job) => s.Transfer.Step == TransferStep.Asking ? Done : No(Fault.StaleReport),
        (_, Detach c)                                  => s.Core.Vms.Contains(c.Vm) ? Accept(new Detached(c.Origin, c.Vm)) : Done,
        _                                              => No(Fault.DiskLocked),
    };

    /// <summary>Of a disk of which no transfer is under way.</summary>
    internal static Decision Over(DiskCommand command) => command switch
    {
        ReportTicket c  => Late(c),
        OrderTransfer   => No(Fault.TransferOver),
        _               => No(Fault.StaleReport),
    };

    private static Decision Ordered(Transferring s, OrderTransfer c) => (c.Action, s.Transfer.Step) switch
    {
        (TransferAction.Extend, TransferStep.Open)       => Accept(new TransferProgressed(s.Transfer.Transferred, c.Origin.At, c.Origin.At) { By = c.Origin.Job }),
        (TransferAction.Extend, TransferStep.Asking or TransferStep.Opening) => Done,

        (TransferAction.Pause, TransferStep.Opening or TransferStep.Open) =>
            new Decision.Accept(new TransferPaused(TransferStep.PausedByUser, "", c.Origin.At) { By = c.Origin.Job }) { Then = [End(s)] },
        (TransferAction.Pause, TransferStep.PausedByUser or TransferStep.PausedBySystem) => Done,

        (TransferAction.Resume, TransferStep.PausedByUser or TransferStep.PausedBySystem) => Accept(new TransferResumed(
            c.Origin, s.Transfer.Direction == TransferDirection.Download && c.Host is { } other ? other : s.Transfer.Host)),
        (TransferAction.Resume, TransferStep.Opening or TransferStep.Open) => Done,

        (TransferAction.Finalize, TransferStep.Open or TransferStep.PausedByUser or TransferStep.PausedBySystem) =>
            s.Transfer.Direction == TransferDirection.Upload
                ? Accept(new TransferClosing(TransferStep.Finalizing, TransferEnd.Succeeded, "", c.Origin.At) { By = c.Origin.Job })
                : new Decision.Accept(new TransferEnded(TransferEnd.Succeeded, "", c.Origin.At) { By = c.Origin.Job }) { Then = [End(s)] },
        (TransferAction.Finalize, TransferStep.Finalizing) => Done,

        (TransferAction.Cancel, TransferStep.Cancelling) => Done,
        (TransferAction.Cancel, _)                       => GiveUp(s, TransferEnd.CancelledByUser, "its transfer was cancelled", c.Origin),
        _                                                => No(Fault.TransferPhaseIllegal),
    };

    private static Decision Progress(Transferring s, ReportTicket c)
    {
        var t = s.Transfer;
        var idle = Shorter(TimeSpan.FromMilliseconds(c.IdleMs), c.At - t.ActiveAt);
        if (t.InactivitySeconds > 0 && idle >= TimeSpan.FromSeconds(t.InactivitySeconds))
            return TimedOut(s, $"its client did nothing for {t.InactivitySeconds} s", c.At);
        var grown = c.Transferred - t.Transferred;
        return grown > 0 && (grown >= s.Config.ProvisionedSize / 20 || c.At - t.ActiveAt >= NotedAfter)
            ? Accept(new TransferProgressed(c.Transferred, c.At - idle, c.At))
            : Done;
    }

    private static Decision TimedOut(Transferring s, string why, DateTimeOffset at) => s.Transfer switch
    {
        { Timeout: TransferTimeout.Cancel } or { Timeout: TransferTimeout.Legacy, Direction: TransferDirection.Download } =>
            GiveUp(s, TransferEnd.CancelledBySystem, why, Origin.System(WorkId.Of($"{s.Transfer.Id} given up"), at)),
        _ => new Decision.Accept(new TransferPaused(TransferStep.PausedBySystem, why, at)) { Then = [End(s)] },
    };

    /// <summary>A disk whose upload is given up is removed, as oVirt does it; while a VM lists it, it stays, and is illegal.</summary>
    private static Decision GiveUp(Transferring s, TransferEnd end, string why, Origin by) => s.Transfer switch
    {
        { Direction: TransferDirection.Upload } when s.Core.Vms.IsEmpty => new Decision.Accept(
            new TransferEnded(end, why, by.At), new RemovalRequested(by, s.Transfer.Host)) { Then = [End(s)] },
        { Direction: TransferDirection.Upload, WasOpen: true, Step: not TransferStep.Finalizing } =>
            Accept(new TransferClosing(TransferStep.Cancelling, end, why, by.At) { By = by.Job }),
        { Direction: TransferDirection.Upload, WasOpen: true } => No(Fault.TransferPhaseIllegal),
        _ => new Decision.Accept(new TransferEnded(end, why, by.At) { By = by.Job }) { Then = [End(s)] },
    };

    internal static DiskState Evolve(DiskState disk, DiskEvent fact) => (disk is Transferring t && ByOf(fact) is { } job
        ? t with { Core = t.Core with { Recent = t.Core.Recent.Add(job) } }
        : disk, fact) switch
    {
        (_, TransferRequested e)           => new Transferring(
                                                  disk.Core with
                                                  {
                                                      Recent = disk.Core.Recent.Add(e.Origin.Job),
                                                      Job = new Job(e.Origin.Job, $"{Word(e.Transfer)} disk {disk.Config.Name}", e.Origin),
                                                  },
                                                  e.Transfer with { ActiveAt = e.Origin.At }),
        (Transferring s, TransferAllowed)  => At(s, s.Transfer with { Step = TransferStep.Opening }),
        (Transferring s, TransferOpened e) => At(s, s.Transfer with { Step = TransferStep.Open, WasOpen = true, ActiveAt = e.At, Why = "" }),
        (Transferring s, TransferProgressed e) => At(s, s.Transfer with { Transferred = e.Transferred, ActiveAt = e.ActiveAt }),
        (Transferring s, TransferPaused e) => At(s, s.Transfer with { Step = e.Step, Why = e.Why }),
        (Transferring s, TransferResumed e) => At(s, s.Transfer with
                                               {
                                                   Step = TransferStep.Opening, Session = s.Transfer.Session + 1, Host = e.Host, ActiveAt = e.Origin.At,
                                               }),
        (Transferring s, TransferClosing e) => At(s, s.Transfer with
                                               {
                                                   Step = e.Step, Ending = e.End, Why = e.Why, Attempt = 0,
                                               }),
        (Transferring s, StepRepeated)     => At(s, s.Transfer with { Attempt = s.Transfer.Attempt + 1 }),
        (Transferring s, TransferEnded e)  => After(s, e),
        _                                  => DiskMove.Evolve(disk, fact),
    };

    private static JobId? ByOf(DiskEvent fact) => fact switch
    {
        TransferProgressed e => e.By,
        TransferPaused e     => e.By,
        TransferResumed e    => e.Origin.Job,
        TransferClosing e    => e.By,
        TransferEnded e      => e.By,
        _                    => null,
    };

    private static DiskState After(Transferring s, TransferEnded e)
    {
        var core = s.Core with { Job = null };
        return s.Transfer switch
        {
            { Direction: TransferDirection.Upload } when e.End == TransferEnd.Succeeded => new Ok(core),
            { Direction: TransferDirection.Upload, WasOpen: true }                      => new Illegal(core, e.Why),
            { Before: not "" }                                                          => new Illegal(core, s.Transfer.Before),
            _                                                                           => new Ok(core),
        };
    }

    internal static ImmutableArray<DiskEffect> Outstanding(Transferring s) => s.Transfer.Step switch
    {
        TransferStep.Asking                               => [AskForLoan(s.Core, s.Transfer.Id)],
        TransferStep.Opening or TransferStep.Open         => [new DiskEffect.PutTicket(s.Transfer.Host, s.Transfer.Id, s.Transfer.Session)],
        TransferStep.Finalizing or TransferStep.Cancelling => [new DiskEffect.CloseUpload(s.Transfer.Host, s.Transfer.Id, s.CloseWork())],
        _                                                 => [],
    };

    /// <summary>The rows by which clients find transfers.</summary>
    internal static ImmutableArray<Row> Rows(DiskState before, DiskEvent fact, DiskState after) => (before, fact, after) switch
    {
        (Transferring s, TransferEnded e, _) => [Of(s.Core.Id, s.Transfer with { Why = e.Why }, EndPhase(e.End), e.At)],
        (_, not (Attached or Detached), Transferring s) => [Of(s.Core.Id, s.Transfer, Phase(s.Transfer), null)],
        _ => [],
    };

    private static Row Of(DiskId disk, ImageTransfer transfer, string phase, DateTimeOffset? endedAt) => new(
        Kinds.ImageTransfer, transfer.Id,
        new ImageTransferView { Id = transfer.Id, Disk = disk, Transfer = transfer, Phase = phase, EndedAt = endedAt });

    private static string Phase(ImageTransfer t) => t.Step switch
    {
        TransferStep.Opening when t.Session > 1 => "resuming",
        TransferStep.Asking or TransferStep.Opening => "initializing",
        TransferStep.Open           => "transferring",
        TransferStep.PausedByUser   => "paused_user",
        TransferStep.PausedBySystem => "paused_system",
        TransferStep.Finalizing     => "finalizing_success",
        _                           => "finalizing_cleanup",
    };

    private static string EndPhase(TransferEnd end) => end switch
    {
        TransferEnd.Succeeded       => "finished_success",
        TransferEnd.CancelledByUser => "finished_cleanup",
        _                           => "finished_failure",
    };

    /// <summary>Each time that the closing is said again, because nobody knows what became of it, has a number of its own.</summary>
    public static Guid CloseWork(this Transferring s) => WorkId.Of($"{s.Transfer.Id} close {s.Transfer.Step} {s.Transfer.Attempt}");

    internal static string Word(ImageTransfer t) => t.Direction == TransferDirection.Upload ? "Uploading" : "Downloading";

    private static bool IsOf(Transferring s, Guid transfer, int session) => transfer == s.Transfer.Id && session == s.Transfer.Session;

    private static Decision Late(ReportTicket c) => new Decision.Relay(new DiskEffect.EndTicket(c.Host, c.Transfer, c.Session));

    private static DiskEffect End(Transferring s) => new DiskEffect.EndTicket(s.Transfer.Host, s.Transfer.Id, s.Transfer.Session);

    private static DiskEffect Back(ReportLent c) => new DiskEffect.GiveBack(c.Guest.Vm, c.Work);

    private static Transferring At(Transferring s, ImageTransfer transfer) => s with { Transfer = transfer };

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
