using System.Collections.Immutable;
using Orchestrator.Engine;
using Orchestrator.Engine.Memory;
using Orchestrator.Tests.Simulation.Machine;

namespace Orchestrator.Tests.Simulation.Installation;

/// <summary>PostgreSQL's role: the engine's database and the read model's rows, each write one transaction.</summary>
public sealed class SimulatedDatabase
{
    private readonly SimulatedProcess _world;

    public SimulatedDatabase(SimulatedProcess world, StoreFaults faults)
    {
        (_world, Faults) = (world, faults);
        Engine = new MemoryEngineDatabase(world.Clock);
    }

    public MemoryEngineDatabase Engine { get; }

    public StoreFaults Faults { get; }

    public ReadTables Read { get; } = new();

    public bool IsDown
    {
        get => Engine.IsDown;
        set => Engine.IsDown = value;
    }

    /// <summary>A database that was down has lost its sessions.</summary>
    public void ComeBack()
    {
        IsDown = false;
        Engine.Restart();
    }

    /// <summary>What it holds now; running the result restores that, and says so, as `orchestrator database restored` does.</summary>
    public Action Backup()
    {
        var (engine, read) = (Engine.Backup(), Read.Backup());
        return () =>
        {
            Engine.Restore(engine);
            read();
            Restored?.Invoke();
        };
    }

    /// <summary>All that was written since a backup is lost.</summary>
    public event Action? Restored;

    /// <summary>Raised for each batch that the database answers with "written", with the members and owners of that
    /// moment; a batch said again is raised again.</summary>
    public event Action<NodeId?, ClusterView, JournalBatch>? Written;

    internal void OnWritten(
        NodeId? writer, ClusterView view, ImmutableArray<JournalBatch> batches, ImmutableArray<WriteOutcome> outcomes)
    {
        for (var i = 0; i < batches.Length; i++)
        {
            if (outcomes[i] != WriteOutcome.Written) continue;
            foreach (var row in batches[i].Companions) Read.Take(row);
            Written?.Invoke(writer, view, batches[i]);
        }
    }

    internal void After(TimeSpan time, Action what) =>
        _ = _world.Clock.CreateTimer(static w => ((Action)w!)(), what, time, Timeout.InfiniteTimeSpan);
}

public enum StoreFate { Carried, RequestLost, AnswerLost }

/// <summary>How well the database is reached, all choices from one source of chance.</summary>
public sealed class StoreFaults(Random chance)
{
    /// <summary>database.command-timeout.</summary>
    public TimeSpan CommandTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>One way on average.</summary>
    public TimeSpan Latency { get; set; } = TimeSpan.FromMicroseconds(400);

    /// <summary>0 to 1.</summary>
    public double RequestsLost { get; set; }

    /// <summary>0 to 1: the work is done, and nobody hears of it.</summary>
    public double AnswersLost { get; set; }

    public TimeSpan OneWay() => Latency * (0.5 + chance.NextDouble());

    public StoreFate Next()
    {
        if (RequestsLost == 0 && AnswersLost == 0) return StoreFate.Carried;
        var dice = chance.NextDouble();
        if (dice < RequestsLost) return StoreFate.RequestLost;
        return dice < RequestsLost + AnswersLost ? StoreFate.AnswerLost : StoreFate.Carried;
    }
}
