using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Ledgers;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Agent.Simulated;

/// <summary>
/// One machine: power, disk (ledger and jobs survive everything), a boot with its hypervisor, and in it an agent that
/// may be restarted. Off or <see cref="HostFaults.Silent"/>, it lets no byte in or out and says nothing about it.
/// </summary>
public sealed class SimulatedHost(
    int number, SimulatedProfile profile, GuestTruth truth, int seed, SimulatedImages images,
    Func<string, SimulatedHypervisor?> find, TimeProvider time, ILogger log) : IAsyncDisposable
{
    private readonly SemaphoreSlim _power = new(1);
    private readonly MemoryLog _ledger = new();
    private readonly MemoryLog _jobs = new();
    private readonly Random _random = new(seed);
    private BootIdentity _boot = new("", 0);
    private TaskCompletionSource _audible = Now();
    private HostFaults _faults = new();
    private int _boots;

    public int Number => number;

    public HostAgent? Agent { get; private set; }

    public SimulatedHypervisor? Hypervisor { get; private set; }

    public HostFaults Faults
    {
        get => _faults;
        set
        {
            _faults = value;
            Listen();
        }
    }

    public FleetHost Describe() => new(number, Hypervisor is not null, _boot.BootId, Hypervisor?.Guests ?? 0, _faults);

    public async Task PowerOn()
    {
        await _power.WaitAsync();
        try
        {
            if (Hypervisor is not null) return;
            _boots++;
            _boot = new BootIdentity($"boot-{number}-{_boots}", 0);
            Hypervisor = new SimulatedHypervisor(
                number, _boot.BootId, profile, () => _faults, truth, images, seed + _boots, find, time);
            await StartAgent(Hypervisor);
            Listen();
        }
        finally
        {
            _power.Release();
        }
    }

    public async Task PowerOff()
    {
        await _power.WaitAsync();
        try
        {
            if (Hypervisor is not { } gone) return;
            Hypervisor = null;
            Listen();
            gone.PowerOff();
            await StopAgent();
        }
        finally
        {
            _power.Release();
        }
    }

    /// <summary>kill -9 and start of the agent alone: guests run on, what was in its memory is gone.</summary>
    public async Task RestartAgent()
    {
        await _power.WaitAsync();
        try
        {
            if (Hypervisor is not { } hypervisor) return;
            await StopAgent();
            await StartAgent(hypervisor);
        }
        finally
        {
            _power.Release();
        }
    }

    /// <returns>The agent, once the host hears again. Throws when the sender gives up before.</returns>
    public async ValueTask<HostAgent?> Enter(HttpContext request)
    {
        if (_faults.AnswerDelayMs > 0)
            await Task.Delay(TimeSpan.FromMilliseconds(_faults.AnswerDelayMs), time, request.RequestAborted);
        if (!_audible.Task.IsCompleted) await _audible.Task.WaitAsync(request.RequestAborted);
        return Agent;
    }

    public async ValueTask Leave(HttpContext request)
    {
        if (!_audible.Task.IsCompleted) await _audible.Task.WaitAsync(request.RequestAborted);
        if (_faults.LostAnswers <= 0 || HttpMethods.IsGet(request.Request.Method)) return;
        bool lost;
        lock (_random) lost = _random.NextDouble() < _faults.LostAnswers;
        if (!lost) return;
        request.Abort();
        throw new OperationCanceledException("the answer is lost on the wire");
    }

    public async ValueTask DisposeAsync()
    {
        Hypervisor?.PowerOff();
        Hypervisor = null;
        await StopAgent();
        _audible.TrySetResult();
        _power.Dispose();
    }

    private async Task StartAgent(SimulatedHypervisor hypervisor)
    {
        _boot = _boot.Restarted;
        var about = new AgentDescription(
            new Guid(number, 0, 0, [0x51, 0, 0, 0, 0, 0, 0, 0]).ToString(), _boot.BootId, AgentServer.Version,
            AgentDescription.CurrentProtocol)
        {
            Driver = "simulated",
            Accelerator = "simulated",
            HostName = $"sim-{number}",
        };
        Agent = new HostAgent(
            about, _boot, new LeaseLedger(_ledger), hypervisor, new ImageJobs(_jobs, new GuestImageWork(images, hypervisor.Images), log),
            TimeSpan.FromSeconds(30), time, log, domains: new DomainWatch(new Probe(this), time))
        {
            Storage = new StorageKeeper(new Mounts("/var/lib/orchestrator/storage", new SimulatedMounter(), log, time), new Probe(this), null, time, log),
        };
        await Agent.Open(CancellationToken.None);
    }

    /// <summary>Its storage is no folder, so a fault alone can take it away.</summary>
    private sealed class Probe(SimulatedHost host) : IDomainProbe, IPlaceProbe
    {
        public Task<PlaceSize> Look(StoragePlace place) => host._faults.StorageGone
            ? Task.FromException<PlaceSize>(new IOException("Input/output error"))
            : Task.FromResult(new PlaceSize(SimulatedImages.DomainBytes, SimulatedImages.DomainBytes, TimeSpan.FromMilliseconds(1)));

        public Task Read(string folder) =>
            host._faults.StorageGone ? Task.FromException(new IOException("Input/output error")) : Task.CompletedTask;
    }

    private async Task StopAgent()
    {
        if (Agent is { } agent) await agent.DisposeAsync();
        Agent = null;
    }

    /// <summary>Lets waiting requests through, or makes the coming ones wait.</summary>
    private void Listen()
    {
        var audible = Hypervisor is not null && !_faults.Silent;
        if (audible) _audible.TrySetResult();
        else if (_audible.Task.IsCompleted) _audible = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private static TaskCompletionSource Now()
    {
        var now = new TaskCompletionSource();
        now.SetResult();
        return now;
    }
}
