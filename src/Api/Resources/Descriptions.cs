using Orchestrator.Api.Description;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Resources;

/// <summary>The API's description of itself: openapi.json, and at the place where oVirt has its model.</summary>
internal static class Descriptions
{
    private static readonly string[] _others = ["model.xml", "model.jar", "model.zip", "model.html"];

    public static void Map(Router router)
    {
        byte[]? written = null;
        Task<Answer> Whole(ApiCall call)
        {
            written ??= new OpenApi(router, call.World.Options).Write();
            return Task.FromResult<Answer>(new Answer.Raw("application/json; charset=utf-8", written));
        }

        router.Get("openapi.json", Whole).Get("model", Whole).Get("model.json", Whole);
        foreach (var other in _others)
            router.Get(other, _ => throw FaultException.NotYet(
                $"GET {other}", $"The description of this API is at {Hrefs.Base}/openapi.json."));
    }
}
