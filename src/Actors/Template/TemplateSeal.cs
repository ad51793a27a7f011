using static Orchestrator.Actors.Template.TemplateCommand;
using static Orchestrator.Actors.Template.TemplateDecider;
using static Orchestrator.Actors.Template.TemplateEvent;
using static Orchestrator.Actors.Template.TemplateState;
using Decision = Orchestrator.Actors.Decision<
    Orchestrator.Actors.Template.TemplateEvent, Orchestrator.Actors.Template.TemplateEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Template;

/// <summary>The rules by which a template is sealed. Pure. Nobody uses it before, so a host may do it in place, and do it again when
/// nobody knows what became of it.</summary>
public static class TemplateSeal
{
    internal static Decision Decide(TemplateState template, ReportSealed c) => template switch
    {
        Sealing s when c.Work == s.Work() => Accept(c.Lost ? new SealRepeated(c.At) : c.Ok ? new DisksSealed(c.At) : new SealFailed(c.Message, c.At)),
        _                                 => No(Fault.StaleReport),
    };

    internal static TemplateState Evolve(TemplateState template, TemplateEvent fact) => (template, fact) switch
    {
        (Sealing s, DisksSealed)  => new Ok(s.Core with { Job = null }),
        (Sealing s, SealRepeated) => s with { Lost = s.Lost + 1 },
        (Sealing s, SealFailed e) => new Illegal(s.Core with { Job = null }, $"it was not sealed: {e.Reason}"),
        _                         => template,
    };

    /// <summary>Each time that it is begun anew it has a number of its own.</summary>
    public static Guid Work(this Sealing s) => WorkId.Of($"{s.Core.Id} seal {s.Lost}");
}
