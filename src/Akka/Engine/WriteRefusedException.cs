namespace Orchestrator.Engine;

/// <summary>The store certainly did not write the batch: its shard is owned elsewhere, somebody else wrote this
/// entity's next event, or a row cannot be held.</summary>
public sealed class WriteRefusedException(string persistenceId, WriteOutcome outcome)
    : Exception($"The events of {persistenceId} were not written: " + outcome switch
    {
        WriteOutcome.NotOwner => "its shard is not owned here any more",
        WriteOutcome.Rejected => "the store cannot hold one of their rows",
        _ => "another writer was first",
    })
{
    public string PersistenceId { get; } = persistenceId;

    public WriteOutcome Outcome { get; } = outcome;
}
