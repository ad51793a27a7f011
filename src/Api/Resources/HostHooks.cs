using Orchestrator.Actors.Host;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>hosts/{id}/hooks: an operator's scripts on a host, as it last told.</summary>
internal static class HostHooks
{
    public static void Map(Router router) => router
        .Get("hosts/{id}/hooks", async call => Answer.Of(Shapes.Hook, [.. (await All(call)).Take(call.Parameters.Max ?? int.MaxValue)]))
        .Get("hosts/{id}/hooks/{id}", async call => Answer.Of(
            (await All(call)).FirstOrDefault(hook => hook.Id == call.Ids[1]) ?? throw FaultException.Unknown("hook", call.Ids[1])));

    private static async Task<IEnumerable<Element>> All(ApiCall call)
    {
        var view = await Hosts.Read(call);
        var seen = await call.World.Observations.OfHost(view.Id, call.Cancel);
        return (seen?.Hooks ?? []).Select(hook =>
        {
            var id = NamedIds.Of($"{view.Id} {hook.Point}/{hook.Name}");
            return Shapes.Hook.New(id, $"{Hrefs.Host(view.Id.Value)}/hooks/{id}")
                .With("name", hook.Name)
                .With("event_name", hook.Point)
                .With("md5", hook.Digest)
                .With("host", Refs.To(view.Id));
        });
    }
}
