using Orchestrator.Actors;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Deciders.Simulation;

/// <summary>The first two promises, under every fault that the simulated world knows.</summary>
public sealed class NeverTwice
{
    /// <summary>What the runs must have met, or they prove little.</summary>
    private static readonly string[] _met =
    [
        "CameUp", "HostLost", "HostFenced", "Regained", "LaunchFailed", "RestartQueued", "MigrationDone",
        "MigrationAbandoned", "MigrationEndLost { End = Source", "MigrationEndLost { End = Destination", "WentSilent",
        "Fenced", "PowerFailed", "EnteredMaintenance",
        "Suspended { At", "SuspendFailed", "MemoryDiscarded", "MemoryDeleted",
    ];

    [Fact]
    public void No_guest_runs_twice_and_all_settles_after_the_last_fault()
    {
        var left = _met.ToHashSet();
        Seeds.Each(400, (random, history) =>
        {
            Run(random.Next(), history, VmDecider.Decide);
            left.RemoveWhere(what => history.Any(line => line.Contains(what, StringComparison.Ordinal)));
        });
        if (Environment.GetEnvironmentVariable("SEED") is null) Assert.Equal([], left);
    }

    /// <summary>The checker sees what it is for.</summary>
    [Fact]
    public void A_vm_that_takes_silence_for_death_is_caught() =>
        Caught("runs twice", (vm, command) => (vm, command) switch
        {
            (VmState.Orphaned, VmCommand.LoseHost c) => Accept(new VmEvent.HostFenced(OrphanPlan.Restart, c.At)),
            _ => VmDecider.Decide(vm, command),
        });

    [Fact]
    public void A_vm_that_restarts_when_its_source_is_fenced_during_a_migration_is_caught() =>
        Caught("runs twice", (vm, command) => (vm, command) switch
        {
            (VmState.Migrating m, VmCommand.ConfirmFence c) when m.From.Host == c.Host && m.From.Incarnation < c.Incarnation =>
                Accept(new VmEvent.RestartQueued("its host was fenced", c.At)),
            _ => VmDecider.Decide(vm, command),
        });

    [Fact]
    public void A_vm_that_forgets_what_it_waits_for_is_caught() =>
        Caught("does not settle", (vm, command) => (vm, command) switch
        {
            (VmState.Orphaned, VmCommand.ReportGuest or VmCommand.ConfirmFence or VmCommand.ReportMissing) =>
                new Decision<VmEvent, VmEffect>.AlreadyDone(),
            _ => VmDecider.Decide(vm, command),
        });

    private const int Runs = 3000;

    private static void Caught(string how, Func<VmState, VmCommand, Decision<VmEvent, VmEffect>> decide)
    {
        for (var seed = 1; seed <= Runs; seed++)
        {
            try
            {
                Run(seed, [], decide);
            }
            catch (InvalidOperationException e) when (e.Message.Contains(how, StringComparison.Ordinal))
            {
                return;
            }
            catch (InvalidOperationException)
            {
                // Another promise broke first: this seed says nothing of the one that is meant.
            }
        }

        Assert.Fail($"in {Runs} runs nothing '{how}' was seen");
    }

    private static void Run(int seed, List<string> history, Func<VmState, VmCommand, Decision<VmEvent, VmEffect>> decide)
    {
        var world = new World(seed, hosts: 3, vms: 3, decide);
        try
        {
            world.Run(seconds: 180, calmSeconds: 120);
        }
        finally
        {
            history.AddRange(world.History);
        }
    }

    private static Decision<VmEvent, VmEffect>.Accept Accept(VmEvent fact) => new(fact);
}
