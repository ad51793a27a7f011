using System.Collections.Immutable;
using Orchestrator.Actors.Journal;
using static Orchestrator.Actors.Template.TemplateEvent;
using static Orchestrator.Actors.Template.TemplateState;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Template;

/// <summary>What a template's facts look like from outside.</summary>
public static class TemplateStory
{
    public static TemplateView? View(TemplateState template) => template switch
    {
        Absent or Gone => null,
        _ => new TemplateView
        {
            Id = template.Core.Id,
            Config = template.Config,
            Status = template switch { Ok => "ok", Illegal => "illegal", _ => "locked" },
            StatusDetail = template is Illegal i ? i.Reason : "",
            Version = template.Core.Version,
            Versions = template.Core.Versions,
            CreatedAt = template.Core.CreatedAt,
            Job = template.Core.Job?.Id,
        },
    };

    public static AuditLine? Line(TemplateState before, TemplateEvent fact, TemplateState after)
    {
        var name = after.Config.Name;
        AuditLine By(int code, Origin by, string text) => new(
            code, Severity.Normal, text, by.At, by.Correlation, by.User, Template: after.Core.Id.Value);
        return fact switch
        {
            Created e    => By(29, e.Origin, $"Creation of template {name} was initiated by {e.Origin.User}."),
            Redefined e  => By(49, e.Origin, $"Template {name} configuration was updated by {e.Origin.User}."),
            DiskCopied e => after is Ok
                ? new(51, Severity.Normal, $"Creation of template {name} has been completed.", e.At,
                    before.Core.Job?.Origin.Correlation, before.Core.Job?.Origin.User ?? "system",
                    Template: after.Core.Id.Value)
                : null,
            DisksSealed e => new(51, Severity.Normal, $"Creation of template {name} has been completed; it is sealed.", e.At,
                before.Core.Job?.Origin.Correlation, before.Core.Job?.Origin.User ?? "system", Template: after.Core.Id.Value),
            SealFailed e => new(1324, Severity.Error, $"Template {name} was not sealed: {e.Reason}. Remove the template and try again.", e.At,
                before.Core.Job?.Origin.Correlation, "system", Template: after.Core.Id.Value),
            CopyFailed e => new(52, Severity.Error,
                $"Creation of template {name} failed: {e.Reason}. Remove the template and try again.", e.At,
                before.Core.Job?.Origin.Correlation, "system", Template: after.Core.Id.Value),
            Removed e    => By(251, e.Origin, $"Template {name} was removed by {e.Origin.User}."),
            _            => null,
        };
    }

    public static ImmutableArray<JobView> Jobs(TemplateState before, TemplateEvent fact, TemplateState after) =>
        fact is Created e && after is Ok
            ? [Journal.Jobs.AtOnce(e.Origin, "Creating template", Kinds.Template, after.Core.Id.Value)]
            : Journal.Jobs.Change(before.Core.Job, after.Core.Job, Kinds.Template, after.Core.Id.Value,
                fact is CopyFailed or SealFailed ? Outcome.Failed : Outcome.Finished,
                fact switch { DiskCopied d => d.At, CopyFailed d => d.At, DisksSealed d => d.At, SealFailed d => d.At, Removed d => d.Origin.At, _ => default });
}
