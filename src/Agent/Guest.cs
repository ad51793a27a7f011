using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent;

/// <summary>What is in memory of one life of a VM. <see cref="Last"/> is the end of the queue of its orders.</summary>
internal sealed class Guest(GuestReport report, long since)
{
    public GuestKey Key { get; } = new(report.Vm, report.Lease);
    public GuestReport Report { get; set; } = report;
    public long Since { get; set; } = since;
    public Task Last { get; set; } = Task.CompletedTask;
    public bool Busy => !Last.IsCompleted;
    public bool Moving { get; set; }

    /// <summary>Ended because the host's lease has.</summary>
    public bool GivenUp { get; set; }
    public Guid? LastAction { get; set; }
    public ITimer? Deadline { get; set; }

    /// <summary>Not null while a failed disk has paused it and it is looked after.</summary>
    public StuckGuest? Stuck { get; set; }

    /// <summary>Why it is ended by the agent itself: to the engine that is a failure, not an order.</summary>
    public string? Condemned { get; set; }
}
