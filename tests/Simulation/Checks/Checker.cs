using Orchestrator.Engine;

namespace Orchestrator.Tests.Simulation.Checks;

/// <summary>Looks on and says when a rule is broken; never helps and never hinders.</summary>
public abstract class Checker(Simulation simulation)
{
    protected Simulation Simulation => simulation;

    /// <summary>Members or owners have changed in the database.</summary>
    public virtual void OnView(ClusterView view)
    {
    }

    public virtual void OnSecond()
    {
    }

    /// <summary>The run is over and no rule was broken so far.</summary>
    public virtual void OnEnd()
    {
    }
}
