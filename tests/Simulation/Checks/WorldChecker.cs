namespace Orchestrator.Tests.Simulation.Checks;

/// <summary>Rules of the world outside: a guest never runs twice, and what belongs to it.</summary>
public sealed class WorldChecker(Simulation simulation) : Checker(simulation)
{
    public override void OnSecond() => Look();

    public override void OnEnd() => Look();

    private void Look()
    {
        foreach (var violation in Simulation.World.Violations)
            Simulation.Violated(violation.Rule, violation.ToString());
    }
}
