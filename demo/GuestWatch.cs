namespace Orchestrator.Demo;

/// <summary>
/// Looks every 200 ms, on the hosts and not in the engine, whether the guest runs twice. Two QEMU processes are allowed
/// only as the two ends of a migration: the younger one was started to receive, and within a minute one of them is gone.
/// Outside of measurements QEMU itself is asked too: source, destination, source again; the source running after the
/// destination ran means two running guests.
/// </summary>
public sealed class GuestWatch(LabHosts hosts, Guid vm) : IAsyncDisposable
{
    private static readonly TimeSpan _pace = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan _longestHandOver = TimeSpan.FromSeconds(60);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<string> _violations = [];
    private DateTimeOffset? _pairSince;
    private Task? _loop;

    public int Looks { get; private set; }
    public int HandOvers { get; private set; }
    public int Questions { get; private set; }

    /// <summary>Asking QEMU disturbs a migration's downtime on a small machine, so measurements switch it off.</summary>
    public bool AskQemu { get; set; } = true;

    public IReadOnlyList<string> Violations
    {
        get
        {
            lock (_violations) return [.. _violations];
        }
    }

    public void Start() => _loop = Loop();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_loop is not null) await _loop;
        _stop.Dispose();
    }

    private async Task Loop()
    {
        using var timer = new PeriodicTimer(_pace);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token)) await Look();
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task Look()
    {
        Looks++;
        var processes = hosts.Processes(vm);
        if (processes.Count < 2)
        {
            _pairSince = null;
            return;
        }

        if (_pairSince is null) HandOvers++;
        _pairSince ??= DateTimeOffset.UtcNow;
        var ends = processes.OrderBy(p => p.Started).ToList();
        if (ends.Count > 2) Accuse($"{ends.Count} processes: {Say(ends)}");
        else if (!ends[1].Incoming) Accuse($"two processes and the younger is no migration's destination: {Say(ends)}");
        else if (DateTimeOffset.UtcNow - _pairSince > _longestHandOver) Accuse($"a hand-over without an end: {Say(ends)}");
        else if (AskQemu) await Ask(ends[0], ends[1]);
    }

    private async Task Ask(GuestProcess source, GuestProcess destination)
    {
        Questions++;
        if (await Runs(source) && await Runs(destination) && await Runs(source) && await Runs(destination))
            Accuse($"both ends run: {Say([source, destination])}");
    }

    /// <summary>Not when it is gone while we ask, or its monitor is busy with the end of the migration.</summary>
    private async Task<bool> Runs(GuestProcess process) => await hosts.Runs(process, vm) is true;

    private void Accuse(string what)
    {
        lock (_violations)
        {
            if (_violations.Contains(what)) return;
            _violations.Add(what);
        }

        Narrator.Say($"THE GUEST RUNS TWICE: {what}");
    }

    private static string Say(IEnumerable<GuestProcess> processes) => string.Join(", ", processes.Select(p =>
        $"pid {p.Pid} on host {p.Host}, started {p.Started:HH:mm:ss.fff}{(p.Incoming ? ", incoming" : "")}"));
}
