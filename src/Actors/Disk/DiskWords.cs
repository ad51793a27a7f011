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
            DiskEffect.AskForLoan { Vm: not null } e => $"its VM to say whether its guest runs (work {e.Work})",
            DiskEffect.CopyImage e   => $"its image to be copied (work {e.Work})",
            DiskEffect.MoveUnderGuest { Step: MoveStep.Mirroring } e => $"its image to be copied under the guest that runs (work {e.Work})",
            DiskEffect.MoveUnderGuest { Step: MoveStep.Switching } e => $"its guest to go on with the new image (work {e.Work})",
            DiskEffect.MoveUnderGuest e => $"its guest to go on with the old image alone (work {e.Work})",
            DiskEffect.PutTicket { } e => $"its host to let the client of transfer {e.Transfer} in",
            DiskEffect.CloseUpload e => $"its host to shut the client of transfer {e.Transfer} out, and to look at the image (work {e.Work})",
            DiskEffect.GrowImage e   => $"its image to be made bigger (work {e.Work})",
            DiskEffect.GrowUnderGuest e => $"its image to be made bigger under the guest that runs (work {e.Work})",
            DiskEffect.RewriteImage e => $"its image to be written anew (work {e.Work})",
            DiskEffect.AwaitCopy e   => $"the disk {e.Copy} to be made from it",
            DiskEffect.MakeLayer e   => $"its new image to be made (work {e.Work})",
            DiskEffect.AskLayer e    => $"its VM to decide of its new image (snapshot work {e.Work})",
            DiskEffect.MergeImages e => $"images of a removed snapshot to become one (work {e.Work})",
            DiskEffect.MergeUnderGuest e => $"images of a removed snapshot to become one under the guest that runs (work {e.Work})",
            DiskEffect.DeleteLeftover e => $"the image {e.Image.Path}, which is nobody's any more, to be deleted",
            _                        => null,
        },
        effect => effect switch
        {
            DiskEffect.MakeImage e   => new Party(Kinds.Host, e.Host.Value),
            DiskEffect.DeleteImage e => new Party(Kinds.Host, e.Host.Value),
            DiskEffect.AskForLoan { Vm: { } vm } => new Party(Kinds.Vm, vm.Value),
            DiskEffect.CopyImage e   => new Party(Kinds.Host, e.Host.Value),
            DiskEffect.MoveUnderGuest e => new Party(Kinds.Host, e.Guest.Host.Value),
            DiskEffect.PutTicket e   => new Party(Kinds.Host, e.Host.Value),
            DiskEffect.CloseUpload e => new Party(Kinds.Host, e.Host.Value),
            DiskEffect.GrowImage e   => new Party(Kinds.Host, e.Host.Value),
            DiskEffect.GrowUnderGuest e => new Party(Kinds.Host, e.Guest.Host.Value),
            DiskEffect.RewriteImage e => new Party(Kinds.Host, e.Host.Value),
            DiskEffect.AwaitCopy e   => new Party(Kinds.Disk, e.Copy.Value),
            DiskEffect.MakeLayer e   => new Party(Kinds.Host, e.Host.Value),
            DiskEffect.AskLayer e    => new Party(Kinds.Vm, e.Vm.Value),
            DiskEffect.MergeImages e => new Party(Kinds.Host, e.Host.Value),
            DiskEffect.MergeUnderGuest e => new Party(Kinds.Host, e.Guest.Host.Value),
            DiskEffect.DeleteLeftover e => new Party(Kinds.Host, e.Image.Host.Value),
            _                        => null,
        },
        _ => "A host must be up to do it; look at the storage there (space, mount).",
        command => command is DiskCommand.ReportImageWork { Ok: false } c ? $"the work failed: {c.Message}" : null);
}
