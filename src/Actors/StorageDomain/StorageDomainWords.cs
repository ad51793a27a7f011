using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Watching;

namespace Orchestrator.Actors.StorageDomain;

/// <summary>How an operator is told what a storage domain is and waits for. Pure.</summary>
internal static class StorageDomainWords
{
    public static Words<StorageDomainState, StorageDomainCommand, StorageDomainEffect> All { get; } = new(
        domain => [new("name", domain.Core.Config?.Name ?? "")],
        effect => effect is StorageDomainEffect.Prepare e ? $"its folder to be prepared (work {e.Work})" : null,
        effect => effect is StorageDomainEffect.Prepare e ? new Party(Kinds.Host, e.Host.Value) : null,
        _ => "A host must be up and have the folder mounted.",
        command => command is StorageDomainCommand.ReportImageWork { Ok: false } c ? $"the work failed: {c.Message}" : null);
}
