using System.Collections.Immutable;

namespace Orchestrator.Actors;

/// <summary>
/// The last jobs that an entity accepted. A command that comes again under one of them was carried out already: the
/// first copy may have waited in a frozen node's buffers while newer commands were accepted.
/// </summary>
public sealed record RecentJobs(ImmutableArray<JobId> Ids)
{
    /// <summary>So many later commands may overtake a copy before it would be carried out twice.</summary>
    public const int Kept = 32;

    public static RecentJobs None { get; } = new([]);

    public bool Contains(JobId job) => Ids.Contains(job);

    public RecentJobs Add(JobId job) => new(Ids.Length < Kept ? Ids.Add(job) : [.. Ids[1..], job]);

    public bool Equals(RecentJobs? other) => other is not null && Ids.SequenceEqual(other.Ids);

    public override int GetHashCode() => Ids.Length == 0 ? 0 : Ids[^1].GetHashCode();
}
