using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Watching;

namespace Orchestrator.Actors.Template;

/// <summary>How an operator is told what a template is and waits for. Pure.</summary>
internal static class TemplateWords
{
    public static Words<TemplateState, TemplateCommand, TemplateEffect> All { get; } = new(
        template => [new("name", template.Core.Config?.Name ?? "")],
        effect => effect switch
        {
            TemplateEffect.AwaitDisk e => $"the copy of disk {e.Disk}",
            TemplateEffect.SealDisks e => $"its disks to be sealed (work {e.Work})",
            TemplateEffect.LeaveBase e => $"its base template {e.Base} to hear that it is no more",
            _ => null,
        },
        effect => effect switch
        {
            TemplateEffect.AwaitDisk e => new Party(Kinds.Disk, e.Disk.Value),
            TemplateEffect.SealDisks e => new Party(Kinds.Host, e.Host.Value),
            TemplateEffect.LeaveBase e => new Party(Kinds.Template, e.Base.Value),
            _ => null,
        },
        effect => effect is TemplateEffect.AwaitDisk ? "Look at that disk." : "It is told at every tick.",
        _ => null);
}
