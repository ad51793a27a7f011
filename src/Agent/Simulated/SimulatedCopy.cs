using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Simulated;

/// <summary>
/// How much of a guest's memory is left to copy, as QEMU goes over it: first all of it, then again what was written
/// meanwhile, until the rest fits into the last stop.
/// </summary>
/// <param name="pass">Time to copy all of the memory once.</param>
/// <param name="dirties">How many times as fast as that the guest writes.</param>
internal sealed class SimulatedCopy(MigrateOrder order, TimeSpan pass, double dirties, TimeProvider time)
{
    private const int Parts = 10_000;
    private readonly long _began = time.GetTimestamp();
    private Convergence _convergence = Convergence.Of(order, runs: dirties > 0);
    private double _left = Math.Min(1, dirties);
    private long _iteration = 1, _lookedMs;
    private int _percent;

    public TimeSpan Pass => pass;

    /// <summary>Time to copy what is left; QEMU does not go over it more often than ten times a second.</summary>
    public TimeSpan Round => pass * Math.Max(_left, 0.05);

    /// <summary>Milliseconds; QEMU's own default where the order has none.</summary>
    public int AllowedMs { get; private set; } = order.MaxDowntimeMs > 0 ? order.MaxDowntimeMs : 300;

    public bool MayStop => _left * pass.TotalMilliseconds <= AllowedMs;

    public long ElapsedMs => (long)time.GetElapsedTime(_began).TotalMilliseconds;

    /// <summary>Another pass: what was written during the last one. Auto-converge takes a share of the guest's time, 20 % and
    /// then more and more.</summary>
    public void GoOver()
    {
        _iteration++;
        var taken = order.AutoConverge ? Math.Min(0.99, 0.15 + (0.05 * _iteration)) : 0;
        _left = Math.Min(1, _left * dirties * (1 - taken));
    }

    /// <returns>What the policy does now; a longer stop is allowed from here on.</returns>
    /// <exception cref="HopelessMigrationException">It gives up.</exception>
    public ConvergenceStep? Look()
    {
        if (ElapsedMs - _lookedMs < Convergence.LookEvery.TotalMilliseconds) return null;
        _lookedMs = ElapsedMs;
        (_convergence, var step) = _convergence.Look(_iteration, postCopy: false);
        if (step is { Action: ConvergenceAction.SetDowntime, DowntimeMs: var ms }) AllowedMs = ms;
        if (step is { Action: ConvergenceAction.Abort }) throw new HopelessMigrationException(Convergence.Hopeless(_convergence.Stalled));
        return step;
    }

    /// <summary>During the first pass. The bytes are parts of the whole.</summary>
    public MigrationProgress Copied(int percent)
    {
        _percent = percent;
        return Of(Parts * (100 - percent) / 100);
    }

    public MigrationProgress Progress()
    {
        _percent = Math.Min(99, Math.Max(_percent, (int)(100 * (1 - _left))));
        return Of((int)(Parts * _left));
    }

    public MigrationProgress Done(int downtimeMs, long totalMs) => new(Parts, 0, 100, downtimeMs, totalMs) { Iteration = _iteration };

    private MigrationProgress Of(int left) => new(Parts, left, _percent)
    {
        Iteration = _iteration,
        ElapsedMs = ElapsedMs,
        MaxDowntimeMs = AllowedMs,
    };
}
