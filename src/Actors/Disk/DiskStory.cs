using System.Collections.Immutable;
using Orchestrator.Actors.Journal;
using static Orchestrator.Actors.Disk.DiskEvent;
using static Orchestrator.Actors.Disk.DiskState;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Disk;

/// <summary>What a disk's facts look like from outside.</summary>
public static class DiskStory
{
    public static DiskView? View(DiskState disk) => disk switch
    {
        Absent or Gone => null,
        _ => new DiskView
        {
            Id = disk.Core.Id,
            Config = disk.Config,
            Status = disk switch { Ok => "ok", Illegal => "illegal", _ => "locked" },
            StatusDetail = disk is Illegal i ? i.Reason : "",
            Path = disk.Core.Path,
            Format = disk.Core.Below.IsEmpty ? "" : disk.Core.ImageFormat,
            Below = disk.Core.Below.Length,
            Layers = [.. disk.Core.Below.Where(l => l.Snapshot is not null)],
            KeepsFromStarting = DiskReading.KeepsFromStarting(disk),
            ActualSize = disk.Core.ActualSize,
            Vms = disk.Core.Vms,
            CreatedAt = disk.Core.CreatedAt,
            Job = disk.Core.Job?.Id,
        },
    };

    public static AuditLine? Line(DiskState before, DiskEvent fact, DiskState after)
    {
        var name = after.Config.Name;
        AuditLine By(int code, Origin by, string text) => new(
            code, Severity.Normal, text, by.At, by.Correlation, by.User,
            Disk: after.Core.Id.Value, StorageDomain: after.Config.StorageDomain.Value);
        AuditLine Then(int code, Severity severity, DateTimeOffset at, string text) => new(
            code, severity, text, at, before.Core.Job?.Origin.Correlation, before.Core.Job?.Origin.User ?? "system",
            Disk: after.Core.Id.Value, StorageDomain: after.Config.StorageDomain.Value);
        return fact switch
        {
            Created e          => By(2020, e.Origin, $"Add-Disk operation of {name} was initiated by {e.Origin.User}."),
            ImageMade e        => Then(2021, Severity.Normal, e.At, $"The disk {name} was successfully added."),
            ImageFailed e      => Then(2022, Severity.Error, e.At,
                                      $"Work on disk {name} failed: {e.Reason}. Remove the disk and try again."),
            Attached e         => By(2016, e.Origin, $"Disk {name} was attached to VM {e.Vm} by {e.Origin.User}."),
            Detached e         => By(2018, e.Origin, $"Disk {name} was detached from VM {e.Vm} by {e.Origin.User}."),
            RemovalRequested e => By(2038, e.Origin, $"Removing disk {name} was initiated by {e.Origin.User}."),
            MoveRequested e    => By(2008, e.Origin, $"User {e.Origin.User} is moving disk {name} to storage domain {Named(e.To)}."),
            MoveDone e         => Then(2010, Severity.Normal, e.At, $"Disk {name} was moved to its new storage domain."),
            MoveFailed e       => Then(2011, Severity.Error, e.At,
                                      $"Disk {name} was not moved: {e.Reason}. It stays where it was; move it again."),
            GrowthRequested e  => By(88, e.Origin, $"Disk {name} is extended from {before.Config.ProvisionedSize} to {e.Size} bytes by {e.Origin.User}."),
            Grown e            => Then(371, Severity.Normal, e.At, $"Disk {name} was extended to {after.Config.ProvisionedSize} bytes."),
            GrowthFailed e     => Then(372, Severity.Error, e.At,
                                      $"Disk {name} was not extended: {e.Reason}. It has the size that it had; extend it again."),
            RewriteRequested e => By(1325, e.Origin, $"{DiskRewrite.Word(e.What)} of disk {name} was initiated by {e.Origin.User}."),
            Rewritten e when before is Rewriting s => Then(1326, Severity.Normal, e.At, $"{DiskRewrite.Word(s.What)} of disk {name} has been completed."),
            RewriteFailed e when before is Rewriting s => Then(1327, Severity.Error, e.At,
                                      $"{DiskRewrite.Word(s.What)} of disk {name} failed: {e.Reason}. The disk is as it was; ask again."),
            Removed e          => Then(2014, Severity.Normal, e.At, $"Disk {name} was removed."),
            TransferRequested e => By(1031, e.Origin, $"Image {DiskTransferStory.Word(e.Transfer)} with disk {name} was initiated by {e.Origin.User}."),
            TransferPaused or TransferEnded when before is Transferring s => DiskTransferStory.Line(s, fact) is var (code, severity, text, at)
                ? Then(code, severity, at, text)
                : null,
            _                  => null,
        };
    }

    private static string Named(DiskPlace place) => place.Name == "" ? place.Domain.ToString() : place.Name;

    public static ImmutableArray<JobView> Jobs(DiskState before, DiskEvent fact, DiskState after) =>
        Journal.Jobs.Change(before.Core.Job, after.Core.Job, Kinds.Disk, after.Core.Id.Value,
            fact is ImageFailed or MoveFailed or GrowthFailed or RewriteFailed or TransferEnded { End: not TransferEnd.Succeeded } ? Outcome.Failed : Outcome.Finished,
            fact switch
            {
                ImageMade e => e.At, ImageFailed e => e.At, Removed e => e.At, MoveDone e => e.At, MoveFailed e => e.At,
                Grown e => e.At, GrowthFailed e => e.At, Rewritten e => e.At, RewriteFailed e => e.At, TransferEnded e => e.At, _ => default,
            });
}
