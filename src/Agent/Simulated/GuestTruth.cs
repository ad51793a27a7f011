using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Simulated;

/// <summary>
/// Where each guest runs, kept apart from every ledger so that it can convict them. A guest that begins while it runs
/// somewhere is a double, noted for ever.
/// </summary>
public sealed class GuestTruth(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly long _began = time.GetTimestamp();
    private readonly List<GuestLife> _lives = [];
    private readonly List<string> _doubles = [];
    private readonly Dictionary<Guid, List<int>> _running = [];

    /// <summary>Hears of every life as it begins and as it ends, at that very moment; it must not call back.</summary>
    public Action<GuestLife> Told { get; set; } = _ => { };

    /// <summary>Hears when a guest that runs has other disks; it must not call back.</summary>
    public Action<int, GuestKey, VmDefinition> Reshaped { get; set; } = (_, _, _) => { };

    public long NowMs => (long)time.GetElapsedTime(_began).TotalMilliseconds;

    /// <param name="wentOnFrom">The lease under which it ran when its memory was saved; null: it boots.</param>
    public void Begin(Guid vm, int host, string boot, long lease, long? wentOnFrom = null)
    {
        lock (_gate)
        {
            if (wentOnFrom is { } from && _lives.LastOrDefault(l => l.Vm == vm) is { } last && last.Lease > from)
                _doubles.Add(
                    $"{NowMs} ms: VM {vm} went on from its memory of lease {from} on host {host} although it had run "
                    + $"under lease {last.Lease} on host {last.Host} since");
            Add(new GuestLife(vm, host, boot, lease, NowMs) { WentOnFrom = wentOnFrom });
        }
    }

    public void End(Guid vm, int host, long lease, string how)
    {
        lock (_gate) Close(vm, host, lease, how);
    }

    /// <summary>The moment of a live migration: the guest stops here and goes on there.</summary>
    public void Move(Guid vm, int from, long lease, int to, string boot, long newLease)
    {
        lock (_gate)
        {
            Close(vm, from, lease, "migrated");
            Add(new GuestLife(vm, to, boot, newLease, NowMs) { CameFrom = from });
        }
    }

    public FleetHistory History()
    {
        lock (_gate) return new FleetHistory(NowMs, _lives.ToList(), _doubles.ToList());
    }

    private void Add(GuestLife life)
    {
        if (!_running.TryGetValue(life.Vm, out var running)) _running[life.Vm] = running = [];
        foreach (var other in running.Select(i => _lives[i]))
            _doubles.Add(
                $"{life.FromMs} ms: VM {life.Vm} began on host {life.Host} with lease {life.Lease} "
                + $"while it ran on host {other.Host} with lease {other.Lease}");
        running.Add(_lives.Count);
        _lives.Add(life);
        Told(life);
    }

    private void Close(Guid vm, int host, long lease, string how)
    {
        if (!_running.TryGetValue(vm, out var running)) return;
        var at = running.FindIndex(i => _lives[i].Host == host && _lives[i].Lease == lease);
        if (at < 0) return;
        var ended = _lives[running[at]] with { ToMs = NowMs, End = how };
        _lives[running[at]] = ended;
        running.RemoveAt(at);
        Told(ended);
    }
}
