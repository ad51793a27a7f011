using System.Collections.Immutable;
using Orchestrator.Tests.Cluster.Checkers;

namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>
/// VMs that nobody else touches, spread over all nodes. After a fault, a command on one that the victim owned is sent
/// to the survivors: the time until it is accepted is the takeover.
/// </summary>
public sealed class TakeoverProbe
{
    private readonly TestCluster _cluster;
    private readonly Ledger _ledger;
    private readonly string _run;
    private readonly ImmutableArray<VmRecord> _vms;
    private int _probes;

    private TakeoverProbe(TestCluster cluster, Ledger ledger, string run, ImmutableArray<VmRecord> vms)
    {
        _cluster = cluster;
        _ledger = ledger;
        _run = run;
        _vms = vms;
    }

    public static async Task<TakeoverProbe> Make(TestCluster cluster, Ledger ledger, string run, int vms)
    {
        var client = new VmClient(cluster.Client, ledger, cluster.Faults, run, "probe");
        var made = ImmutableArray.CreateBuilder<VmRecord>();
        for (var i = 0; i < vms; i++)
        {
            client.First = i % cluster.Nodes.Count;
            var vm = await client.Create(CancellationToken.None);
            if (vm.Id is null) throw new InvalidOperationException($"no VM to probe with: {vm.Commands[^1]}");
            made.Add(vm);
        }

        return new TakeoverProbe(cluster, ledger, run, made.ToImmutable());
    }

    /// <summary>Probe VMs that live on a node now: each is written to, and the database knows who did it.</summary>
    public async Task<IReadOnlyList<VmRecord>> OwnedBy(NodeProcess node)
    {
        var probe = Interlocked.Increment(ref _probes);
        await Task.WhenAll(_vms.Select((vm, i) => new VmClient(
            _cluster.Client, _ledger, _cluster.Faults, _run, $"touch{probe}.{i}").Update(vm, CancellationToken.None)));
        var writers = await _cluster.Tables.LastWriters();
        var place = $"{node.Config.Address}:{node.Config.ClusterPort}";
        return [.. _vms.Where(v => writers.GetValueOrDefault(v.Id!.Value) == place)];
    }

    /// <summary>Sends one command to each VM at once, never to the victim, and answers the times from the fault to
    /// each success, in order.</summary>
    public async Task<IReadOnlyList<TimeSpan>> Measure(
        IReadOnlyList<VmRecord> vms, NodeProcess victim, DateTimeOffset faultAt)
    {
        var avoid = _cluster.Nodes.ToList().IndexOf(victim);
        var probe = Interlocked.Increment(ref _probes);
        var times = await Task.WhenAll(vms.Select(async (vm, i) =>
        {
            var client = new VmClient(_cluster.Client, _ledger, _cluster.Faults, _run, $"probe{probe}.{i}")
            {
                Avoid = avoid,
                First = avoid + 1 + (i % (_cluster.Nodes.Count - 1)),
            };
            var answer = await client.Update(vm, CancellationToken.None);
            return answer.IsAccepted
                ? DateTimeOffset.UtcNow - faultAt
                : throw new InvalidOperationException($"no takeover of vm {vm.Id} from {victim.Name}: {answer}");
        }));
        return [.. times.Order()];
    }

    /// <summary>Commands sent to a node that has lost these VMs, straight to its own API: the late writes of a node
    /// that wakes up with old ideas. The answers come when it wakes.</summary>
    /// <param name="warm">A client whose connections to the node were open before it froze.</param>
    public async Task<IReadOnlyList<Answer>> SendLate(
        OvirtClient warm, IReadOnlyList<VmRecord> vms, NodeProcess node)
    {
        var index = _cluster.Nodes.ToList().IndexOf(node);
        var probe = Interlocked.Increment(ref _probes);
        return await Task.WhenAll(vms.Select(async (vm, i) =>
        {
            var token = $"late-{_run}-{probe}-{i}-";
            var correlation = $"l-{_run}-{probe}-{i}-";
            var sent = DateTimeOffset.UtcNow;
            var answer = await warm.Once(index, HttpMethod.Put, $"vms/{vm.Id}?correlation_id={correlation}",
                new System.Text.Json.Nodes.JsonObject { ["comment"] = token });
            vm.Add(new CommandRecord(
                CommandKind.Update, correlation, token, answer.Outcome, answer.Status, answer.Body, sent,
                DateTimeOffset.UtcNow));
            return answer;
        }));
    }
}
