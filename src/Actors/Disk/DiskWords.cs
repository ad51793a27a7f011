using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Watching;

#pragma warning disable format // tables stand in columns
namespace Orchestrator.Actors.Disk;

/// <summary>How an operator is told what a disk is and waits for. Pure.</summary>
internal static class DiskWords
{
    public static Words<DiskState, DiskCommand, DiskEffect> All { get; } = new(
        disk =>
        [
            new("name", disk.Core.Config?.Name ?? ""), new("path", disk.Core.Path),
            new("VMs", string.Join(", ", disk.Core.Vms)),
        ],
        effect => effect switch
        {
            DiskEffect.MakeImage e   => $"its image to be made (work {e.Work})",
            DiskEffect.DeleteImage e => $"its image to be deleted (work {e.Work})",
            _                        => null,
        },
        effect => effect switch
        {
            DiskEffect.MakeImage e   => new Party(Kinds.Host, e.Host.Value),
            DiskEffect.DeleteImage e => new Party(Kinds.Host, e.Host.Value),
            _                        => null,
        },
        _ => "A host must be up to do it; look at the storage there (space, mount).",
        command => command is DiskCommand.ReportImageWork { Ok: false } c ? $"the work failed: {c.Message}" : null);
}
