using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Survival;

/// <summary>
/// Keeps the host's lease, with the engine and on shared storage, and has the guests ended when both are lost: only so may
/// the engine start them elsewhere without asking anybody. The watchdog stands in for an agent that cannot do it.
/// Called by any thread.
/// </summary>
public sealed class HostGuard
{
    private const int BeatsKept = 256;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250);

    private readonly Lock _gate = new();
    private readonly IStorageLeases _storage;
    private readonly IWatchdog? _watchdog;
    private readonly IBootMemory _memory;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly long _lasts;
    private readonly TimeSpan _renewEvery;
    private readonly Queue<(long Sequence, long At)> _sent = new();
    private readonly ITimer _timer;
    private HostLease? _lease;
    private string _bootId;
    private string _beginning = "";
    private int _watchdogMs;
    private bool _ended;

    /// <summary>The write to the storage that is under way, or was the last: one at a time.</summary>
    private Task _written = Task.CompletedTask;
    private bool _writeFailed;
    private bool _closed;
    private long _writeDue;

    /// <param name="bootId">Of the boot that the agent lives in.</param>
    /// <param name="lease">How long each lease lasts without renewal; seconds, several times the pause between renewals.</param>
    public HostGuard(
        string bootId, TimeSpan lease, IStorageLeases storage, IWatchdog? watchdog, IBootMemory memory, TimeProvider time,
        ILogger log)
    {
        (_bootId, _storage, _watchdog, _memory, _time, _log) = (bootId, storage, watchdog, memory, time, log);
        _lasts = (long)lease.TotalMilliseconds;
        _renewEvery = lease / 5;
        TakeUp();
        _timer = time.CreateTimer(_ => Look(), null, LookEvery, LookEvery);
    }

    /// <summary>Ends all guests and calls <see cref="Freed"/> when none is left. Never called under a lock.</summary>
    internal Action GiveUp { get; set; } = () => { };

    /// <summary>The lease has ended, and the guests of this boot are being ended: no order is taken.</summary>
    public bool HasEnded
    {
        get
        {
            lock (_gate) return _ended || _lease?.HasEnded(Now) == true;
        }
    }

    /// <summary>A heartbeat of this number is about to be sent.</summary>
    internal void Sending(long sequence)
    {
        lock (_gate)
        {
            _sent.Enqueue((sequence, Now));
            if (_sent.Count > BeatsKept) _sent.Dequeue();
        }
    }

    /// <param name="bound">It has guests: then it keeps its lease where it is.</param>
    internal LeaseTerms Renew(RenewalOrder order, bool bound)
    {
        lock (_gate)
        {
            // What has ended is not taken up again, even if nobody has noticed yet: the engine may have.
            if (_ended || _closed || _lease?.HasEnded(Now) == true) return LeaseTerms.Unbound;
            var heard = _sent.FirstOrDefault(s => s.Sequence == order.Heard);
            if (_lease is { } lease && ((lease.Host, lease.Folder) == (order.Host, order.Folder) || bound))
            {
                if (heard.Sequence != 0) Keep(lease.Heard(heard.At, _lasts));
                return new LeaseTerms((int)_lasts, _watchdogMs, lease.Folder, lease.Number);
            }

            if (order.Folder.Length > 0 && _written.IsCompleted) _written = Begin(order.Host, order.Folder, heard.At);
            return LeaseTerms.Unbound;
        }
    }

    internal async Task<StorageLeaseReading> Read(string folder, Guid host)
    {
        var lease = await _storage.Read(folder, host);
        lock (_gate)
        {
            var held = _lease is { } own && own.Folder == folder && Now < own.StorageUntil;
            return new StorageLeaseReading(held, lease?.BootId ?? "", lease?.Number ?? 0);
        }
    }

    /// <summary>No guest of the boot so far is left.</summary>
    /// <returns>The id of the boot that begins.</returns>
    internal string Freed()
    {
        lock (_gate)
        {
            _lease = null;
            _ended = false;
            _bootId = _memory.BeginAnew();
            return _bootId;
        }
    }

    /// <summary>For an agent that cannot begin, and is started again and again: the storage renews its lease each time.</summary>
    internal void Linger(TimeSpan limit) => _written.Wait(limit);

    /// <summary>A machine with guests stays bound: if no agent comes back in time, the watchdog resets it.</summary>
    internal void Close(bool bound)
    {
        lock (_gate)
        {
            if (_closed) return;
            _closed = true;
            _timer.Dispose();
            if (_watchdogMs == 0) return;
            if (!bound && !_ended) _watchdog!.Disarm();
            else _log.LogWarning(
                "the agent stops while guests are bound to it: without an agent the watchdog resets this host in {Limit} s",
                _watchdogMs / 1000);
        }
    }

    private long Now => (long)_time.GetElapsedTime(0).TotalMilliseconds;

    private void TakeUp()
    {
        if (_memory.Lease is not { } text) return;
        _lease = HostLease.FromText(text);
        if (_lease is null) _log.LogError("the lease of the agent before cannot be read ({Text}); a new one is begun", text);
        else Arm();
        // An agent that cannot begin, because its disk is full, still keeps its guests from being ended: see Linger.
        if (_lease?.HasEnded(Now) == false) Tend();
    }

    private void Look()
    {
        lock (_gate)
        {
            if (_closed || _ended) return;
            _ended = _lease?.HasEnded(Now) == true;
            if (!_ended)
            {
                Tend();
                return;
            }
        }

        _log.LogCritical(
            "neither the engine nor the storage has renewed this host's lease for {Lasts} s: its guests are ended, since the "
            + "engine may start them elsewhere now", _lasts / 1000);
        GiveUp();
    }

    private void Tend()
    {
        if (_watchdogMs > 0) _watchdog!.Pet();
        if (_lease is { } lease && _written.IsCompleted && Now >= _writeDue) _written = Write(lease);
    }

    /// <summary>The host is bound only once the storage has taken its first renewal: before that, nothing is promised.</summary>
    private async Task Begin(Guid host, string folder, long heardAt)
    {
        var begun = Now;
        StorageLease first = new(host, _bootId, NextNumber(0));
        try
        {
            await _storage.Begin(folder, first);
            lock (_gate)
            {
                if (_closed || _ended || first.BootId != _bootId) return;
                Arm();
                Keep(new HostLease(host, folder, heardAt + _lasts, begun + _lasts, first.Number));
                _writeDue = begun + (long)_renewEvery.TotalMilliseconds;
                _beginning = "";
                _log.LogInformation("this host keeps its lease in {Folder}", folder);
            }
        }
        catch (IOException e)
        {
            lock (_gate)
            {
                if (_beginning != e.Message)
                    _log.LogWarning("this host cannot keep its lease in {Folder}: {Why}; it is tried again", folder, e.Message);
                _beginning = e.Message;
            }
        }
    }

    private async Task Write(HostLease lease)
    {
        var begun = Now;
        _writeDue = begun + (long)_renewEvery.TotalMilliseconds;
        StorageLease next = new(lease.Host, _bootId, NextNumber(lease.Number));
        try
        {
            await _storage.Renew(lease.Folder, next);
            lock (_gate)
            {
                // Also by an agent that is closed meanwhile: the next one goes on from it.
                if (_ended || next.BootId != _bootId || _lease is not { } now || now.HasEnded(Now)) return;
                Keep(now.Written(next.Number, begun, _lasts));
                if (_writeFailed) _log.LogInformation("the storage renews this host's lease again");
                _writeFailed = false;
            }
        }
        catch (IOException e)
        {
            lock (_gate)
            {
                if (!_writeFailed) _log.LogWarning("the storage does not renew this host's lease: {Why}; it is tried again", e.Message);
                _writeFailed = true;
            }
        }
    }

    /// <summary>A write that failed may have come through, or come through yet: its number is not used again.</summary>
    private long NextNumber(long last) => Math.Max(last + 1, Now);

    private void Keep(HostLease lease)
    {
        _lease = lease;
        try
        {
            _memory.Lease = lease.ToText();
        }
        catch (IOException e)
        {
            // The next agent would find an end that is too early, which is safe.
            _log.LogWarning("the lease is not noted for an agent that is started anew: {Why}", e.Message);
        }
    }

    private void Arm()
    {
        if (_watchdog is null || _watchdogMs > 0) return;
        try
        {
            _watchdogMs = (int)_watchdog.Arm().TotalMilliseconds;
        }
        catch (IOException e)
        {
            _log.LogError("the watchdog is not armed: {Why}; this host counts as one without", e.Message);
        }
    }
}
