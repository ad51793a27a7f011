using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Template;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>Pointers from one object to another, out (id and href) and in (by id or by name).</summary>
internal static class Refs
{
    public static Element To(DataCenterId id) => Shapes.DataCenter.New(id.Value, Hrefs.DataCenter(id.Value));

    public static Element To(ClusterId id) => Shapes.Cluster.New(id.Value, Hrefs.Cluster(id.Value));

    public static Element To(HostId id) => Shapes.Host.New(id.Value, Hrefs.Host(id.Value));

    public static Element To(StorageDomainId id) => Shapes.StorageDomain.New(id.Value, Hrefs.StorageDomain(id.Value));

    public static Element To(DiskId id) => Shapes.Disk.New(id.Value, Hrefs.Disk(id.Value));

    public static Element To(TemplateId id) => Shapes.Template.New(id.Value, Hrefs.Template(id.Value));

    public static Element To(VmId id) => Shapes.Vm.New(id.Value, Hrefs.Vm(id.Value));

    /// <exception cref="FaultException">400: the id in a body is not a UUID.</exception>
    public static Guid? IdOf(Element? reference)
    {
        if (reference?.Id is not { Length: > 0 } id) return null;
        return Guid.TryParseExact(id, "D", out var parsed)
            ? parsed
            : throw new FaultException(400, "Operation failed", $"{reference.Shape.Name}.id is '{id}', which is not a UUID");
    }

    /// <summary>The id of what a body points at by id or by name; null when it points at nothing.</summary>
    /// <exception cref="FaultException">404: there is no such object.</exception>
    public static async Task<Guid?> Resolve(ApiCall call, string kind, Element? reference)
    {
        if (reference is null) return null;
        if (IdOf(reference) is { } id)
            return await call.Find(kind, id) is not null || IsBlank(kind, id)
                ? id
                : throw new FaultException(404, FaultException.OperationFailed,
                    $"Entity not found: {reference.Shape.Name}: id={id}");
        if (reference.Text("name") is not { Length: > 0 } name) return null;
        if (kind == Kinds.Template && name == Templates.BlankName) return TemplateId.Blank.Value;
        return await ByName(call, kind, name)
            ?? throw new FaultException(404, FaultException.OperationFailed,
                $"Entity not found: {reference.Shape.Name}: name={name}");
    }

    public static async Task<Guid?> ByName(ApiCall call, string kind, string name)
    {
        // Versions have the name of their base template, which is meant.
        if (kind == Kinds.Template)
            return (await call.List<TemplateView>(new ReadQuery(kind, new Dictionary<string, string> { ["config.name"] = name })))
                .OrderBy(view => view.Version?.Number ?? 1).Select(view => (Guid?)view.Id.Value).FirstOrDefault();
        var found = await call.World.Read.List(
            new ReadQuery(kind, new Dictionary<string, string> { ["config.name"] = name }, Max: 1), call.Cancel);
        return found.Count == 0 ? null : found[0].Id;
    }

    private static bool IsBlank(string kind, Guid id) => kind == Kinds.Template && id == TemplateId.Blank.Value;
}
