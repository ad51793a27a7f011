using Orchestrator.Agent.Survival;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>A machine's watchdog: it goes on when the agent is dead, hangs, or stands still with the whole machine.</summary>
internal sealed class WorldWatchdog(SimulatedWorld world, WorldHost host)
{
    private ITimer? _timer;

    /// <summary>As one agent process has it: dead, it neither pets nor disarms it.</summary>
    public IWatchdog Of(Func<bool> lives) => new Handle(this, lives);

    private void Pet()
    {
        Off();
        _timer = world.OwnClock.CreateTimer(_ => Bite(), null, Limit, Timeout.InfiniteTimeSpan);
    }

    public void Off()
    {
        _timer?.Dispose();
        _timer = null;
    }

    private sealed class Handle(WorldWatchdog watchdog, Func<bool> lives) : IWatchdog
    {
        public TimeSpan Arm()
        {
            if (!watchdog.Exists) throw new IOException("there is no watchdog");
            Pet();
            return watchdog.Limit;
        }

        public void Pet()
        {
            if (lives()) watchdog.Pet();
        }

        public void Disarm()
        {
            if (lives()) watchdog.Off();
        }
    }

    private bool Exists => host.HasWatchdog;

    private TimeSpan Limit => world.Options.WatchdogTimeout;

    private void Bite()
    {
        world.Note($"{host.Name}: its watchdog resets it{SimulatedWorld.Lost(host)}");
        host.LastFault = world.Now;
        host.PowerOff();
        host.PowerOn(world.Options.Profile.HostBootTime);
    }
}
