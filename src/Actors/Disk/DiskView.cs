using System.Collections.Immutable;

namespace Orchestrator.Actors.Disk;

/// <summary>A disk as lists, searches and clients see it.</summary>
public sealed record DiskView
{
    public required DiskId Id { get; init; }

    public required DiskConfig Config { get; init; }

    /// <summary>locked, ok or illegal.</summary>
    public required string Status { get; init; }

    /// <summary>Absolute path of the image on every host.</summary>
    public required string Path { get; init; }

    /// <summary>raw or qcow2: of the image at <see cref="Path"/>; empty: as the disk's own format says.</summary>
    public string Format { get; init; } = "";

    /// <summary>Images that it rests on.</summary>
    public int Below { get; init; }

    public string ImageFormat => Format != "" ? Format : Config.Format == "raw" ? "raw" : "qcow2";

    public ImmutableArray<VmId> Vms { get; init; } = [];

    public string StatusDetail { get; init; } = "";

    /// <summary>What it was at snapshots of its VM.</summary>
    public ImmutableArray<Layer> Layers { get; init; } = [];

    /// <summary>A VM cannot be started with it now.</summary>
    public bool KeepsFromStarting { get; init; }

    /// <summary>Bytes that the image took on its storage when a host last worked on it; null: nobody said.</summary>
    public long? ActualSize { get; init; }

    public DateTimeOffset CreatedAt { get; init; }

    public JobId? Job { get; init; }
}
