using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Orchestrator.Agent.Protocol;

/// <summary>Where the files of a storage domain are, and how a host gets to them.</summary>
/// <param name="Folder">The same on all hosts: images are named by it.</param>
public sealed record StoragePlace(Guid Domain, string Folder)
{
    /// <summary>What the agent mounts there, below the folder that is its own for that; null: the folder is the host's.</summary>
    public StorageMount? Mount { get; init; }
}

/// <summary>As mount(8) takes it.</summary>
public sealed record StorageMount(string Type, string Source)
{
    public string Options { get => field ?? ""; init; }
}

/// <summary>All storage domains that the host must have from now on: it mounts what is missing, and unmounts what it has mounted
/// before and is not named any more. Storage that a guest or a job has open stays until they have ended.</summary>
public sealed record StorageOrder(Stamp Stamp)
{
    public ImmutableArray<StoragePlace> Places { get => field.IsDefault ? [] : field; init; }
}

/// <summary>How the domains of the newest order look from the host. Nobody waited for storage to say so.</summary>
public sealed record StorageReport
{
    public ImmutableArray<PlaceSight> Places { get => field.IsDefault ? [] : field; init; }
}

/// <param name="Ready">It was there when it was last looked at, and its metadata could be read.</param>
public sealed record PlaceSight(Guid Domain, bool Ready)
{
    /// <summary>Why it is not ready; null while it is looked at for the first time.</summary>
    public string? Why { get; init; }

    /// <summary>0: not known.</summary>
    public long TotalBytes { get; init; }

    public long AvailableBytes { get; init; }

    /// <summary>How long reading its metadata took, in seconds.</summary>
    public double? DelaySeconds { get; init; }

    /// <summary>So long ago the last look that went well began, in ms; null: none has.</summary>
    public long? AgeMs { get; init; }
}

/// <summary>What is to become of a storage domain's metadata. All of them may be repeated.</summary>
[JsonConverter(typeof(SnakeCaseEnum<DomainStep>))]
public enum DomainStep
{
    /// <summary>Its layout is made. Refused where other things are, unless forced, and where another installation's domain is.</summary>
    Format,

    /// <summary>It becomes this installation's. Refused while another one has it in a data center, unless forced.</summary>
    Import,

    /// <summary>Its owner is looked at, and its data center is noted.</summary>
    Open,

    /// <summary>It is in no data center any more.</summary>
    Close,

    /// <summary>All of it is deleted.</summary>
    Wipe,
}

/// <summary>Looks for domains at a place that belongs to nobody here yet.</summary>
public sealed record LookOrder(Stamp Stamp, StoragePlace Place);

public sealed record LookReport
{
    public ImmutableArray<DomainLabel> Domains { get => field.IsDefault ? [] : field; init; }
}

/// <summary>What a domain's metadata say.</summary>
/// <param name="Owner">The installation that has written them last.</param>
/// <param name="Role">data, iso or export.</param>
/// <param name="DataCenter">In which it is attached; null: in none.</param>
public sealed record DomainLabel(Guid Domain, string Owner, string Name, string Role, Guid? DataCenter);
