using Akka;
using Akka.Actor;
using Akka.TestKit.Xunit2;

namespace Orchestrator.Tests.Akka;

public sealed class ShutdownSpec : TestKit
{
    [Fact]
    public async Task Phases_run_in_order_and_the_system_ends()
    {
        var system = ActorSystem.Create("phases");
        var shutdown = CoordinatedShutdown.Get(system);
        var order = new System.Collections.Concurrent.ConcurrentQueue<string>();
        Add(CoordinatedShutdown.PhaseClusterLeave);
        Add(CoordinatedShutdown.PhaseServiceStop);
        Add(CoordinatedShutdown.PhaseBeforeServiceUnbind);
        Add(CoordinatedShutdown.PhaseClusterShardingShutdownRegion);
        Add(CoordinatedShutdown.PhaseBeforeActorSystemTerminate);
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceStop, "fails", () => throw new InvalidOperationException("no"));
        await shutdown.Run(CoordinatedShutdown.ClrExitReason.Instance);
        await system.WhenTerminated;
        Assert.Equal(
            [
                CoordinatedShutdown.PhaseBeforeServiceUnbind, CoordinatedShutdown.PhaseServiceStop,
                CoordinatedShutdown.PhaseClusterShardingShutdownRegion, CoordinatedShutdown.PhaseClusterLeave,
                CoordinatedShutdown.PhaseBeforeActorSystemTerminate,
            ],
            order);

        void Add(string phase) => shutdown.AddTask(phase, phase, () =>
        {
            order.Enqueue(phase);
            return Task.FromResult(Done.Instance);
        });
    }
}
