using System.Collections.Immutable;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent;

/// <summary>
/// What to do about a guest that writes its memory faster than it is copied. Pure. As oVirt's agent does it (vdsm, class
/// MonitorThread of lib/vdsm/virt/migration.py): looked at every <see cref="LookEvery"/>, the first of the steps that are
/// left is done when the memory was gone over again meanwhile, and more often than the step says. vdsm concludes that from
/// more being left than at the look before, and misses some; QEMU counts it, and is asked.
/// </summary>
/// <param name="Left">The steps that are still to come.</param>
/// <param name="Stalled">Looks at which the memory was being gone over again.</param>
/// <param name="Iteration">QEMU's count at the last look.</param>
public sealed record Convergence(ImmutableArray<ConvergenceStep> Left, int Stalled, long Iteration)
{
    /// <summary>vdsm's migration_monitor_interval.</summary>
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(10);

    /// <param name="runs">A guest that stands still dirties nothing, and post-copy would set it going.</param>
    public static Convergence Of(MigrateOrder order, bool runs) => new(
        runs ? order.Convergence : order.Convergence.RemoveAll(s => s.Action == ConvergenceAction.PostCopy), 0, 1);

    /// <param name="iteration">QEMU's count of passes over the memory, from 1; below that: nothing is known.</param>
    /// <param name="postCopy">After the switch nothing can be done any more: it completes, or it breaks.</param>
    public (Convergence Next, ConvergenceStep? Do) Look(long iteration, bool postCopy)
    {
        if (postCopy || iteration <= Iteration) return (this, null);
        var next = this with { Iteration = iteration, Stalled = Stalled + 1 };
        return Left is [var step, .. var later] && step.After < next.Stalled
            ? (next with { Left = [.. later] }, step)
            : (next, null);
    }

    /// <summary>Why a migration ends by <see cref="ConvergenceAction.Abort"/>.</summary>
    public static string Hopeless(int stalled) =>
        $"the guest writes its memory faster than it is copied: it was gone over {stalled} times again, and the policy allows no more";
}

/// <summary>A migration that was given up because another destination would not help either; the guest stays.</summary>
public sealed class HopelessMigrationException(string message) : Exception(message);
