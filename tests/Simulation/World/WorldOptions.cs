using Orchestrator.Agent;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Simulated;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>What the world outside the engine is like when nothing is wrong with it.</summary>
public sealed record WorldOptions
{
    public int Hosts { get; init; } = 10;

    public SimulatedProfile Profile { get; init; } = new()
    {
        LaunchTime = TimeSpan.FromMilliseconds(400),
        BootTime = TimeSpan.FromSeconds(5),
        ShutdownTime = TimeSpan.FromSeconds(4),
        MigrationTime = TimeSpan.FromSeconds(5),
        HostBootTime = TimeSpan.FromSeconds(20),
    };

    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long an agent waits for a migration to arrive.</summary>
    public TimeSpan IncomingTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>One way between a node and a host; up to twice as long by chance.</summary>
    public TimeSpan Latency { get; init; } = TimeSpan.FromMicroseconds(150);

    /// <summary>The engine's own limit (hosts.silent-after): a host heard within it gives no reason to cut its power.</summary>
    public TimeSpan SilentAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For so long after a silence a power order may still be under way.</summary>
    public TimeSpan PowerOrderMayLag { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>As <c>orchestrator.agent.lease</c> and <c>watchdog-timeout</c>.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan WatchdogTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Those of odd numbers have a crash kernel.</summary>
    public bool CrashKernels { get; init; }

    /// <summary>How long a crash kernel boots until it speaks, and how often it speaks then.</summary>
    public TimeSpan CrashKernelBootTime { get; init; } = TimeSpan.FromSeconds(8);

    public TimeSpan CrashKernelSpeaksEvery { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Agents show certificates; else they know nothing of them.</summary>
    public bool Certificates { get; init; }

    /// <summary>How long those live that the engine's authority signs.</summary>
    public TimeSpan CertificateLife { get; init; } = TimeSpan.FromMinutes(20);

    /// <summary>From the death of an agent to its start by the system.</summary>
    public TimeSpan AgentRestartTime { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A planted bug between the wire and the agent; null for the agent as it is. See <see cref="PlantedBug"/>.</summary>
    public OrderTaker? Bug { get; init; }

    /// <summary>A planted bug: agents do what an owner says whom another has followed.</summary>
    public bool ObeysOldEpochs { get; init; }
}

/// <summary>Takes an order on its way to the agent: what the engine gets to hear as the agent's answer.</summary>
public delegate AgentAnswer OrderTaker(WorldHost host, Guid vm, object order, Func<AgentAnswer> agent);

/// <summary>Which way a broken line does not carry.</summary>
[Flags]
public enum Direction { ToHost = 1, FromHost = 2, Both = 3 }

/// <summary>What a power device does with an order.</summary>
public enum FenceHow
{
    Works,

    /// <summary>Says no at once and does nothing.</summary>
    Refuses,

    /// <summary>Never answers and does nothing.</summary>
    IsDeaf,

    /// <summary>Does it, and its answer is lost.</summary>
    LosesItsAnswer,

    /// <summary>Does it late; the answer comes within the limit or not.</summary>
    IsSlow,

    /// <summary>Says that it is done and does nothing. Breaks the promise by nature, so copies on that host are excused.</summary>
    Lies,
}

/// <summary>What a client must tell the engine so that it can turn this machine's power.</summary>
public sealed record FenceParameters(string Type, string Address, int Port, string Username);
