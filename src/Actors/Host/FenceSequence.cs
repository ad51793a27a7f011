using System.Collections.Immutable;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Actors.Host;

/// <summary>
/// In which order a host's fence agents are asked, and what several of them say together. Pure. As in oVirt, agents of one
/// order that are concurrent feed the host together: a server with two power supplies is off only when both are.
/// </summary>
public static class FenceSequence
{
    /// <summary>Each step is tried when the one before it has failed; the agents of a step are asked at once.</summary>
    public static IEnumerable<ImmutableArray<FenceAgent>> Steps(ImmutableArray<FenceAgent> agents) =>
        agents.GroupBy(a => a.Order).OrderBy(g => g.Key).SelectMany(g =>
            // One that is said to be concurrent is enough: to take half of the power for all of it would be no proof.
            g.Any(a => a.Concurrent) ? [[.. g]] : g.Select(a => ImmutableArray.Create(a)));

    /// <summary>Off is what all say; on is what any says.</summary>
    public static FenceResult Together(PowerAction action, IReadOnlyList<FenceResult> results)
    {
        if (results.Count == 1) return results[0];
        var any = results.FirstOrDefault(r => r is { Ok: true, Power: FencePower.On });
        return action switch
        {
            _ when results.All(r => r is { Ok: true, Power: FencePower.Off }) => results[0],
            PowerAction.On or PowerAction.Restart or PowerAction.Status when any is not null => any,
            _ => new FenceResult(FencePower.Unknown, false, string.Join("; ", results.Where(r => !r.Ok).Select(r => r.Message)
                .DefaultIfEmpty("not all of the agents that feed the host say that it is off"))),
        };
    }
}
