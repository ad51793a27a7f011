using static Orchestrator.Actors.Template.TemplateCommand;
using static Orchestrator.Actors.Template.TemplateDecider;
using static Orchestrator.Actors.Template.TemplateEvent;
using static Orchestrator.Actors.Template.TemplateState;
using Decision = Orchestrator.Actors.Decision<
    Orchestrator.Actors.Template.TemplateEvent, Orchestrator.Actors.Template.TemplateEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Template;

/// <summary>
/// The rules of a template's versions. Pure. The base template gives the numbers, each once, before a version is made; a version
/// that is removed tells it until it has heard. So a base template knows of every version that there is, and is removed last.
/// </summary>
internal static class TemplateVersions
{
    /// <summary>A version that was never made, because its maker was refused or died.</summary>
    private static readonly TimeSpan _madeWithin = TimeSpan.FromMinutes(1);

    public static Decision Add(TemplateState template, AddVersion c) => template switch
    {
        _ when template.Core.Versions.Any(v => v.Template == c.Version) => Done,
        { Core.Version: not null }                          => No(Fault.TemplateIsNoBase),
        _ when template.Core.Id == TemplateId.Blank         => No(Fault.TemplateIsBlank),
        Ok                                                  => Accept(new VersionAdded(c.Origin, c.Version, Math.Max(template.Core.LastVersion, 1) + 1, c.Name)),
        _                                                   => No(Fault.TemplateLocked),
    };

    public static Decision Drop(TemplateState template, DropVersion c) =>
        template.Core.Versions.FirstOrDefault(v => v.Template == c.Version) is not { } version ? Done
        : c.IsGone || c.At - version.At > _madeWithin ? Accept(new VersionDropped(c.Version, c.At))
        : No(Fault.StaleReport);

    public static TemplateState Evolve(TemplateState template, TemplateEvent fact) => fact switch
    {
        VersionAdded e   => template with
        {
            Core = template.Core with
            {
                Versions = template.Core.Versions.Add(new KnownVersion(e.Version, e.Number, e.Name, e.Origin.At)),
                LastVersion = e.Number,
                Recent = template.Core.Recent.Add(e.Origin.Job),
            },
        },
        VersionDropped e => template with { Core = template.Core with { Versions = template.Core.Versions.RemoveAll(v => v.Template == e.Version) } },
        BaseLeft         => template with { Core = template.Core with { HasLeft = true } },
        _                => template,
    };
}
