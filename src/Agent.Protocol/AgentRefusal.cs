namespace Orchestrator.Agent.Protocol;

/// <summary>Why the agent did nothing: a <see cref="RefusalCode"/>, a sentence, and what it holds instead.</summary>
public sealed record AgentRefusal(string Code, string Message)
{
    /// <summary>The highest epoch the agent has seen (stale-epoch).</summary>
    public long? Epoch { get; init; }

    /// <summary>The highest lease the agent has seen for the VM (stale-lease, lease-ended).</summary>
    public long? Lease { get; init; }

    /// <summary>The machine boot the agent lives in (other-boot).</summary>
    public string? BootId { get; init; }

    /// <summary>The guest as it is, where the refusal is about one.</summary>
    public GuestReport? Guest { get; init; }
}

/// <summary>Refusals on the wire: 400 malformed, 404 the unknown, 413 too large (malformed), 503 not-ready, 409 all others.</summary>
public static class RefusalCode
{
    public const string Malformed = "malformed";
    public const string StaleEpoch = "stale-epoch";
    public const string OtherBoot = "other-boot";
    public const string StaleLease = "stale-lease";

    /// <summary>The lease was used and has ended; raise it to start again.</summary>
    public const string LeaseEnded = "lease-ended";

    /// <summary>The VM runs here under another lease.</summary>
    public const string Occupied = "occupied";
    public const string UnknownVm = "unknown-vm";
    public const string UnknownJob = "unknown-job";

    /// <summary>The guest is in a state in which the order has no meaning (resume of a running guest is not one: it is done).</summary>
    public const string WrongState = "wrong-state";

    /// <summary>A later order of this kind has come for the guest, so this one will never be carried out.</summary>
    public const string StaleOrder = "stale-order";

    /// <summary>The agent is older than the engine and does not know such an order.</summary>
    public const string UnknownOrder = "unknown-order";
    public const string JobDiffers = "job-differs";

    /// <summary>The agent has just started or is about to stop; ask again.</summary>
    public const string NotReady = "not-ready";
    public const string Failed = "failed";
}
