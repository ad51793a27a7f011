using Orchestrator.Tests.Simulation.World;

namespace Orchestrator.Tests.Simulation.Faults;

/// <summary>What can happen to hosts, agents, power devices, storage and guests; carried out by the world.</summary>
public sealed class HostFaultKinds(Simulation simulation, Random chance)
{
    public IEnumerable<(string Name, double Weight, Action Inject)> Kinds =>
    [
        ("host-power", 2, () => World.PowerOff(Host())),
        ("host-reboot", 2, () => World.Reboot(Host())),
        ("host-crash", 1, () => World.Crash(Host(), Time(2, 90))),
        ("host-cut", 3, () => World.CutOff(Host(), Way(), Time(1, 40))),
        ("host-line", 4, () => World.Cut(Node(), Host(), Way(), Time(0.5, 30))),
        ("host-slow-line", 2, () => World.SlowLink(Node(), Host(), Time(0.01, 3), Time(2, 30))),
        ("host-break", 3, () => World.BreakStreams(Node(), Host())),
        ("host-lossy", 2, () => World.LoseAnswers(Host(), 0.1 + (0.5 * chance.NextDouble()), Time(5, 40))),
        ("hosts-apart", 1, () => World.CutHosts(Host(), Host(), Time(5, 40))),
        ("host-freeze", 2, () => World.Freeze(Host(), Time(1, 60))),
        ("agent-restart", 3, () => World.RestartAgent(Host(), Time(0.5, 20))),
        ("agent-hang", 3, () => World.HangAgent(Host(), Time(0.5, 25))),
        ("agent-late", 2, () => World.AnswerLate(Host(), Time(0.1, 15), Time(5, 40))),
        ("disk-full", 1, () => World.DiskFull(Host(), Time(5, 30))),
        ("host-clock", 2, () => World.JumpClock(Host(), Time(1, 3600) * (chance.Next(2) == 0 ? 1 : -1))),
        ("storage-gone", 1, () => World.StorageGone(chance.Next(4) == 0 ? null : Host(), Time(3, 40))),
        ("host-cut-from-everything", 3, () => World.CutFromEverything(Host(), Time(3, 90))),
        ("fence-fails", 4, () => World.FenceFails(Host(), How(), Time(10, 90), Time(1, 60))),
        ("fence-lies", 1, () => World.FenceLies(Host(), Time(10, 60))),
        ("guest-dies", 3, () => Guest(g => World.GuestDies(g))),
        ("guest-ends", 2, () => Guest(g => World.GuestShutsDown(g))),
        ("migrations-fail", 2, () => World.MigrationsFail(Host(), 0.2 + (0.8 * chance.NextDouble()), Time(10, 90))),
        ("migrations-long", 1, () => World.MigrationsTakeLong(Host(), 2 + chance.Next(20), Time(10, 90))),
        ("migration-line-down", 1, () => World.MigrationLineDown(Host(), Time(1, 60))),
        ("launches-fail", 2, () => World.LaunchesFail(Host(), 0.2 + (0.8 * chance.NextDouble()), Time(10, 90))),
    ];

    private WorldFaults World => simulation.World.Faults;

    private WorldHost Host() => simulation.World.Hosts[chance.Next(simulation.World.Hosts.Count)];

    private string Node() => simulation.Nodes[chance.Next(simulation.Nodes.Count)].Name;

    private Direction Way() => (Direction)(1 + chance.Next(3));

    private FenceHow How() => (FenceHow)(1 + chance.Next(4));

    private TimeSpan Time(double least, double most) =>
        TimeSpan.FromSeconds(least * Math.Pow(most / least, chance.NextDouble()));

    private void Guest(Action<Guid> what)
    {
        var guests = simulation.World.Running().ToArray();
        if (guests.Length > 0) what(guests[chance.Next(guests.Length)].Vm);
    }
}
