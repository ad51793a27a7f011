using System.Collections.Immutable;
using System.Text;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Configuration;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Engine;
using Orchestrator.Engine.Memory;

namespace Orchestrator.Tests.Shells;

/// <summary>
/// One life of a process that carries one entity: the real shell, rules and engine on one thread, with a clock that
/// moves only when told. A process that dies is one whose next turn is never taken; the next life opens the same
/// database.
/// </summary>
internal sealed class Life<TState, TCommand, TEvent, TEffect>
    where TState : class
    where TCommand : class
    where TEvent : class
    where TEffect : class
{
    public const long Epoch = 7;
    public static readonly TimeSpan TickEvery = TimeSpan.FromSeconds(2);
    public static readonly TimeSpan PassivateAfter = TimeSpan.FromSeconds(60);

    private readonly Rules<TState, TCommand, TEvent, TEffect> _rules;
    private readonly SingleThreadDispatcher _thread;
    private readonly ActorSystem _system;
    private readonly IActorRef _shard;
    private readonly Guid _id;

    public Life(
        Rules<TState, TCommand, TEvent, TEffect> rules, Guid id, IEngineStore store, SingleThreadDispatcher thread,
        int seed, Type? serializer = null)
    {
        (_id, _thread) = (id, thread);
        Store = new WatchedStore(store) { Note = Story.Add };
        _rules = rules with
        {
            Decide = (state, command) =>
            {
                Story.Add(new Step.Decided(command));
                return rules.Decide(state, command);
            },
            Outstanding = state =>
            {
                Story.Add(new Step.Stands(state));
                return rules.Outstanding(state);
            },
        };
        _system = EngineSystem.Create("shells", Hocon(serializer ?? typeof(WireSerializer)), new EngineSetup
        {
            Store = Store,
            Records = new Rows(),
            Clock = thread.Clock,
            Dispatcher = thread,
            Random = new Random(seed),
        });
        _shard = _system.ActorOf(Props.Create(() => new Shard(Story)));
    }

    public List<Step> Story { get; } = [];

    public WatchedStore Store { get; }

    /// <summary>For entities that are woken from here on.</summary>
    public TimeSpan Patience { get; set; } = PassivateAfter;

    /// <summary>For entities that are woken from here on; 0: never.</summary>
    public int CopyEvery { get; set; }

    /// <summary>While set, what the hands are given does not get into the world.</summary>
    public bool HandsAreDead { get; set; }

    public IEnumerable<Reply> Replies => Story.OfType<Step.Replied>().Select(s => s.Reply);

    public IEnumerable<TEffect> Effects => Story.OfType<Step.Did>().Select(s => (TEffect)s.Effect);

    public int Writes => Story.OfType<Step.Writing>().Count();

    /// <summary>Wakes the entity; its recovery begins with the next turn.</summary>
    public IActorRef Wake()
    {
        IActorRef? entity = null;
        _shard.Tell(new Shard.Bear(
            Props.Create(() => new EntityActor<TState, TCommand, TEvent, TEffect>(
                _rules, _id, new Hands(this), new ShellSettings(TickEvery, Patience, CopyEvery, _ => Epoch))),
            born => entity = born));
        while (entity is null) Assert.True(_thread.RunOne(), "the shard did not start its entity");
        return entity;
    }

    public void Tell(IActorRef entity, object message) => entity.Tell(message, _shard);

    /// <summary>Asks and lets everything happen that happens at this moment; null when no answer came.</summary>
    public Reply? Ask(IActorRef entity, object message)
    {
        var before = Replies.Count();
        Tell(entity, message);
        Run();
        return Replies.Skip(before).FirstOrDefault();
    }

    public void Run() => _thread.RunUntilIdle();

    /// <summary>Takes so many turns at most and then no more: the process is dead.</summary>
    public bool RunOne() => _thread.RunOne();

    public void Advance(TimeSpan time) => _thread.Advance(time);

    /// <summary>What is seen from here on.</summary>
    public IReadOnlyList<string> Since(int start) => [.. Story.Skip(start).Select(s => s.ToString())];

    private static Config Hocon(Type serializer) => ConfigurationFactory.ParseString($$"""
        akka.loggers = []
        akka.persistence.snapshot-store.sql.snapshot-is-optional = on
        akka.actor.serializers.wire = "{{serializer.FullName}}, {{serializer.Assembly.GetName().Name}}"
        """).WithFallback(ConfigurationFactory.ParseString(WireNames.Bindings));

    /// <summary>Takes a fact and its rows apart for the journal, as a node does.</summary>
    private sealed class Rows : IUnwrapRecords
    {
        public (object Event, ImmutableArray<CompanionRow> Companions) Unwrap(object persisted)
        {
            var record = Assert.IsType<Recorded>(persisted);
            return (record.Fact, [.. record.Rows.Select(r => new CompanionRow(r.Kind, r.Key, r.Version, r.Json))]);
        }
    }

    /// <summary>Hands that say what they were asked for to the place where replies go: so the order shows.</summary>
    private sealed class Hands(Life<TState, TCommand, TEvent, TEffect> life) : IHands<TState, TEffect>
    {
        public void Do(TEffect effect, Reach<TState> reach)
        {
            if (!life.HandsAreDead) life._shard.Tell(new Step.Did(effect, reach.State, reach.Epoch), reach.Self);
        }

        public void Dispose() => life._shard.Tell(new Step.LaidHandsDown(), ActorRefs.NoSender);
    }

    /// <summary>Parent and client of the entity: whatever the shell sends arrives here, in its order.</summary>
    private sealed class Shard(List<Step> story) : UntypedActor
    {
        public sealed record Bear(Props Props, Action<IActorRef> Born);

        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case Bear bear:
                    bear.Born(Context.Watch(Context.ActorOf(bear.Props)));
                    break;
                case Reply reply:
                    story.Add(new Step.Replied(reply));
                    break;
                case Step step:
                    story.Add(step);
                    break;
                case Passivate:
                    story.Add(new Step.AskedToPassivate());
                    break;
                case Terminated:
                    story.Add(new Step.Stopped());
                    break;
                default:
                    throw new InvalidOperationException($"The shell sent {message}");
            }
        }
    }
}

/// <summary>A database and the lives that use it one after the other.</summary>
internal sealed class World
{
    public static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private int _lives;

    public World()
    {
        // xunit's own context would carry continuations away to other threads.
        SynchronizationContext.SetSynchronizationContext(null);
        Thread = new SingleThreadDispatcher(Start);
        Database = new MemoryEngineDatabase(Thread.Clock);
    }

    /// <summary>The thread of the present life.</summary>
    public SingleThreadDispatcher Thread { get; private set; }

    public MemoryEngineDatabase Database { get; }

    public IEnumerable<string> Facts =>
        Database.Journal.Select(r => $"{r.SequenceNr} {r.Manifest} {Encoding.UTF8.GetString(r.Payload.Span)}");

    public Life<TState, TCommand, TEvent, TEffect> Begin<TState, TCommand, TEvent, TEffect>(
        Rules<TState, TCommand, TEvent, TEffect> rules, Guid id, IEngineStore? store = null,
        Type? serializer = null)
        where TState : class where TCommand : class where TEvent : class where TEffect : class =>
        new(rules, id, store ?? new MemoryEngineStore(Database), Thread, ++_lives, serializer);

    /// <summary>The process dies where it stands. What it would have done next never happens.</summary>
    public void Crash() => Thread = new SingleThreadDispatcher(Thread.Now);
}
