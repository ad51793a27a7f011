using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;

namespace Orchestrator.Api.Resources;

/// <summary>What names an object that is to be removed. The object keeps no list of it, so it is looked for first, as oVirt
/// does; who comes to name it between look and removal is left with a name that means nothing.</summary>
internal static class Dependents
{
    /// <param name="fields">Kinds, and where in their documents the object's id would stand.</param>
    /// <exception cref="FaultException">The fault, when there is one.</exception>
    public static async Task None(ApiCall call, Fault fault, params (string Kind, string Field)[] fields)
    {
        foreach (var (kind, field) in fields)
            if (await call.World.Read.Count(Of(call, kind, field), call.Cancel) is > 0 and var count)
                throw FaultTable.Refusal(fault, $"There are {count} of the kind {kind}");
    }

    private static ReadQuery Of(ApiCall call, string kind, string field) =>
        new(kind, new Dictionary<string, string> { [field] = call.Id().ToString() });
}
