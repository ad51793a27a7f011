using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Akka.Configuration;
using Akka.Event;
using Orchestrator.Engine;
using Orchestrator.Engine.Remote;

namespace Akka.Cluster;

public class ClusterExtension : ExtensionIdProvider<Cluster>
{
    public override Cluster CreateExtension(ExtendedActorSystem system) => new((LocalSystem)system);
}

/// <summary>
/// This system's place in the cluster. The first <see cref="Get"/> opens the port and joins, in the background and as
/// often as it takes; there are no seed nodes: the database knows the members.
/// </summary>
[SuppressMessage("Naming", "CA1724", Justification = "The name is Akka.NET's.")]
public class Cluster : IExtension
{
    private readonly LocalSystem system;
    private readonly Lock gate = new();
    private readonly List<(IActorRef Ref, ImmutableArray<Type> Types)> subscribers = [];
    private readonly List<Action> onUp = [];
    private ClusterView seen = ClusterView.Empty;
    private bool wasUp;

    internal Cluster(LocalSystem system)
    {
        this.system = system;
        var config = system.Settings.Config;
        var store = system.Setup.Store ?? throw new ConfigurationException(
            "The cluster needs a store: create the system with EngineSystem.Create and an EngineSetup.Store.");
        var remote = RemoteSettings.Read(config);
        Transport = system.Setup.Network?.Open(system, remote.PublicHost, remote.Port)
            ?? new EngineTransport(system, remote, system.Setup.Identity);
        var node = new NodeSettings(
            config.GetString("orchestrator.cluster.id", system.Name)!,
            Transport.PublicHost, Transport.Port,
            [.. config.GetStringList("akka.cluster.roles", [])],
            config.GetString("akka.cluster.app-version", "0.0.0")!)
        {
            Lease = config.GetTimeSpan("orchestrator.cluster.node-lease", TimeSpan.FromSeconds(3)),
            RenewInterval = config.GetTimeSpan("orchestrator.cluster.renew-interval", TimeSpan.FromMilliseconds(300)),
            Margin = config.GetTimeSpan("orchestrator.cluster.lease-margin", TimeSpan.FromMilliseconds(500)),
        };
        SelfAddress = new Address("akka.tcp", system.Name, node.Host, node.Port);
        system.LocalAddress = SelfAddress;
        Membership = new NodeMembership(
            store, node, system.Clock, Logging.GetLogger(system, "Cluster"), system.TaskScheduler,
            system.NextGuid);
        Transport.Membership = Membership;
        Transport.Route = message => Sharding.ClusterSharding.Get(system).Route(message);
        system.Transport = Transport;
        Membership.ViewChanged += OnView;
        _ = new EngineObserver(system, Membership, Transport);
        AddShutdown();
        Membership.Start();
    }

    internal IRemoteTransport Transport { get; }

    internal NodeMembership Membership { get; }

    public Address SelfAddress { get; }

    public ExtendedActorSystem System => system;

    public ImmutableHashSet<string> SelfRoles => [.. Membership.Settings.Roles];

    public UniqueAddress SelfUniqueAddress => SelfMember.UniqueAddress;

    public Member SelfMember
    {
        get
        {
            if (Membership.View.Self is { } row) return Member.Of(row, system.Name);
            var s = Membership.Settings;
            return new Member(
                new NodeRow(new NodeDescription(default, s.Host, s.Port, s.Roles, s.AppVersion), NodeStatus.Up, default, []),
                system.Name, IsTerminated ? MemberStatus.Removed : MemberStatus.Joining);
        }
    }

    public ClusterEvent.CurrentClusterState State => StateOf(Membership.View);

    public bool IsUp => Membership.Self is not null && Membership.View.Self is { Status: NodeStatus.Up };

    public bool IsTerminated { get; private set; }

    public static Cluster Get(ActorSystem system) => new ClusterExtension().Get(system);

    /// <summary>Sends the state first, as a snapshot or as the events that lead to it.</summary>
    public void Subscribe(
        IActorRef subscriber, ClusterEvent.SubscriptionInitialStateMode initialStateMode, params Type[] to)
    {
        lock (gate)
        {
            subscribers.Add((subscriber, [.. to]));
            if (initialStateMode == ClusterEvent.SubscriptionInitialStateMode.InitialStateAsSnapshot)
            {
                subscriber.Tell(StateOf(seen), ActorRefs.NoSender);
                return;
            }

            foreach (var row in seen.Members) Tell(subscriber, [.. to], new ClusterEvent.MemberUp(Member.Of(row, system.Name)));
        }
    }

    public void Subscribe(IActorRef subscriber, params Type[] to) =>
        Subscribe(subscriber, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsSnapshot, to);

    public void Unsubscribe(IActorRef subscriber)
    {
        lock (gate) subscribers.RemoveAll(s => s.Ref.Equals(subscriber));
    }

    public void Unsubscribe(IActorRef subscriber, Type to)
    {
        lock (gate)
        {
            for (var i = 0; i < subscribers.Count; i++)
                if (subscribers[i].Ref.Equals(subscriber))
                    subscribers[i] = (subscriber, subscribers[i].Types.Remove(to));
        }
    }

    /// <summary>Runs the callback when this node is up; at once when it is already.</summary>
    public void RegisterOnMemberUp(Action callback)
    {
        lock (gate)
        {
            if (!wasUp)
            {
                onUp.Add(callback);
                return;
            }
        }

        callback();
    }

    /// <summary>Leaves and shuts the system down when the address is our own; other nodes leave by themselves.</summary>
    public void Leave(Address address)
    {
        if (address == SelfAddress) _ = LeaveAsync();
        else system.Log.Warning("Only {0} itself can leave the cluster", address);
    }

    public Task LeaveAsync() => CoordinatedShutdown.Get(system).Run(CoordinatedShutdown.ClusterLeavingReason.Instance);

    private void AddShutdown()
    {
        var shutdown = CoordinatedShutdown.Get(system);
        shutdown.AddCancellableTask(CoordinatedShutdown.PhaseClusterExiting, "leave-the-cluster", async cancel =>
        {
            await Membership.RemoveAsync(cancel);
            return Done.Instance;
        });
        shutdown.AddTask(CoordinatedShutdown.PhaseClusterShutdown, "close-the-port", async () =>
        {
            IsTerminated = true;
            await Membership.DisposeAsync();
            await Transport.DisposeAsync();
            return Done.Instance;
        });
    }

    private void OnView(ClusterView view)
    {
        Transport.OnView(view);
        Action[] up = [];
        lock (gate)
        {
            foreach (var change in Changes(seen, view))
                foreach (var (subscriber, types) in subscribers) Tell(subscriber, types, change);
            seen = view;
            if (!wasUp && view.Self is { Status: NodeStatus.Up })
            {
                wasUp = true;
                up = [.. onUp];
                onUp.Clear();
            }
        }

        foreach (var callback in up) callback();
    }

    private IEnumerable<ClusterEvent.IMemberEvent> Changes(ClusterView before, ClusterView after)
    {
        foreach (var row in before.Members)
        {
            if (after.Members.All(m => m.Node.Id != row.Node.Id))
            {
                yield return new ClusterEvent.MemberRemoved(
                    new Member(row, system.Name, MemberStatus.Removed), Member.Of(row, system.Name).Status);
            }
        }

        foreach (var row in after.Members)
        {
            var old = before.Members.FirstOrDefault(m => m.Node.Id == row.Node.Id);
            if (old is null) yield return new ClusterEvent.MemberUp(Member.Of(row, system.Name));
            if (row.Status == NodeStatus.Leaving && old?.Status != NodeStatus.Leaving)
                yield return new ClusterEvent.MemberLeft(Member.Of(row, system.Name));
        }
    }

    private static void Tell(IActorRef subscriber, ImmutableArray<Type> types, ClusterEvent.IMemberEvent change)
    {
        if (types.Any(t => t.IsInstanceOfType(change))) subscriber.Tell(change, ActorRefs.NoSender);
    }

    private ClusterEvent.CurrentClusterState StateOf(ClusterView view) => new(
        view.Members.Select(m => Member.Of(m, system.Name)).ToImmutableSortedSet());
}
