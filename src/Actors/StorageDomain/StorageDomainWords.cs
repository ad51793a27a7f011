using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Watching;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.StorageDomain;

/// <summary>How an operator is told what a storage domain is and waits for. Pure.</summary>
internal static class StorageDomainWords
{
    public static Words<StorageDomainState, StorageDomainCommand, StorageDomainEffect> All { get; } = new(
        domain => [new("name", domain.Core.Config?.Name ?? "")],
        effect => effect switch
        {
            StorageDomainEffect.Prepare e => $"its folder to be prepared (work {e.Work})",
            StorageDomainEffect.Open e    => $"a host to look at its metadata (work {e.Work})",
            StorageDomainEffect.Release e => $"a host to write that it is detached (work {e.Work})",
            StorageDomainEffect.Wipe e    => $"a host to delete it (work {e.Work})",
            _                             => null,
        },
        effect => effect switch
        {
            StorageDomainEffect.Prepare e => new Party(Kinds.Host, e.Host.Value),
            StorageDomainEffect.Open e    => new Party(Kinds.Host, e.Host.Value),
            StorageDomainEffect.Release e => new Party(Kinds.Host, e.Host.Value),
            StorageDomainEffect.Wipe e    => new Party(Kinds.Host, e.Host.Value),
            _                             => null,
        },
        _ => "A host of its data center must be up and reach the storage.",
        command => command is StorageDomainCommand.ReportImageWork { Ok: false } c ? $"the work failed: {c.Message}" : null);
}
