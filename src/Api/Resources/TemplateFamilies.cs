using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Template;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>Base templates and their versions, which have one name and count from 1, the base template itself.</summary>
internal static class TemplateFamilies
{
    public const string FirstName = "base version";

    /// <summary>The template of which a body makes a version; null: of none.</summary>
    public static async Task<TemplateView?> BaseOf(ApiCall call, Element? version)
    {
        if (version?.One("base_template") is not { } reference) return null;
        var id = await Refs.Resolve(call, Kinds.Template, reference)
            ?? throw FaultException.Missing("Template", "version.baseTemplate.id|name", "add");
        if (id == TemplateId.Blank.Value) throw FaultTable.Refusal(Fault.TemplateIsBlank, null);
        return await call.Get<TemplateView>(Kinds.Template, id);
    }

    /// <summary>A number for a version that is about to be made.</summary>
    public static async Task<TemplateVersion> Number(ApiCall call, TemplateView of, TemplateId version, Element? body)
    {
        var name = body?.Text("version_name") is { Length: > 0 } given ? Names.Checked(given, "Template.version") : "";
        var view = await call.Ask<TemplateView>(Kinds.Template, of.Id.Value, new TemplateCommand.AddVersion(call.NewOrigin(), version, name));
        var known = view.Versions.First(v => v.Template == version);
        return new TemplateVersion(of.Id, known.Number, known.Name);
    }

    public static Task GiveBack(ApiCall call, TemplateId from, TemplateId version) =>
        call.Ask(Kinds.Template, from.Value, new TemplateCommand.DropVersion(version, IsGone: true, call.NewOrigin().At));

    /// <summary>Numbers of versions that were never made are no reason to keep a base template.</summary>
    public static async Task Settle(ApiCall call, TemplateView view)
    {
        foreach (var version in view.Versions)
        {
            if (await call.Find(Kinds.Template, version.Template.Value) is not null) continue;
            try
            {
                await call.Ask(Kinds.Template, view.Id.Value,
                    new TemplateCommand.DropVersion(version.Template, IsGone: false, call.NewOrigin().At));
            }
            catch (FaultException)
            {
                // It may just be being made.
            }
        }
    }

    /// <summary>The newest version that can be used.</summary>
    public static async Task<TemplateView> Latest(ApiCall call, TemplateView one)
    {
        var first = one.Version is { } version ? await call.Get<TemplateView>(Kinds.Template, version.Base.Value) : one;
        foreach (var known in first.Versions.OrderByDescending(v => v.Number))
            if (await call.Find(Kinds.Template, known.Template.Value) is { } document
                && WireJson.Read<TemplateView>(document.Json) is { Status: "ok" } latest)
                return latest;
        return first.Status == "ok" ? first : one;
    }

    public static async Task Rename(ApiCall call, TemplateView first, string name)
    {
        foreach (var version in first.Versions)
            if (await call.Find(Kinds.Template, version.Template.Value) is not null)
                await call.Ask(Kinds.Template, version.Template.Value,
                    new TemplateCommand.Update(call.NewOrigin(), new TemplatePatch { Name = name }));
    }

    public static Element Show(TemplateView view) => view.Version is { } version
        ? Show(version.Base, version.Number, version.Name)
        : Show(view.Id, 1, FirstName);

    public static Element Show(TemplateId of, int number, string name) => Shapes.TemplateVersion.New()
        .With("version_name", name).With("version_number", (long)number).With("base_template", Refs.To(of));
}
