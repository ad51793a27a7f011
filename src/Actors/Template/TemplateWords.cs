using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Watching;

namespace Orchestrator.Actors.Template;

/// <summary>How an operator is told what a template is and waits for. Pure.</summary>
internal static class TemplateWords
{
    public static Words<TemplateState, TemplateCommand, TemplateEffect> All { get; } = new(
        template => [new("name", template.Core.Config?.Name ?? "")],
        effect => effect is TemplateEffect.AwaitDisk e ? $"the copy of disk {e.Disk}" : null,
        effect => effect is TemplateEffect.AwaitDisk e ? new Party(Kinds.Disk, e.Disk.Value) : null,
        _ => "Look at that disk.",
        _ => null);
}
