namespace Orchestrator.Actors.Disk;

/// <summary>What may be asked of a disk, and what may be reported to it.</summary>
public abstract record DiskCommand : Traced
{
    private DiskCommand()
    {
    }

    /// <param name="Path">Absolute path of the image on every host.</param>
    /// <param name="Host">A host that can reach the storage domain.</param>
    /// <param name="Source">Image to copy, or empty: a new empty image.</param>
    public sealed record Create(
        Origin Origin, DiskConfig Config, string Path, HostId Host, string Source, string SourceFormat) : DiskCommand;

    public sealed record Update(Origin Origin, DiskPatch Patch) : DiskCommand;

    /// <param name="Host">A host that can reach the storage domain.</param>
    public sealed record Remove(Origin Origin, HostId Host) : DiskCommand;

    /// <summary>To another storage domain, also while its VM runs.</summary>
    /// <param name="Host">A host that can reach both.</param>
    public sealed record Move(Origin Origin, DiskPlace To, HostId Host) : DiskCommand;

    /// <summary>Make it bigger, also while its VM runs.</summary>
    /// <param name="Size">In bytes; more than it has. It is rounded up to sectors of 512.</param>
    /// <param name="Host">A host that can reach the storage domain.</param>
    public sealed record Grow(Origin Origin, long Size, HostId Host) : DiskCommand;

    /// <summary>Write its image anew; no guest may run with it.</summary>
    /// <param name="Path">Of the new image; each has one of its own.</param>
    /// <param name="Host">A host that can reach the storage domain.</param>
    public sealed record Rewrite(Origin Origin, RewriteKind What, string Path, HostId Host) : DiskCommand
    {
        /// <summary>Of a conversion: cow or raw; null: as it is.</summary>
        public string? Format { get; init; }

        /// <summary>Of a conversion; null: as it is.</summary>
        public bool? Sparse { get; init; }
    }

    /// <summary>Another disk is about to be made from it.</summary>
    /// <param name="Snapshot">From what it was then; null: from what it is now.</param>
    public sealed record BeginCopy(Origin Origin, DiskId Copy, Guid? Snapshot) : DiskCommand;

    /// <param name="Seen">The copy is made, or never will be; else nobody knows of it.</param>
    public sealed record ReportCopied(DiskId Copy, bool Seen, DateTimeOffset At) : DiskCommand;

    /// <summary>Lets a client write or read the image.</summary>
    public sealed record BeginTransfer(Origin Origin, ImageTransfer Transfer) : DiskCommand;

    /// <summary>What a user asks of the transfer that is under way.</summary>
    public sealed record OrderTransfer(Origin Origin, Guid Transfer, TransferAction Action) : DiskCommand
    {
        /// <summary>For a resumption: who is to carry it, should it be free to go elsewhere.</summary>
        public HostId? Host { get; init; }
    }

    /// <summary>The client may come in at this host.</summary>
    /// <param name="Transferred">Bytes.</param>
    /// <param name="IdleMs">Since the client last did anything.</param>
    public sealed record ReportTicket(HostId Host, Guid Transfer, int Session, long Transferred, long IdleMs, DateTimeOffset At) : DiskCommand;

    /// <summary>The host will not let the client in.</summary>
    public sealed record ReportNoTicket(Guid Transfer, int Session, string Why, DateTimeOffset At) : DiskCommand;

    /// <summary>The host that carries it has not been up for as long as a client may do nothing.</summary>
    public sealed record ReportTransferHostAway(Guid Transfer, int Session, DateTimeOffset At) : DiskCommand;

    public sealed record ReportImageWork(Guid Work, bool Ok, string Message, DateTimeOffset At) : DiskCommand
    {
        /// <summary>What became of it is not known.</summary>
        public bool Lost { get; init; }

        /// <summary>Bytes that the image takes on its storage now; null: the host does not say.</summary>
        public long? ActualSize { get; init; }
    }

    /// <summary>A host has deleted an image that is nobody's any more, or found none.</summary>
    public sealed record ReportLeftoverDeleted(string Path, DateTimeOffset At) : DiskCommand;

    // from VMs
    public sealed record Attach(Origin Origin, VmId Vm) : DiskCommand
    {
        /// <summary>For a start: every guest that the VM had before is dead.</summary>
        public bool Starts { get; init; }
    }

    public sealed record Detach(Origin Origin, VmId Vm) : DiskCommand;

    /// <summary>To go on in a new image, on top of the one it has; of a look, on top of that of the snapshot.</summary>
    /// <param name="Path">Of the new image; each has one of its own.</param>
    /// <param name="Host">A host that can reach the storage domain.</param>
    public sealed record AddLayer(Origin Origin, VmId Vm, Guid Snapshot, string Path, HostId Host, bool Preview) : DiskCommand;

    /// <summary>What its VM has decided of the new image.</summary>
    public sealed record EndLayer(VmId Vm, Guid Work, bool Keep, DateTimeOffset At) : DiskCommand;

    /// <param name="Preview">The job by which the look began.</param>
    /// <param name="Keep">What was seen is to stay.</param>
    public sealed record EndPreview(VmId Vm, Guid Work, Guid Preview, bool Keep, DateTimeOffset At) : DiskCommand;

    /// <summary>The state of this snapshot is needed no more.</summary>
    public sealed record DropSnapshot(Origin Origin, VmId Vm, Guid Snapshot, HostId Host) : DiskCommand;

    /// <summary>No guest has the image open, and none will before its VM has asked for the disk anew.</summary>
    public sealed record ReportIdle(Guid Work, DateTimeOffset At) : DiskCommand;

    /// <summary>This guest has it open, and stays where it is until it is given back.</summary>
    public sealed record ReportLent(Guid Work, GuestCopy Guest, DateTimeOffset At) : DiskCommand;

    public sealed record ReportNotLent(Guid Work, string Why, DateTimeOffset At) : DiskCommand;

    /// <summary>Is the image that the VM's guest has open still lent for this work?</summary>
    public sealed record AskWhetherLent(VmId Vm, Guid Work) : DiskCommand;
}

public enum TransferAction { Extend, Pause, Resume, Cancel, Finalize }

/// <param name="Path">Absolute path of the image on every host; each move has one of its own.</param>
public sealed record DiskPlace(StorageDomainId Domain, string Path)
{
    /// <summary>Of the storage domain, for the operator.</summary>
    public string Name { get; init; } = "";
}

/// <summary>A running copy of a VM.</summary>
public sealed record GuestCopy(VmId Vm, HostId Host, Lease Lease);

public sealed record DiskConfig
{
    /// <summary>oVirt's alias and name.</summary>
    public required string Name { get; init; }

    public required StorageDomainId StorageDomain { get; init; }

    /// <summary>Bytes that the guest sees.</summary>
    public required long ProvisionedSize { get; init; }

    /// <summary>cow (qcow2) or raw.</summary>
    public string Format { get; init; } = "cow";

    public bool Sparse { get; init; } = true;

    public bool Shareable { get; init; }

    public string Description { get; init; } = "";

    /// <summary>data, or iso: a CD for the drives of VMs.</summary>
    public string Content { get; init; } = "data";
}

public sealed record DiskPatch
{
    public string? Name { get; init; }

    public string? Description { get; init; }

    public bool? Shareable { get; init; }

    public DiskConfig Apply(DiskConfig config) => config with
    {
        Name = Name ?? config.Name,
        Description = Description ?? config.Description,
        Shareable = Shareable ?? config.Shareable,
    };
}
