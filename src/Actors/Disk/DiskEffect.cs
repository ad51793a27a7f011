namespace Orchestrator.Actors.Disk;

/// <summary>What a disk asks of the world.</summary>
public abstract record DiskEffect
{
    private DiskEffect()
    {
    }

    public sealed record MakeImage(HostId Host, Guid Work) : DiskEffect;

    public sealed record DeleteImage(HostId Host, Guid Work) : DiskEffect;

    /// <summary>Ask who has the disk whether its guest runs, and where.</summary>
    public sealed record AskForLoan(VmId? Vm, Guid Work) : DiskEffect;

    public sealed record GiveBack(VmId Vm, Guid Work) : DiskEffect;

    public sealed record CopyImage(HostId Host, Guid Work) : DiskEffect;

    /// <summary>Have the guest's host take this step.</summary>
    public sealed record MoveUnderGuest(GuestCopy Guest, Guid Work, MoveStep Step) : DiskEffect;

    public sealed record GrowImage(HostId Host, Guid Work) : DiskEffect;

    /// <summary>Have the guest's host do it.</summary>
    public sealed record GrowUnderGuest(GuestCopy Guest, Guid Work) : DiskEffect;

    /// <summary>Have a host delete an image that is nobody's any more.</summary>
    public sealed record DeleteLeftover(Leftover Image) : DiskEffect;
}
