using Orchestrator.Tests.Simulation.World;
using Props = Akka.Actor.Props;

namespace Orchestrator.Tests.Simulation.Planting;

/// <summary>A bug put into a simulated installation to show that a checker sees it. The product has no switch for it:
/// each is planted by configuration, by a wrapper around a part, or in what plays the outside.</summary>
/// <param name="Name">For the command line and the reports.</param>
/// <param name="Rules">The rules of which one must be seen broken.</param>
public sealed record Planted(string Name, params string[] Rules)
{
    /// <summary>Configuration of all nodes.</summary>
    public string? Hocon { get; init; }

    /// <summary>Stands in for an entity's props.</summary>
    public Func<string, Guid, Props, Props>? Entity { get; init; }

    /// <summary>The kinds of faults that bring it to light soon; none: all.</summary>
    public IReadOnlyList<string> Faults { get; init; } = [];

    public OrderTaker? Agent { get; init; }

    public bool AgentObeysOldEpochs { get; init; }

    public Action<Simulation>? Plant { get; init; }
}
