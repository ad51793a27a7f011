using System.Collections.Immutable;
using System.Globalization;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Watching;

#pragma warning disable format // tables stand in columns
namespace Orchestrator.Actors.Vm;

/// <summary>How an operator is told what a VM is and waits for. Pure.</summary>
internal static class VmWords
{
    public static Words<VmState, VmCommand, VmEffect> All { get; } =
        new(Summary, VmStory.Owed, Asks, Remedy, Heard);

    private static ImmutableArray<KeyValuePair<string, string>> Summary(VmState vm) =>
    [
        new("name", vm.Core.Config?.Name ?? ""),
        new("lease", vm.Core.Lease.Number.ToString(CultureInfo.InvariantCulture)),
        .. vm.Seat is { } seat ? Sits(seat, "host") : [],
        .. vm is VmState.Migrating m ? Sits(m.To, "destination") : [],
        .. vm is VmState.Migrating { Lost: not MigrationEnds.None and var lost } ? [new("silent", lost.ToString())] : Nothing,
        .. vm is VmState.Migrating { Progress: { } p } ? [new("moved", Far(p))] : Nothing,
        .. vm is VmState.Migrating { Terms: { } terms } ? [new("policy", MigrationPolicy.Find(terms.Policy)?.Name ?? terms.Policy.ToString())] : Nothing,
        .. vm is VmState.MigrationPlacing { Failed: { Length: > 0 } failed } ? [new("last destination", failed)] : Nothing,
        .. vm is VmState.Placing { Tried: { IsEmpty: false } tried } ? [new("hosts tried", string.Join(", ", tried))] : Nothing,
        .. vm.Core.FailedRestarts > 0
            ? [new("restarts that failed in a row", vm.Core.FailedRestarts.ToString(CultureInfo.InvariantCulture))]
            : Nothing,
        .. vm is VmState.Orphaned o ? [new("then", o.Plan == OrphanPlan.Restart ? "restart" : "stay down")] : Nothing,
        .. vm is VmState.Down { Exit.Message: { Length: > 0 } why } ? [new("went down", why)] : Nothing,
        .. vm.Core.Reshape is { } reshape ? [new("change of its machine", reshape.Number.ToString(CultureInfo.InvariantCulture))] : Nothing,
        .. vm.Core.Snapshotting is { } task ? [new("work on a snapshot", $"{task.Job.Description}: {task.Step.ToString().ToLowerInvariant()}")] : Nothing,
        .. vm.Core.Preview is { } seen ? [new("looks at snapshot", seen.Snapshot.ToString())] : Nothing,
        .. vm.Core.Job is { } job ? [new("job", $"{job.Description}, asked by {job.Origin.User}")] : Nothing,
    ];

    private static KeyValuePair<string, string>[] Nothing => [];

    private static string Far(MigrationProgress p) => string.Create(CultureInfo.InvariantCulture, $"{p.Percent} % in {p.ElapsedMs / 1000} s")
        + (p.PostCopy ? ", runs at the destination already" : "")
        + (p.Iteration > 1 ? string.Create(CultureInfo.InvariantCulture, $", its memory is gone over for the {p.Iteration}. time") : "")
        + (p.Left is { } left ? string.Create(CultureInfo.InvariantCulture, $", about {Math.Ceiling(left.TotalSeconds)} s for what is left") : "");

    private static KeyValuePair<string, string>[] Sits(Seat seat, string what) =>
    [
        new(what, $"{seat.HostName} ({seat.Host})"),
        new($"{what} lease", seat.Lease.Number.ToString(CultureInfo.InvariantCulture)),
    ];

    /// <summary>A VM that looks for a host asks its cluster, which the effect does not name: the composer knows it.</summary>
    private static Party? Asks(VmEffect effect) => effect switch
    {
        VmEffect.Launch e          => Host(e.Seat.Host),
        VmEffect.Halt e            => Host(e.Seat.Host),
        VmEffect.Act e             => Host(e.Seat.Host),
        VmEffect.SaveMemory e      => Host(e.Seat.Host),
        VmEffect.Reshape e         => Host(e.Seat.Host),
        VmEffect.Destroy e         => Host(e.Host),
        VmEffect.ExpectIncoming e  => Host(e.To.Host),
        VmEffect.MigrateOut e      => Host(e.From.Host),
        VmEffect.CancelMigration e => Host(e.From.Host),
        VmEffect.AbandonIncoming e => Host(e.To.Host),
        VmEffect.AskWhetherGone e  => Host(e.Seat.Host),
        VmEffect.AskWhetherLent e  => new Party(Kinds.Disk, e.Lent.Disk.Value),
        VmEffect.AddLayer e        => new Party(Kinds.Disk, e.Disk.Disk.Value),
        VmEffect.DropSnapshot e    => new Party(Kinds.Disk, e.Disk.Disk.Value),
        VmEffect.EndLayer e        => new Party(Kinds.Disk, e.Disk.Value),
        VmEffect.EndPreview e      => new Party(Kinds.Disk, e.Disk.Value),
        VmEffect.TakeSnapshot { Seat: { } seat } => Host(seat.Host),
        _                          => null,
    };

    private static string? Remedy(VmEffect effect) => effect switch
    {
        VmEffect.FindHost => "Free memory on a host of its cluster, activate a host, or stop the VM.",
        VmEffect.Launch e => $"Look at the agent of {e.Seat.HostName}; stop the VM to give the start up.",
        VmEffect.Halt { Mode: StopMode.Shutdown } => "The guest does not react to the power button: stop the VM (power off).",
        VmEffect.SaveMemory e => $"Look at the storage and the agent of {e.Seat.HostName}; stop the VM to give its memory up.",
        VmEffect.DeleteMemory e => $"Activate a host that reaches the storage domain of {e.Path}.",
        VmEffect.Reshape e => $"Look at the agent of {e.Seat.HostName}; a guest that gives a device back too late is waited for 30 s.",
        VmEffect.Act e => $"Look at the agent of {e.Seat.HostName}; stop the VM to give it up.",
        VmEffect.Halt e => $"Look at the agent of {e.Seat.HostName}.",
        VmEffect.TakeSnapshot { Seat: { } seat } => $"Look at the agent and the storage of {seat.HostName}; stop the VM, and the snapshot is what it wrote until then.",
        VmEffect.AddLayer or VmEffect.DropSnapshot => "Look at the disk: what it waits for stands there.",
        VmEffect.Seek => "Bring the hosts back that were not heard since the database was restored, fence them, or, when they certainly are "
            + "off, confirm that they were rebooted (POST /hosts/{id}/fence, fence_type manual).",
        VmEffect.AskWhetherLent => "Wait for the work on its disk, or stop the VM: it is not migrated or suspended before.",
        VmEffect.ExpectIncoming or VmEffect.MigrateOut => "Cancel the migration, or wait: the VM runs on at its source.",
        VmEffect.AskWhetherGone e => $"Bring {e.Seat.HostName} back, repair its power management, or, when it certainly is "
            + "off, confirm that it was rebooted (POST /hosts/{id}/fence, fence_type manual).",
        _ => null,
    };

    private static string? Heard(VmCommand command) => command switch
    {
        VmCommand.RefusePlacement c => $"the cluster has no host for it: {string.Join("; ", c.Reasons)}",
        VmCommand.RefuseLaunch c    => $"its host refused the start under lease {c.Lease}: {c.Reason}",
        VmCommand.RefuseAction c    => $"its host refused: {c.Reason}",
        VmCommand.RefuseReshape c   => $"its host refused to change the machine: {c.Reason}",
        VmCommand.RefuseMigration c => $"the migration was refused: {c.Reason}",
        VmCommand.OfferHost c       => $"the cluster offered {c.HostName}",
        VmCommand.ReportGuest c     => $"{c.HostName} reports it {Spaced(c.State)} under lease {c.Lease}"
            + (c.Message is { Length: > 0 } message ? $": {message}" : ""),
        VmCommand.ReportMissing     => "its host says that it has no such guest",
        VmCommand.ReportUnheard c   => $"not heard since the restoration: {string.Join(", ", c.Hosts)}",
        VmCommand.LoseHost          => "its host is silent",
        VmCommand.ConfirmFence c    => $"its host was proved dead up to life {c.Incarnation}",
        _                           => null,
    };

    private static string Spaced(GuestState state) =>
        System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(state.ToString()).Replace('_', ' ');

    private static Party Host(HostId host) => new(Kinds.Host, host.Value);
}
