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

    public sealed record RewriteImage(HostId Host, Guid Work) : DiskEffect;

    /// <summary>Look whether the copy is made.</summary>
    public sealed record AwaitCopy(DiskId Copy) : DiskEffect;

    /// <summary>An empty image on top of another one.</summary>
    public sealed record MakeLayer(HostId Host, Guid Work) : DiskEffect;

    /// <summary>Ask the VM what becomes of the image, for which this is the news.</summary>
    public sealed record AskLayer(VmId Vm, Guid Work, LayerNews News) : DiskEffect;

    public sealed record TellLayer(VmId Vm, Guid Work, LayerNews News, string Why) : DiskEffect;

    public sealed record MergeImages(HostId Host, Guid Work) : DiskEffect;

    /// <summary>Have the guest's host do it.</summary>
    public sealed record MergeUnderGuest(GuestCopy Guest, Guid Work) : DiskEffect;

    /// <summary>Have the host let the transfer's client in, and say what it has done so far.</summary>
    public sealed record PutTicket(HostId Host, Guid Transfer, int Session) : DiskEffect;

    /// <summary>Have the host let that client in no more; a ticket ends by itself when nobody renews it.</summary>
    public sealed record EndTicket(HostId Host, Guid Transfer, int Session) : DiskEffect;

    /// <summary>Have the host shut the client out for good, and look at what it has written.</summary>
    public sealed record CloseUpload(HostId Host, Guid Transfer, Guid Work) : DiskEffect;

    /// <summary>Have a host delete an image that is nobody's any more.</summary>
    public sealed record DeleteLeftover(Leftover Image) : DiskEffect;
}
