using Orchestrator.Actors.Journal;
using static Orchestrator.Actors.Disk.DiskEvent;
using static Orchestrator.Actors.Disk.DiskState;

#pragma warning disable format // tables stand in columns
namespace Orchestrator.Actors.Disk;

/// <summary>What a transfer's facts look like in the audit log.</summary>
internal static class DiskTransferStory
{
    public static (int Code, Severity Severity, string Text, DateTimeOffset At)? Line(Transferring before, DiskEvent fact)
    {
        var what = $"Image {Word(before.Transfer)} with disk {before.Config.Name}";
        return fact switch
        {
            TransferPaused { Step: TransferStep.PausedBySystem } e => (1071, Severity.Warning,
                $"{what} was paused by system: {e.Why}. Resume it, or cancel it.", e.At),
            TransferEnded { End: TransferEnd.Succeeded } e         => (1032, Severity.Normal, $"{what} succeeded.", e.At),
            TransferEnded { End: TransferEnd.CancelledByUser } e   => (1033, Severity.Normal, $"{what} was cancelled.", e.At),
            TransferEnded { End: TransferEnd.CancelledBySystem } e => (1033, Severity.Warning, $"{what} was cancelled by system: {e.Why}.", e.At),
            TransferEnded e                                        => (1034, Severity.Error, $"{what} failed: {e.Why}.", e.At),
            _                                                      => null,
        };
    }

    public static string Word(ImageTransfer transfer) => transfer.Direction == TransferDirection.Upload ? "Upload" : "Download";
}
