using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Orchestrator.Agent.Protocol;

/// <summary>
/// One line of the event stream. <see cref="Sequence"/> rises over everything one machine boot ever tells, also across
/// restarts of the agent, so a receiver drops what is not higher than the last it took.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "event")]
[JsonDerivedType(typeof(Report), "report")]
[JsonDerivedType(typeof(GuestChanged), "guest")]
[JsonDerivedType(typeof(JobChanged), "job")]
[JsonDerivedType(typeof(Heartbeat), "heartbeat")]
[JsonDerivedType(typeof(Superseded), "superseded")]
public abstract record HostEvent(long Sequence)
{
    /// <summary>Always the first line: everything the host has. A guest not in it is not on this host.</summary>
    public sealed record Report(long Sequence, string BootId) : HostEvent(Sequence)
    {
        public ImmutableArray<GuestReport> Guests { get => field.IsDefault ? [] : field; init; }
        public ImmutableArray<JobReport> Jobs { get => field.IsDefault ? [] : field; init; }
    }

    public sealed record GuestChanged(long Sequence, GuestReport Guest) : HostEvent(Sequence);

    public sealed record JobChanged(long Sequence, JobReport Job) : HostEvent(Sequence);

    /// <summary>Twice a second: its absence is the sign of a silent host.</summary>
    public sealed record Heartbeat(long Sequence, HostStatistics Host) : HostEvent(Sequence)
    {
        /// <summary>As <see cref="AgentDescription.Addresses"/>.</summary>
        public ImmutableArray<NetworkAddress> Addresses { get => field.IsDefault ? [] : field; init; }
    }

    /// <summary>The last line of a stream whose host another owner has claimed; do not come back with this epoch.</summary>
    public sealed record Superseded(long Sequence, long ByEpoch) : HostEvent(Sequence);
}
