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

    [Fact]
    public async Task It_runs_once_and_keeps_the_first_reason()
    {
        var system = ActorSystem.Create("once");
        var shutdown = CoordinatedShutdown.Get(system);
        Assert.Same(shutdown, CoordinatedShutdown.Get(system));
        var count = 0;
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceStop, "count", () =>
        {
            Interlocked.Increment(ref count);
            return Task.FromResult(Done.Instance);
        });
        var first = shutdown.Run(CoordinatedShutdown.ClusterLeavingReason.Instance);
        await shutdown.Run(CoordinatedShutdown.ClrExitReason.Instance);
        await first;
        Assert.Equal(1, count);
        Assert.Same(CoordinatedShutdown.ClusterLeavingReason.Instance, shutdown.ShutdownReason);
    }

    [Fact]
    public async Task Terminating_a_system_runs_its_phases_with_that_reason()
    {
        var system = ActorSystem.Create("terminates");
        var shutdown = CoordinatedShutdown.Get(system);
        var ran = new TaskCompletionSource();
        shutdown.AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, "note", () =>
        {
            ran.SetResult();
            return Task.FromResult(Done.Instance);
        });
        await system.Terminate();
        Assert.True(ran.Task.IsCompletedSuccessfully);
        Assert.Same(CoordinatedShutdown.ActorSystemTerminateReason.Instance, shutdown.ShutdownReason);
    }

    [Fact]
    public async Task A_phase_that_takes_too_long_is_left_and_the_next_one_begins()
    {
        var system = ActorSystem.Create("slow", global::Akka.Configuration.ConfigurationFactory.ParseString(
            "akka.coordinated-shutdown.phases.service-stop.timeout = 50ms"));
        var shutdown = CoordinatedShutdown.Get(system);
        Assert.Equal(TimeSpan.FromMilliseconds(50), shutdown.Timeout(CoordinatedShutdown.PhaseServiceStop));
        Assert.True(shutdown.TotalTimeout >= TimeSpan.FromSeconds(5));
        var never = new TaskCompletionSource<Done>();
        var next = new TaskCompletionSource();
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceStop, "hangs", () => never.Task);
        shutdown.AddTask(CoordinatedShutdown.PhaseBeforeClusterShutdown, "next", () =>
        {
            next.SetResult();
            return Task.FromResult(Done.Instance);
        });
        await shutdown.Run(CoordinatedShutdown.ClrExitReason.Instance);
        Assert.True(next.Task.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Without_recovery_a_failed_phase_ends_the_run()
    {
        var system = ActorSystem.Create("strict", global::Akka.Configuration.ConfigurationFactory.ParseString(
            "akka.coordinated-shutdown.phases.service-stop.recover = off"));
        var shutdown = CoordinatedShutdown.Get(system);
        var later = 0;
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceStop, "fails", () =>
            Task.FromException<Done>(new InvalidOperationException("no")));
        shutdown.AddTask(CoordinatedShutdown.PhaseBeforeClusterShutdown, "later", () =>
        {
            Interlocked.Increment(ref later);
            return Task.FromResult(Done.Instance);
        });
        await Assert.ThrowsAnyAsync<Exception>(() => shutdown.Run(CoordinatedShutdown.ClrExitReason.Instance));
        Assert.Equal(0, later);
        system.Dispose();
    }

    [Fact]
    public async Task A_run_may_begin_at_a_later_phase()
    {
        var system = ActorSystem.Create("from");
        var shutdown = CoordinatedShutdown.Get(system);
        var early = 0;
        shutdown.AddTask(CoordinatedShutdown.PhaseBeforeServiceUnbind, "early", () =>
        {
            Interlocked.Increment(ref early);
            return Task.FromResult(Done.Instance);
        });
        await shutdown.Run(CoordinatedShutdown.ClrExitReason.Instance, CoordinatedShutdown.PhaseClusterShutdown);
        await system.WhenTerminated;
        Assert.Equal(0, early);
    }

    [Fact]
    public async Task The_tasks_of_one_phase_run_at_the_same_time()
    {
        var system = ActorSystem.Create("together");
        var shutdown = CoordinatedShutdown.Get(system);
        var (one, two) = (new TaskCompletionSource<Done>(), new TaskCompletionSource<Done>());
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceStop, "one", () =>
        {
            one.SetResult(Done.Instance);
            return two.Task;
        });
        shutdown.AddTask(CoordinatedShutdown.PhaseServiceStop, "two", () =>
        {
            two.SetResult(Done.Instance);
            return one.Task;
        });
        await shutdown.Run(CoordinatedShutdown.ClrExitReason.Instance).WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public void An_unknown_phase_is_refused() => Assert.ThrowsAny<Exception>(() => CoordinatedShutdown.Get(Sys).AddTask(
        "no such phase", "task", () => Task.FromResult(Done.Instance)));

    [Fact]
    public async Task What_was_registered_for_the_termination_runs_at_the_end()
    {
        var system = ActorSystem.Create("registered");
        var ran = new TaskCompletionSource();
        system.RegisterOnTermination(ran.SetResult);
        await system.Terminate();
        Assert.True(ran.Task.IsCompletedSuccessfully);
    }
}
