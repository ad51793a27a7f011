using Orchestrator.Tests.Simulation.Planting;

namespace Orchestrator.Tests.Simulation;

/// <summary>What is simulated. The same options and the same seed give the same run, byte for byte.</summary>
public sealed record Options
{
    public required int Seed { get; init; }

    /// <summary>Simulated time.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromHours(1);

    public int Nodes { get; init; } = 3;

    public int Hosts { get; init; } = 10;

    public int Vms { get; init; } = 100;

    /// <summary>One command of the clients per this time on average.</summary>
    public TimeSpan CommandEvery { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Faults come in storms; one per this time on average within a storm.</summary>
    public TimeSpan FaultEvery { get; init; } = TimeSpan.FromSeconds(20);

    public TimeSpan Storm { get; init; } = TimeSpan.FromMinutes(6);

    /// <summary>After the last fault of a storm everything must have settled within this time.</summary>
    public TimeSpan SettlesWithin { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Faults by name; empty: all kinds.</summary>
    public IReadOnlyCollection<string> Faults { get; init; } = [];

    /// <summary>Engine nodes may restart agents over SSH.</summary>
    public bool SoftFencing { get; init; } = true;

    /// <summary>Some hosts have crash kernels, and engine nodes hear them.</summary>
    public bool Kdump { get; init; } = true;

    /// <summary>Agents have certificates that end after a while; else they are agents of 0.1.0, which are asked for none.</summary>
    public bool Certificates { get; init; } = true;

    public bool Verbose { get; init; }

    /// <summary>Lines of the timeline that are kept.</summary>
    public int Keep { get; init; } = 4000;

    /// <summary>Settings of the engine. By chance hosts are silent more often than in life: who waits for the end of a quarantine is
    /// to have settled, too.</summary>
    public string Hocon { get; init; } = "orchestrator.hosts.quarantine-first = 20 s\norchestrator.hosts.quarantine-longest = 60 s\n"
        + "orchestrator.hosts.certificate-look-every = 40 s";

    /// <summary>Null: the engine as it is.</summary>
    public Planted? Bug { get; init; }

    public string Command => FormattableString.Invariant(
        $"./do simulate --seed {Seed} --hours {Time.TotalHours:R} --nodes {Nodes} --hosts {Hosts} --vms {Vms}")
        + Unless("storm", Storm, TimeSpan.FromMinutes(6)) + Unless("fault-every", FaultEvery, TimeSpan.FromSeconds(20))
        + Unless("command-every", CommandEvery, TimeSpan.FromSeconds(3))
        + (Faults.Count == 0 ? "" : $" --faults {string.Join(',', Faults)}")
        + (Bug is null ? "" : $" --bug {Bug.Name}");

    private static string Unless(string option, TimeSpan value, TimeSpan usual) =>
        value == usual ? "" : FormattableString.Invariant($" --{option} {value.TotalSeconds:R}");
}
