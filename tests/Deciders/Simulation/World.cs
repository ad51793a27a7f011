using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Deciders.Simulation;

internal enum Delivery { Network, Now }

/// <summary>
/// VMs, hosts, their machines and one cluster under one clock and one seed. Words between entities, and orders to
/// machines, come late, twice, out of order or never; a host's reports come in the order in which it made them, as the
/// link keeps it. After every step no guest may run twice.
/// </summary>
internal sealed class World
{
    private readonly Random _random;
    private readonly PriorityQueue<Action, (long Time, long Order)> _queue = new();
    private readonly List<string> _log = [];
    private readonly SimHost[] _hosts;
    private readonly Entity<VmState, VmCommand, VmEvent, VmEffect>[] _vms;
    private long _order;
    private int _job = 1000;
    private bool _calm;

    public World(int seed, int hosts, int vms, Func<VmState, VmCommand, Decision<VmEvent, VmEffect>> decide)
    {
        _random = new Random(seed);
        var cluster = new ClusterId(Making.Id(0));
        Cluster = new(
            this, "cluster", ClusterDecider.Initial(cluster), ClusterDecider.Decide, ClusterDecider.Evolve,
            ClusterDecider.Outstanding, Answer);
        Cluster.Take(new ClusterCommand.Create(By(), new ClusterConfig { Name = "c", DataCenter = default }));
        _hosts = [.. Enumerable.Range(0, hosts).Select(i => new SimHost(this, i))];
        _vms = [.. Enumerable.Range(0, vms).Select(i => new Entity<VmState, VmCommand, VmEvent, VmEffect>(
            this, $"vm-{i}", VmDecider.Initial(new VmId(Making.Id(i))), decide, VmDecider.Evolve, VmDecider.Outstanding,
            e => Do(i, e)))];
        foreach (var (i, host) in _hosts.Index())
            host.Rules.Take(new HostCommand.Register(By(), new HostConfig
            {
                Name = $"host-{i}",
                Cluster = cluster,
                Address = "sim",
                PowerManagementEnabled = true,
                FenceAgents = [new FenceAgent(Making.Id(i), "sim", "", null, "", "", 1, [])],
            }));
        foreach (var (i, vm) in _vms.Index())
            vm.Take(new VmCommand.Create(By(), new VmConfig { Name = $"vm-{i}", Cluster = cluster, HighlyAvailable = i % 2 == 0 }));
        Every(300, () => { foreach (var host in _hosts) host.Watch(); });
        foreach (var host in _hosts) Every(2000, host.Rules.Tick);
        foreach (var vm in _vms) Every(2000, vm.Tick);
    }

    public long Now { get; private set; }

    /// <summary>Files of memory on the shared storage, and the lease under which the guest ran that was saved there.</summary>
    public Dictionary<string, long> Memories { get; } = [];

    /// <summary>A guest goes on from a memory under a new lease. It must not have run under any other since.</summary>
    public void WentOn(int vm, long from, long lease)
    {
        var newest = _hosts.SelectMany(h => h.Agent.Began(vm)).Where(l => l < lease).DefaultIfEmpty(0).Max();
        if (newest != from) throw new InvalidOperationException(
            $"vm-{vm} goes on from its memory of lease {from}, and has run under lease {newest} since");
    }

    public DateTimeOffset At => Making.Start.AddMilliseconds(Now);

    public Entity<ClusterState, ClusterCommand, ClusterEvent, ClusterEffect> Cluster { get; }

    public IReadOnlyList<string> History => _log;

    public SimHost Host(HostId id) => _hosts.Single(h => h.Id == id);

    public static int Number(VmId id) => BitConverter.ToInt32(id.Value.ToByteArray()) - 1;

    public Origin By() => new(new JobId(Making.Id(_job++)), null, "admin", At);

    public bool Chance(double share) => !_calm && _random.NextDouble() < share;

    public bool Crashes() => Chance(0.03);

    public bool Loses() => Chance(0.03);

    public int Between(int least, int most) => _random.Next(least, most + 1);

    /// <summary>VMs whose document names the host as their host or destination.</summary>
    public IReadOnlyList<int> VmsOn(HostId host) => [.. _vms.Index()
        .Where(v => v.Item.State.Seat?.Host == host || (v.Item.State as VmState.Migrating)?.To.Host == host)
        .Select(v => v.Index)];

    /// <summary>VMs whose document says that the host was heard to have them, and under which lease.</summary>
    public IReadOnlyList<(int Vm, Lease Lease)> CopiesOn(HostId host) => [.. _vms.Index()
        .Where(v => v.Item.State is not VmState.Starting && v.Item.State.Seat?.Host == host)
        .Select(v => (v.Index, v.Item.State.Seat!.Lease))];

    public void Log(string line) => _log.Add($"{Now / 1000.0,8:F3}  {line}");

    public void AtTime(long time, Action act) => _queue.Enqueue(act, (time, _order++));

    public void After(int least, int most, Func<bool> still, Action act) =>
        AtTime(Now + Between(least, most), () =>
        {
            if (still()) act();
        });

    /// <summary>Over a network that loses, repeats and delays.</summary>
    public void Post(Action act)
    {
        if (Loses()) return;
        AtTime(Now + (Chance(0.05) ? Between(100, 6000) : Between(1, 20)), act);
        if (Chance(0.03)) AtTime(Now + Between(1, 6000), act);
    }

    public void ToVm(int vm, VmCommand command, Delivery delivery = Delivery.Network)
    {
        if (delivery == Delivery.Now) _vms[vm].Take(command);
        else Post(() => _vms[vm].Take(command));
    }

    /// <summary>Faults and users for a while, then calm: everything must settle. Throws where a promise is broken.</summary>
    public void Run(int seconds, int calmSeconds)
    {
        AtTime(0, Disturb);
        RunUntil(seconds * 1000L);
        _calm = true;
        foreach (var host in _hosts)
        {
            (host.Agent.Reachable, host.Agent.FenceWorks) = (true, true);
            host.Agent.PowerOn();
        }

        Log("calm: all faults are over");
        RunUntil((seconds + calmSeconds) * 1000L);
        Settled();
    }

    private void RunUntil(long end)
    {
        while (_queue.TryPeek(out _, out var next) && next.Time <= end)
        {
            Now = Math.Max(Now, next.Time);
            _queue.Dequeue()();
            foreach (var (vm, _) in _vms.Index())
            {
                var copies = _hosts.Count(h => h.Agent.Runs(vm));
                if (copies > 1)
                    throw new InvalidOperationException(
                        $"vm-{vm} runs twice: on {string.Join(" and ", _hosts.Where(h => h.Agent.Runs(vm)).Select(h => $"host-{h.Agent.Number}"))}");
            }
        }
    }

    private void Settled()
    {
        foreach (var host in _hosts)
            if (host.Rules.State is not (HostState.Up or HostState.Maintenance or HostState.Draining))
                throw new InvalidOperationException($"host-{host.Agent.Number} stays {host.Rules.State.GetType().Name}");
        foreach (var (i, vm) in _vms.Index())
        {
            var state = vm.State;
            var where = _hosts.Where(h => h.Agent.Runs(i)).Select(h => h.Id).ToList();
            if (state is VmState.Down or VmState.Suspended or VmState.Placing { Cause: StartCause.HighAvailability }
                ? where.Count > 0
                : state is not (VmState.Up or VmState.PoweringUp) || where.Count != 1 || where[0] != state.Seat!.Host)
                throw new InvalidOperationException(
                    $"vm-{i} does not settle: {state.GetType().Name}, and it runs on {where.Count} hosts");
        }
    }

    private void Disturb()
    {
        if (_calm) return;
        var host = _hosts[_random.Next(_hosts.Length)];
        var vm = _vms[_random.Next(_vms.Length)];
        switch (_random.Next(20))
        {
            case 0: Say($"host-{host.Agent.Number} is cut off", () => host.Agent.Reachable = false); break;
            case 1 or 2: Say($"host-{host.Agent.Number} is reachable", () => host.Agent.Reachable = true); break;
            case 3: Say($"host-{host.Agent.Number} loses power", host.Agent.PowerOff); break;
            case 4: Say($"host-{host.Agent.Number} is switched on", host.Agent.PowerOn); break;
            case 5: Say($"the fence of host-{host.Agent.Number} breaks", () => host.Agent.FenceWorks = false); break;
            case 6 or 7: Say($"the fence of host-{host.Agent.Number} works", () => host.Agent.FenceWorks = true); break;
            case 8: host.Agent.Crash(_random.Next(_vms.Length)); break;
            case 9: vm.Take(new VmCommand.Stop(By())); break;
            case 10 when _random.Next(3) == 0: host.Rules.Take(new HostCommand.Deactivate(By(), "")); break;
            case 11: host.Rules.Take(new HostCommand.Activate(By())); break;
            case 12 or 13 or 19: vm.Take(new VmCommand.Migrate(By(), null, true)); break;
            case 14: vm.Take(new VmCommand.Update(By(), new VmPatch { Sockets = 1 + _random.Next(4) })); break;
            case 16: HurryAway(vm, 4); break;
            case 17: vm.Take(new VmCommand.CancelMigration(By())); break;
            case 18:
                var by = By();
                vm.Take(new VmCommand.Suspend(by, $"/memory/{by.Job}"));
                break;
            default: vm.Take(new VmCommand.Start(By())); break;
        }

        AtTime(Now + Between(50, 3000), Disturb);
    }

    /// <summary>An operator who has no patience: migrates, cancels, migrates again.</summary>
    private void HurryAway(Entity<VmState, VmCommand, VmEvent, VmEffect> vm, int times)
    {
        vm.Take(new VmCommand.Migrate(By(), null, true));
        AtTime(Now + Between(20, 1500), () => vm.Take(new VmCommand.CancelMigration(By())));
        if (times > 1) AtTime(Now + Between(30, 2500), () => HurryAway(vm, times - 1));
    }

    private void Say(string what, Action act)
    {
        Log(what);
        act();
    }

    private void Every(int period, Action act)
    {
        AtTime(Now + Between(0, period), Again);

        void Again()
        {
            act();
            AtTime(Now + period, Again);
        }
    }

    private void Answer(ClusterEffect effect)
    {
        switch (effect)
        {
            case ClusterEffect.Offer e:
                ToVm(Number(e.Vm), new VmCommand.OfferHost(e.Host, e.HostName, e.Incarnation, e.AskedAt, At));
                break;
            case ClusterEffect.Refuse e:
                ToVm(Number(e.Vm), new VmCommand.RefusePlacement(e.AskedAt, e.Reasons, At));
                break;
            case ClusterEffect.AwaitBeat:
                AtTime(Now + (long)Room.Beat.TotalMilliseconds, () => Cluster.Take(new ClusterCommand.Beat()));
                break;
        }
    }

    private void Do(int number, VmEffect effect)
    {
        var (id, state) = (new VmId(Making.Id(number)), _vms[number].State);
        var config = state.Core.Running ?? state.Core.Config!;
        switch (effect)
        {
            case VmEffect.FindHost e:
                var shape = new VmShape(config.Name, config.Memory, config.VCpus, 1, [], false);
                var excluded = e.NotOn is { } source ? [source] : (state as VmState.Placing)?.Tried ?? [];
                var restart = state is VmState.Placing { Cause: StartCause.HighAvailability };
                Post(() => Cluster.Take(
                    new ClusterCommand.Place(id, e.AskedAt, shape, excluded, e.Wanted, At) { Restart = restart }));
                break;
            case VmEffect.Launch e:
                ToHost(e.Seat.Host, new HostCommand.Launch(id, e.Seat, config) { Memory = e.Memory });
                break;
            case VmEffect.Halt e:
                ToHost(e.Seat.Host, new HostCommand.Halt(id, e.Seat, e.Mode));
                break;
            case VmEffect.SaveMemory e:
                ToHost(e.Seat.Host, new HostCommand.SaveGuest(id, e.Seat, e.Id, e.Path));
                break;
            case VmEffect.DeleteMemory e:
                Post(() =>
                {
                    Memories.Remove(e.Path);
                    ToVm(number, new VmCommand.ReportMemoryDeleted(e.Path, At));
                });
                break;
            case VmEffect.Act e:
                ToHost(e.Seat.Host, new HostCommand.ActOnGuest(id, e.Seat, e.Action));
                break;
            case VmEffect.Reshape e when state.Core.Reshape is { } pending:
                ToHost(e.Seat.Host, new HostCommand.ReshapeGuest(id, e.Seat, pending.Number, pending.Definition, []));
                break;
            case VmEffect.Destroy e:
                ToHost(e.Host, new HostCommand.Destroy(id, e.Lease));
                break;
            case VmEffect.ExpectIncoming e:
                ToHost(e.To.Host, new HostCommand.ExpectIncoming(id, e.To, config));
                break;
            case VmEffect.MigrateOut e:
                ToHost(e.From.Host, new HostCommand.MigrateOut(id, e.From, e.To));
                break;
            case VmEffect.CancelMigration e:
                ToHost(e.From.Host, new HostCommand.CancelMigration(id, e.From));
                break;
            case VmEffect.AbandonIncoming e:
                ToHost(e.To.Host, new HostCommand.AbandonIncoming(id, e.To));
                break;
            case VmEffect.AskWhetherGone e:
                ToHost(e.Seat.Host, new HostCommand.AskWhetherGone(id, e.Seat));
                break;
        }
    }

    private void ToHost(HostId host, HostCommand command) => Post(() => Host(host).Rules.Take(command));
}
