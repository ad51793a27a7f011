namespace Orchestrator.Actors.Journal;

/// <summary>
/// Sends commands to entities wherever they live. A moving shard delays an answer and never makes it fail; a command
/// whose answer was lost with a node is sent again, and its job id makes that harmless.
/// </summary>
public interface IEntities
{
    /// <param name="kind">One of <see cref="Kinds"/>.</param>
    /// <param name="command">A command of that kind's family, or <see cref="Look"/>.</param>
    /// <exception cref="EntityUnavailableException">No answer in time, or too many commands wait for the database:
    /// it is not known whether the command was accepted; asking again with the same job is safe.</exception>
    Task<Reply> Ask(string kind, Guid id, object command, CancellationToken cancel);

    /// <summary>Sends without waiting for an answer.</summary>
    void Tell(string kind, Guid id, object command);
}

public sealed class EntityUnavailableException(string message, TimeSpan retryAfter) : Exception(message)
{
    public TimeSpan RetryAfter { get; } = retryAfter;
}
