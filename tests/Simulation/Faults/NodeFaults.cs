using Orchestrator.Tests.Simulation.Installation;
using Orchestrator.Tests.Simulation.Machine;
using Orchestrator.Tests.Simulation.World;

namespace Orchestrator.Tests.Simulation.Faults;

/// <summary>What can happen to engine nodes, to the network between them, and to the database.</summary>
public sealed class NodeFaults(Simulation simulation, Random chance)
{
    private int _mendings;

    public IEnumerable<(string Name, double Weight, Action Inject)> Kinds =>
    [
        ("node-kill", 4, () => Kill(kernelLives: true)),
        ("node-power", 2, () => Kill(kernelLives: false)),
        ("node-pause", 5, PauseNode),
        ("node-slow", 2, SlowNode),
        ("node-leave", 2, Leave),
        ("node-clock", 2, JumpClock),
        ("net-cut", 3, () => CutLink(oneWay: false)),
        ("net-one-way", 3, () => CutLink(oneWay: true)),
        ("net-isolate", 2, () => Isolate(Between(1, 25), "; hosts still hear it")),
        ("net-held-back", 2, HoldBack),
        ("net-reset", 2, Reset),
        ("net-slow", 2, SlowLink),
        ("db-down", 2, DatabaseDown),
        ("db-restart", 1, DatabaseRestart),
        ("db-slow", 2, DatabaseSlow),
        ("db-lossy", 3, DatabaseLossy),
        ("db-cut", 4, CutFromDatabase),
    ];

    private IReadOnlyList<SimulatedNode> Nodes => simulation.Nodes;

    private Installation.SimulatedDatabase Database => simulation.Database;

    /// <summary>Everything is as it should be, and every node runs or starts.</summary>
    public void HealAll()
    {
        _mendings++;
        Database.IsDown = false;
        (Database.Faults.RequestsLost, Database.Faults.AnswersLost) = (0, 0);
        Database.Faults.Latency = TimeSpan.FromMicroseconds(400);
        simulation.SlowLinks.Clear();
        foreach (var one in Nodes)
            foreach (var other in Nodes)
                if (one != other) simulation.Network.Heal(one.Name, other.Name);
        foreach (var node in Nodes)
        {
            if (node.Store is { } store) store.IsCut = false;
            node.Process?.Slow(TimeSpan.Zero);
            node.Process?.Wake(chance.Next(2) == 0);
            if (!node.IsLeaving) node.Start();
            else WhenGone(node);
        }
    }

    private void Kill(bool kernelLives)
    {
        if (Any(n => n.Process is not null) is not { } node) return;
        var down = Between(1, 40);
        Note(kernelLives ? $"{node.Name} is killed" : $"{node.Name} loses its power", down);
        node.Kill(kernelLives);
        Later(down, () => Start(node));
    }

    private void PauseNode()
    {
        if (Any(n => n.IsUp && !n.IsLeaving) is not { } node) return;
        var (process, time) = (node.Process!, Between(0.2, 15));
        Note($"{node.Name} stands still", time);
        process.Pause();
        Later(time, () =>
        {
            if (process.State != ProcessState.Paused) return;
            simulation.Timeline.Note($"{node.Name} wakes up");
            process.Wake(chance.Next(2) == 0);
        });
    }

    private void SlowNode()
    {
        if (Any(n => n.IsUp && n.Process!.TurnTime == TimeSpan.Zero) is not { } node) return;
        var (process, time) = (node.Process!, Between(3, 25));
        var turn = TimeSpan.FromMicroseconds(chance.Next(300, 5000));
        Note($"{node.Name} is slow ({turn.TotalMilliseconds:F1} ms a turn)", time);
        process.Slow(turn);
        Later(time, () => process.Slow(TimeSpan.Zero));
    }

    private void Leave()
    {
        if (Any(n => n.IsUp && !n.IsLeaving && n.System is not null) is not { } node) return;
        simulation.Timeline.Note($"fault: {node.Name} is asked to leave");
        node.Leave();
        Later(Between(15, 40), () => WhenGone(node));
    }

    private void WhenGone(SimulatedNode node)
    {
        if (node.Process is null) Start(node);
        else simulation.After(TimeSpan.FromSeconds(1), () => WhenGone(node));
    }

    private void Start(SimulatedNode node)
    {
        if (node.Process is not null) return;
        simulation.Timeline.Note($"{node.Name} is started");
        node.Start();
    }

    private void JumpClock()
    {
        if (Any(_ => true) is not { } node) return;
        var by = Between(0.1, 3600) * (chance.Next(2) == 0 ? 1 : -1) * (chance.Next(3) == 0 ? 1 : 0.003);
        simulation.Timeline.Note($"fault: the clock of {node.Name} jumps by {by.TotalSeconds:F1} s");
        node.JumpClock(by);
    }

    private void CutLink(bool oneWay)
    {
        if (Any(_ => true) is not { } one || Any(n => n != one) is not { } other) return;
        var time = Between(0.2, 30);
        Note(oneWay ? $"nothing gets from {one.Name} to {other.Name}" : $"{one.Name} and {other.Name} are cut apart", time);
        simulation.Network.Cut(one.Name, other.Name);
        if (!oneWay) simulation.Network.Cut(other.Name, one.Name);
        Later(time, () =>
        {
            simulation.Network.Heal(one.Name, other.Name);
            if (!oneWay) simulation.Network.Heal(other.Name, one.Name);
        });
    }

    /// <summary>What it has ordered last reaches the hosts when others own what it owned.</summary>
    private void HoldBack()
    {
        var time = Between(4, 12);
        if (Isolate(time, "; what it tells the hosts is held back") is not { } node) return;
        foreach (var host in simulation.World.Hosts) simulation.World.Faults.Cut(node.Name, host, Direction.ToHost, time);
    }

    /// <summary>From the other nodes and from the database.</summary>
    private SimulatedNode? Isolate(TimeSpan time, string hosts)
    {
        if (Any(n => n.Store is not null) is not { } node) return null;
        Note($"{node.Name} is cut off from the other nodes and from the database{hosts}", time);
        var store = node.Store!;
        store.IsCut = true;
        foreach (var other in Nodes.Where(n => n != node))
        {
            simulation.Network.Cut(node.Name, other.Name);
            simulation.Network.Cut(other.Name, node.Name);
        }

        Later(time, () =>
        {
            store.IsCut = false;
            foreach (var other in Nodes.Where(n => n != node))
            {
                simulation.Network.Heal(node.Name, other.Name);
                simulation.Network.Heal(other.Name, node.Name);
            }
        });
        return node;
    }

    private void Reset()
    {
        if (Any(_ => true) is not { } one || Any(n => n != one) is not { } other) return;
        simulation.Timeline.Note($"fault: the connection from {one.Name} to {other.Name} breaks");
        simulation.Network.Reset(one.Name, other.Name);
    }

    private void SlowLink()
    {
        if (Any(_ => true) is not { } one || Any(n => n != one) is not { } other) return;
        var (time, delay) = (Between(2, 25), TimeSpan.FromMilliseconds(chance.Next(5, 800)));
        Note($"packets from {one.Name} to {other.Name} take {delay.TotalMilliseconds:F0} ms", time);
        simulation.SlowLinks[(one.Name, other.Name)] = delay;
        Later(time, () => simulation.SlowLinks.Remove((one.Name, other.Name)));
    }

    private void DatabaseDown()
    {
        var time = Between(0.5, 30);
        Note("the database is down", time);
        Database.IsDown = true;
        Later(time, () =>
        {
            Database.ComeBack();
            simulation.Timeline.Note("the database is up again");
        });
    }

    private void DatabaseRestart()
    {
        simulation.Timeline.Note("fault: the database restarts");
        Database.Engine.Restart();
    }

    private void DatabaseSlow()
    {
        var (time, latency) = (Between(2, 20), TimeSpan.FromMilliseconds(chance.Next(10, 300)));
        Note($"the database takes {latency.TotalMilliseconds:F0} ms each way", time);
        Database.Faults.Latency = latency;
        Later(time, () => Database.Faults.Latency = TimeSpan.FromMicroseconds(400));
    }

    private void DatabaseLossy()
    {
        var time = Between(2, 20);
        (Database.Faults.RequestsLost, Database.Faults.AnswersLost) = (0.15 * chance.NextDouble(), 0.3 * chance.NextDouble());
        Note($"{Database.Faults.RequestsLost:P0} of the questions to the database and {Database.Faults.AnswersLost:P0} "
            + "of its answers are lost", time);
        Later(time, () => (Database.Faults.RequestsLost, Database.Faults.AnswersLost) = (0, 0));
    }

    private void CutFromDatabase()
    {
        if (Any(n => n.Store is { IsCut: false }) is not { } node) return;
        var (store, time) = (node.Store!, Between(0.5, 25));
        Note($"{node.Name} is cut off from the database", time);
        store.IsCut = true;
        Later(time, () => store.IsCut = false);
    }

    private SimulatedNode? Any(Func<SimulatedNode, bool> fits)
    {
        SimulatedNode[] some = [.. Nodes.Where(fits)];
        return some.Length == 0 ? null : some[chance.Next(some.Length)];
    }

    /// <summary>Short times are as likely as long ones.</summary>
    private TimeSpan Between(double least, double most) =>
        TimeSpan.FromSeconds(least * Math.Pow(most / least, chance.NextDouble()));

    private void Note(string what, TimeSpan time) =>
        simulation.Timeline.Note($"fault: {what} for {time.TotalSeconds:F1} s");

    /// <summary>Mends after a time, unless everything was mended before.</summary>
    private void Later(TimeSpan time, Action mend)
    {
        var storm = _mendings;
        simulation.After(time, () =>
        {
            if (storm == _mendings) mend();
        });
    }
}
