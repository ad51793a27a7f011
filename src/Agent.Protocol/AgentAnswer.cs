namespace Orchestrator.Agent.Protocol;

/// <summary>
/// What became of an order. <see cref="Unknown"/> means that it may or may not have been taken: only asking again with
/// the same lease, or the next report, tells.
/// </summary>
public abstract record AgentAnswer
{
    private AgentAnswer() { }

    public sealed record Accepted(OrderReceipt Receipt) : AgentAnswer;

    public sealed record Refused(AgentRefusal Refusal) : AgentAnswer;

    public sealed record Unknown(string Reason) : AgentAnswer;
}

/// <summary>A question (not an order) that the agent refused.</summary>
public sealed class AgentRefusedException(AgentRefusal refusal)
    : Exception($"The agent refused ({refusal.Code}): {refusal.Message}")
{
    public AgentRefusal Refusal { get; } = refusal;
}

/// <summary>No answer, or one that is not of this protocol: nothing is known about the agent.</summary>
public sealed class AgentUnreachableException(string message, Exception? cause = null) : Exception(message, cause);
