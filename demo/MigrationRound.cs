using System.Globalization;

namespace Orchestrator.Demo;

/// <param name="Number">From 1.</param>
/// <param name="Cut">Since the command to migrate.</param>
/// <param name="Without">The longest time after the cut in which no single copy was seen to run.</param>
/// <param name="How">What became of the guest: it stayed, moved, or was restarted.</param>
public sealed record RoundFigures(
    int Number, Mishap Mishap, TimeSpan Cut, string Seen, int From, int To, TimeSpan Without, string How, int At);

/// <summary>
/// One migration and one mishap. Who runs is asked of QEMU on each host, from the cut on until everything is whole again;
/// the engine is asked only then, and must say the same.
/// </summary>
public sealed class MigrationRound(
    EngineApi api, LabHosts hosts, Installation installation, DemoVm vm, DiskWitness disk)
{
    private static readonly TimeSpan _pace = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(150);
    private static readonly TimeSpan _receiverAwaited = TimeSpan.FromSeconds(5);
    private readonly Lock _gate = new();
    private DateTimeOffset _cut;
    private DateTimeOffset _lastGood;
    private TimeSpan _without;
    private bool _good;
    private string _lastLook = "";

    public async Task<RoundFigures> Run(int number, Random random, MishapKind kind)
    {
        var from = await vm.AwaitUp(_limit);
        var others = installation.Hosts.Where(host => host != from).ToArray();
        var to = others[random.Next(others.Length)];
        var mishap = Mishap.Draw(random, kind, from, to, api, hosts, installation, vm);
        var before = hosts.Processes(vm.Id) is [var only] && only.Host == from
            ? only
            : throw new DemoException($"round {number}: the engine says up on host {from}, the hosts say {Say(hosts.Processes(vm.Id))}.");
        var boots = disk.Boots;

        var asked = DateTimeOffset.UtcNow;
        await vm.AskToMigrate(to);
        await Moment(mishap, before);
        _lastGood = _cut = DateTimeOffset.UtcNow;
        var seen = hosts.Processes(vm.Id);
        await mishap.Cut();
        using var stop = new CancellationTokenSource();
        var looking = Watch(stop.Token);
        try
        {
            await Task.Delay(mishap.Lasts);
            await mishap.Heal();
            await AwaitWhole();
            await Patience.Until("exactly one running copy", _limit, () => Task.FromResult(Good() ? this : null));
            await AwaitAgreement();
        }
        catch (DemoException e)
        {
            throw new DemoException($"round {number} ({mishap.Words}): {e.Message} On the hosts: {_lastLook}");
        }
        finally
        {
            await stop.CancelAsync();
            await looking;
        }

        var copy = hosts.Processes(vm.Id).Single();
        await disk.AwaitCheck(TimeSpan.FromSeconds(60));
        var how = copy.Pid == before.Pid ? "stayed" : disk.Boots > boots ? "restarted" : "moved";
        return new RoundFigures(
            number, mishap, _cut - asked, Stage(seen, before), from, to, _without, how, copy.Host);
    }

    /// <summary>A receiver that nobody sees, because the migration fails before or is over at once, is not waited for.</summary>
    private async Task Moment(Mishap mishap, GuestProcess source)
    {
        var patience = DateTimeOffset.UtcNow + _receiverAwaited;
        while (mishap.OnceReceiving && DateTimeOffset.UtcNow < patience && !hosts.Processes(vm.Id).Exists(p => p.Pid != source.Pid))
            await Task.Delay(10);
        await Task.Delay(mishap.After);
    }

    private static string Stage(List<GuestProcess> seen, GuestProcess source) =>
        (seen.Exists(p => p.Pid == source.Pid), seen.Exists(p => p.Pid != source.Pid)) switch
        {
            (true, false) => "before the transfer",
            (true, true) => "in the transfer",
            _ => "after the transfer",
        };

    private async Task Watch(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await Look();
            await Task.Delay(_pace, CancellationToken.None);
        }
    }

    /// <summary>One look at all hosts. While one of them cannot be asked, the guest's own word says that a copy runs.</summary>
    private async Task Look()
    {
        var at = DateTimeOffset.UtcNow;
        var all = hosts.Processes(vm.Id);
        var answers = await Task.WhenAll(all.Select(process => hosts.Runs(process, vm.Id)));
        lock (_gate)
        {
            _lastLook = all.Count == 0 ? "no QEMU" : Say(all) + " run: " + string.Join(", ", answers.Select(a => a?.ToString() ?? "?"));
            if (answers.Contains(null))
            {
                if (disk.LastWord > _lastGood) Until(disk.LastWord, runs: true);
                return;
            }

            _good = answers.Count(a => a is true) == 1;
            Until(at, _good);
        }
    }

    /// <summary>From the last moment at which one copy was seen to run.</summary>
    private void Until(DateTimeOffset at, bool runs)
    {
        if (at - _lastGood > _without) _without = at - _lastGood;
        if (runs) _lastGood = at;
    }

    private bool Good()
    {
        lock (_gate) return _good;
    }

    private async Task AwaitWhole()
    {
        await new HostFleet(api).AwaitAllUp(_limit);
        await vm.AwaitUp(_limit);
    }

    /// <summary>The engine says where it is, and no other copy is left, paused or not.</summary>
    private Task AwaitAgreement() => Patience.Until(
        "the engine and the hosts to say the same", TimeSpan.FromSeconds(30), async () =>
            hosts.Processes(vm.Id) is [var copy] && await vm.AwaitUp(TimeSpan.FromSeconds(10)) == copy.Host ? this : null);

    private static string Say(List<GuestProcess> all) => all.Count == 0
        ? "nothing"
        : string.Join(", ", all.Select(p => string.Create(
            CultureInfo.InvariantCulture, $"pid {p.Pid} on host {p.Host}{(p.Incoming ? " (incoming)" : "")}")));
}
