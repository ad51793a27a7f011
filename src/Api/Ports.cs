using Orchestrator.Actors.Journal;

namespace Orchestrator.Api;

/// <summary>Keeps passwords of devices, encrypted. Only names of secrets go into commands and the journal.</summary>
public interface ISecrets
{
    /// <summary>Stores or replaces; returns when the value survives this node.</summary>
    Task Put(string name, string value, CancellationToken cancel);

    /// <summary>Forgets a secret; one that is not there is no error.</summary>
    Task Remove(string name, CancellationToken cancel);
}

/// <summary>What clients themselves add to the audit log and to the list of jobs. It is in the database when a call returns.</summary>
public interface IClientRecords
{
    /// <summary>The line as it is kept; the earlier one where the same was told within its flood rate.</summary>
    Task<AuditRow> Tell(AuditLine line, CancellationToken cancel);

    /// <summary>Hides an event; false: there is none.</summary>
    Task<bool> RemoveEvent(long id, CancellationToken cancel);

    /// <summary>Shows all hidden events again.</summary>
    Task RestoreEvents(CancellationToken cancel);

    Task AddJob(JobView job, CancellationToken cancel);

    /// <summary>Replaces a job that nobody has changed since this version; false: somebody has.</summary>
    Task<bool> ReplaceJob(JobView job, long version, CancellationToken cancel);
}

/// <summary>Where entities live, for operators and for tests that aim at an owner.</summary>
public interface IOwners
{
    /// <summary>The node that owns the shard of an entity now, or null while nobody does.</summary>
    Task<Owner?> Find(string kind, Guid id, CancellationToken cancel);

    Task<IReadOnlyList<NodeSummary>> Nodes(CancellationToken cancel);
}

/// <summary>What the engine knows of itself, for operators. Each answer is JSON and comes within about a second, whatever
/// is broken: what could not be asked is said in it.</summary>
public interface IInsight
{
    /// <summary>Who owns an entity, what it owes, why it is stuck. Null when there is no such kind, or no such name.</summary>
    /// <param name="idOrName">A UUID, or the name of exactly one object of that kind.</param>
    Task<string?> Entity(string kind, string idOrName, CancellationToken cancel);

    Task<string> Nodes(CancellationToken cancel);

    Task<string> Shards(CancellationToken cancel);

    /// <summary>Entities of all nodes that wait for something for at least so long, who waits longest first.</summary>
    Task<string> Stuck(TimeSpan atLeast, CancellationToken cancel);
}

/// <param name="Address">host:port of the node's cluster endpoint.</param>
/// <param name="Epoch">Number under which the node owns the shard.</param>
/// <param name="Pid">The process, when the node is on this machine and known; else null.</param>
public sealed record Owner(string Node, string Address, long Epoch, int? Pid);

/// <param name="Status">up or leaving.</param>
/// <param name="Shards">How many shards it owns, by entity kind.</param>
public sealed record NodeSummary(
    string Node, string Address, string Status, int? Pid, IReadOnlyDictionary<string, int> Shards);
