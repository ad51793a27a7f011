using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Orchestrator.Tests.Cluster.Checkers;

namespace Orchestrator.Tests.Cluster.Harness;

public sealed record WorkloadOptions
{
    public required int Seed { get; init; }

    public int Clients { get; init; } = 8;

    public int VmsPerClient { get; init; } = 4;

    /// <summary>Between two commands of one client. Two cores carry everything: flat out, the machine itself would be
    /// the fault.</summary>
    public TimeSpan Pace { get; init; } = TimeSpan.FromMilliseconds(150);
}

/// <summary>
/// Clients that create, start, stop, migrate, change and remove VMs, each only its own, so that each knows what to
/// expect after every accepted command and notes at once when the server shows something else.
/// </summary>
public sealed class Workload
{
    /// <summary>A node that did not notice that its client was gone (a cut network brings no FIN) may carry a command
    /// out until its own patience ends: entities.ask-patience, 25 s. Before that, what is legal is not known.</summary>
    private static readonly TimeSpan _doubtLasts = TimeSpan.FromSeconds(35);

    private readonly TestCluster _cluster;
    private readonly Ledger _ledger;
    private readonly WorkloadOptions _options;
    private readonly ConcurrentQueue<(DateTimeOffset At, bool Ok)> _answers = new();
    private readonly List<Task> _clients = [];
    private volatile TaskCompletionSource? _pause;
    private volatile bool _stopped;
    private int _idle;

    private Workload(TestCluster cluster, Ledger ledger, WorkloadOptions options)
    {
        _cluster = cluster;
        _ledger = ledger;
        _options = options;
    }

    public static Workload Start(TestCluster cluster, Ledger ledger, WorkloadOptions options)
    {
        var workload = new Workload(cluster, ledger, options);
        for (var i = 0; i < options.Clients; i++)
        {
            var number = i;
            workload._clients.Add(Task.Run(() => workload.Live(number)));
        }

        return workload;
    }

    /// <summary>Commands answered with success so far.</summary>
    public int AcceptedCount => _answers.Count(a => a.Ok);

    /// <summary>Lets each client finish what it is at, including the VM that it waits for.</summary>
    public async Task Pause()
    {
        _pause = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await Wait.Until(() => Volatile.Read(ref _idle) == _clients.Count(c => !c.IsCompleted),
            TimeSpan.FromSeconds(150), "all clients are idle");
        await Faulted();
    }

    public void Resume()
    {
        var pause = _pause;
        _pause = null;
        pause?.SetResult();
    }

    public async Task Stop()
    {
        await Pause();
        _stopped = true;
        Resume();
        await Task.WhenAll(_clients);
    }

    /// <summary>A client that broke ends the test: its exception is the finding.</summary>
    private async Task Faulted()
    {
        foreach (var client in _clients.Where(c => c.IsFaulted)) await client;
    }

    private async Task Live(int number)
    {
        var random = new Random((_options.Seed * 1000) + number);
        using var rest = _cluster.NewClient(_cluster.Options.AttemptLimit);
        var client = new VmClient(
            rest, _ledger, _cluster.Faults, _options.Seed.ToString(CultureInfo.InvariantCulture), $"w{number}")
        {
            InDoubt = InDoubt.Stop,
        };
        var vms = new List<(VmRecord Vm, string Status)>();
        var doubtful = new List<(VmRecord Vm, DateTimeOffset Since)>();
        while (!_stopped)
        {
            if (_pause is { } pause)
            {
                Interlocked.Increment(ref _idle);
                await pause.Task;
                Interlocked.Decrement(ref _idle);
                if (_stopped) return;
                rest.Forgive();
                var ripe = doubtful.Where(d => DateTimeOffset.UtcNow - d.Since > _doubtLasts).ToList();
                doubtful.RemoveAll(ripe.Contains);
                vms.AddRange(await Resolve(client, [.. ripe.Select(d => d.Vm)]));
                continue;
            }

            client.First = random.Next(rest.Nodes);
            if (vms.Count + doubtful.Count < _options.VmsPerClient || vms.Count == 0)
            {
                var vm = await client.Create(CancellationToken.None);
                Note(vm);
                if (vm.Commands[^1].Outcome == Outcome.Unknown) doubtful.Add((vm, DateTimeOffset.UtcNow));
                else if (vm.Id is not null && await client.Settled(vm, CancellationToken.None) is { } born)
                {
                    vms.Add((vm, born));
                }
            }
            else
            {
                var index = random.Next(vms.Count);
                var (vm, status) = vms[index];
                var next = await Step(client, vm, status, random);
                if (next is null or "gone") vms.RemoveAt(index);
                else vms[index] = (vm, next);
                if (next is null && vm.Commands[^1].Outcome == Outcome.Unknown) doubtful.Add((vm, DateTimeOffset.UtcNow));
            }

            await Wait.Pass(_options.Pace);
        }
    }

    /// <summary>What became of commands in doubt. Nobody touched these VMs since.</summary>
    private static async Task<List<(VmRecord Vm, string Status)>> Resolve(VmClient client, List<VmRecord> doubtful)
    {
        var found = new List<(VmRecord Vm, string Status)>();
        foreach (var vm in doubtful)
        {
            if (vm.Id is null) await client.Identify(vm, CancellationToken.None);
            if (vm.Id is not null && await client.Settled(vm, CancellationToken.None) is { } status and not "gone")
            {
                found.Add((vm, status));
            }
        }

        return found;
    }

    /// <summary>One command that is legal now; answers the status after it, or null to leave the VM alone.</summary>
    private async Task<string?> Step(VmClient client, VmRecord vm, string status, Random random)
    {
        var kind = (status, random.Next(100)) switch
        {
            ("down", < 60) => CommandKind.Start,
            ("down", < 90) => CommandKind.Update,
            ("down", _) => CommandKind.Remove,
            ("up", < 35) => CommandKind.Migrate,
            ("up", < 70) => CommandKind.Stop,
            _ => CommandKind.Update,
        };
        var answer = kind == CommandKind.Update
            ? await client.Update(vm, CancellationToken.None)
            : await client.Act(vm, kind, CancellationToken.None);
        Note(vm);
        if (answer.Outcome == Outcome.Unknown) return null;
        if (answer is { Outcome: Outcome.Refused, Status: not 0 })
        {
            _ledger.Saw(new Violation("a legal command is not refused",
                $"{kind} of vm {vm.Name} {vm.Id}, which was {status}: {answer}"));
        }

        if (answer.IsAccepted && kind == CommandKind.Update) await ReadBack(client, vm);
        var now = await client.Settled(vm, CancellationToken.None);
        var expected = kind switch
        {
            CommandKind.Start or CommandKind.Migrate => "up",
            CommandKind.Stop => "down",
            CommandKind.Remove => "gone",
            CommandKind.Create or CommandKind.Update or _ => status,
        };
        if (now is not null && now != expected && answer.IsAccepted)
        {
            _ledger.Saw(new Violation("an accepted command is carried out",
                $"{kind} of vm {vm.Name} {vm.Id}, accepted by node {answer.Node}, left it {now}"));
        }

        return now;
    }

    /// <summary>What one node accepted, another shows.</summary>
    private async Task ReadBack(VmClient client, VmRecord vm)
    {
        client.First++;
        var comment = (await client.Look(vm, CancellationToken.None))?["comment"]?.GetValue<string>();
        if (comment == vm.CertainComment) return;
        _ledger.Saw(new Violation("a read is never older than an accepted command",
            $"vm {vm.Name} {vm.Id} shows the comment '{comment}' after '{vm.CertainComment}' was accepted"));
    }

    private void Note(VmRecord vm) =>
        _answers.Enqueue((DateTimeOffset.UtcNow, vm.Commands[^1].Outcome == Outcome.Accepted));
}
