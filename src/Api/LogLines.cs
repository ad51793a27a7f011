using Microsoft.Extensions.Logging;
using Orchestrator.Actors;

namespace Orchestrator.Api;

/// <summary>Lines of the log that several resources write.</summary>
internal static class LogLines
{
    public static void DiskLeftBehind(this ILogger log, DiskId disk, string owner, string reason) =>
        log.LogWarning("Disk {Disk} of {Owner} was left behind and has to be removed by hand: {Reason}",
            disk, owner, reason);
}
