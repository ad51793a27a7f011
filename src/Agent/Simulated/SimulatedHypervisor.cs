using System.Collections.Immutable;
using Orchestrator.Agent.Network;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Agent.Simulated;

/// <summary>
/// QEMU processes that are not there: each guest is a state and at most one timer. It lives as long as the machine boot;
/// an agent that restarts finds it again by <see cref="Open"/>.
/// </summary>
public sealed class SimulatedHypervisor(
    int number, string boot, SimulatedProfile profile, Func<HostFaults> faults, GuestTruth truth, SimulatedImages images,
    int seed, Func<string, SimulatedHypervisor?> find, TimeProvider time) : IHypervisor
{
    private readonly Lock _gate = new();
    private readonly Random _random = new(seed);
    private readonly Dictionary<Guid, SimulatedGuest> _guests = [];
    private readonly Dictionary<Guid, Awaited> _awaited = [];

    /// <summary>Guests that have gone on elsewhere by post-copy, and whose memory is still fetched from here.</summary>
    private readonly Dictionary<Guid, SimulatedGuest> _husks = [];
    private readonly CancellationTokenSource _powerOff = new();
    private readonly long _began = time.GetTimestamp();
    private IGuestWatch? _watch;

    public int Guests { get { lock (_gate) return _guests.Count; } }

    /// <summary>Hears, under the lock, when a guest writes another set of images of a disk than before.</summary>
    public Action<GuestKey, Guid, ImmutableArray<string>> Writes { get; init; } = (_, _, _) => { };

    public IGuestImages Images => field ??= new SimulatedGuestImages(OnDisk, images, faults, Wait, Writes);

    /// <summary>They stand still at once.</summary>
    public Task FileSystems(GuestKey guest, FileSystemsAct act) => Task.CompletedTask;

    public IGuestConsoles Consoles => new SimulatedConsoles(key => { lock (_gate) return _guests.TryGetValue(key.Vm, out var g) && g.Key == key ? g : null; });

    public AgentDescription Describe(AgentDescription about) => profile.Describe(about, number) with { Addresses = Addresses };

    /// <summary>A line for everything, and one for migrations.</summary>
    public ImmutableArray<NetworkAddress> Addresses => faults().MigrationLineDown
        ? [new NetworkAddress("eth0", $"{Address(77)}/16", 0)]
        : [new NetworkAddress("eth0", $"{Address(77)}/16", 0), new NetworkAddress("eth1", $"{Address(78)}/16", 10_000)];

    public Task Open(IGuestWatch watch, CancellationToken cancel)
    {
        ImmutableArray<GuestReport> all;
        lock (_gate)
        {
            _watch = watch;
            all = [.. _guests.Values.Select(Find), .. _husks.Values.Select(Report), .. _awaited.Values.Where(a => a.Arriving).Select(Report)];
        }

        watch.Found(all);
        return Task.CompletedTask;
    }

    /// <summary>One that is on its way goes on without the agent that sent it.</summary>
    private GuestReport Find(SimulatedGuest guest)
    {
        guest.Found = guest.Job is not null;
        return Report(guest);
    }

    public async Task Launch(GuestKey guest, VmDefinition definition)
    {
        await Wait(profile.LaunchTime);
        while (faults().LaunchHangs) await Wait(TimeSpan.FromMilliseconds(200));
        GuestReport report;
        lock (_gate)
        {
            MayBegin(guest, definition);
            report = Begin(guest, definition, definition.StartPaused ? GuestState.Paused : GuestState.PoweringUp);
            truth.Begin(guest.Vm, number, boot, guest.Lease);
            if (!definition.StartPaused) After(guest, profile.BootTime, g => Go(g, GuestState.Up));
        }

        _watch?.Changed(report);
    }

    public async Task Restore(GuestKey guest, VmDefinition definition, string memory)
    {
        await Wait(profile.SaveTime);
        while (faults().LaunchHangs) await Wait(TimeSpan.FromMilliseconds(200));
        GuestReport report;
        lock (_gate)
        {
            MayBegin(guest, definition);
            if (faults().StorageGone)
                throw new HypervisorException($"simulated QEMU: could not open '{memory}': input/output error");
            var saved = images.TakeMemory(memory) ?? throw new MemoryGoneException(memory);
            report = Begin(guest, definition, GuestState.Up);
            truth.Begin(guest.Vm, number, boot, guest.Lease, saved.Lease);
        }

        _watch?.Changed(report);
    }

    public async Task Save(GuestKey guest, string memory)
    {
        var saved = Need(guest);
        Go(saved, GuestState.Paused, "saving");
        await Wait(profile.SaveTime);
        if (faults().StorageGone || faults().StorageFull)
        {
            Go(saved, GuestState.Up);
            throw new HypervisorException($"simulated QEMU: could not write '{memory}': "
                + (faults().StorageGone ? "input/output error" : "no space left on device"));
        }

        lock (_gate)
        {
            _ = Need(guest);
            images.PutMemory(memory, guest, saved.Definition.MemoryBytes);
        }

        Kill(guest, GuestExit.Saved, null);
    }

    public Task<bool> IsSaved(GuestKey guest, string memory) => Task.FromResult(!faults().StorageGone && images.IsMemoryOf(guest, memory));

    /// <summary>As QEMU does it: what is plugged in is there at once, what is to leave when the guest lets it go.</summary>
    public async Task<GuestMachine> Reshape(GuestKey guest, VmDefinition definition)
    {
        var (mine, asker) = (Need(guest), _watch);
        await Wait(profile.PlugTime);
        for (var waited = TimeSpan.Zero; mine.Deaf && SimulatedMachine.Leaves(mine.Definition, definition) && waited < profile.UnplugPatience;)
        {
            await Wait(profile.PlugTime);
            waited += profile.PlugTime;
        }

        lock (_gate)
        {
            _ = Need(guest);
            if (_watch != asker) throw new HypervisorAwayException("the agent that asked is gone");
            (mine.Definition, var failed) = SimulatedMachine.Change(
                mine.Definition, definition, mine.Deaf, faults().PlugFailures > _random.NextDouble(), faults().StorageGone);
            truth.Reshaped(number, guest, mine.Definition);
            return SimulatedMachine.Of(mine.Definition, failed);
        }
    }

    public async Task Stop(GuestKey guest, StopMode mode)
    {
        switch (mode)
        {
            case StopMode.PowerOff:
                await Wait(profile.PowerOffTime);
                Kill(guest, GuestExit.Destroyed, null);
                break;
            case StopMode.Shutdown:
                var asked = Need(guest);
                // A guest that is on its way down does not begin again because it was asked again.
                if (asked.ShutsDown) break;
                asked.ShutsDown = true;
                After(guest, profile.ShutdownTime, g => Kill(g.Key, GuestExit.Normal, null));
                break;
            default:
                Go(Need(guest), GuestState.PoweringUp);
                Need(guest).ShutsDown = false;
                After(guest, profile.BootTime, g => Go(g, GuestState.Up));
                break;
        }
    }

    public Task Pause(GuestKey guest)
    {
        Go(Need(guest), GuestState.Paused);
        return Task.CompletedTask;
    }

    public Task Resume(GuestKey guest)
    {
        Go(Need(guest), GuestState.Up);
        return Task.CompletedTask;
    }

    public Task<bool> StorageWorks(GuestKey guest) =>
        Task.FromResult(!faults().StorageGone && !faults().StorageFull);

    public Task PrepareIncoming(GuestKey guest, VmDefinition definition)
    {
        lock (_gate)
        {
            if (_guests.ContainsKey(guest.Vm)) throw new HypervisorException("simulated QEMU: the VM is running here");
            _awaited[guest.Vm] = new Awaited(guest);
        }

        return Task.CompletedTask;
    }

    public Task<bool> AbandonIncoming(GuestKey guest)
    {
        lock (_gate)
            return Task.FromResult(
                _awaited.TryGetValue(guest.Vm, out var awaited) && awaited.Key == guest && !awaited.Arriving
                && _awaited.Remove(guest.Vm));
    }

    /// <summary>
    /// As QEMU does it: while memory is copied a stopped process of the guest stands at the destination. At one moment
    /// the source stops for ever and the destination runs; before it, any failure leaves the guest here.
    /// </summary>
    public async Task Migrate(GuestKey guest, MigrateOrder order)
    {
        var leaving = Need(guest);
        var job = new TaskCompletionSource();
        Task? under;
        lock (_gate)
        {
            under = leaving.Job;
            if (under is not null && leaving.Destination != order.DestinationLease)
                throw new HypervisorException("simulated libvirt: another migration job is already running");
            if (leaving.Open.Values.Any(d => d.Copy is not null)) throw new HypervisorException("simulated libvirt: domain has an active block job");
            (leaving.Job, leaving.Destination) = (under ?? job.Task, order.DestinationLease);
        }

        if (under is null) await Carry(leaving, order, job);
        else
        {
            await under;
            lock (_gate)
                if (_guests.GetValueOrDefault(guest.Vm) == leaving)
                    throw new HypervisorException("it was under way when the agent came to it, and has failed since");
        }
    }

    private async Task Carry(SimulatedGuest leaving, MigrateOrder order, TaskCompletionSource job)
    {
        var guest = leaving.Key;
        using var cancelled = new CancellationTokenSource();
        lock (_gate) (leaving.Leaving, leaving.Progress) = (cancelled, null);
        var way = new SimulatedCopy(order, profile.MigrationTime * Math.Max(1, faults().MigrationSlowness),
            leaving.State == GuestState.Paused ? 0 : leaving.Dirties, time);
        SimulatedHypervisor? destination = null;
        try
        {
            var breaksAt = Breaks() ? 50 : 101;
            for (var percent = 0; percent < 100; percent += 25)
            {
                Progress(leaving, way.Copied(percent));
                await Wait(way.Pass / 4, cancelled.Token);
                if (percent >= breaksAt) throw new HypervisorException("simulated QEMU: the migration broke off (fault)");
                destination = Reached(guest, order, destination);
            }

            while (!way.MayStop)
            {
                await Wait(way.Round, cancelled.Token);
                destination = Reached(guest, order, destination);
                way.GoOver();
                Progress(leaving, way.Progress());
                if (way.Look()?.Action != ConvergenceAction.PostCopy) continue;
                await PostCopy(leaving, order, way, destination!);
                return;
            }

            var total = way.ElapsedMs;
            if (!destination!.Arrive(this, leaving, order.DestinationLease))
                throw new HypervisorException("the destination does not expect this guest, or it is gone here");
            leaving.Progress = Scaled(leaving, way.Done(profile.MigrationDowntimeMs, total));
            Tell(Report(leaving) with { State = GuestState.Down, Exit = GuestExit.Migrated });
        }
        catch (OperationCanceledException) when (cancelled.IsCancellationRequested)
        {
            destination?.BreakOff(guest.Vm, order.DestinationLease);
            throw new HypervisorException("migration was cancelled");
        }
        catch (Exception e) when (e is not PostCopyBrokenException)
        {
            destination?.BreakOff(guest.Vm, order.DestinationLease);
            throw;
        }
        finally
        {
            bool stays;
            lock (_gate)
            {
                stays = leaving.Found && _guests.GetValueOrDefault(guest.Vm) == leaving;
                (leaving.Leaving, leaving.Job, leaving.Found) = (null, null, false);
            }

            job.SetResult();
            if (stays) Tell(Report(leaving));
        }
    }

    /// <summary>The guest goes on at the destination at once; what it lacks follows. If that breaks, neither half can run.</summary>
    private async Task PostCopy(SimulatedGuest leaving, MigrateOrder order, SimulatedCopy way, SimulatedHypervisor destination)
    {
        var (vm, lease) = leaving.Key;
        lock (_gate) _husks[vm] = leaving;
        try
        {
            if (!destination.Arrive(this, leaving, order.DestinationLease))
                throw new HypervisorException("the destination does not expect this guest, or it is gone here");
            leaving.State = GuestState.MigratingOut;
            leaving.Progress = Scaled(leaving, way.Progress()) with { PostCopy = true };
            Tell(Report(leaving));
            await Wait(way.Round);
            bool here;
            lock (_gate) here = _husks.ContainsKey(vm);
            if (!here || Breaks() || find(order.DestinationUri) != destination || !destination.Runs(vm, order.DestinationLease))
            {
                const string Why = "simulated QEMU: post-copy broke";
                destination.Kill(new GuestKey(vm, order.DestinationLease), GuestExit.Error, Why);
                if (here) Tell(Report(leaving) with { State = GuestState.Down, Exit = GuestExit.Error, ExitMessage = Why });
                throw new PostCopyBrokenException(Why);
            }

            leaving.Progress = Scaled(leaving, way.Done(way.AllowedMs, way.ElapsedMs)) with { PostCopy = true };
            Tell(Report(leaving) with { State = GuestState.Down, Exit = GuestExit.Migrated });
        }
        catch (HypervisorAwayException)
        {
            destination.Kill(new GuestKey(vm, order.DestinationLease), GuestExit.Error, "simulated QEMU: post-copy lost its source");
            throw;
        }
        finally
        {
            lock (_gate) _husks.Remove(vm);
        }
    }

    private string Address(int network) => $"10.{network}.{number >> 8}.{number & 255}";

    private SimulatedHypervisor Reached(GuestKey guest, MigrateOrder order, SimulatedHypervisor? before)
    {
        OwnAddresses.Check(order, Addresses);
        var reached = find(order.DestinationUri)
            ?? throw new HypervisorException($"unable to connect to server at '{order.DestinationUri}'");
        if (order.MemoryAddress is { } memory && !reached.Addresses.Any(a => a.Address.StartsWith($"{memory}/", StringComparison.Ordinal)))
            throw new HypervisorException($"unable to connect to '{memory}': no route to host");
        if (before is null && !reached.Expect(guest.Vm, order.DestinationLease))
            throw new HypervisorException("the destination does not expect this guest, or it is gone here");
        return before is null || reached == before ? reached : throw new HypervisorException("the destination was started anew");
    }

    public Task CancelMigration(GuestKey guest)
    {
        lock (_gate) Need(guest).Leaving?.Cancel();
        return Task.CompletedTask;
    }

    public HostStatistics Sample()
    {
        var (cpus, memory) = (0, 0L);
        lock (_gate)
        {
            foreach (var guest in _guests.Values) (cpus, memory) = (cpus + guest.Definition.VirtualCpus, memory + guest.Definition.MemoryBytes);
            return profile.Busy(cpus, memory, _guests.Count, time.GetElapsedTime(_began));
        }
    }

    public Task<HostObservations> Observe()
    {
        lock (_gate)
            return Task.FromResult(new HostObservations(Sample()) { Guests = [.. _guests.Values.Select(g => g.Observe(time.GetElapsedTime(g.Since)))] });
    }

    public string? ConsoleLog(Guid vm, int lines)
    {
        lock (_gate) return _guests.TryGetValue(vm, out var g) ? $"simulated guest {g.Key} is {g.State}\n" : null;
    }

    /// <summary>The agent is gone, the guests are not; what only it awaited is awaited no more.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _watch = null;
            foreach (var awaited in _awaited.Values.Where(a => !a.Arriving).ToList()) _awaited.Remove(awaited.Key.Vm);
        }

        return default;
    }

    /// <summary>Every guest dies at this moment.</summary>
    public void PowerOff()
    {
        lock (_gate)
        {
            _watch = null;
            _powerOff.Cancel();
            foreach (var guest in _guests.Values)
            {
                guest.Timer?.Dispose();
                truth.End(guest.Key.Vm, number, guest.Key.Lease, "host power off");
            }

            _guests.Clear();
            _husks.Clear();
            _awaited.Clear();
        }
    }

    /// <summary>QEMU dies of itself.</summary>
    public bool Crash(Guid vm)
    {
        GuestKey key;
        lock (_gate)
        {
            if (!_guests.TryGetValue(vm, out var guest)) return false;
            key = guest.Key;
        }

        Kill(key, GuestExit.Error, "simulated QEMU: crashed");
        return true;
    }

    /// <summary>The guest shuts itself down, as by a word typed in it.</summary>
    public bool ShutDownItself(Guid vm)
    {
        GuestKey key;
        lock (_gate)
        {
            if (!_guests.TryGetValue(vm, out var guest)) return false;
            key = guest.Key;
        }

        Kill(key, GuestExit.Normal, null);
        return true;
    }

    /// <summary>A write of the guest fails: QEMU stops it, and it stays stopped until it is resumed.</summary>
    public bool FailWrite(Guid vm, string reason = "io-error")
    {
        SimulatedGuest? guest;
        lock (_gate)
            if (!_guests.TryGetValue(vm, out guest) || guest.Definition.Disks.IsEmpty || guest.State == GuestState.Paused)
                return false;
        Go(guest, GuestState.Paused, reason);
        return true;
    }

    /// <summary>The guest hangs, and its watchdog does what it is set to. Nothing happens to one that has none.</summary>
    public bool Hang(Guid vm)
    {
        SimulatedGuest? guest;
        lock (_gate)
            if (!_guests.TryGetValue(vm, out guest) || guest.Definition.Watchdog is null)
                return false;
        var action = guest.Definition.Watchdog!.Action;
        lock (_gate) guest.Watchdog = new WatchdogReport(new Guid(_random.Next(), 0, 0, new byte[8]), action);
        switch (action)
        {
            case WatchdogAction.Reset:
                Go(guest, GuestState.PoweringUp);
                After(guest.Key, profile.BootTime, g => Go(g, GuestState.Up));
                break;
            case WatchdogAction.Poweroff:
                Kill(guest.Key, GuestExit.Normal, null);
                break;
            case WatchdogAction.Pause:
                Go(guest, GuestState.Paused, "watchdog");
                break;
            default:
                Go(guest, guest.State);
                break;
        }

        return true;
    }

    /// <summary>From now on the guest writes so many times as fast as its memory is copied.</summary>
    public bool Dirty(Guid vm, double times)
    {
        lock (_gate)
        {
            if (!_guests.TryGetValue(vm, out var guest)) return false;
            guest.Dirties = times;
            return true;
        }
    }

    /// <summary>From now on the guest lets no device go, or does so again.</summary>
    public bool Deafen(Guid vm, bool deaf)
    {
        lock (_gate) return _guests.TryGetValue(vm, out var guest) && (guest.Deaf = deaf) == deaf;
    }

    private bool Runs(Guid vm, long lease)
    {
        lock (_gate) return _guests.TryGetValue(vm, out var guest) && guest.Key.Lease == lease;
    }

    /// <summary>What runs here now, paused or not, and the images it holds; in the order in which it began.</summary>
    public ImmutableArray<(GuestKey Key, GuestState State, VmDefinition Definition)> Running()
    {
        lock (_gate) return [.. _guests.Values.Select(g => (g.Key, g.State, g.Definition))];
    }

    private bool Breaks()
    {
        if (faults().MigrationFailures <= 0) return false;
        lock (_gate) return _random.NextDouble() < faults().MigrationFailures;
    }

    private bool Expect(Guid vm, long lease)
    {
        Awaited? awaited;
        lock (_gate)
        {
            if (_powerOff.IsCancellationRequested || !_awaited.TryGetValue(vm, out awaited) || awaited.Key.Lease != lease)
                return false;
            awaited.Arriving = true;
        }

        return true;
    }

    /// <summary>The stopped process of a guest that did not arrive ends with its connection.</summary>
    private void BreakOff(Guid vm, long lease)
    {
        GuestReport report;
        lock (_gate)
        {
            if (!_awaited.TryGetValue(vm, out var awaited) || awaited.Key.Lease != lease) return;
            _awaited.Remove(vm);
            report = Report(awaited) with
            {
                State = GuestState.Down,
                Exit = GuestExit.Error,
                ExitMessage = "the migration to this host was broken off",
            };
        }

        Tell(report);
    }

    private bool Arrive(SimulatedHypervisor source, SimulatedGuest guest, long lease)
    {
        // Always in the order of the host numbers: two hosts may exchange guests at the same time.
        var (first, second) = source.Number < Number ? (source._gate, _gate) : (_gate, source._gate);
        GuestReport report;
        lock (first)
            lock (second)
            {
                var vm = guest.Key.Vm;
                if (_powerOff.IsCancellationRequested || source._powerOff.IsCancellationRequested) return false;
                if (!_awaited.TryGetValue(vm, out var awaited) || awaited.Key.Lease != lease) return false;
                if (!source._guests.Remove(vm)) return false;
                _awaited.Remove(vm);
                guest.Timer?.Dispose();
                report = Begin(awaited.Key, guest.Definition, GuestState.Up);
                (_guests[vm].Dirties, _guests[vm].Deaf) = (guest.Dirties, guest.Deaf);
                truth.Move(vm, source.Number, guest.Key.Lease, Number, boot, lease);
            }

        Tell(report);
        return true;
    }

    private int Number => number;

    private void OnDisk(GuestKey key, Guid disk, Action<GuestDisk> work)
    {
        lock (_gate)
        {
            if (!_guests.TryGetValue(key.Vm, out var guest) || guest.Key != key)
                throw new GuestAwayException($"simulated QEMU: no guest {key} is here");
            guest.Work(disk, work);
        }
    }

    private void MayBegin(GuestKey guest, VmDefinition definition)
    {
        var failures = faults().LaunchFailures is >= 0 and var f ? f : profile.LaunchFailures;
        if (failures > 0 && _random.NextDouble() < failures)
            throw new HypervisorException("simulated QEMU: failed to start (fault)");
        if (_guests.ContainsKey(guest.Vm))
            throw new HypervisorException("simulated QEMU: a process of this VM is running");
        if (faults().StorageGone && definition.Disks.Length > 0)
            throw new HypervisorException($"simulated QEMU: could not open '{definition.Disks[0].Path}': input/output error");
        if (_powerOff.IsCancellationRequested) throw new HypervisorAwayException("the host lost its power");
    }

    private GuestReport Begin(GuestKey key, VmDefinition definition, GuestState state)
    {
        var guest = new SimulatedGuest(key, definition, time.GetTimestamp())
        {
            State = state,
            PauseReason = state == GuestState.Paused ? "user" : null,
        };
        _guests[key.Vm] = guest;
        return Report(guest);
    }

    private void Kill(GuestKey key, GuestExit exit, string? message)
    {
        GuestReport report;
        lock (_gate)
        {
            var from = _husks.TryGetValue(key.Vm, out var guest) && guest.Key == key ? _husks : _guests;
            if (!from.TryGetValue(key.Vm, out guest) || guest.Key != key) return;
            from.Remove(key.Vm);
            guest.Timer?.Dispose();
            guest.Leaving?.Cancel();
            truth.End(key.Vm, number, key.Lease, exit.ToString());
            report = Report(guest) with { State = GuestState.Down, Exit = exit, ExitMessage = message };
        }

        Tell(report);
    }

    private void Go(SimulatedGuest guest, GuestState state, string? why = null)
    {
        GuestReport report;
        lock (_gate)
        {
            if (!_guests.TryGetValue(guest.Key.Vm, out var present) || present != guest) return;
            guest.State = state;
            if (state == GuestState.Paused) guest.Timer?.Dispose();
            guest.PauseReason = state == GuestState.Paused ? why ?? "user" : null;
            report = Report(guest);
        }

        Tell(report);
    }

    private void Progress(SimulatedGuest guest, MigrationProgress progress)
    {
        guest.Progress = Scaled(guest, progress);
        Tell(Report(guest));
    }

    private MigrationProgress Scaled(SimulatedGuest guest, MigrationProgress progress) => progress with
    {
        TotalBytes = guest.Definition.MemoryBytes,
        RemainingBytes = (long)(guest.Definition.MemoryBytes * (progress.RemainingBytes / (double)progress.TotalBytes)),
        BytesPerSecond = (long)(guest.Definition.MemoryBytes / profile.MigrationTime.TotalSeconds),
    };

    private void Tell(GuestReport report) => _watch?.Changed(report);

    private SimulatedGuest Need(GuestKey key)
    {
        lock (_gate)
            return _guests.TryGetValue(key.Vm, out var guest) && guest.Key == key
                ? guest
                : throw new HypervisorException("the guest is not running");
    }

    private void After(GuestKey key, TimeSpan median, Action<SimulatedGuest> then)
    {
        lock (_gate)
        {
            if (!_guests.TryGetValue(key.Vm, out var guest)) return;
            guest.Timer?.Dispose();
            guest.Timer = time.CreateTimer(_ => then(guest), null, Vary(median), Timeout.InfiniteTimeSpan);
        }
    }

    private async Task Wait(TimeSpan median, CancellationToken cancel = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, _powerOff.Token);
        try
        {
            await Task.Delay(Vary(median), time, either.Token);
        }
        catch (OperationCanceledException) when (_powerOff.IsCancellationRequested)
        {
            throw new HypervisorAwayException("the host lost its power");
        }
    }

    private TimeSpan Vary(TimeSpan median)
    {
        if (profile.Spread <= 0) return median;
        lock (_gate)
        {
            var normal = Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());
            return median * Math.Exp(profile.Spread * normal);
        }
    }

    private GuestReport Report(SimulatedGuest guest) => guest.Report((long)time.GetElapsedTime(guest.Since).TotalMilliseconds);

    private static GuestReport Report(Awaited awaited) => new(awaited.Key.Vm, awaited.Key.Lease, GuestState.Incoming);
}
