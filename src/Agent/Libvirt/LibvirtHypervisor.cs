using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Threading.Channels;
using System.Xml.Linq;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Network;
using Orchestrator.Agent.Hooks;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Seeds;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Agent.Libvirt;

/// <summary>
/// QEMU through libvirt. Guests are transient domains: nothing of them is left when they die. All news (callbacks,
/// timers, what the driver learns itself) passes one queue, so each guest's story is told in order. When libvirtd goes
/// away the driver reconnects for as long as it takes and then tells everything that is there.
/// </summary>
public sealed class LibvirtHypervisor(AgentConfig config, HostSampling sampling, ILogger log, HookFolder? hooks = null) : IHypervisor
{
    private const int StoppedMigrated = 3, StoppedSaved = 4;
    private const int SuspendedRestored = 4;
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);
    private readonly Channel<LibvirtNews> _news = Channel.CreateUnbounded<LibvirtNews>();
    private readonly ConcurrentDictionary<Guid, LibvirtGuest> _guests = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly OwnAddresses _addresses = new(config.Time);
    private GuestObserver Observer => field ??= new GuestObserver(Connected, config.Time, log);
    private readonly SeedFolder _seeds = new(config.SeedFolder, config.Time);
    private readonly Remembered _kept = new(config.SwtpmFolder, log);
    private readonly string _accelerator = Accelerators.Choose(config);
    private LibvirtConnection? _connection;
    private IGuestWatch? _watch;
    private Task _reader = Task.CompletedTask;
    private int _connections;
    private AgentDescription? _facts;

    public IGuestImages Images => new LibvirtImages(Connected, config.Time, log);

    public Task FileSystems(GuestKey guest, FileSystemsAct act) => new LibvirtFileSystems(Connected).Do(guest, act);

    public IGuestConsoles Consoles => field ??= new LibvirtConsoles(Connected, config.Time);

    public AgentDescription Describe(AgentDescription about) => (_facts ?? about) with
    {
        BootId = about.BootId,
        AgentVersion = about.AgentVersion,
        HostUuid = _facts?.HostUuid ?? about.HostUuid,
        Driver = "libvirt",
        Accelerator = _accelerator,
        Addresses = Addresses,
    };

    public ImmutableArray<NetworkAddress> Addresses => config.Addresses?.Invoke() ?? _addresses.Now;

    public async Task Open(IGuestWatch watch, CancellationToken cancel)
    {
        _watch = watch;
        await Connect(cancel);
        _reader = Task.Run(Read, CancellationToken.None);
    }

    public Task Launch(GuestKey guest, VmDefinition definition) => Run(connection =>
    {
        var started = config.Time.GetUtcNow().ToUnixTimeMilliseconds();
        var xml = DomainXml.Build(
            definition, guest.Lease, _accelerator, ConsoleLogOf(guest.Vm), config.VncListen, started, _facts?.HostUuid ?? "", _seeds.PathOf(guest.Vm));
        hooks?.Knows(guest.Vm, definition.Hardware?.Properties);
        if (hooks is not null) xml = DomainXml.Changed(hooks.Before(HookPoint.BeforeVmStart, guest, xml).GetAwaiter().GetResult(), xml);
        var state = definition.StartPaused ? GuestState.Paused : GuestState.PoweringUp;
        Begin(guest, definition, started, state, () => connection.Use(c =>
        {
            Prepare(definition);
            Overlays.Make(definition);
            var domain = Native.virDomainCreateXML(c, xml, definition.StartPaused ? Native.StartPaused : 0);
            if (domain == 0) throw LibvirtConnection.Failure(c);
            var live = Native.Take(Native.virDomainGetXMLDesc(domain, 0));
            _ = Native.virDomainFree(domain);
            return live;
        }));
    });

    public Task Restore(GuestKey guest, VmDefinition definition, string memory) => Run(connection => Begin(
        guest, definition, config.Time.GetUtcNow().ToUnixTimeMilliseconds(), GuestState.Up,
        () =>
        {
            Prepare(definition);
            return SavedMemory.Restore(connection, guest, memory);
        }));

    private void Prepare(VmDefinition definition)
    {
        _seeds.Prepare(definition);
        _kept.Prepare(definition);
    }

    public async Task Save(GuestKey guest, string memory)
    {
        if (!_guests.TryGetValue(guest.Vm, out var mine) || mine.Key != guest)
            throw new HypervisorException("the guest is not running");
        mine.Saving = true;
        try
        {
            await Run(connection => SavedMemory.Write(connection, guest, memory));
            _news.Writer.TryWrite(new LibvirtNews.Saved(guest));
        }
        catch
        {
            // It may have been saved all the same, by an order that an agent before this one had given.
            mine.Saving = false;
            if (mine.StoppedEarly is { } saved) _news.Writer.TryWrite(saved);
            else await SavedMemory.LetGoOn(Run, guest, config.Time);
            throw;
        }
    }

    public async Task<bool> IsSaved(GuestKey guest, string memory)
    {
        var saved = false;
        await Run(connection => saved = SavedMemory.IsOf(connection, guest, memory));
        return saved;
    }

    public async Task<GuestMachine> Reshape(GuestKey guest, VmDefinition definition)
    {
        var mine = Running(guest);
        GuestMachine? machine = null;
        await Run(connection =>
        {
            CheckLease(connection, guest);
            machine = new Plugging(Connected, guest.Vm, config.UnplugPatience, config.Time, _stop.Token).Give(definition).GetAwaiter().GetResult();
        });
        mine.Has(machine!, definition);
        return machine!;
    }

    public Task Stop(GuestKey guest, StopMode mode) => Run(connection =>
    {
        CheckLease(connection, guest);
        connection.Do(guest.Vm, domain => mode switch
        {
            StopMode.PowerOff => Native.virDomainDestroyFlags(domain, 0),
            StopMode.Shutdown => AskToShutDown(guest, domain),
            StopMode.Reboot => Native.virDomainReboot(domain, 0),
            _ => Native.virDomainReset(domain, 0),
        });
    });

    public Task Pause(GuestKey guest) => Run(connection =>
    {
        CheckLease(connection, guest);
        connection.Do(guest.Vm, Native.virDomainSuspend);
    });

    public Task Resume(GuestKey guest) => Run(connection =>
    {
        CheckLease(connection, guest);
        connection.Do(guest.Vm, Native.virDomainResume);
    });

    public async Task<bool> StorageWorks(GuestKey guest)
    {
        var xml = "";
        await Run(connection => xml = connection.OnDomain(guest.Vm, d => Native.Take(Native.virDomainGetXMLDesc(d, 0))) ?? "");
        return xml != "" && await Disks.Work(DomainXml.DiskPaths(xml));
    }

    public Task PrepareIncoming(GuestKey guest, VmDefinition definition)
    {
        if (_guests.ContainsKey(guest.Vm)) return Task.FromException(new HypervisorException("a domain of this VM is on this host"));
        hooks?.Knows(guest.Vm, definition.Hardware?.Properties);
        try
        {
            _seeds.Prepare(definition);
        }
        catch (HypervisorException e)
        {
            return Task.FromException(e);
        }

        var awaited = new LibvirtGuest(guest, config.Time.GetUtcNow().ToUnixTimeMilliseconds())
        {
            State = GuestState.Incoming,
            MemoryBytes = definition.MemoryBytes,
            OnStorageError = definition.OnStorageError,
        };
        return _guests.TryAdd(guest.Vm, awaited)
            ? Task.CompletedTask
            : Task.FromException(new HypervisorException("a domain of this VM is on this host"));
    }

    public async Task<bool> AbandonIncoming(GuestKey guest)
    {
        // libvirt is asked, too: its event of a domain that has just come may still be on its way to us.
        var there = false;
        await Run(connection => there = connection.Has(guest.Vm));
        if (there) return false;
        // libvirtd died while it arrived: it is gone, and was forgotten here when libvirtd came back.
        if (!_guests.TryGetValue(guest.Vm, out var awaited)) return true;
        return awaited.Key == guest && !awaited.Arriving && _guests.TryRemove(KeyValuePair.Create(guest.Vm, awaited));
    }

    public async Task Migrate(GuestKey guest, MigrateOrder order)
    {
        var mine = Running(guest);
        if (mine.Leaving is null) OwnAddresses.Check(order, config.Addresses?.Invoke() ?? OwnAddresses.Read());
        while (true)
            try
            {
                await Migration.Run(Connected(), mine, order, config.MigrationLook, Tell, _stop.Token);
                return;
            }
            catch (HypervisorAwayException)
            {
                // The job is libvirt's own: it may go on without us, and is not over before libvirt says so.
                while (_guests.GetValueOrDefault(guest.Vm) == mine) await Task.Delay(Retry, config.Time, _stop.Token);
                mine = Running(guest);
                if (mine.Leaving is null) throw new HypervisorException("libvirt was away, and does not move the guest any more");
            }
            catch (HypervisorException) when (mine.State == GuestState.Up)
            {
                _ = Stays(mine);
                throw;
            }
    }

    /// <summary>libvirt could not let it go on: it does not know whether it runs at the destination, or the storage's lock
    /// says that it does. Told after the failure itself, which else would be taken for a pause alone.</summary>
    private async Task Stays(LibvirtGuest guest)
    {
        try
        {
            await Task.Delay(Retry, config.Time, _stop.Token);
            var here = await Task.Run(() => Connected().OnDomain(guest.Key.Vm, LibvirtGuest.Here), _stop.Token);
            if (here != GuestState.Paused || guest.State != GuestState.Up) return;
            (guest.State, guest.PauseReason) = (GuestState.Paused, "migration");
            Tell(guest);
        }
        catch (Exception e) when (e is HypervisorException or HypervisorAwayException or DomainGoneException)
        {
            log.LogWarning("vm {Guest}: it is not known whether it goes on: {Why}", guest.Key, e.Message);
        }
        catch (OperationCanceledException)
        {
            // The agent ends; the next one looks at every domain.
        }
    }

    private LibvirtGuest Running(GuestKey guest) => _guests.GetValueOrDefault(guest.Vm) is { } found && found.Key == guest
        ? found
        : throw new HypervisorException("the guest is not running");

    public Task CancelMigration(GuestKey guest) =>
        Run(connection => connection.Do(guest.Vm, Native.virDomainAbortJob));

    public HostStatistics Sample() => sampling.Now(_guests.Values.Count(g => g.State != GuestState.Incoming));

    public async Task<HostObservations> Observe()
    {
        await Task.Run(() =>
        {
            foreach (var guest in _guests.Values)
                if (guest is { Starting: false, StateFolder: not null, State: GuestState.Up or GuestState.Paused }) _kept.Keep(guest.Key.Vm, guest.StateFolder);
        });
        var guests = _guests.Values.Where(g => g is { Starting: false, State: not GuestState.Incoming }).ToDictionary(g => g.Key, g => g.AgentConnected);
        return new HostObservations(Sample()) { Guests = guests.Count == 0 ? [] : await Task.Run(() => Observer.Look(guests)) };
    }

    public string? ConsoleLog(Guid vm, int lines)
    {
        var path = ConsoleLogOf(vm);
        if (!File.Exists(path)) return null;
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Seek(Math.Max(0, file.Length - (256 << 10)), SeekOrigin.Begin);
        using var reader = new StreamReader(file);
        return string.Join('\n', reader.ReadToEnd().Split('\n').TakeLast(lines));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _news.Writer.TryComplete();
        await _reader.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var guest in _guests.Values) guest.Deadline?.Dispose();
        Observer.Dispose();
        _connection?.Close();
    }

    // ---- news, one after another --------------------------------------------------------------------------------

    private async Task Read()
    {
        await foreach (var news in _news.Reader.ReadAllAsync(_stop.Token))
            try
            {
                await Take(news);
            }
            catch (Exception e) when (e is HypervisorException or HypervisorAwayException or DomainGoneException)
            {
                log.LogWarning("libvirt: {News} could not be followed up: {Why}", news, e.Message);
            }
    }

    private async Task Take(LibvirtNews news)
    {
        switch (news)
        {
            case LibvirtNews.Lifecycle l: Lifecycle(l); break;
            case LibvirtNews.GuestAgent a when _guests.TryGetValue(a.Vm, out var guest): await Agent(guest, a.Connected); break;
            case LibvirtNews.DiskError d when _guests.TryGetValue(d.Vm, out var guest):
                guest.PauseReason = d.Reason == "enospc" ? "no-space" : "io-error";
                log.LogWarning("vm {Guest}: disk error on {Path}: {Reason}", guest.Key, d.Path, d.Reason);
                break;
            case LibvirtNews.Watchdog w when _guests.TryGetValue(w.Vm, out var guest):
                guest.Watchdog = new WatchdogReport(Guid.NewGuid(), ActionOf(w.Action));
                log.LogWarning("vm {Guest}: its watchdog barked (action {Action})", guest.Key, guest.Watchdog.Action);
                Become(guest, guest.State);
                break;
            case LibvirtNews.JobCompleted j when _guests.TryGetValue(j.Vm, out var guest):
                guest.Migration = Migration.Progress(j.Numbers) ?? guest.Migration;
                if (guest.Left) Gone(guest, StoppedMigrated);
                break;
            // Of its own, or after it was waited for in vain: what the engine knows of it is not so any more.
            case LibvirtNews.DeviceRemoved d when _guests.TryGetValue(d.Vm, out var guest) && guest is { Starting: false, State: not GuestState.Incoming }:
                UpdateFromXml(guest);
                Become(guest, guest.State);
                break;
            case LibvirtNews.LeftDeadline d when _guests.TryGetValue(d.Guest.Vm, out var guest) && guest.Key == d.Guest:
                Gone(guest, StoppedMigrated);
                break;
            case LibvirtNews.UpDeadline u when _guests.TryGetValue(u.Guest.Vm, out var guest) && guest.Key == u.Guest:
                if (guest.State == GuestState.PoweringUp) Become(guest, GuestState.Up);
                break;
            case LibvirtNews.Saved s when _guests.TryGetValue(s.Guest.Vm, out var guest) && guest.Key == s.Guest:
                Gone(guest, StoppedSaved);
                break;
            case LibvirtNews.TurnedBack t when _guests.TryGetValue(t.Guest.Vm, out var guest) && guest.Key == t.Guest:
                log.LogWarning("vm {Guest}: stays here: its migration {Why}", t.Guest, t.Why);
                guest.Leaving = null;
                if (guest.State == GuestState.MigratingOut && !guest.PostCopy)
                    Become(guest, await Task.Run(() => Connected().OnDomain(t.Guest.Vm, LibvirtGuest.Here)));
                break;
            case LibvirtNews.Told t: _watch!.Changed(t.Guest); break;
            case LibvirtNews.Closed c when c.Connection == _connections:
                log.LogWarning("libvirt: the connection is gone; guests run on, the agent reconnects");
                await Connect(_stop.Token);
                log.LogInformation("libvirt: connected again, {Count} guests are here", _guests.Count);
                break;
        }
    }

    private void Lifecycle(LibvirtNews.Lifecycle news)
    {
        log.LogDebug("libvirt: vm {Vm} event {Event} detail {Detail}", news.Vm, news.Event, news.Detail);
        if (!_guests.TryGetValue(news.Vm, out var guest))
        {
            if (news.Event is LifecycleEvent.Started or LifecycleEvent.Resumed) Discover(news.Vm);
            return;
        }

        if (guest.Starting)
        {
            if (news.Event == LifecycleEvent.Stopped) guest.StoppedEarly = news;
            return;
        }

        switch (news.Event)
        {
            case LifecycleEvent.Started when guest.State == GuestState.Incoming:
                guest.Arriving = true;
                Discover(news.Vm);
                break;
            case LifecycleEvent.Suspended or LifecycleEvent.Resumed when guest.Saving: break;
            case LifecycleEvent.Stopped when guest.Saving && news.Detail == StoppedSaved: guest.StoppedEarly = news; break;
            case LifecycleEvent.Suspended when news.Detail == LifecycleEvent.ByBrokenPostCopy:
            case LifecycleEvent.Resumed when news.Detail == LifecycleEvent.InBrokenPostCopy:
                Break(guest);
                break;
            case LifecycleEvent.Suspended when news.Detail == LifecycleEvent.ByPostCopy:
                guest.PostCopy = true;
                if (guest.State != GuestState.Incoming) Become(guest, GuestState.MigratingOut);
                break;
            case LifecycleEvent.Resumed when guest.State is GuestState.Paused or GuestState.Incoming:
                if (guest.State == GuestState.Incoming) UpdateFromXml(guest);
                guest.PauseReason = null;
                Become(guest, GuestState.Up);
                _ = new GuestClock(Connected, config.Time, log).Set(guest.Key, () => _guests.GetValueOrDefault(guest.Key.Vm) == guest && guest.State == GuestState.Up, _stop.Token);
                break;
            case LifecycleEvent.Suspended when guest.State != GuestState.Incoming
                && news.Detail is not (LifecycleEvent.ByMigration or SuspendedRestored):
                guest.PauseReason = news.Detail switch
                {
                    LifecycleEvent.ByUser => "user",
                    LifecycleEvent.ByIoError => guest.PauseReason ?? "io-error",
                    LifecycleEvent.ByWatchdog => "watchdog",
                    _ => "unknown",
                };
                Become(guest, GuestState.Paused);
                break;
            // What is ended before it has arrived never ran: its QEMU says this, too, but the guest asked for nothing.
            case LifecycleEvent.Shutdown when guest.State != GuestState.Incoming: Become(guest, GuestState.PoweringDown); break;
            case LifecycleEvent.Stopped when news.Detail == StoppedMigrated: AwaitStatistics(guest); break;
            case LifecycleEvent.Stopped: Gone(guest, news.Detail); break;
        }
    }

    /// <summary>Neither end of a post-copy that broke can go on: what is here is ended, so that it may start anew.</summary>
    private void Break(LibvirtGuest guest)
    {
        guest.Broken = LibvirtGuest.PostCopyBroke;
        _ = Task.Run(() =>
        {
            try
            {
                Connected().Do(guest.Key.Vm, d => Native.virDomainDestroyFlags(d, 0));
            }
            catch (Exception e) when (e is HypervisorException or HypervisorAwayException or DomainGoneException)
            {
                log.LogWarning("vm {Guest}: broke in post-copy and could not be ended yet: {Why}", guest.Key, e.Message);
            }
        });
    }

    /// <summary>libvirt tells the numbers of a migration a moment after the guest has left.</summary>
    private void AwaitStatistics(LibvirtGuest guest)
    {
        guest.Left = true;
        guest.Deadline?.Dispose();
        guest.Deadline = config.Time.CreateTimer(
            _ => _news.Writer.TryWrite(new LibvirtNews.LeftDeadline(guest.Key)), null, Retry, Timeout.InfiniteTimeSpan);
    }

    private void Gone(LibvirtGuest guest, int detail)
    {
        _guests.TryRemove(KeyValuePair.Create(guest.Key.Vm, guest));
        guest.Deadline?.Dispose();
        var incoming = guest.State == GuestState.Incoming;
        var (exit, message) = detail switch
        {
            _ when guest.Broken is { } why => (GuestExit.Error, why),
            0 or 1 when incoming => (GuestExit.Error, "the migration to this host was broken off"),
            0 => (GuestExit.Normal, null),
            1 => (GuestExit.Destroyed, null),
            2 => (GuestExit.Error, "the guest or QEMU crashed"),
            StoppedMigrated => (GuestExit.Migrated, null),
            StoppedSaved => (GuestExit.Saved, null),
            5 => (GuestExit.Error, incoming ? "the migration to this host failed" : "QEMU ended with an error"),
            _ => (GuestExit.Lost, (string?)$"libvirt reports an unexpected end ({detail})"),
        };
        if (exit is not (GuestExit.Migrated or GuestExit.Saved) && !incoming) Overlays.Delete(guest.Disks);
        if (exit != GuestExit.Migrated && !incoming) _kept.Keep(guest.Key.Vm, guest.StateFolder);
        _seeds.Delete(guest.Key.Vm);
        _watch!.Changed(Report(guest) with { State = GuestState.Down, Exit = exit, ExitMessage = message });
    }

    private async Task Agent(LibvirtGuest guest, bool connected)
    {
        guest.AgentConnected = connected;
        if (!connected || guest.Starting) return;
        Observer.Ask(guest.Key, TimeSpan.Zero);
        if (guest.State == GuestState.PoweringUp) Become(guest, GuestState.Up);
        var ips = await Task.Run(() => GuestAddresses.Read(Connected(), guest.Key.Vm));
        if (ips.SequenceEqual(guest.Ips)) return;
        guest.Ips = ips;
        Become(guest, guest.State);
    }

    private void Become(LibvirtGuest guest, GuestState state)
    {
        guest.State = state;
        _watch!.Changed(Report(guest));
    }

    /// <summary>A domain that we did not start: an arriving migration, or none of ours.</summary>
    private void Discover(Guid vm)
    {
        string? xml;
        try
        {
            xml = Connected().OnDomain(vm, d => Native.Take(Native.virDomainGetXMLDesc(d, 0)));
        }
        catch (DomainGoneException)
        {
            return;
        }

        if (xml is null || DomainXml.Owner(xml) is not { } owner) return;
        if (_guests.TryGetValue(vm, out var known) && known.Key == owner.Guest) return;
        var guest = new LibvirtGuest(owner.Guest, owner.Started) { State = GuestState.Incoming, Arriving = true };
        _guests[vm] = guest;
        _watch!.Changed(Report(guest));
    }

    private void UpdateFromXml(LibvirtGuest guest)
    {
        var xml = Connected().OnDomain(guest.Key.Vm, d => Native.Take(Native.virDomainGetXMLDesc(d, 0)));
        if (xml is null) return;
        guest.Console = DomainXml.Console(xml);
        guest.AgentConnected = DomainXml.AgentConnected(xml);
        guest.Has(LiveMachine.Read(xml));
        guest.OnStorageError = DomainXml.OnStorageError(xml);
        guest.StateFolder = DomainXml.StateFolder(xml);
        guest.Disks = [.. DomainXml.DiskPaths(xml)];
    }

    // ---- connection ---------------------------------------------------------------------------------------------

    private async Task Connect(CancellationToken cancel)
    {
        for (var attempt = 0; ; attempt++)
        {
            cancel.ThrowIfCancellationRequested();
            try
            {
                _connection?.Close();
                var number = ++_connections;
                var connection = await Task.Run(
                    () => LibvirtConnection.Open(config.LibvirtUri, number, _news.Writer), cancel);
                _connection = connection;
                _facts = await Task.Run(() => HostFacts.Read(connection, config), cancel);
                if (await Task.Run(() => NetworkFilters.Define(connection), cancel) is { } why) log.LogWarning("NICs cannot be filtered: {Why}", why);
                var all = await Task.Run(() => LibvirtGuest.ReadAll(connection), cancel);
                await FindLeaving(connection, all);
                Replace(all);
                _watch!.Found([.. all.Select(Report)]);
                return;
            }
            catch (Exception e) when (e is HypervisorAwayException or HypervisorException or DomainGoneException)
            {
                if (attempt % 30 == 0) log.LogWarning("libvirt: not reachable: {Why}", e.Message);
                await Task.Delay(Retry, config.Time, cancel);
            }
        }
    }

    /// <summary>Which of them libvirt is moving away. It may hold the question for as long as another one of the same domain
    /// takes, half a minute of an arriving one: who does not answer in time is taken for one that stays.</summary>
    private async Task FindLeaving(LibvirtConnection connection, ImmutableArray<LibvirtGuest> all)
    {
        var asked = all.Where(g => g.State is GuestState.Up or GuestState.PoweringUp or GuestState.Paused)
            .Select(g => (Guest: g, Answer: Task.Factory.StartNew(
                () => IsLeaving(connection, g.Key.Vm), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)))
            .ToList();
        await Task.WhenAny(Task.WhenAll(asked.Select(a => a.Answer)), Task.Delay(Retry, config.Time));
        foreach (var (guest, _) in asked.Where(a => a.Answer is { IsCompletedSuccessfully: true, Result: true }))
            guest.State = GuestState.MigratingOut;
    }

    private static bool IsLeaving(LibvirtConnection connection, Guid vm)
    {
        try
        {
            return connection.OnDomain(vm, Migration.IsUnderWay);
        }
        catch (Exception e) when (e is HypervisorException or HypervisorAwayException or DomainGoneException)
        {
            return false;
        }
    }

    private void Replace(ImmutableArray<LibvirtGuest> all)
    {
        foreach (var (vm, guest) in _guests)
            if (!guest.Starting && !guest.IsAwaited && all.All(g => g.Key.Vm != vm))
                _guests.TryRemove(KeyValuePair.Create(vm, guest));
        foreach (var guest in all)
        {
            _guests[guest.Key.Vm] = guest;
            if (guest.State == GuestState.PoweringUp) UpLater(guest);
            if (guest is { State: GuestState.MigratingOut, PostCopy: false }) guest.Leaving = Follow(Connected(), guest);
            if (guest.Broken is not null) Break(guest);
            hooks?.Knows(guest.Key.Vm, guest.Properties);
        }

        _seeds.Keep([.. _guests.Keys]);
    }

    private async Task Follow(LibvirtConnection connection, LibvirtGuest guest)
    {
        try
        {
            await Migration.Follow(connection, guest.Key.Vm, _stop.Token);
        }
        catch (HypervisorException e)
        {
            _news.Writer.TryWrite(new LibvirtNews.TurnedBack(guest.Key, e.Message));
            throw;
        }
    }

    private LibvirtConnection Connected() =>
        _connection ?? throw new HypervisorAwayException("libvirt is not connected yet");

    /// <summary>A thread of its own for each call: sixteen launches at a time would hold all threads of the pool for
    /// seconds, and the heartbeat with them, until the host is taken for dead.</summary>
    private Task Run(Action<LibvirtConnection> work) => Task.Factory.StartNew(
        () =>
        {
            try
            {
                work(Connected());
            }
            catch (DomainGoneException e)
            {
                throw new HypervisorException(e.Message, e);
            }
        },
        CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>The power button first: it never blocks. A guest agent, where there is one, is asked besides.</summary>
    private int AskToShutDown(GuestKey guest, nint domain)
    {
        var pressed = Native.virDomainShutdownFlags(domain, Native.ShutdownByButton);
        var connected = _guests.TryGetValue(guest.Vm, out var mine) && mine.AgentConnected;
        return connected ? Math.Max(pressed, Native.virDomainShutdownFlags(domain, Native.ShutdownByAgent)) : pressed;
    }

    /// <summary>A domain may be of another life of the VM than the order is about.</summary>
    private void CheckLease(LibvirtConnection connection, GuestKey guest)
    {
        if (_guests.TryGetValue(guest.Vm, out var mine) && mine.Key == guest) return;
        var xml = connection.OnDomain(guest.Vm, d => Native.Take(Native.virDomainGetXMLDesc(d, 0)));
        if (xml is null || DomainXml.Owner(xml)?.Guest != guest)
            throw new HypervisorException($"the domain here is not {guest}");
    }

    /// <param name="create">Makes the domain and answers its XML.</param>
    private void Begin(GuestKey guest, VmDefinition definition, long started, GuestState state, Func<string?> create)
    {
        var mine = new LibvirtGuest(guest, started)
        {
            Starting = true,
            MemoryBytes = definition.MemoryBytes,
            OnStorageError = definition.OnStorageError,
            StateFolder = definition.Hardware is { Tpm: true } hardware ? hardware.StateFolder : null,
        };
        if (!_guests.TryAdd(guest.Vm, mine)) throw new HypervisorException("a domain of this VM is on this host");
        try
        {
            if (create() is { } live)
            {
                mine.Console = DomainXml.Console(live);
                mine.Has(LiveMachine.Read(live));
            }
        }
        catch
        {
            // If libvirt went away it may have been started: the reconnection will find it or not.
            _seeds.Delete(guest.Vm);
            _guests.TryRemove(KeyValuePair.Create(guest.Vm, mine));
            throw;
        }

        mine.Starting = false;
        mine.Disks = [.. definition.Disks.Select(d => d.Path)];
        if (mine.StoppedEarly is { } stopped) _news.Writer.TryWrite(stopped);
        mine.State = mine.AgentConnected ? GuestState.Up : state;
        if (state == GuestState.Paused) mine.PauseReason = "user";
        Tell(mine);
        if (mine.State == GuestState.PoweringUp) UpLater(mine);
    }

    private void UpLater(LibvirtGuest guest)
    {
        var age = TimeSpan.FromMilliseconds(Math.Max(0, Elapsed(guest)));
        var left = config.UpAfter > age ? config.UpAfter - age : TimeSpan.Zero;
        guest.Deadline = config.Time.CreateTimer(
            _ => _news.Writer.TryWrite(new LibvirtNews.UpDeadline(guest.Key)), null, left, Timeout.InfiniteTimeSpan);
    }

    private void Tell(LibvirtGuest guest) => _news.Writer.TryWrite(new LibvirtNews.Told(Report(guest)));

    private GuestReport Report(LibvirtGuest guest) => new(guest.Key.Vm, guest.Key.Lease, guest.State)
    {
        PauseReason = guest.State == GuestState.Paused ? guest.PauseReason ?? "unknown" : null,
        OnStorageError = guest.OnStorageError,
        Watchdog = guest.Watchdog,
        Migration = guest.Migration,
        Ips = guest.Ips,
        ElapsedMs = Elapsed(guest),
        MemoryBytes = guest.MemoryBytes,
        Devices = guest.Devices,
        VirtualCpus = guest.VirtualCpus,
        Console = guest.Console,
    };

    private long Elapsed(LibvirtGuest guest) =>
        Math.Max(1, config.Time.GetUtcNow().ToUnixTimeMilliseconds() - guest.Started);

    /// <summary>virDomainEventWatchdogAction: none, pause, reset, poweroff, shutdown, debug, inject NMI.</summary>
    private static WatchdogAction ActionOf(int action) => action switch
    {
        1 => WatchdogAction.Pause,
        2 => WatchdogAction.Reset,
        3 or 4 => WatchdogAction.Poweroff,
        _ => WatchdogAction.None,
    };

    private string ConsoleLogOf(Guid vm) => Path.Combine(config.ConsoleLogFolder, $"{vm}.console.log");
}
