using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>A machine's power device. It works without the machine, and is reached by another way than its agent.</summary>
public sealed class PowerDevice(SimulatedWorld world, WorldHost host, Random random)
{
    /// <summary>The present fault.</summary>
    public FenceHow How { get; internal set; }

    /// <summary>How late it is when <see cref="FenceHow.IsSlow"/>.</summary>
    public TimeSpan SlowBy { get; internal set; } = TimeSpan.FromSeconds(45);

    /// <summary>It has said "off" while the machine ran on, and the machine has not been off since.</summary>
    public bool HasLied { get; internal set; }

    /// <summary>Carries the order out as a fence program would: an answer, or unknown after the order's limit.</summary>
    internal async Task<FenceResult> Turn(FenceOrder order, string by)
    {
        if (order.Action != FenceAction.Status) world.Note($"{host.Name}: power {Word(order)} asked by {by}");
        var limit = FenceProgram.LimitOf(order);
        if (How == FenceHow.Refuses)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), world.OwnClock);
            return Failed("Unable to connect/login to fencing device");
        }

        var deaf = Failed($"{order.Agent} at {order.Address} did not answer in {limit.TotalSeconds} s");
        var how = How;
        if (how == FenceHow.IsDeaf)
        {
            await Task.Delay(limit, world.OwnClock);
            return deaf;
        }

        var takes = how == FenceHow.IsSlow ? SlowBy : TimeSpan.FromMilliseconds(500 + random.Next(1500));
        if (takes > limit)
        {
            // The program gives up, the device does not.
            var late = world.OwnClock.CreateTimer(_ => Act(order, by, how), null, takes, Timeout.InfiniteTimeSpan);
            await Task.Delay(limit, world.OwnClock);
            GC.KeepAlive(late);
            return deaf;
        }

        await Task.Delay(takes, world.OwnClock);
        var done = Act(order, by, how);
        if (how != FenceHow.LosesItsAnswer) return done;
        await Task.Delay(limit - takes, world.OwnClock);
        return deaf;
    }

    private FenceResult Act(FenceOrder order, string by, FenceHow how)
    {
        if (order.Action == FenceAction.Status)
            return new FenceResult(host.Powered && how != FenceHow.Lies ? FencePower.On : FencePower.Off, true, "Status");

        if (order.Action is FenceAction.Off or FenceAction.Reboot)
        {
            if (how == FenceHow.Lies)
            {
                if (host.Powered) HasLied = true;
                world.Note($"{host.Name}: its power device says off, and the machine runs on");
            }
            else
            {
                world.PowerTurnedOff(host, by);
            }
        }

        if (order.Action is FenceAction.On or FenceAction.Reboot) world.PowerTurnedOn(host, by);
        return order.Action == FenceAction.Off
            ? new FenceResult(FencePower.Off, true, "Success: Powered OFF")
            : new FenceResult(FencePower.On, true, "Success: Powered ON");
    }

    private static string Word(FenceOrder order) => order.Action.ToString().ToLowerInvariant();

    private static FenceResult Failed(string message) => new(FencePower.Unknown, false, message);
}
