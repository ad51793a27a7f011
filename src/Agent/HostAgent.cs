using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Ledgers;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;
using Orchestrator.Agent.Survival;

namespace Orchestrator.Agent;

/// <summary>
/// One hypervisor host as the engine sees it. Order of everything: check (<see cref="OrderGuard"/>) → ledger on disk →
/// answer → hypervisor → event. One lock per host guards ledger, guests and feed; the hypervisor is called outside it.
/// </summary>
public sealed partial class HostAgent : IGuestWatch, IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan SignalLimit = TimeSpan.FromSeconds(2);
    private readonly Lock _gate = new();
    private readonly LeaseLedger _ledger;
    private readonly IHypervisor _hypervisor;
    private readonly ImageJobs _jobs;
    private readonly EventFeed _feed;
    private readonly HostGuard? _guard;
    private readonly DomainWatch? _domains;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly TimeSpan _incomingTimeout;
    private readonly Dictionary<Guid, Guest> _guests = [];
    private AgentDescription _about;
    private bool _closed;
    private bool _looked;

    /// <param name="guard">Null: the host is bound by nothing, and its silence proves nothing.</param>
    /// <param name="domains">Null: it says nothing of its storage.</param>
    public HostAgent(
        AgentDescription about, BootIdentity boot, LeaseLedger ledger, IHypervisor hypervisor, ImageJobs jobs,
        TimeSpan incomingTimeout, TimeProvider time, ILogger log, HostGuard? guard = null, DomainWatch? domains = null)
    {
        _about = about;
        _ledger = ledger;
        _hypervisor = hypervisor;
        _jobs = jobs;
        _feed = new EventFeed(boot.FirstSequence);
        _time = time;
        _log = log;
        _incomingTimeout = incomingTimeout;
        foreach (var record in ledger.Records.Where(r => !r.Forgotten)) _guests[record.Vm] = Guest.Remembered(record, time.GetTimestamp());
        _guard = guard;
        _domains = domains;
        guard?.GiveUp = () => _ = GiveUp();
        _jobs.Told = job => { lock (_gate) _feed.Tell(n => new HostEvent.JobChanged(n, job)); };
    }

    /// <summary>Null: it mounts nothing.</summary>
    public StorageKeeper? Storage { get; init; }

    public AgentDescription Describe() => _hypervisor.Describe(Volatile.Read(ref _about));

    public HostStatistics Sample() => _hypervisor.Sample();

    public Task<HostObservations> Observe() => _hypervisor.Observe();

    public string? ConsoleLog(Guid vm, int lines) => _hypervisor.ConsoleLog(vm, lines);

    public Consoles Consoles => new(_hypervisor.Consoles, Take, vm => { lock (_gate) return Present(vm); });

    public FileSystems FileSystems => new(_hypervisor, Take);

    public Task Open(CancellationToken cancel)
    {
        Storage?.TakeUp();
        return _hypervisor.Open(this, cancel);
    }

    public HostEvent.Report Report()
    {
        lock (_gate) return ReportNow();
    }

    /// <summary>How many guests are in each state.</summary>
    public IReadOnlyDictionary<GuestState, int> CountGuests()
    {
        lock (_gate) return _guests.Values.GroupBy(g => g.Report.State).ToDictionary(g => g.Key, g => g.Count());
    }

    /// <summary>Claims the host for the owner with this epoch and begins a stream to it.</summary>
    public (EventFeed.Follower? Follower, AgentRefusal? Refusal) Follow(long epoch, string owner)
    {
        lock (_gate)
        {
            if (Claim(new Stamp(epoch), owner) is { } refusal) return (null, refusal);
            return (_feed.Follow(epoch, ReportNow()), null);
        }
    }

    /// <summary>Adds a heartbeat to the stream, and with it the proof that this agent is alive.</summary>
    public void Beat()
    {
        var sample = _hypervisor.Sample();
        var addresses = _hypervisor.Addresses;
        lock (_gate)
            _feed.Tell(n =>
            {
                _guard?.Sending(n);
                return new HostEvent.Heartbeat(n, sample) { Addresses = addresses };
            });
    }

    /// <summary>The engine has heard this host: its lease runs on.</summary>
    public (LeaseTerms? Terms, AgentRefusal? Refusal) Renew(RenewalOrder order)
    {
        lock (_gate)
        {
            if (Claim(order.Stamp, _ledger.Owner) is { } refusal) return (null, refusal);
            var terms = _guard?.Renew(order, bound: HasGuests) ?? LeaseTerms.Unbound;
            return (_domains is null ? terms : terms with { Domains = _domains.Look(order.Domains) }, null);
        }
    }

    /// <summary>Looks at another host's lease on the storage.</summary>
    /// <exception cref="IOException">The storage does not answer.</exception>
    public Task<StorageLeaseReading> ReadStorageLease(string folder, Guid host) =>
        _guard?.Read(folder, host) ?? Task.FromResult(new StorageLeaseReading(false, "", 0));

    public AgentAnswer Launch(LaunchOrder order) =>
        Take(order.Stamp, order.Definition.Id, (known, guest) => OrderGuard.Begin(known, order.Lease, guest), () =>
        {
            var guest = Begin(order.Definition, order.Lease, GuestState.WaitForLaunch);
            Then(guest, () => Stored(order.Definition, () => _hypervisor.Launch(guest.Key, order.Definition)), EndsGuest);
        });

    public AgentAnswer Restore(RestoreOrder order) => !OrderGuard.IsPath(order.Memory)
        ? OrderGuard.NoPath(order.Memory)
        : Take(order.Stamp, order.Definition.Id, (known, guest) => OrderGuard.Begin(known, order.Lease, guest), () =>
        {
            var guest = Begin(order.Definition, order.Lease, GuestState.WaitForLaunch);
            Then(guest, () => Stored(order.Definition, () => _hypervisor.Restore(guest.Key, order.Definition, order.Memory)), EndsGuest);
        });

    public AgentAnswer Reshape(ReshapeOrder order) =>
        Take(
            order.Stamp, order.Definition.Id,
            (known, guest) => OrderGuard.Reshape(
                known, order.Lease, order.Number, guest, _guests.GetValueOrDefault(order.Definition.Id)?.Reshapes.IsUnderWay(order.Number) == true),
            () =>
            {
                var guest = _guests[order.Definition.Id];
                if (_ledger.Find(guest.Key.Vm)?.Reshape != order.Number) _ledger.Reshape(guest.Key.Vm, order.Lease, order.Number);
                Tell(guest, guest.Report with { Reshape = order.Number, Reshaped = null, ReshapeError = null });

                // Not awaited by the orders behind it: a power off must be able to overtake a guest that gives nothing back.
                Then(guest, () => { _ = Carry(guest, order); return Task.CompletedTask; }, Notes);
                guest.Reshapes.Begin(order.Number);
            });

    public AgentAnswer PrepareIncoming(IncomingOrder order) =>
        Take(order.Stamp, order.Definition.Id, (known, guest) => OrderGuard.Begin(known, order.Lease, guest), () =>
        {
            var guest = Begin(order.Definition, order.Lease, GuestState.Incoming);
            Then(guest, () => Stored(order.Definition, () => _hypervisor.PrepareIncoming(guest.Key, order.Definition)), EndsGuest);
            var wait = order.TimeoutSeconds > 0 ? TimeSpan.FromSeconds(order.TimeoutSeconds) : _incomingTimeout;
            guest.Deadline = _time.CreateTimer(_ => GiveUpIncoming(guest, wait), null, wait, Timeout.InfiniteTimeSpan);
        });

    public AgentAnswer Stop(Guid vm, StopOrder order) =>
        Take(order.Stamp, vm, (known, guest) => Done(vm, order)
            ? new Verdict.AlreadySo()
            : OrderGuard.Stop(known, order.Lease, order.Mode, guest), () =>
        {
            var guest = _guests[vm];
            guest.LastAction = order.Id ?? guest.LastAction;
            if (guest.Report.State == GuestState.Incoming && order.Mode is StopMode.PowerOff or StopMode.AbandonIncoming)
            {
                // Who powers it off wants no guest; who gives it up wants to know that nothing will arrive.
                Then(guest, () => order.Mode == StopMode.PowerOff
                    ? EndIncoming(guest, GuestExit.Destroyed, "given up by order")
                    : EndIncoming(guest, GuestExit.Lost, "its source is dead, and nothing had arrived"), Notes);
                return;
            }

            if (order.Mode == StopMode.Shutdown && guest.Report.State is GuestState.Up or GuestState.PoweringUp)
                Tell(guest, guest.Report with { State = GuestState.PoweringDown });
            Then(guest, () => Persist(guest, () => _hypervisor.Stop(guest.Key, order.Mode)), StaysUp);
        }, bury: () => Bury(vm, order.Lease));

    /// <summary>As <see cref="Stop"/>. Of a reboot or a reset the guest's report says nothing, so they are answered when they have been
    /// carried out: one that was only taken would be lost with this agent.</summary>
    public async Task<AgentAnswer> StopAndSee(Guid vm, StopOrder order)
    {
        var answer = Stop(vm, order);
        if (answer is not AgentAnswer.Accepted || order.Mode is not (StopMode.Reboot or StopMode.Reset)) return answer;
        Task? orders;
        lock (_gate) orders = _guests.GetValueOrDefault(vm)?.Last;
        try
        {
            if (orders is not null) await orders.WaitAsync(SignalLimit, _time);
            return answer;
        }
        catch (TimeoutException)
        {
            return new AgentAnswer.Refused(new AgentRefusal(RefusalCode.NotReady, "the hypervisor has not done it yet; say it again"));
        }
    }

    public AgentAnswer Pause(Guid vm, GuestOrder order) =>
        Take(order.Stamp, vm, (known, guest) => OrderGuard.Pause(known, order.Lease, guest),
            () => Then(_guests[vm], () => Persist(_guests[vm], () => _hypervisor.Pause(new GuestKey(vm, order.Lease))), Notes));

    public AgentAnswer Resume(Guid vm, GuestOrder order) =>
        Take(order.Stamp, vm, (known, guest) => OrderGuard.Resume(known, order.Lease, guest),
            () => Then(_guests[vm], () => Persist(_guests[vm], () => _hypervisor.Resume(new GuestKey(vm, order.Lease))), Notes));

    public AgentAnswer Migrate(Guid vm, MigrateOrder order) =>
        Take(
            order.Stamp, vm,
            (known, guest) => OrderGuard.Migrate(
                known, order.Lease, order.DestinationLease, guest, followed: _guests.GetValueOrDefault(vm)?.Moving != false),
            () =>
            {
                var guest = _guests[vm];
                var before = guest.Report.State == GuestState.MigratingOut ? GuestState.Up : guest.Report.State;
                guest.Moving = true;
                if (_ledger.Find(vm)?.Move != order.DestinationLease) _ledger.Move(vm, order.Lease, order.DestinationLease);
                Tell(guest, guest.Report with
                {
                    State = GuestState.MigratingOut,
                    Migration = null,
                    MigrationError = null,
                    MigrationHopeless = false,
                    MigrationLease = order.DestinationLease,
                });

                // Not awaited by the orders behind it: a power off must be able to overtake a migration.
                Then(guest, () => { _ = Carry(guest, order, before); return Task.CompletedTask; }, Notes);
            });

    public AgentAnswer CancelMigration(Guid vm, GuestOrder order) =>
        Take(order.Stamp, vm, (known, guest) => OrderGuard.CancelMigration(known, order.Lease, guest),
            () => Then(_guests[vm], () => _hypervisor.CancelMigration(new GuestKey(vm, order.Lease)), Notes));

    public AgentAnswer Forget(Guid vm, GuestOrder order) =>
        Take(order.Stamp, vm, (known, guest) => OrderGuard.Forget(known, order.Lease, guest), () =>
        {
            _ledger.Forget(vm, order.Lease);
            _guests.Remove(vm);
        });

    /// <returns>The refusal, or the job as it stands.</returns>
    public (JobReport? Job, AgentRefusal? Refusal) Run(Guid id, JobOrder order)
    {
        lock (_gate)
            if (Claim(order.Stamp, _ledger.Owner) is { } refusal) return (null, refusal);
        return _jobs.Run(id, order.Job);
    }

    public JobReport? Job(Guid id) => _jobs.Find(id);

    /// <summary>An order without a stamp is the operator's own test of a device; with one it must be current.</summary>
    public AgentRefusal? Check(Stamp? stamp)
    {
        lock (_gate) return stamp is null ? null : Claim(stamp, _ledger.Owner);
    }

    public void Changed(GuestReport told)
    {
        lock (_gate)
        {
            if (_closed) return;
            Take(told);
        }
    }

    public void Found(ImmutableArray<GuestReport> all)
    {
        var saved = new List<(Guest Guest, string Path)>();
        lock (_gate)
        {
            if (_closed) return;
            foreach (var told in all) Take(told);
            var there = all.Select(g => new GuestKey(g.Vm, g.Lease)).ToHashSet();
            foreach (var guest in _guests.Values.ToList())
            {
                if (guest.Report.State == GuestState.Down || there.Contains(guest.Key)) continue;
                if (guest.Report.State is GuestState.WaitForLaunch or GuestState.Incoming && guest.Busy) continue;
                if (SavedTo(guest) is { } path)
                {
                    saved.Add((guest, path));
                    continue;
                }

                _log.LogWarning("vm {Guest}: gone, and nobody saw how", guest.Key);
                End(guest, guest.Report, GuestExit.Lost, "the guest was gone when the agent looked");
            }

            _looked = saved.Count == 0;
        }

        if (saved.Count > 0) _ = Settle(saved);
    }

    /// <summary>Lets the follower go, so that the agent can stop; the guests do not notice.</summary>
    public void EndStream()
    {
        lock (_gate) _feed.Close();
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _closed = true;
            _guard?.Close(bound: HasGuests);
            _feed.Close();
            foreach (var guest in _guests.Values) guest.EndTimers();
        }

        await _hypervisor.DisposeAsync();
        _ledger.Dispose();
        _jobs.Dispose();
    }

    // ---- under the lock -----------------------------------------------------------------------------------------

    private AgentAnswer Take(
        Stamp stamp, Guid vm, Func<LeaseRecord?, GuestReport?, Verdict> judge, Action act, Action? bury = null)
    {
        lock (_gate)
        {
            if (Claim(stamp, _ledger.Owner) is { } refusal) return new AgentAnswer.Refused(refusal);
            switch (judge(_ledger.Find(vm), Present(vm)))
            {
                case Verdict.Refuse refused: return new AgentAnswer.Refused(refused.Refusal);
                case Verdict.Bury: bury!(); break;
                case Verdict.Act: act(); break;
            }

            return new AgentAnswer.Accepted(new OrderReceipt(_feed.Sequence, Present(vm)));
        }
    }

    /// <summary>A reboot or reset that was taken before and is said again.</summary>
    private bool Done(Guid vm, StopOrder order) =>
        order.Id is { } id && _guests.TryGetValue(vm, out var guest) && guest.Key.Lease == order.Lease && guest.LastAction == id;

    private bool HasGuests => _guests.Values.Any(g => g.Report.State != GuestState.Down);

    private AgentRefusal? Claim(Stamp stamp, string owner)
    {
        if (_closed) return new AgentRefusal(RefusalCode.NotReady, "the agent is stopping");
        if (!_looked) return new AgentRefusal(RefusalCode.NotReady, "the agent is still looking for its guests");
        if (_guard?.HasEnded == true)
            return new AgentRefusal(RefusalCode.NotReady, "this host has lost its lease, and its guests are being ended");
        if (OrderGuard.Check(stamp, _ledger.Epoch, _about.BootId) is { } refusal) return refusal;
        if (stamp.Epoch > _ledger.Epoch || (stamp.Epoch == _ledger.Epoch && owner != _ledger.Owner))
        {
            _ledger.RaiseEpoch(stamp.Epoch, owner);
            _feed.EndBelow(stamp.Epoch, stamp.Epoch);
        }

        return null;
    }

    private Guest Begin(VmDefinition definition, long lease, GuestState state)
    {
        var vm = definition.Id;
        _ledger.Open(vm, lease);
        var before = _guests.GetValueOrDefault(vm)?.Last ?? Task.CompletedTask;
        // Its memory is spoken for from now on: the engine must not count it as free until the process has taken it.
        var report = new GuestReport(vm, lease, state)
        {
            MemoryBytes = definition.MemoryBytes,
            OnStorageError = definition.OnStorageError,
        };
        var guest = new Guest(report, _time.GetTimestamp()) { Last = before };
        _guests[vm] = guest;
        Tell(guest, guest.Report);
        return guest;
    }

    private void Bury(Guid vm, long lease)
    {
        const string Why = "ended by order before it was ever started here";
        _ledger.End(vm, lease, GuestExit.Destroyed, Why);
        var report = new GuestReport(vm, lease, GuestState.Down) { Exit = GuestExit.Destroyed, ExitMessage = Why };
        Tell(_guests[vm] = new Guest(report, _time.GetTimestamp()), report);
    }

    private void Take(GuestReport told)
    {
        var known = _ledger.Find(told.Vm);
        var key = new GuestKey(told.Vm, told.Lease);
        if (known is null || told.Lease > known.Lease) Adopt(told);
        else if (told.Lease < known.Lease || known.Ended)
        {
            if (told.State == GuestState.Down) return;
            _log.LogError("vm {Guest}: runs although that lease has ended here; it is powered off", key);
            _ = Outside(() => _hypervisor.Stop(key, StopMode.PowerOff), key);
            return;
        }

        if (!_guests.TryGetValue(told.Vm, out var guest)) return;
        if (told.State == GuestState.Down)
        {
            End(guest, told, told.Exit, told.ExitMessage);
            return;
        }

        if (told.State == GuestState.Up) RunsOn(guest);
        // The hypervisor knows nothing of an order to leave until the guest has left or the attempt is over.
        if (guest.Moving && told.State is GuestState.Up or GuestState.PoweringUp)
            told = told with { State = GuestState.MigratingOut };
        if (guest.Report.State == GuestState.PoweringDown && told.State == GuestState.Up)
            told = told with { State = GuestState.PoweringDown };
        if (told.State != GuestState.Incoming) guest.Deadline?.Dispose();
        Tell(guest, told with
        {
            MigrationError = told.MigrationError ?? guest.Report.MigrationError,
            MigrationHopeless = guest.Report.MigrationHopeless,
        });
    }

    /// <summary>A guest of ours that the ledger does not know: it exists, so it is recorded before anything else.</summary>
    private void Adopt(GuestReport told)
    {
        _log.LogWarning("vm {Guest}: runs here but is not in the ledger; it is taken over", new GuestKey(told.Vm, told.Lease));
        _ledger.Open(told.Vm, told.Lease);
        _guests[told.Vm] = new Guest(told, _time.GetTimestamp());
    }

    private void End(Guest guest, GuestReport last, GuestExit exit, string? message)
    {
        if (guest.Report.State == GuestState.Down) return;
        // Nobody wanted its end: whoever restarts what is lost must do so with this one.
        if (guest.GivenUp && exit is not (GuestExit.Migrated or GuestExit.Saved))
            (exit, message) = (GuestExit.Lost, "its host had lost its lease");
        if (guest.Condemned is { } why && exit == GuestExit.Destroyed) (exit, message) = (GuestExit.Error, why);
        var (vm, lease) = guest.Key;
        _ledger.End(vm, lease, exit, message);
        guest.Deadline?.Dispose();
        Tell(guest, last with
        {
            State = GuestState.Down,
            PauseReason = null,
            Exit = exit,
            ExitMessage = message,
            Migration = last.Migration ?? guest.Report.Migration,
        });
    }

    private void Tell(Guest guest, GuestReport report)
    {
        guest.Report = guest.With(report);
        if (report.ElapsedMs > 0)
            guest.Since = _time.GetTimestamp() - (long)(report.ElapsedMs / 1000.0 * _time.TimestampFrequency);
        Watch(guest);
        _feed.Tell(n => new HostEvent.GuestChanged(n, Aged(guest)));
    }

    /// <summary>Looks after a guest that a failed disk has paused, for as long as it is.</summary>
    private void Watch(Guest guest)
    {
        var stuck = guest.Report is
        {
            State: GuestState.Paused, PauseReason: "io-error" or "no-space",
            OnStorageError: OnStorageError.AutoResume or OnStorageError.Kill,
        };
        if (stuck == (guest.Stuck is not null)) return;
        guest.Stuck?.Dispose();
        guest.Stuck = stuck ? new StuckGuest(_time, () => Unstick(guest)) : null;
    }

    private HostEvent.Report ReportNow() => new(_feed.Next(), _about.BootId)
    {
        Guests = [.. _guests.Values.Select(Aged)],
        Jobs = _jobs.All(),
    };

    private GuestReport? Present(Guid vm) => _guests.TryGetValue(vm, out var guest) ? Aged(guest) : null;

    private GuestReport Aged(Guest guest) => guest.Report.State == GuestState.Down
        ? guest.Report
        : guest.Report with { ElapsedMs = (long)_time.GetElapsedTime(guest.Since).TotalMilliseconds };

    // ---- outside the lock ---------------------------------------------------------------------------------------

    /// <summary>What a closed agent has not begun is for the next one, which is told again.</summary>
    private void Then(Guest guest, Func<Task> work, Action<Guest, Exception> failed) =>
        guest.Then(() => _closed ? Task.CompletedTask : work(), failed);

    private async Task Stored(VmDefinition guest, Func<Task> begin)
    {
        if (Storage is { } storage) await storage.Await(guest, CancellationToken.None);
        await begin();
    }

    private void EndsGuest(Guest guest, Exception e)
    {
        if (e is HypervisorAwayException)
        {
            _log.LogWarning("vm {Guest}: {Why}; it is looked for when the hypervisor is back", guest.Key, e.Message);
            return;
        }

        _log.LogWarning("vm {Guest}: did not start: {Why}", guest.Key, e.Message);
        lock (_gate)
        {
            var last = e is MemoryGoneException ? guest.Report with { MemoryGone = true } : guest.Report;
            if (!_closed) End(guest, last, GuestExit.Error, e.Message);
        }
    }

    /// <summary>An accepted order is carried out even if the hypervisor is away just now.</summary>
    private Task Persist(Guest guest, Func<Task> work) => Persist(guest, async () => { await work(); return true; });

    private async Task<T> Persist<T>(Guest guest, Func<Task<T>> work)
    {
        while (true)
            try
            {
                return await work();
            }
            catch (HypervisorAwayException) when (!_closed && guest.Report.State != GuestState.Down)
            {
                await Task.Delay(Patience, _time);
            }
    }

    /// <summary>A guest that could not be asked to go is not on its way.</summary>
    private void StaysUp(Guest guest, Exception e)
    {
        Notes(guest, e);
        lock (_gate)
            if (!_closed && guest.Report.State == GuestState.PoweringDown)
                Tell(guest, guest.Report with { State = GuestState.Up });
    }

    private void Notes(Guest guest, Exception e) =>
        _log.LogWarning("vm {Guest}: an order was not carried out: {Why}", guest.Key, e.Message);

    private async Task Carry(Guest guest, MigrateOrder order, GuestState before)
    {
        try
        {
            await _hypervisor.Migrate(guest.Key, order);
        }
        catch (PostCopyBrokenException e)
        {
            // It went on at the destination, so nothing may ever go on here. Both ends are ended; a new start is the engine's.
            _log.LogError("vm {Guest}: is lost, its migration to {Uri} broke in post-copy: {Why}", guest.Key, order.DestinationUri, e.Message);
            await Outside(() => Persist(guest, () => _hypervisor.Stop(guest.Key, StopMode.PowerOff)), guest.Key);
            lock (_gate)
                if (!_closed) End(guest, guest.Report, GuestExit.Error, e.Message);
        }
        catch (Exception e)
        {
            _log.LogWarning("vm {Guest}: stays here, its migration to {Uri} failed: {Why}", guest.Key, order.DestinationUri, e.Message);
            lock (_gate)
            {
                guest.Moving = false;
                if (_closed || guest.Report.State == GuestState.Down) return;
                _ledger.MoveFailed(guest.Key.Vm, guest.Key.Lease, order.DestinationLease);
                var state = guest.Report.State == GuestState.MigratingOut ? before : guest.Report.State;
                Tell(guest, guest.Report with
                {
                    State = state,
                    Migration = null,
                    MigrationError = e.Message,
                    MigrationHopeless = e is HopelessMigrationException,
                });
            }
        }
        finally
        {
            guest.Moving = false;
        }
    }

    private Task Carry(Guest guest, ReshapeOrder order) => guest.Reshapes.Carry(
        order, () => Persist(guest, () => _hypervisor.Reshape(guest.Key, order.Definition)), (machine, failed) =>
        {
            lock (_gate)
            {
                if (_closed || guest.Report.State == GuestState.Down) return;
                // A later one may have been ordered meanwhile: the ledger is about that.
                if (_ledger.Find(guest.Key.Vm)?.Reshape == order.Number)
                {
                    if (failed is not null) _ledger.ReshapeFailed(guest.Key.Vm, guest.Key.Lease, order.Number);
                    else _ledger.Reshaped(guest.Key.Vm, guest.Key.Lease, order.Number);
                }

                if (guest.Report.Reshape == order.Number) Tell(guest, Reshaping.Over(guest.Report, order.Number, machine, failed));
            }
        });

    /// <summary>Lets it go on if its disks can be used, and ends it if that is wanted and has taken too long.</summary>
    private void Unstick(Guest guest)
    {
        lock (_gate)
        {
            if (_closed || guest.Stuck is not { } stuck) return;
            Then(guest, async () =>
            {
                if (guest.Stuck != stuck) return;
                if (await _hypervisor.StorageWorks(guest.Key)) await _hypervisor.Resume(guest.Key);
                else if (guest.Report.OnStorageError == OnStorageError.Kill && stuck.IsHopeless)
                {
                    guest.Condemned = $"it was paused by its storage for {StuckGuest.Hopeless.TotalSeconds} s";
                    await _hypervisor.Stop(guest.Key, StopMode.PowerOff);
                }
            }, Notes);
        }
    }

    private void GiveUpIncoming(Guest guest, TimeSpan waited)
    {
        lock (_gate)
        {
            if (_closed || guest.Report.State != GuestState.Incoming) return;
            Then(guest, () => EndIncoming(guest, GuestExit.Lost, $"nothing arrived in {waited.TotalSeconds} s"), Notes);
        }
    }

    private async Task EndIncoming(Guest guest, GuestExit exit, string why)
    {
        var abandoned = false;
        await Persist(guest, async () => abandoned = await _hypervisor.AbandonIncoming(guest.Key));
        if (!abandoned) return;
        lock (_gate)
            if (!_closed && guest.Report.State == GuestState.Incoming) End(guest, guest.Report, exit, why);
    }
}
