using System.Collections.Immutable;
using static Orchestrator.Actors.Disk.DiskCommand;
using static Orchestrator.Actors.Disk.DiskDecider;
using static Orchestrator.Actors.Disk.DiskEvent;
using static Orchestrator.Actors.Disk.DiskState;
using Decision = Orchestrator.Actors.Decision<
    Orchestrator.Actors.Disk.DiskEvent, Orchestrator.Actors.Disk.DiskEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Disk;

/// <summary>
/// The rules by which an image is written anew: without the space that it does not need, or in another format. Pure. It is never
/// changed in place: a host writes another file beside it, compares the two, and from the moment that the journal holds it the
/// new one is the disk's. Whoever dies before that leaves the disk as it was. No guest may run with it; a start waits for it.
/// </summary>
public static class DiskRewrite
{
    internal static Decision Begin(DiskState disk, Rewrite c) => disk switch
    {
        Ok when disk.Core.Preview is not null        => No(Fault.DiskInPreview),
        Ok when !disk.Core.Below.IsEmpty             => No(Fault.DiskHasSnapshots),
        Ok when disk.Core.Vms.Length > 1             => No(Fault.DiskShared),
        // All of its space was asked for.
        Ok when c.What != RewriteKind.Convert && !disk.Config.Sparse => No(Fault.DiskPreallocated),
        // Each new image has a name of its own.
        Ok when IsTaken(disk, c.Path)                => new Decision.Refuse(Fault.InvalidValue, "path"),
        Ok when Format(disk, c) is not ("cow" or "raw") => new Decision.Refuse(Fault.InvalidValue, "format"),
        Ok when Format(disk, c) != "raw" && disk.Config.Shareable => No(Fault.DiskFormatNotShareable),
        Ok when Format(disk, c) != "raw" && disk.Config.Content != "data" => new Decision.Refuse(Fault.InvalidValue, "format"),
        Ok when c.What == RewriteKind.Convert && Format(disk, c) == disk.Config.Format && Sparse(disk, c) == disk.Config.Sparse => Done,
        Ok                                           => Accept(new RewriteRequested(
                                                            c.Origin, c.What, c.Path, c.Host, Format(disk, c), Sparse(disk, c))),
        Illegal                                      => No(Fault.DiskIllegal),
        _                                            => No(Fault.DiskLocked),
    };

    internal static Decision Decide(Rewriting s, DiskCommand command) => (s.Step, command) switch
    {
        (RewriteStep.Asking, ReportIdle c) when c.Work == s.Work    => Accept(new RewriteBegun(c.At)),
        (RewriteStep.Asking, ReportLent c) when c.Work == s.Work    => Over(new RewriteFailed("its VM runs; stop it first", c.At), c.Guest, s.Work),
        (RewriteStep.Asking, ReportNotLent c) when c.Work == s.Work => Accept(new RewriteFailed(c.Why, c.At)),
        (_, ReportIdle or ReportLent or ReportNotLent)             => No(Fault.StaleReport),

        (_, ReportImageWork c) when s.Step == RewriteStep.Asking || c.Work != s.StepWork() => No(Fault.StaleReport),
        (_, ReportImageWork { Lost: true } c)                      => Accept(new StepRepeated(c.At)),
        (_, ReportImageWork { Ok: true } c)                        => Accept(new Rewritten(c.At) { ActualSize = c.ActualSize }),
        (_, ReportImageWork c)                                     => Accept(new RewriteFailed(c.Message, c.At)),

        (_, AskWhetherLent c)                                      => c.Work == s.Work && s.Step == RewriteStep.Asking ? Done : DiskMove.Answer(c),
        // A late copy: of a start that is under way it may well be; of any other, its time is over.
        (_, Attach c) when s.Core.Recent.Contains(c.Origin.Job)    => s.Step == RewriteStep.Asking ? Done : No(Fault.StaleReport),
        (_, Attach c) when !c.Starts || !s.Core.Vms.Contains(c.Vm) || s.Step == RewriteStep.Writing => No(Fault.DiskLocked),
        (_, Attach c)                                              => Accept(
                                                                          new RewriteFailed("its VM was started meanwhile", c.Origin.At) { By = c.Origin.Job }),
        (_, Detach c)                                              => s.Core.Vms.Contains(c.Vm) ? Accept(new Detached(c.Origin, c.Vm)) : Done,
        _                                                          => No(Fault.DiskLocked),
    };

    internal static DiskState Evolve(DiskState disk, DiskEvent fact) => (disk, fact) switch
    {
        (_, RewriteRequested e)       => new Rewriting(
                                             disk.Core with
                                             {
                                                 Recent = disk.Core.Recent.Add(e.Origin.Job),
                                                 Job = new Job(e.Origin.Job, $"{Word(e.What)} disk {disk.Config.Name}", e.Origin),
                                             },
                                             e.Origin.Job.Value, e.What, e.Host, e.Path, e.Format, e.Sparse, RewriteStep.Asking),
        (Rewriting s, RewriteBegun)   => s with { Step = RewriteStep.Writing },
        (Rewriting s, StepRepeated)   => s with { Lost = s.Lost + 1, Core = DiskLayers.Left(s.Core, s.Host, s.Target()) },
        (Rewriting s, Rewritten e)    => new Ok(DiskLayers.Left(s.Core, s.Host, s.Core.Path) with
                                         {
                                             Job = null, Path = s.Target(), ActualSize = e.ActualSize ?? s.Core.ActualSize,
                                             Config = s.Config with { Format = s.Format, Sparse = s.Sparse },
                                         }),
        (Rewriting s, RewriteFailed e) => new Ok((s.Step == RewriteStep.Asking ? s.Core : DiskLayers.Left(s.Core, s.Host, s.Target())) with
                                         {
                                             Job = null, Recent = e.By is { } job ? s.Core.Recent.Add(job) : s.Core.Recent,
                                         }),
        _                             => disk,
    };

    internal static ImmutableArray<DiskEffect> Outstanding(Rewriting s) => s.Step == RewriteStep.Asking
        ? [AskForLoan(s.Core, s.Work)]
        : [new DiskEffect.RewriteImage(s.Host, s.StepWork())];

    /// <summary>Each time that it is begun anew because nobody knows what became of it, it has a number of its own.</summary>
    public static Guid StepWork(this Rewriting s) => WorkId.Of($"{s.Work} rewrite {s.Lost}");

    /// <summary>What is begun anew has a file of its own: nobody knows what becomes of the one before.</summary>
    public static string Target(this Rewriting s) => s.Lost == 0 ? s.To : $"{s.To}-{s.Lost}";

    /// <summary>The disk has, or had, an image there.</summary>
    internal static bool IsTaken(DiskState disk, string path) =>
        path == disk.Core.Path || disk.Core.Leftovers.Any(l => l.Path == path) || disk.Core.Below.Any(l => l.Path == path);

    internal static string Word(RewriteKind what) => what switch
    {
        RewriteKind.Sparsify => "Sparsifying",
        RewriteKind.Reduce   => "Reducing",
        _                    => "Converting",
    };

    private static string Format(DiskState disk, Rewrite c) => c.What == RewriteKind.Convert ? c.Format ?? disk.Config.Format : disk.Config.Format;

    private static bool Sparse(DiskState disk, Rewrite c) => c.What == RewriteKind.Convert ? c.Sparse ?? disk.Config.Sparse : disk.Config.Sparse;
}
