using System.Text.Json.Nodes;
using Orchestrator.Tests.Cluster.Checkers;

namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>Gathers the evidence of a run and puts it before every checker.</summary>
public static class Verdict
{
    /// <summary>Waits until nothing is on its way any more and answers what is stuck. No commands may be given
    /// meanwhile.</summary>
    public static async Task<IReadOnlyList<Violation>> Settle(TestCluster cluster)
    {
        var limit = TimeSpan.FromSeconds(30);
        var last = cluster.Faults.Last;
        var samples = new List<StatusSample>();
        await Wait.Until(async () =>
        {
            var vms = await List(cluster);
            if (vms is null) return DateTimeOffset.UtcNow > last + (2 * limit);
            samples.Add(new StatusSample(
                DateTimeOffset.UtcNow, vms.ToDictionary(v => v.Key, v => v.Value.Status)));
            return samples[^1].Statuses.Values.All(SettleChecker.IsStable) || samples[^1].At > last + limit;
        }, 3 * limit, "all VMs settle", beat: TimeSpan.FromMilliseconds(200));
        return SettleChecker.Check(samples, last, limit);
    }

    /// <summary>Ends the test when a promise was broken, with all the evidence in the log.</summary>
    /// <exception cref="BrokenPromiseException">There is at least one violation.</exception>
    public static void Demand(TestCluster cluster, IReadOnlyList<Violation> violations)
    {
        foreach (var violation in violations) cluster.Say($"BROKEN {violation}");
        if (violations.Count > 0) throw new BrokenPromiseException(violations);
    }

    /// <summary>Everything that can be checked at any time while nothing is on its way.</summary>
    public static async Task<IReadOnlyList<Violation>> Of(TestCluster cluster, Ledger ledger)
    {
        var journal = await cluster.Tables.Journal();
        var seen = await List(cluster) ?? throw new InvalidOperationException("the list of VMs is not to be had");
        var history = await cluster.Fleet.History();
        return
        [
            .. ledger.Seen,
            .. await Writers(cluster, journal),
            .. GuestChecker.Check(history.Lives),
            .. history.Doubles.Select(d => new Violation("a guest never runs twice", d)),
            .. AcceptedChecker.CheckJournal(ledger.Vms, journal),
            .. AcceptedChecker.CheckEnd(ledger.Vms, seen),
            .. Strays(seen, GuestChecker.RunningAtTheEnd(history.Lives)),
        ];
    }

    /// <summary>The checkers of who wrote, alone.</summary>
    public static async Task<IReadOnlyList<Violation>> Writers(TestCluster cluster) =>
        await Writers(cluster, await cluster.Tables.Journal());

    /// <summary>Statuses and comments as the server lists them, or null when it does not answer.</summary>
    public static async Task<IReadOnlyDictionary<Guid, VmSeen>?> List(TestCluster cluster)
    {
        var answer = await cluster.Client.Send(HttpMethod.Get, "vms", null, TimeSpan.FromSeconds(20));
        if (!answer.IsAccepted) return null;
        var vms = answer.Json?["vm"]?.AsArray() ?? [];
        return vms.OfType<JsonNode>().ToDictionary(
            v => Guid.Parse(v["id"]!.GetValue<string>()),
            v => new VmSeen(v["status"]?.GetValue<string>() ?? "", v["comment"]?.GetValue<string>() ?? ""));
    }

    private static async Task<IReadOnlyList<Violation>> Writers(
        TestCluster cluster, IReadOnlyList<JournalFact> journal)
    {
        var epochs = await cluster.Tables.Epochs();
        return
        [
            .. JournalChecker.Check(journal),
            .. EpochChecker.CheckEpochs(epochs),
            .. EpochChecker.CheckOwners(journal, epochs),
            .. EpochChecker.CheckWriters(journal, epochs, ClusterTables.ShardOf),
        ];
    }

    /// <summary>What the engine shows is what the hypervisors run.</summary>
    private static IEnumerable<Violation> Strays(
        IReadOnlyDictionary<Guid, VmSeen> seen, IReadOnlyDictionary<Guid, string> running)
    {
        foreach (var (vm, host) in running)
        {
            if (seen.GetValueOrDefault(vm)?.Status != "up")
            {
                yield return new Violation("no guest is forgotten",
                    $"vm {vm} runs on host {host}; the engine shows it {seen.GetValueOrDefault(vm)?.Status ?? "not at all"}");
            }
        }

        foreach (var (vm, shown) in seen.Where(s => s.Value.Status == "up" && !running.ContainsKey(s.Key)))
        {
            yield return new Violation("no guest is imagined", $"vm {vm} is shown {shown.Status} and runs nowhere");
        }
    }
}

/// <summary>What the checkers found, all of it.</summary>
public sealed class BrokenPromiseException(IReadOnlyList<Violation> violations)
    : Exception($"{violations.Count} broken promises:\n{string.Join('\n', violations.Take(20))}");
