using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Orchestrator.Tests.Cluster.Checkers;
using Orchestrator.Tests.Cluster.Harness;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Cluster;

/// <summary>
/// Bar 0, the sequence that breaks Akka.NET itself: the owner of an entity is frozen, the entity lives on elsewhere, the
/// former owner wakes up with commands in its sockets and clients on its open connections. It must answer nothing that
/// is older than what others have accepted meanwhile, and write nothing.
/// </summary>
public sealed class ZombieTests(ITestOutputHelper output)
{
    private const int PerFreeze = 5;

    /// <summary>As fast as an operator may set it, so that many rounds fit into minutes.</summary>
    private const string Short = """
        orchestrator.cluster {
          node-lease = 2 s
          renew-interval = 200 ms
          lease-margin = 400 ms
        }
        """;

    [SkippableFact]
    public Task A_frozen_owner_that_wakes_up_answers_nothing_stale_and_writes_nothing() => Freeze(Short, Rounds.Count(20));

    [SkippableFact]
    public Task With_the_default_settings_too() => Freeze("", Math.Max(3, Rounds.Count(20) / 10));

    private async Task Freeze(string settings, int freezes)
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        var options = new TestClusterOptions { Hosts = 6, More = settings };
        await TestCluster.Run(options, Say, async cluster =>
        {
            cluster.Say($"SEED={Rounds.Seed} freezes={freezes}");
            var random = new Random(Rounds.Seed);
            var ledger = new Ledger();
            var probe = await TakeoverProbe.Make(cluster, ledger, $"{Rounds.Seed}", vms: 45);
            var (asked, refused, accepted, unknown) = (0, 0, 0, 0);
            var late = new List<LateCommand>();
            var shown = new List<Shown>();
            for (var freeze = 1; freeze <= freezes; freeze++)
            {
                var index = random.Next(cluster.Nodes.Count);
                var round = new ZombieRound(cluster, ledger, index, $"{Rounds.Seed}.{freeze}");
                var owned = await probe.OwnedBy(cluster.Nodes[index]);
                var commands = await round.Run([.. owned.Take(PerFreeze)], random);
                late.AddRange(commands);
                shown.AddRange(round.Answers);
                asked += Math.Min(PerFreeze, owned.Count);
                accepted += commands.Count(c => c.Answer.IsAccepted);
                refused += commands.Count(c => c.Answer.Outcome == Outcome.Refused);
                unknown += commands.Count(c => c.Answer.Outcome == Outcome.Unknown);
                cluster.Say(string.Create(CultureInfo.InvariantCulture,
                    $"freeze {freeze,3} of {cluster.Nodes[index].Name} for {round.Frozen.TotalSeconds:0.0} s: {asked} entities so "
                    + $"far, {shown.Count} answers of former owners; late commands: {accepted} accepted, {refused} refused, "
                    + $"{unknown} in doubt"));
                Verdict.Demand(cluster, ledger.Seen);
                if (freeze % 5 == 0) Verdict.Demand(cluster, await Verdict.Writers(cluster));
            }

            Verdict.Demand(cluster, await Verdict.Settle(cluster));
            Verdict.Demand(cluster, await Verdict.Of(cluster, ledger));
            var journal = await cluster.Tables.Journal();
            Verdict.Demand(cluster, LateCommand.Check(late, journal));
            Verdict.Demand(cluster, Shown.Check(shown, journal));
            cluster.Say($"{asked} of {asked} entities: nothing stale answered, nothing written by a former owner");
            Assert.True(asked >= freezes * 3, $"only {asked} entities were tried");
        });
    }

    private void Say(string line)
    {
        output.WriteLine(line);
        Console.WriteLine(line);
    }

    /// <summary>A command that went to the frozen node, and what its client was told in the end.</summary>
    private sealed record LateCommand(Guid Vm, string Token, Answer Answer)
    {
        /// <summary>What was accepted is in the journal once, what was refused is not.</summary>
        public static IReadOnlyList<Violation> Check(IEnumerable<LateCommand> commands, IReadOnlyList<JournalFact> journal)
        {
            var byVm = journal.ToLookup(j => j.PersistenceId);
            var found = new List<Violation>();
            foreach (var command in commands)
            {
                var rows = byVm[$"vm-{command.Vm}"].Count(r => r.Payload.Contains($"\"{command.Token}\"", StringComparison.Ordinal));
                if (rows > 1 || (command.Answer.IsAccepted && rows == 0) || (command.Answer is { Outcome: Outcome.Refused } && rows > 0))
                    found.Add(new Violation("a late command is carried out once or not at all", $"{command}: {rows} events"));
            }

            return found;
        }
    }

    /// <summary>What the former owner showed as the VM's comment, asked after the new owner had accepted another.</summary>
    private sealed record Shown(Guid Vm, string Truth, string Comment)
    {
        public static IReadOnlyList<Violation> Check(IEnumerable<Shown> answers, IReadOnlyList<JournalFact> journal)
        {
            var byVm = journal.ToLookup(j => j.PersistenceId);
            return [.. answers.Distinct().Where(a => Number(a, a.Comment) < Number(a, a.Truth)).Select(a =>
                new Violation("a former owner answers nothing stale", $"{a}"))];

            // The harness starts its record after the first events: what is not in it is older than all.
            long Number(Shown answer, string comment) => byVm[$"vm-{answer.Vm}"]
                .FirstOrDefault(r => r.Payload.Contains($"\"{comment}\"", StringComparison.Ordinal))?.SequenceNr ?? 0;
        }
    }

    /// <summary>One freeze: some entities of the node, each with commands before, during and after it.</summary>
    private sealed class ZombieRound(TestCluster cluster, Ledger ledger, int index, string name)
    {
        private readonly NodeProcess _victim = cluster.Nodes[index];

        private readonly ConcurrentQueue<Shown> _answers = new();

        public TimeSpan Frozen { get; private set; }

        public IReadOnlyCollection<Shown> Answers => _answers;

        public async Task<IReadOnlyList<LateCommand>> Run(IReadOnlyList<VmRecord> vms, Random random)
        {
            // Connections to the node that are open before it freezes: what is sent over them waits in its own sockets.
            using var warm = cluster.NewClient(TimeSpan.FromSeconds(30));
            await warm.Login(index);
            await Task.WhenAll(Enumerable.Range(0, 4 * vms.Count)
                .Select(i => warm.Once(index, HttpMethod.Get, $"vms/{vms[i % vms.Count].Id}", null)));

            var under = vms.Select(vm => Put(warm, vm, "under")).ToList();
            if (random.Next(4) is var pause and > 0) await Wait.Pass(TimeSpan.FromMilliseconds(pause));
            var at = cluster.Faults.Strike();
            _victim.Freeze();

            // All but the last get a new truth from their new owner; the last one's new owner has written nothing yet.
            var truths = new Dictionary<Guid, string>();
            await Task.WhenAll(vms.Take(vms.Count - 1).Select(async (vm, i) =>
            {
                var client = new VmClient(cluster.Client, ledger, cluster.Faults, name, $"heir{i}")
                {
                    Avoid = index,
                    First = index + 1 + (i % 2),
                };
                var answer = await client.Update(vm, CancellationToken.None);
                if (!answer.IsAccepted) throw new InvalidOperationException($"no new owner of vm {vm.Id}: {answer}");
                lock (truths) truths[vm.Id!.Value] = vm.Commands[^1].Token!;
            }));
            await UntilElsewhere(vms);

            var frozen = vms.Select(vm => Put(warm, vm, "frozen")).ToList();
            var reads = vms.Select(vm => Read(warm, vm, truths)).ToList();
            _victim.Thaw();
            Frozen = cluster.Faults.Strike() - at;
            var after = new List<Task<LateCommand>>();
            for (var i = 0; i < 3; i++)
            {
                after.AddRange(vms.Select(vm => Put(warm, vm, $"after{i}")));
                reads.AddRange(vms.Select(vm => Read(warm, vm, truths)));
                await Wait.Pass(TimeSpan.FromMilliseconds(40));
            }

            var commands = await Task.WhenAll([.. under, .. frozen, .. after]);
            await Task.WhenAll(reads);
            foreach (var vm in vms) await Refresh(vm);
            await Wait.Until(async () => !_victim.IsRunning || await cluster.IsReady(_victim), TimeSpan.FromSeconds(60),
                $"{_victim.Name} ends or is back", () => string.Join(" | ", cluster.Log.Of(_victim.Name).TakeLast(5)));
            if (!_victim.IsRunning) await _victim.Start();
            await cluster.UntilReady(_victim, TimeSpan.FromSeconds(60));
            await Wait.Until(async () => await cluster.Tables.Count("cluster.shards WHERE next IS NOT NULL") == 0,
                TimeSpan.FromSeconds(30), "the shards have come to rest");
            return commands;
        }

        private Task UntilElsewhere(IReadOnlyList<VmRecord> vms)
        {
            var place = $"{_victim.Config.Address}:{_victim.Config.ClusterPort}";
            var shards = string.Join(',', vms.Select(v => $"'{ClusterTables.ShardOf($"vm-{v.Id}")!["vm/".Length..]}'"));
            return Wait.Until(async () => await cluster.Tables.Count($"""
                cluster.shards s LEFT JOIN cluster.members m ON m.node_id = s.owner
                WHERE s.shard_type = 'vm' AND s.shard IN ({shards})
                  AND (s.owner IS NULL OR m.host || ':' || m.port = '{place}')
                """) == 0, TimeSpan.FromSeconds(30), $"no entity of the round lives on {_victim.Name}");
        }

        private async Task<LateCommand> Put(OvirtClient warm, VmRecord vm, string what)
        {
            var token = $"{what}-{name}";
            var answer = await warm.Once(index, HttpMethod.Put, $"vms/{vm.Id}", new JsonObject { ["comment"] = token });
            return new LateCommand(vm.Id!.Value, token, answer);
        }

        private async Task Read(OvirtClient warm, VmRecord vm, IReadOnlyDictionary<Guid, string> truths)
        {
            var answer = await warm.Once(index, HttpMethod.Get, $"vms/{vm.Id}", null);
            if (!answer.IsAccepted || !truths.TryGetValue(vm.Id!.Value, out var truth)) return;
            _answers.Enqueue(new Shown(vm.Id.Value, truth, answer.Json!["comment"]?.GetValue<string>() ?? ""));
        }

        /// <summary>The ledger's last word on the VM, after commands whose order nobody knows.</summary>
        private async Task Refresh(VmRecord vm)
        {
            var client = new VmClient(cluster.Client, ledger, cluster.Faults, name, $"last-{vm.Name}")
            {
                Avoid = index,
                First = index + 1,
            };
            var answer = await client.Update(vm, CancellationToken.None);
            if (!answer.IsAccepted) throw new InvalidOperationException($"vm {vm.Id} cannot be written to: {answer}");
        }
    }
}
