using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Simulated;
using Orchestrator.Agent.Survival;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>
/// Everything outside the engine: hosts with real agents, guards and ledgers on a simulated hypervisor, their power
/// devices, the storage, and the lines between them and each engine node. All of it runs on the given clock and on the
/// thread that moves it; every choice is made by the seed. Each fault and what follows from it is noted in words.
/// </summary>
public sealed class SimulatedWorld : IDisposable
{
    private readonly Action<string> _note;
    private readonly WorldHost[] _hosts;
    private readonly Dictionary<(string Node, int Host), Wire> _wires = [];
    private readonly Dictionary<Guid, string> _names = [];
    private readonly long _began;
    private readonly int _seed;

    public SimulatedWorld(WorldOptions options, TimeProvider clock, int seed, Action<string> note)
    {
        (Options, Clock, _seed, _note) = (options, clock, seed, note);
        _began = clock.GetTimestamp();
        Random = new Random(seed);
        Context = new WorldContext(clock);
        OwnClock = new HostClock(clock, Context);
        Truth = new GuestTruth(clock);
        Images = new SimulatedImages(OwnClock);
        Checks = new WorldChecks(this);
        Copies = new CopyChecks(this, Checks);
        Writers = new DiskChecks(this, Checks);
        Images.Merged = Writers.Merged;
        Leases = new LeaseChecks(this, Checks);
        Losses = new LossChecks(this, Checks);
        Powers = new PowerChecks(this, Checks);
        var memories = new MemoryChecks(this, Checks);
        Truth.Reshaped = Writers.Reshaped;
        Truth.Told = life =>
        {
            Copies.Told(life);
            Leases.Told(life);
            Writers.Told(life);
            Losses.Told(life);
            memories.Told(life);
        };
        _hosts = [.. Enumerable.Range(1, options.Hosts).Select(n => new WorldHost(this, n, seed + (1000 * n)))];
        Faults = new WorldFaults(this);
        Context.Run(() =>
        {
            foreach (var host in _hosts) host.PowerOn(TimeSpan.Zero);
        });
    }

    public IReadOnlyList<WorldHost> Hosts => _hosts;

    /// <summary>What the hypervisors know.</summary>
    public GuestTruth Truth { get; }

    /// <summary>What can be broken, and mended.</summary>
    public WorldFaults Faults { get; }

    /// <summary>Every rule that was broken, in the order in which it was.</summary>
    public IReadOnlyList<Violation> Violations => Checks.Violations;

    /// <summary>What would have been a violation if a lying power device had not made it one by nature.</summary>
    public IReadOnlyList<Violation> Excused => Checks.Excused;

    public TimeSpan Now => Clock.GetElapsedTime(_began);

    public WorldOptions Options { get; }

    internal TimeProvider Clock { get; }

    internal HostClock OwnClock { get; }

    internal WorldContext Context { get; }

    internal Random Random { get; }

    public SimulatedImages Images { get; }

    /// <summary>A client has made something else of this image.</summary>
    public void Spoil(string path) => Images.Spoil(path);

    /// <summary>What stands in the hosts' lease files, by folder and host.</summary>
    internal Dictionary<(string Folder, Guid Host), StorageLease> StorageLeases { get; } = [];

    internal WorldChecks Checks { get; }

    internal CopyChecks Copies { get; }

    internal LeaseChecks Leases { get; }

    internal DiskChecks Writers { get; }

    internal LossChecks Losses { get; }

    internal PowerChecks Powers { get; }

    internal IEnumerable<Wire> Wires => _wires.Values;

    /// <summary>The line from an engine node to the agent at that address.</summary>
    /// <exception cref="ArgumentException">No host has this address.</exception>
    public IAgent Agent(string node, Uri address) => new AgentLine(Line(node, HostAt(address)));

    /// <summary>The line from an engine node to the agent at that address, by way of another node.</summary>
    public IAgent Agent(string node, string by, Uri address)
    {
        var host = HostAt(address);
        var way = $"{node} by way of {by}";
        if (!_wires.TryGetValue((way, host.Number), out var wire))
            wire = _wires[(way, host.Number)] = new Wire(this, node, host, new Random(Mix(way, host.Number))) { By = Line(by, host) };
        return new AgentLine(wire);
    }

    /// <summary>The power devices as a fence program on this node reaches them.</summary>
    public IFenceDevices Fence(string node) => new NodeFence(this, node);

    /// <summary>The machines as the ssh client of this node reaches them.</summary>
    public ISoftFence SoftFence(string node) => new NodeSsh(this, node);

    public WorldHost HostAt(Uri address) =>
        _hosts.FirstOrDefault(h => h.Address.Host == address.Host && h.Address.Port == address.Port)
        ?? throw new ArgumentException($"no host answers at {address}", nameof(address));

    /// <summary>The node's process is dead: its connections close, its calls are heard by nobody.</summary>
    public void NodeDied(string node) => Context.Run(() =>
    {
        foreach (var wire in _wires.Values.Where(w => w.Node == node)) wire.NodeDied();
        foreach (var wire in _wires.Values.Where(w => w.By?.Node == node)) wire.Break();
    });

    /// <summary>Whether bytes get from the first node to the second and through it.</summary>
    public Func<string, string, bool> PassesOn { get; set; } = static (_, _) => true;

    /// <summary>The node in the middle of some lines may pass on again what it did not, or no more what it did.</summary>
    public void MiddlesChanged()
    {
        foreach (var wire in _wires.Values.Where(w => w.By is not null)) wire.Changed();
    }

    /// <summary>A client has asked the engine to end this guest, so its end explains itself.</summary>
    public void ClientEnds(Guid vm) => Losses.ClientEnds(vm);

    public void ClientIsAnswered(Guid vm) => Losses.ClientIsAnswered(vm);

    /// <summary>A client has asked the engine to turn the power of this host.</summary>
    public void ClientGoesBack(Guid disk) => Writers.ClientGoesBack(disk);

    public void ClientTurnsPower(WorldHost host) => Powers.ClientTurnsPower(host);

    /// <summary>Guests that run at this moment, with their hosts.</summary>
    public IEnumerable<(WorldHost Host, Guid Vm, long Lease, GuestState State)> Running() =>
        from host in _hosts from guest in host.Guests select (host, guest.Key.Vm, guest.Key.Lease, guest.State);

    public void Dispose()
    {
        Context.Run(() =>
        {
            foreach (var wire in _wires.Values) wire.NodeDied();
            foreach (var host in _hosts) host.Dispose();
        });
        Context.Dispose();
    }

    internal void Note(string what) => _note(what);

    internal string NameOf(Guid vm) => _names.GetValueOrDefault(vm) ?? vm.ToString();

    internal void Learn(VmDefinition definition) => _names[definition.Id] = $"vm {definition.Name}";

    internal WorldHost HostOf(GuestLife life) => _hosts[life.Host - 1];

    internal Wire Line(string node, WorldHost host)
    {
        if (_wires.TryGetValue((node, host.Number), out var wire)) return wire;
        wire = new Wire(this, node, host, new Random(Mix(node, host.Number)));
        _wires[(node, host.Number)] = wire;
        return wire;
    }

    internal void After(TimeSpan time, Action act) =>
        OwnClock.CreateTimer(static a => ((Action)a!)(), act, time, Timeout.InfiniteTimeSpan);

    internal void LinesChanged()
    {
        foreach (var wire in _wires.Values) wire.Changed();
    }

    internal void ConnectionsReset(AgentLife life)
    {
        foreach (var wire in _wires.Values) wire.Reset(life);
    }

    /// <summary>Whether that node is one whose word counts: a process that was frozen and wakes reads what has waited
    /// for it before it knows that it owns nothing any more.</summary>
    public Func<string, bool> MayAct { get; set; } = static _ => true;

    /// <summary>A crash kernel says that it writes the memory, to all engine nodes.</summary>
    public Action<WorldHost> CrashKernelSpeaks { get; set; } = static _ => { };

    /// <summary>A node has read a word of this host's stream. What only came to its socket was heard by nobody.</summary>
    internal void Heard(WorldHost host, string node)
    {
        if (!MayAct(node)) return;
        var now = Now;
        if (host.LastHeard is not { } last || now - last >= Options.SilentAfter) host.SilenceEnded = now;
        host.LastHeard = now;
    }

    /// <summary>Where a migration from this host arrives, null when it is not reached.</summary>
    internal SimulatedHypervisor? Destination(WorldHost from, string uri)
    {
        var n = _hosts.ToList().FindIndex(h => uri == $"sim://{h.Number}/system") + 1;
        if (n == 0) return null;
        var to = _hosts[n - 1];
        return !from.Frozen && !to.Frozen && from.Isolated == 0 && to.Isolated == 0 && !Faults.AreCut(from, to) ? to.Hypervisor : null;
    }

    internal Task<FenceResult> Turn(FenceOrder order, string by)
    {
        var host = _hosts.FirstOrDefault(h => h.Fence.Address == order.Address);
        return host?.Power.Turn(order, by)
            ?? Task.FromResult(new FenceResult(FencePower.Unknown, false, $"no power device answers at {order.Address}"));
    }

    internal void PowerTurnedOff(WorldHost host, string by)
    {
        Powers.TurnedOff(host, by);
        host.Power.HasLied = false;
        Note(host.Powered
            ? $"{host.Name}: power cut by {by}{Lost(host)}"
            : $"{host.Name}: power cut by {by}; it was off already");
        host.LastFault = Now;
        host.PowerOff();
    }

    internal void PowerTurnedOn(WorldHost host, string by)
    {
        if (host.Powered) return;
        Note($"{host.Name}: power switched on by {by}");
        host.PowerOn(Options.Profile.HostBootTime);
    }

    internal static string Lost(WorldHost host) =>
        host.Guests is { Length: > 0 } guests ? $" with {guests.Length} guests on it" : "";

    private int Mix(string node, int host)
    {
        // string.GetHashCode differs from process to process.
        var mixed = _seed;
        foreach (var c in node) mixed = unchecked((mixed * 31) + c);
        return unchecked((mixed * 31) + host) & int.MaxValue;
    }

    private sealed class NodeFence(SimulatedWorld world, string node) : IFenceDevices
    {
        public Task<FenceResult> Run(FenceOrder order, CancellationToken cancel = default)
        {
            var done = new TaskCompletionSource<FenceResult>();
            world.Context.Run(() => _ = Turn(order, done));
            return done.Task.WaitAsync(cancel);
        }

        private async Task Turn(FenceOrder order, TaskCompletionSource<FenceResult> done) =>
            done.TrySetResult(await world.Turn(order, node));
    }
}
