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
/// The rules by which a disk goes on in a new image on top of one that it has: of a snapshot that is taken, or looked at. Pure.
/// Its VM decides for all its disks at once what becomes of it, and is asked until it has told.
/// <list type="number">
/// <item>A new image with nothing in it reads as the one below it. So of a snapshot that is taken it is the disk's in the
/// journal before the guest is switched to it: a guest that is started after any death finds all that was written.</item>
/// <item>A start decides at once: with the new image where it is there, with the old one where it is not. From then on the
/// image under the guest is the one that the journal names.</item>
/// <item>A look at a snapshot begins when all disks of the VM have their image, and the VM does not run.</item>
/// </list>
/// </summary>
public static class DiskLayers
{
    internal static Decision Begin(DiskState disk, AddLayer c) => disk switch
    {
        Layering s when s.Work == c.Origin.Job.Value => s.Made ? Tell(c.Vm, s.Work, LayerNews.Ready) : Done,
        // Asked again: a start has decided it, or its making failed.
        _ when disk.Core.Recent.Contains(c.Origin.Job) => Has(disk.Core, c.Origin.Job.Value)
            ? Tell(c.Vm, c.Origin.Job.Value, LayerNews.Ready)
            : Failed(c.Vm, c.Origin.Job.Value, "its new image was given up"),
        Illegal s                                  => Failed(c.Vm, c.Origin.Job.Value, $"its image is illegal: {s.Reason}"),
        not Ok                                     => No(Fault.DiskLocked),
        _ when !disk.Core.Vms.Contains(c.Vm) && !disk.Core.Vms.IsEmpty => Failed(c.Vm, c.Origin.Job.Value, "another VM has it"),
        _ when disk.Config.Shareable               => Failed(c.Vm, c.Origin.Job.Value, "it is shareable"),
        _ when disk.Core.Preview is not null       => Failed(c.Vm, c.Origin.Job.Value, "a snapshot of it is looked at"),
        _ when DiskRewrite.IsTaken(disk, c.Path)   => Failed(c.Vm, c.Origin.Job.Value, "it has an image of that name"),
        _ when !c.Preview                          => On(disk, c, new Layer(
                                                          disk.Core.Path, disk.Core.ImageFormat, disk.Config.ProvisionedSize, c.Snapshot)),
        _ when disk.Core.Below.FirstOrDefault(l => l.Snapshot == c.Snapshot) is { } layer => On(disk, c, layer),
        _                                          => Failed(c.Vm, c.Origin.Job.Value, "it has no image of that snapshot"),
    };

    internal static Decision Decide(Layering s, DiskCommand command) => command switch
    {
        ReportImageWork c when s.Made || c.Work != s.StepWork() => No(Fault.StaleReport),
        ReportImageWork { Lost: true } c           => Accept(new StepRepeated(c.At)),
        ReportImageWork { Ok: true } c             => And(new LayerMade(c.At), s, LayerNews.Ready),
        ReportImageWork c                          => And(new LayerDropped(c.Message, c.At), s, LayerNews.Failed, c.Message),

        EndLayer c when c.Work != s.Work           => Ended(s, c),
        EndLayer { Keep: true } c                  => s.Made ? And(new LayerKept(c.At), s, LayerNews.Ended) : No(Fault.StaleReport),
        EndLayer c                                 => And(new LayerDropped("its VM has given it up", c.At), s, LayerNews.Ended),

        AskWhetherLent c                           => DiskMove.Answer(c),
        Attach c when s.Core.Recent.Contains(c.Origin.Job) => No(Fault.StaleReport),
        Attach c when !c.Starts || !s.Core.Vms.Contains(c.Vm) || s.Preview => No(Fault.DiskLocked),
        Attach c when s.Made                       => And(new LayerKept(c.Origin.At) { By = c.Origin.Job }, s, LayerNews.Ready),
        Attach c                                   => And(
                                                          new LayerDropped(StartedMeanwhile, c.Origin.At) { By = c.Origin.Job },
                                                          s, LayerNews.Failed, StartedMeanwhile),
        Detach c                                   => s.Core.Vms.Contains(c.Vm) ? Accept(new Detached(c.Origin, c.Vm)) : Done,
        ReportIdle or ReportLent or ReportNotLent  => No(Fault.StaleReport),
        _                                          => No(Fault.DiskLocked),
    };

    /// <summary>Of a disk that is not at it any more.</summary>
    internal static Decision Ended(DiskState disk, EndLayer c) =>
        Tell(c.Vm, c.Work, !c.Keep && disk.Core.Below.Any(l => l.Snapshot == c.Work) ? LayerNews.Stays : LayerNews.Ended);

    internal static Decision End(DiskState disk, EndPreview c) => disk switch
    {
        _ when disk.Core.Preview?.Work != c.Preview => Tell(c.Vm, c.Work, LayerNews.Ended),
        Ok => new Decision.Accept(new PreviewEnded(c.Keep, c.At)) { Then = [new DiskEffect.TellLayer(c.Vm, c.Work, LayerNews.Ended, "")] },
        _  => No(Fault.DiskLocked),
    };

    internal static DiskState Evolve(DiskState disk, DiskEvent fact) => (disk, fact) switch
    {
        (_, LayerRequested e)                     => new Layering(
                                                         disk.Core with { Recent = disk.Core.Recent.Add(e.Origin.Job) },
                                                         e.Vm, e.Origin.Job.Value, e.Snapshot, e.Host, e.On, e.Path, e.Preview),
        (Layering s, StepRepeated)                => s with { Lost = s.Lost + 1 },
        (Layering { Preview: true } s, LayerMade) => s with { Made = true },
        (Layering s, LayerMade)                   => s with { Made = true, Core = s.Core with { Path = s.Path, Below = s.Core.Below.Add(s.On) } },
        (Layering { Preview: true } s, LayerKept) => new Ok(Resized(s.Core, s.On.Size) with
                                                     {
                                                         Path = s.Path,
                                                         Below = [.. s.Core.Below.TakeWhile(l => l.Path != s.On.Path), s.On],
                                                         Preview = new DiskPreview(s.Work, s.Core.Path, s.Core.Below, s.Config.ProvisionedSize),
                                                     }),
        (Layering s, LayerKept e)                 => new Ok(Heard(s.Core, e.By)),
        (Layering { Preview: false, Made: true } s, LayerDropped e) =>
            new Ok(Left(Heard(s.Core, e.By), s.Host, s.Path) with { Path = s.On.Path, Below = s.Core.Below[..^1] }),
        (Layering s, LayerDropped e)              => new Ok(Left(Heard(s.Core, e.By), s.Host, s.Path)),
        (_, PreviewEnded { Kept: true }) when disk.Core.Preview is { } was => disk with
        {
            Core = Left(
                disk.Core, default,
                [.. was.Below.Where(l => disk.Core.Below.All(kept => kept.Path != l.Path)).Select(l => l.Path), was.Path]) with { Preview = null },
        },
        (_, PreviewEnded) when disk.Core.Preview is { } was => disk with
        {
            Core = Resized(Left(disk.Core, default, disk.Core.Path), was.Size) with { Path = was.Path, Below = was.Below, Preview = null },
        },
        _                                         => disk,
    };

    internal static ImmutableArray<DiskEffect> Outstanding(Layering s) => s.Made
        ? [new DiskEffect.AskLayer(s.Vm, s.Work, LayerNews.Ready)]
        : [new DiskEffect.MakeLayer(s.Host, s.StepWork()), new DiskEffect.AskLayer(s.Vm, s.Work, LayerNews.Pending)];

    /// <summary>Each time that it is begun anew it has a number of its own; and the VM has asked its other disks by the same job.</summary>
    public static Guid StepWork(this Layering s) => WorkId.Of($"{s.Work} {s.Core.Id} layer {s.Lost}");

    /// <summary>Images that are nobody's any more.</summary>
    internal static DiskCore Left(DiskCore core, HostId host, params ImmutableArray<string> paths) =>
        core with { Leftovers = core.Leftovers.AddRange(paths.Select(p => new Leftover(p, host))) };

    private const string StartedMeanwhile = "its VM was started meanwhile";

    private static bool Has(DiskCore core, Guid work) => core.Preview?.Work == work || core.Below.Any(l => l.Snapshot == work);

    private static DiskCore Heard(DiskCore core, JobId? by) => by is { } job ? core with { Recent = core.Recent.Add(job) } : core;

    private static DiskCore Resized(DiskCore core, long size) => core with
    {
        Config = core.Config is { } config ? config with { ProvisionedSize = size } : null,
    };

    /// <summary>An engine of 0.1.0 told no disk whose it is, until its VM was started.</summary>
    private static Decision On(DiskState disk, AddLayer c, Layer layer) => disk.Core.Vms.IsEmpty
        ? Accept(new Attached(c.Origin, c.Vm), Requested(c, layer))
        : Accept(Requested(c, layer));

    private static LayerRequested Requested(AddLayer c, Layer on) => new(c.Origin, c.Vm, c.Snapshot, c.Host, on, c.Path, c.Preview);

    internal static Decision Tell(VmId vm, Guid work, LayerNews news) => new Decision.Relay(new DiskEffect.TellLayer(vm, work, news, ""));

    internal static Decision Failed(VmId vm, Guid work, string why) => new Decision.Relay(new DiskEffect.TellLayer(vm, work, LayerNews.Failed, why));

    private static Decision And(DiskEvent fact, Layering s, LayerNews news, string why = "") =>
        new Decision.Accept([fact]) { Then = [new DiskEffect.TellLayer(s.Vm, s.Work, news, why)] };
}

/// <summary>What a disk tells its VM of an image that was asked of it.</summary>
public enum LayerNews
{
    /// <summary>It is being made.</summary>
    Pending,

    /// <summary>It is there; the VM decides.</summary>
    Ready,

    /// <summary>The disk has done what the VM decided.</summary>
    Ended,

    /// <summary>A start has decided otherwise: the disk stays with its new image.</summary>
    Stays,

    Failed,
}
