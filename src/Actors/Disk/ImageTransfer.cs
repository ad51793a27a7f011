namespace Orchestrator.Actors.Disk;

/// <summary>A client's way to a disk's image: oVirt's image transfer. Its id is the number of the work that it is.</summary>
public sealed record ImageTransfer
{
    public required Guid Id { get; init; }

    public required TransferDirection Direction { get; init; }

    /// <summary>raw: what a guest would see, whatever the image is made of; cow: the image file itself.</summary>
    public required string Format { get; init; }

    /// <summary>Carries it. An upload never leaves it: only this host can say that nobody writes there any more.</summary>
    public required HostId Host { get; init; }

    /// <summary>A client that does nothing for so long is taken for gone; 0: never.</summary>
    public int InactivitySeconds { get; init; } = 60;

    public TransferTimeout Timeout { get; init; }

    public bool Shallow { get; init; }

    public TransferStep Step { get; init; }

    /// <summary>Rises each time it is resumed; each has a ticket of its own.</summary>
    public int Session { get; init; } = 1;

    /// <summary>How often its closing was said again.</summary>
    public int Attempt { get; init; }

    /// <summary>Bytes, as of <see cref="ActiveAt"/>.</summary>
    public long Transferred { get; init; }

    /// <summary>When the client was last known to do anything.</summary>
    public DateTimeOffset ActiveAt { get; init; }

    /// <summary>Why it is paused, or is being given up.</summary>
    public string Why { get; init; } = "";

    /// <summary>As what it ends once it is closed.</summary>
    public TransferEnd Ending { get; init; }

    /// <summary>A client was let in once: what the image holds is the client's.</summary>
    public bool WasOpen { get; init; }

    /// <summary>Why the disk was illegal before; empty: it was not.</summary>
    public string Before { get; init; } = "";
}

public enum TransferDirection { Upload, Download }

/// <summary>What becomes of a transfer whose client does nothing. Legacy: an upload is paused, a download cancelled.</summary>
public enum TransferTimeout { Legacy, Pause, Cancel }

public enum TransferStep
{
    /// <summary>Whoever has the disk is asked whether a guest runs.</summary>
    Asking,

    /// <summary>Its host is to let the client in.</summary>
    Opening,

    /// <summary>The client may read or write.</summary>
    Open,
    PausedByUser,
    PausedBySystem,

    /// <summary>The host ends the client's access, and looks whether the image is what it should be.</summary>
    Finalizing,

    /// <summary>The host ends the client's access.</summary>
    Cancelling,
}

public enum TransferEnd
{
    Succeeded,

    /// <summary>It never came to be, or the image is not what it should be.</summary>
    Failed,
    CancelledByUser,

    /// <summary>Its client did nothing for too long.</summary>
    CancelledBySystem,
}

/// <summary>A transfer as clients see it; kind "imagetransfer" in the read model. It stays there for a while after its end.</summary>
public sealed record ImageTransferView
{
    public required Guid Id { get; init; }

    public required DiskId Disk { get; init; }

    public required ImageTransfer Transfer { get; init; }

    /// <summary>oVirt's word.</summary>
    public required string Phase { get; init; }

    public DateTimeOffset? EndedAt { get; init; }
}
