using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Microsoft.Extensions.Logging;
using Npgsql;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.ReadModel;
using Orchestrator.Engine;
using Orchestrator.Engine.Remote;
using Orchestrator.Host.Node;
using Orchestrator.Tests.Cluster.Harness;
using Cluster = Akka.Cluster.Cluster;

namespace Orchestrator.Bench.Engine;

/// <summary>An engine node as <see cref="EngineNode"/> composes it, without REST, with a region of meters beside the
/// product's own, that carries out what its standard input says.</summary>
internal sealed class BenchNode
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly ActorSystem _system;
    private readonly Entities _entities;
    private readonly IActorRef _meters;
    private readonly ShardDirectory _directory;
    private Guid[] _theirs = [];

    private BenchNode(ActorSystem system, Entities entities, IActorRef meters) =>
        (_system, _entities, _meters, _directory) = (system, entities, meters, ShardDirectory.Get(system));

    public static async Task Run(string configFile)
    {
        var config = NodeConfig.Read(configFile, []);
        using var logs = LoggerFactory.Create(builder => Node.Logs(builder, config));
        await using var store = Storage.Open(config, logs);
        await store.PrepareAsync(config.ClusterId, CancellationToken.None);
        var database = Storage.Documents(store);
        var credentials = new LiveCredentials(config.CredentialFiles.Load());
        using var agents = new AgentTransport(credentials);
        var system = EngineSystem.Create("orchestrator", EngineNode.Hocon(config), new EngineSetup
        {
            Store = store,
            Records = new Records(),
            Loggers = logs,
            Identity = new NodeIdentity(credentials, config.NameRule, logs.CreateLogger("Orchestrator.Certificates")),
        });
        Cluster.Get(system);
        var entities = Sharding.Start(
            system, config, new Sharding.Surroundings(
                new PostgresReadModel(
                    database, config.Time("entities.ask-patience"), config.Number("entities.max-waiting"),
                    TimeProvider.System),
                new PostgresSecrets(database, new byte[32]), host => new AgentClient(agents, host), new FenceProgram(),
                TimeProvider.System, Guid.NewGuid, logs)
            {
                Tickets = new Orchestrator.Actors.Disk.TransferTickets(new byte[32]),
            });
        var meters = ClusterSharding.Get(system).Start(
            Meter.Kind, _ => Props.Create(() => new Meter()), ClusterShardingSettings.Create(system),
            HashCodeMessageExtractor.Create(
                config.Number("entities.shards"), m => (m as ShardingEnvelope)?.EntityId,
                m => m is ShardingEnvelope envelope ? envelope.Message : m));
        await NodeMembership.Of(system).Joined;
        await new BenchNode(system, entities, meters).Obey();
    }

    private async Task Obey()
    {
        Answer("ready");
        while (await Console.In.ReadLineAsync() is { } line)
        {
            var words = line.Split(' ');
            int Number(int at) => int.Parse(words[at], CultureInfo.InvariantCulture);
            try
            {
                Answer(words[0] switch
                {
                    "settled" => await Settled(Number(1)),
                    "asks" => await Asks(words[1], Number(2), TimeSpan.FromSeconds(Number(3))),
                    "paced" => (await Paced(words[1], Number(2), TimeSpan.FromSeconds(Number(3)))).ToString(),
                    "persists" => await Persists(Number(1), TimeSpan.FromSeconds(Number(2)), Number(3)),
                    "create" => await CreateVms(Number(1), Number(2), Number(3)),
                    "owned-by" => OwnedBy(words[1], Number(2)),
                    "recover" => await Recover(long.Parse(words[1], CultureInfo.InvariantCulture)),
                    "memory" => Memory(),
                    "bytes" => $"{((EngineTransport)Cluster.Get(_system).Transport).BytesSent}",
                    _ => $"what is {words[0]}",
                });
            }
            catch (Exception e)
            {
                Console.WriteLine(e);
                throw;
            }
        }
    }

    /// <summary>Waits until so many members share all shards of VMs and meters.</summary>
    private async Task<string> Settled(int members)
    {
        await Wait.Until(() =>
        {
            var view = _directory.View;
            return view.Members.Length == members
                && view.Shards.Values.Count(s => s.Key.Type is Meter.Kind or Kinds.Vm) == 60
                && view.Shards.Values.All(s => s.Owner is not null && s.Next is null)
                && view.Members.All(m => view.Shards.Values.Any(s => s.Owner == m.Node.Id && s.Key.Type == Meter.Kind));
        }, TimeSpan.FromSeconds(30), "the shards have their homes");
        return "settled";
    }

    private Func<Task<Reply>>[] Questions(string kind, int count)
    {
        var remote = Enumerable.Range(0, 100_000)
            .Select(n => kind == Meter.Kind ? Meter.Name(n) : VmId(n).ToString())
            .Where(id => _directory.Find(kind, id) is { IsHere: false }).Take(count);
        return
        [
            .. remote.Select<string, Func<Task<Reply>>>(id => kind == Meter.Kind
                ? () => _meters.Ask<Reply>(new ShardingEnvelope(id, new Look()), Patience)
                : () => _entities.Ask(kind, Guid.Parse(id), new Look(), CancellationToken.None)),
        ];
    }

    /// <summary>Answers: asks, and asks per second.</summary>
    private async Task<string> Asks(string kind, int parallel, TimeSpan length)
    {
        var questions = Questions(kind, parallel);
        var clock = Stopwatch.StartNew();
        var asks = await Task.WhenAll(questions.Select(async question =>
        {
            long asked = 0;
            for (; clock.Elapsed < length; asked++) await question();
            return asked;
        }));
        var total = asks.Sum();
        return string.Create(CultureInfo.InvariantCulture, $"{total} {total / clock.Elapsed.TotalSeconds:0}");
    }

    private async Task<Spread> Paced(string kind, int perSecond, TimeSpan length)
    {
        var questions = Questions(kind, 200);
        var times = new ConcurrentBag<TimeSpan>();
        var next = 0;
        await Pace.Keep(perSecond, length, async due =>
        {
            await questions[next++ % questions.Length]();
            times.Add(Stopwatch.GetElapsedTime(due));
        }, oneByOne: false);
        return new Spread(times);
    }

    /// <summary>Each entity has so many askers, who ask again when they are answered. Answers: events per second, batches
    /// per group, CPU microseconds of this process per event.</summary>
    private async Task<string> Persists(int entities, TimeSpan length, int askers)
    {
        var ids = Enumerable.Range(0, 100_000).Select(Meter.Name)
            .Where(id => _directory.Find(Meter.Kind, id) is { IsHere: true }).Take(entities).ToArray();
        await Task.WhenAll(ids.Select(id => _meters.Ask<Reply>(new ShardingEnvelope(id, new Look()), Patience)));
        var writer = GroupWriter.Of(_system);
        var (groups, batches, cpu, clock) =
            (writer.GroupsWritten, writer.BatchesWritten, Environment.CpuUsage.TotalTime, Stopwatch.StartNew());
        var events = await Task.WhenAll(ids.SelectMany(id => Enumerable.Repeat(id, askers)).Select(async id =>
        {
            long count = 0;
            for (; clock.Elapsed < length; count++)
            {
                if (await _meters.Ask<Reply>(new ShardingEnvelope(id, Meter.Command()), Patience) is not Reply.Accepted)
                    throw new InvalidOperationException("a meter did not accept");
            }

            return count;
        }));
        var total = (double)events.Sum();
        var size = (double)(writer.BatchesWritten - batches) / Math.Max(1, writer.GroupsWritten - groups);
        return string.Create(CultureInfo.InvariantCulture,
            $"{total / clock.Elapsed.TotalSeconds:0} {size:0.0} {(Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds / total:0.0}");
    }

    /// <summary>VMs with a short past: created and then redefined so many times.</summary>
    private async Task<string> CreateVms(int from, int count, int updates)
    {
        var clock = Stopwatch.StartNew();
        await Parallel.ForEachAsync(Enumerable.Range(from, count), new ParallelOptions { MaxDegreeOfParallelism = 300 },
            async (number, cancel) =>
            {
                await Accepted(number, new VmCommand.Create(Fresh(), new VmConfig
                {
                    Name = $"vm-{number}",
                    Cluster = new ClusterId(Guid.AllBitsSet),
                    Description = "a VM of the benchmark with the words that people write about a machine",
                }), cancel);
                for (var n = 0; n < updates; n++)
                    await Accepted(number, new VmCommand.Update(Fresh(), new VmPatch { Comment = $"change {n}" }), cancel);
            });
        return string.Create(CultureInfo.InvariantCulture, $"{count * (updates + 1) / clock.Elapsed.TotalSeconds:0}");
    }

    private async Task Accepted(int number, VmCommand command, CancellationToken cancel)
    {
        if (await _entities.Ask(Kinds.Vm, VmId(number), command, cancel) is Reply.Refused refusal)
            throw new InvalidOperationException($"VM {number}: {refusal}");
    }

    private static Origin Fresh() => new(new JobId(Guid.NewGuid()), "bench", "admin@internal", DateTimeOffset.UtcNow);

    private string OwnedBy(string host, int vms)
    {
        _theirs = [.. Enumerable.Range(0, vms).Select(VmId)
            .Where(id => _directory.Find(Kinds.Vm, id.ToString()) is { Owner.Host: var owner } && owner == host)];
        return _theirs.Length.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>Asks all VMs of the dead node at once; times count from its death. Answers when this node knew the new
    /// owners and when the first VM answered, then the spread, all in milliseconds.</summary>
    private async Task<string> Recover(long death)
    {
        var known = 0L;
        _directory.OwnerChanged += (_, _) => Interlocked.CompareExchange(ref known, Stopwatch.GetTimestamp(), 0);
        var times = await Task.WhenAll(_theirs.Select(async id =>
        {
            if (await _entities.Ask(Kinds.Vm, id, new Look(), CancellationToken.None) is not Reply.AlreadyDone)
                throw new InvalidOperationException($"VM {id} is not what it was");
            return Stopwatch.GetElapsedTime(death);
        }));
        return string.Create(CultureInfo.InvariantCulture,
            $"{Stopwatch.GetElapsedTime(death, known).TotalMilliseconds:0} {times.Min().TotalMilliseconds:0} {new Spread(times)}");
    }

    /// <summary>Answers: bytes that are reachable, and bytes resident.</summary>
    private static string Memory()
    {
        for (var n = 0; n < 2; n++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        return $"{GC.GetTotalMemory(true)} {ProcessCost.Memory(Environment.ProcessId).Rss}";
    }

    public static Guid VmId(int number) => new(number, 0x4f52, 0x4348, 0x80, 0, 0, 0, 0, 0, 0, 1);

    private static void Answer(string words)
    {
        Console.Out.WriteLine("= " + words);
        Console.Out.Flush();
    }
}
