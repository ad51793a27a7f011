using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Akka.Actor;
using Akka.Event;
using Orchestrator.Engine;
using Orchestrator.Engine.Remote;

namespace Akka.Cluster.Sharding;

public sealed class ClusterShardingExtensionProvider : ExtensionIdProvider<ClusterSharding>
{
    public override ClusterSharding CreateExtension(ExtendedActorSystem system) => new((LocalSystem)system);
}

/// <summary>Entities that are addressed by id and live on exactly one node, which the database decides.</summary>
[SuppressMessage("Naming", "CA1724", Justification = "The name is Akka.NET's.")]
public class ClusterSharding : IExtension
{
    private const int MostEarly = 10_000;

    private readonly LocalSystem system;
    private readonly Cluster cluster;
    private readonly ConcurrentDictionary<string, IActorRef> regions = new();
    private readonly Lock gate = new();
    private readonly List<RoutedMessage> early = [];

    internal ClusterSharding(LocalSystem system)
    {
        this.system = system;
        cluster = Cluster.Get(system);
        CoordinatedShutdown.Get(system).AddCancellableTask(
            CoordinatedShutdown.PhaseClusterShardingShutdownRegion, "hand-shards-over", async cancel =>
            {
                await HandAllOverAsync(cancel);
                return Done.Instance;
            });
    }

    internal ConcurrentDictionary<string, IMessageExtractor> Extractors { get; } = new();

    public ImmutableHashSet<string> ShardTypeNames => [.. regions.Keys];

    public static ClusterSharding Get(ActorSystem system) => new ClusterShardingExtensionProvider().Get(system);

    public IActorRef Start(
        string typeName, Props entityProps, ClusterShardingSettings settings, IMessageExtractor messageExtractor) =>
        Start(typeName, _ => entityProps, settings, messageExtractor);

    public IActorRef Start(
        string typeName, Func<string, Props> entityPropsFactory, ClusterShardingSettings settings,
        IMessageExtractor messageExtractor) =>
        Start(typeName, entityPropsFactory, settings, messageExtractor, PoisonPill.Instance);

    internal IActorRef Start(
        string typeName, Func<string, Props> entityPropsFactory, ClusterShardingSettings settings,
        IMessageExtractor messageExtractor, object handOffStopMessage) =>
        settings.Role is { } role && !cluster.SelfRoles.Contains(role)
            ? StartProxy(typeName, role, messageExtractor)
            : Region(typeName, new RegionSettings(typeName, messageExtractor, entityPropsFactory, settings, handOffStopMessage));

    public Task<IActorRef> StartAsync(
        string typeName, Func<string, Props> entityPropsFactory, ClusterShardingSettings settings,
        IMessageExtractor messageExtractor) =>
        Task.FromResult(Start(typeName, entityPropsFactory, settings, messageExtractor));

    /// <summary>A region that carries no shards itself and knows the way to those that do.</summary>
    public IActorRef StartProxy(string typeName, string? role, IMessageExtractor messageExtractor) =>
        Region(typeName, new RegionSettings(
            typeName, messageExtractor, null, ClusterShardingSettings.Create(system).WithRole(role), PoisonPill.Instance));

    /// <summary>Throws when no region of that type was started here.</summary>
    public IActorRef ShardRegion(string typeName) =>
        regions.TryGetValue(typeName, out var region)
            ? region
            : throw new ArgumentException($"Shard type [{typeName}] must be started first");

    public IActorRef ShardRegionProxy(string typeName) => ShardRegion(typeName);

    /// <summary>What came over the wire, or could not be sent, goes the way that is right by now.</summary>
    internal void Route(RoutedMessage message)
    {
        if (regions.TryGetValue(message.Type, out var region))
        {
            region.Tell(message, message.Sender!);
            return;
        }

        lock (gate)
        {
            if (regions.TryGetValue(message.Type, out region)) region.Tell(message, message.Sender!);
            else if (early.Count < MostEarly) early.Add(message);
            else system.DeadLetters.Tell(
                new DeadLetter(message.Message, message.Sender ?? system.DeadLetters, system.DeadLetters), ActorRefs.NoSender);
        }
    }

    private IActorRef Region(string typeName, RegionSettings settings)
    {
        lock (gate)
        {
            if (regions.TryGetValue(typeName, out var known)) return known;
            Extractors[typeName] = settings.Extractor;
            var region = system.SystemActorOf(
                Props.Create(() => new RegionActor(settings, cluster.Membership, cluster.Transport)),
                "sharding-" + Uri.EscapeDataString(typeName));
            regions[typeName] = region;
            foreach (var message in early.Where(m => m.Type == typeName)) region.Tell(message, message.Sender!);
            early.RemoveAll(m => m.Type == typeName);
            if (settings.Entities is not null) _ = system.Run(() => RegisterAsync(settings));
            return region;
        }
    }

    /// <summary>Until the store has taken it, nobody can own the shards: so again and again, as long as the system lives.</summary>
    private async Task RegisterAsync(RegionSettings settings)
    {
        ImmutableArray<string> shards = settings.Extractor is HashCodeMessageExtractor hashed
            ? [.. Enumerable.Range(0, hashed.MaxNumberOfShards).Select(i => i.ToString(CultureInfo.InvariantCulture))]
            : [];
        for (var told = false; !cluster.IsTerminated; told = true)
        {
            try
            {
                await cluster.Membership.RegisterAsync(settings.Type, shards, CancellationToken.None);
                return;
            }
            catch (StoreUnavailableException e) when (told)
            {
                system.Log.Debug("The shards of {0} are not registered yet: {1}", settings.Type, e.Message);
            }
            catch (StoreUnavailableException e)
            {
                system.Log.Warning("The shards of {0} are not registered yet: {1}", settings.Type, e.Message);
            }
            catch (Exception e) when (e is StoreRefusedException or OperationCanceledException)
            {
                return;
            }

            await system.Delay(TimeSpan.FromMilliseconds(200));
        }
    }

    private async Task HandAllOverAsync(CancellationToken cancel)
    {
        var membership = cluster.Membership;
        if (membership.Self is not { } self) return;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        membership.ViewChanged += Look;
        try
        {
            await membership.LeaveAsync(cancel);
            Look(membership.View);
            await using (cancel.UnsafeRegister(_ => done.TrySetCanceled(cancel), null)) await done.Task;

            // Others may still send here by the view they have; what comes goes on to the new owners.
            await system.Delay(system.Settings.Config.GetTimeSpan(
                "orchestrator.sharding.leave-linger", TimeSpan.FromMilliseconds(500)), cancel);
        }
        catch (StoreUnavailableException e)
        {
            system.Log.Warning("The shards of this node are not handed over, the others will take them: {0}", e.Message);
        }
        finally
        {
            membership.ViewChanged -= Look;
        }

        void Look(ClusterView view)
        {
            var left = view.Shards.Values.Any(s => s.Owner == self && s.Next is not null);
            if (view.Self?.Node.Id != self || (view.Self.Status == NodeStatus.Leaving && !left)) done.TrySetResult();
        }
    }
}
