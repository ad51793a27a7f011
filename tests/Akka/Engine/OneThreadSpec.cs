using Akka.Actor;
using Akka.Configuration;
using Akka.Persistence;
using Orchestrator.Engine;
using Orchestrator.Engine.Memory;

namespace Orchestrator.Tests.Akka.Engine;

public sealed class OneThreadSpec
{
    /// <summary>Persistence, timers, questions and backoff on one thread and a clock that stands still.</summary>
    [Fact]
    public void A_system_runs_on_one_thread_and_a_virtual_clock_and_repeats_itself()
    {
        var first = Run();
        Assert.Equal(first, Run());
        Assert.Contains("timed out at 30", first);
        Assert.Contains("tick at 10", first);
        Assert.Contains("note 2", first);
    }

    [Fact]
    public async Task A_path_with_address_and_uid_finds_the_actor_and_the_asker()
    {
        var dispatcher = new SingleThreadDispatcher(DateTimeOffset.UnixEpoch);
        var system = (LocalSystem)EngineSystem.Create("paths", ConfigurationFactory.ParseString("akka.loggers=[]"), new EngineSetup
        {
            Clock = dispatcher.Clock,
            Dispatcher = dispatcher,
        });
        system.LocalAddress = new Address("akka.tcp", "paths", "node1", 4711);
        IActorRef? asker = null;
        var actor = system.ActorOf(Props.Create(() => new Ticking(new List<string>(), dispatcher)), "known");
        var path = system.SerializedPath(actor);
        Assert.StartsWith("akka.tcp://paths@node1:4711/user/known#", path, StringComparison.Ordinal);
        Assert.Same(actor, system.ResolveActorRef(path));
        Assert.Same(actor, system.ResolveActorRef("/user/known"));
        Assert.NotSame(actor, system.ResolveActorRef("/user/known#1"));
        Assert.IsType<RemoteActorRef>(system.ResolveActorRef("akka.tcp://paths@node2:4711/user/known"));

        var answer = actor.Ask<string>(new Func<IActorRef, string>(sender =>
        {
            asker = sender;
            return "";
        }));
        dispatcher.RunUntilIdle();
        system.ResolveActorRef(system.SerializedPath(asker!)).Tell("found");
        dispatcher.RunUntilIdle();
        Assert.Equal("found", await answer.WaitAsync(TimeSpan.FromSeconds(3)));
    }

    private static List<string> Run()
    {
        List<string> log = [];
        var dispatcher = new SingleThreadDispatcher(DateTimeOffset.UnixEpoch);
        var system = EngineSystem.Create("sim", ConfigurationFactory.ParseString("akka.loggers=[]"), new EngineSetup
        {
            Clock = dispatcher.Clock,
            Dispatcher = dispatcher,
            Random = new Random(1),
            Store = new MemoryEngineStore(new MemoryEngineDatabase(dispatcher.Clock)),
        });
        var ticking = system.ActorOf(Props.Create(() => new Ticking(log, dispatcher)));
        ticking.Tell("start");
        ticking.Tell("ask");
        var notes = system.ActorOf(Props.Create(() => new Notes("sim", ticking)));
        notes.Tell(new Add("x"));
        notes.Tell(new Add("y"));
        dispatcher.Advance(TimeSpan.FromSeconds(60));
        _ = system.Terminate();
        dispatcher.Advance(TimeSpan.FromSeconds(60));
        Assert.True(system.WhenTerminated.IsCompleted);
        return log;
    }

    private sealed class Ticking(List<string> log, SingleThreadDispatcher dispatcher) : UntypedActor, IWithTimers
    {
        public ITimerScheduler Timers { get; set; } = null!;

        protected override void OnReceive(object message)
        {
            var at = (dispatcher.Now - DateTimeOffset.UnixEpoch).TotalSeconds;
            switch (message)
            {
                case Func<IActorRef, string> ask: ask(Sender); break;
                case "start": Timers.StartSingleTimer("k", "tick", TimeSpan.FromSeconds(10)); break;
                case "tick": log.Add($"tick at {at}"); break;
                case "ask": Self.Ask<string>("void", TimeSpan.FromSeconds(30)).PipeTo(Self); break;
                case Status.Failure: log.Add($"timed out at {at}"); break;
                case string text: log.Add(text.StartsWith("added", StringComparison.Ordinal) ? "note " + text[^1] : text); break;
            }
        }
    }
}
