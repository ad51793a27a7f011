using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent;
using Orchestrator.Agent.Ledgers;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Simulated;
using Orchestrator.Agent.Storage;
using Orchestrator.Agent.Survival;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>
/// One machine: power, own disk (the agent's ledger and jobs outlive everything), power device, a boot with its
/// hypervisor, and in it an agent that may be dead, hang or be late.
/// </summary>
public sealed class WorldHost : IDisposable, IBootMemory
{
    public const int AgentPort = 54321;
    private readonly SimulatedWorld _world;
    private MemoryLog _ledger = new();
    private readonly MemoryLog _jobs = new();
    private readonly Random _random;
    private readonly ILogger _log;
    private BootIdentity _boot = new("", 0);
    private ITimer? _starting;
    private int _boots;
    private int _lives;
    private object? _process;
    private HostClock? _lingering;

    internal WorldHost(SimulatedWorld world, int number, int seed)
    {
        _world = world;
        _random = new Random(seed);
        Number = number;
        Clock = new HostClock(world.Clock, world.Context);
        Address = new Uri($"https://10.99.0.{number}:{AgentPort}/");
        Power = new PowerDevice(world, this, new Random(seed + 1));
        Watchdog = new WorldWatchdog(world, this);
        _log = new WorldLog(this, world);
        var now = world.Clock.GetUtcNow();
        Certificate = (now, now + world.Options.CertificateLife);
        Tickets = new SimulatedTickets(Clock);
    }

    /// <summary>Of image transfers. What is not closed is lost when the agent is restarted.</summary>
    public SimulatedTickets Tickets { get; }

    public int Number { get; }

    public string Name => $"host-{Number}";

    /// <summary>Where engine nodes reach its agent.</summary>
    public Uri Address { get; }

    public FenceParameters Fence => new("ipmilan", $"10.99.1.{Number}", 623, "admin");

    /// <summary>The power is on; guests run only if it is.</summary>
    public bool Powered { get; private set; }

    /// <summary>Should its kernel crash, another writes its memory.</summary>
    public bool HasCrashKernel => _world.Options.CrashKernels && Number % 2 == 1;

    public string BootId => _boot.BootId;

    public PowerDevice Power { get; }

    /// <summary>It has one that agents arm.</summary>
    public bool HasWatchdog { get; set; } = true;

    internal WorldWatchdog Watchdog { get; }

    string? IBootMemory.Lease { get; set; }

    public HostFaults Faults { get; internal set; } = new();

    /// <summary>When the certificate that its agent shows was made, and when it ends; on its disk.</summary>
    internal (DateTimeOffset From, DateTimeOffset Until) Certificate { get; set; }

    /// <summary>A key that waits for its certificate; on its disk, too.</summary>
    internal bool HasNewKey { get; set; }

    public SimulatedHypervisor? Hypervisor { get; private set; }

    internal HostClock Clock { get; }

    /// <summary>Null while the machine is off or boots, or the agent is dead.</summary>
    internal AgentLife? Life { get; private set; }

    /// <summary>The system runs: what is not listened to is refused at once, and not met with silence.</summary>
    internal bool SystemRuns => Hypervisor is not null && !Frozen;

    /// <summary>The whole machine stands still with all that is in it, and will not know when it goes on.</summary>
    internal bool Frozen { get; private set; }

    internal bool DiskIsFull { get; set; }

    internal TimeSpan AnswersLateBy { get; set; }

    /// <summary>Share of orders whose answer is lost though they are carried out, 0 to 1.</summary>
    internal double LosesAnswers { get; set; }

    /// <summary>Directions in which no engine node and no other host reaches it.</summary>
    internal Direction Isolated { get; set; }

    /// <summary>When a word of it was last read by an engine node, and when that last ended a silence.</summary>
    internal TimeSpan? LastHeard { get; set; }

    internal TimeSpan? SilenceEnded { get; set; }

    /// <summary>When something was last done to it from outside.</summary>
    internal TimeSpan? LastFault { get; set; }

    public ImmutableArray<(GuestKey Key, GuestState State, VmDefinition Definition)> Guests =>
        Hypervisor?.Running() ?? [];

    internal void PowerOn(TimeSpan bootTime)
    {
        if (Powered) return;
        Powered = true;
        if (bootTime == TimeSpan.Zero) Boot();
        else _starting = Clock.CreateTimer(_ => Boot(), null, bootTime, Timeout.InfiniteTimeSpan);
    }

    internal void PowerOff()
    {
        if (!Powered) return;
        Powered = false;
        Tickets.Forget();
        Watchdog.Off();
        _lingering?.Hold();
        _lingering = null;
        Thaw();
        _starting?.Dispose();
        var gone = Hypervisor;
        Hypervisor = null;
        Life?.Kill();
        Life = null;
        gone?.PowerOff();
    }

    /// <summary>Its kernel dies with all guests. The crash kernel boots, writes the memory, and starts the machine anew.</summary>
    internal void Crash(TimeSpan writesFor, TimeSpan bootTime)
    {
        if (!Powered) return;
        PowerOff();
        Powered = true;
        var ends = _world.Now + _world.Options.CrashKernelBootTime + writesFor;
        _starting = Clock.CreateTimer(_ => Speak(ends, bootTime), null, _world.Options.CrashKernelBootTime, Timeout.InfiniteTimeSpan);
    }

    private void Speak(TimeSpan ends, TimeSpan bootTime)
    {
        var left = ends - _world.Now;
        if (left <= TimeSpan.Zero)
        {
            _world.Note($"{Name}: its memory is written, it starts anew");
            _starting = Clock.CreateTimer(_ => Boot(), null, bootTime, Timeout.InfiniteTimeSpan);
            return;
        }

        if (!Isolated.HasFlag(Direction.FromHost)) _world.CrashKernelSpeaks(this);
        var pause = left < _world.Options.CrashKernelSpeaksEvery ? left : _world.Options.CrashKernelSpeaksEvery;
        _starting = Clock.CreateTimer(_ => Speak(ends, bootTime), null, pause, Timeout.InfiniteTimeSpan);
    }

    internal void Freeze()
    {
        if (!Powered || Frozen) return;
        Frozen = true;
        Life?.Hang();
        Clock.Hold();
    }

    internal void Thaw()
    {
        if (!Frozen) return;
        Frozen = false;
        Clock.Release();
        Life?.GoOn();
    }

    public void Dispose()
    {
        PowerOff();
        _ledger.Dispose();
        _jobs.Dispose();
    }

    /// <summary>kill -9; the system starts it anew. Guests run on.</summary>
    internal void KillAgent(TimeSpan startsAfter)
    {
        if (Life is not { } life) return;
        life.Kill();
        Life = null;
        Tickets.Forget();
        _world.ConnectionsReset(life);
        _starting?.Dispose();
        _starting = Clock.CreateTimer(_ => StartAgent(), null, startsAfter, Timeout.InfiniteTimeSpan);
    }

    /// <summary>As the system does it when it is told to: one that runs ends first, one that was to wait does not.</summary>
    internal void RestartAgent(TimeSpan startsAfter)
    {
        if (!SystemRuns) return;
        if (Life is null)
        {
            _starting?.Dispose();
            _starting = Clock.CreateTimer(_ => StartAgent(), null, startsAfter, Timeout.InfiniteTimeSpan);
        }

        KillAgent(startsAfter);
    }

    /// <summary>The one fault that no agent survives in honour: its memory of leases is gone.</summary>
    internal void ForgetLedger()
    {
        _ledger.Dispose();
        _ledger = new MemoryLog();
    }

    string IBootMemory.BeginAnew()
    {
        ((IBootMemory)this).Lease = null;
        _lives++;
        _boot = _boot with { BootId = $"boot-{Number}-{_boots}.{_lives}" };
        LastFault = _world.Now;
        _world.Note($"{Name} has ended its guests, and begins anew ({_boot.BootId})");
        return _boot.BootId;
    }

    private void Boot()
    {
        _boots++;
        _lives = 0;
        ((IBootMemory)this).Lease = null;
        _boot = new BootIdentity($"boot-{Number}-{_boots}", 0);
        Hypervisor = new SimulatedHypervisor(
            Number, _boot.BootId, _world.Options.Profile, () => Faults, _world.Truth, _world.Images, _random.Next(), Find,
            Clock)
        {
            Writes = (guest, disk, paths) => _world.Writers.Writes(this, guest, disk, paths),
        };
        StartAgent();
        if (_boots > 1) _world.Note($"{Name} has booted ({_boot.BootId})");
    }

    public bool HasMounted(string folder) => Life is { Alive: true } life && life.Mounter.Mounted().Contains(folder);

    private void StartAgent()
    {
        if (Hypervisor is not { } hypervisor) return;
        _boot = _boot.Restarted;
        _lingering?.Hold();
        _lingering = null;
        var about = new AgentDescription(
            new Guid(Number, 0, 0, [0x51, 0, 0, 0, 0, 0, 0, 0]).ToString(), _boot.BootId, AgentServer.Version,
            AgentDescription.CurrentProtocol)
        {
            Driver = "simulated",
            Accelerator = "simulated",
            HostName = Name,
            CrashKernel = HasCrashKernel,
        };
        var alarm = new LedgerAlarm();
        var process = _process = new object();
        _ = EndWhenBroken(alarm, process);
        var clock = new HostClock(_world.Clock, _world.Context, Clock);
        var guard = new HostGuard(
            _boot.BootId, _world.Options.Lease, new WorldLeases(_world, this, clock), Watchdog.Of(() => process == _process && Life?.Alive != false), this, clock, _log);
        try
        {
            var life = new AgentLife(
                about, _boot, File(_ledger), File(_jobs), hypervisor,
                new SharedStorage(_world.Images, this, _world.Writers, _random, Clock),
                _world.Options.IncomingTimeout, clock, _log, guard, new WorldProbe(this, clock))
            {
                Restarts = guest => _world.Note($"{_world.NameOf(guest.Vm)} on {Name} starts anew where it is"),
            };
            Life = life;
            _ = life.Agent.Open(CancellationToken.None);
        }
        catch (IOException)
        {
            // It could not even begin; the alarm has rung. Its guard lingers until the next one is started.
            _lingering = clock;
        }

        AlarmedLog File(MemoryLog file) => new(new Disk(file, () => DiskIsFull, _random), alarm);
    }

    /// <summary>An agent that cannot write its ledger ends; the system starts it again and again.</summary>
    private async Task EndWhenBroken(LedgerAlarm alarm, object process)
    {
        var why = await alarm.Rung;
        // A process takes a moment to end by itself.
        await Task.Delay(TimeSpan.FromMilliseconds(50), Clock);
        if (process != _process || !SystemRuns) return;
        _world.Note($"{Name}: its agent ends because it cannot write its ledger: {why.Message}");
        if (Life is not null) KillAgent(_world.Options.AgentRestartTime);
        else _starting = Clock.CreateTimer(_ => StartAgent(), null, _world.Options.AgentRestartTime, Timeout.InfiniteTimeSpan);
    }

    private SimulatedHypervisor? Find(string uri) => _world.Destination(this, uri);
}
