using System.Collections.Immutable;
using Akka.Actor;
using Akka.Persistence;
using Akka.TestKit.Xunit2;
using Orchestrator.Engine;
using Orchestrator.Engine.Memory;

namespace Orchestrator.Tests.Akka.Engine;

public sealed class OutageSpec : IDisposable
{
    private readonly MemoryEngineDatabase _database = new(TimeProvider.System);
    private readonly MemoryEngineStore _store;
    private readonly TestKit _kit;

    public OutageSpec()
    {
        _store = new MemoryEngineStore(_database);
        _kit = new TestKit(Journal.NewSystem(_store));
    }

    [Fact]
    public void A_short_outage_stalls_commands_and_loses_none()
    {
        var notes = Start();
        notes.Tell(new Add("x"));
        _kit.ExpectMsg("added x 1");
        _store.IsCutOff = true;
        notes.Tell(new Add("y"));
        notes.Tell(new Add("z"));
        _kit.ExpectNoMsg(100);
        Assert.Equal(1, GroupWriter.Of(_kit.Sys).Waiting);
        _store.IsCutOff = false;
        _kit.ExpectMsg("added y 2");
        _kit.ExpectMsg("added z 3");
        Assert.Equal(0, GroupWriter.Of(_kit.Sys).Waiting);
    }

    [Fact]
    public void A_lost_answer_neither_loses_nor_doubles_the_event()
    {
        var notes = Start();
        _store.LostAnswers = 2;
        notes.Tell(new Add("x"));
        _kit.ExpectMsg("added x 1");
        notes.Tell(new Add("y"));
        _kit.ExpectMsg("added y 2");
        Assert.Equal([1L, 2L], _database.Journal.Select(row => row.SequenceNr));
    }

    [Fact]
    public void A_long_outage_stops_the_actor_without_success()
    {
        using var kit = new TestKit(Journal.NewSystem(_store, "orchestrator.journal.outage-patience = 200 ms"));
        var notes = kit.Sys.ActorOf(Props.Create(() => new Notes("one", kit.TestActor)));
        notes.Tell("state");
        kit.ExpectMsg(" (0)");
        kit.Watch(notes);
        _store.IsCutOff = true;
        notes.Tell(new Add("x"));
        kit.ExpectMsg("not persisted: StoreUnavailableException");
        kit.ExpectTerminated(notes);
    }

    [Fact]
    public void A_second_writer_stops_the_first()
    {
        var first = Start();
        first.Tell("state");
        _kit.ExpectMsg(" (0)");
        var second = Start();
        second.Tell(new Add("x"));
        _kit.ExpectMsg("added x 1");
        _kit.Watch(first);
        first.Tell(new Add("y"));
        _kit.ExpectMsg("not persisted: WriteRefusedException");
        _kit.ExpectTerminated(first);
    }

    [Fact]
    public void An_event_that_cannot_be_serialized_is_rejected_and_the_actor_goes_on()
    {
        var actor = _kit.Sys.ActorOf(Props.Create(() => new Rejecting(_kit.TestActor)));
        actor.Tell("bad");
        _kit.ExpectMsg("rejected 1");
        actor.Tell("good");
        _kit.ExpectMsg("written 1");
    }

    [Fact]
    public void Companions_go_beside_the_event_and_the_handler_gets_the_original()
    {
        using var kit = new TestKit(EngineSystem.Create("test", TestKit.DefaultConfig, new EngineSetup
        {
            Store = _store,
            Records = new Stripping(),
        }));
        kit.Sys.ActorOf(Props.Create(() => new Rejecting(kit.TestActor))).Tell("good");
        kit.ExpectMsg("written 1");
        Assert.Equal("row", _database.Companions.Single().Kind);
        Assert.Contains("stripped", System.Text.Encoding.UTF8.GetString(_database.Journal.Single().Payload.Span), StringComparison.Ordinal);
    }

    public void Dispose() => _kit.Dispose();

    private IActorRef Start() => _kit.Sys.ActorOf(Props.Create(() => new Notes("one", _kit.TestActor)));

    private sealed class Stripping : IUnwrapRecords
    {
        public (object Event, ImmutableArray<CompanionRow> Companions) Unwrap(object persisted) =>
            (new Added("stripped"), [new CompanionRow("row", "key", 1, "{}")]);

    }

    private sealed class Vicious
    {
        private readonly string _why = "not serializable";

        public string Value => throw new InvalidOperationException(_why);
    }

    private sealed class Rejecting(IActorRef to) : UntypedPersistentActor
    {
        public override string PersistenceId => "rejecting";

        protected override void OnCommand(object message)
        {
            if (message is "bad") Persist(new Vicious(), _ => to.Tell("written"));
            else Persist(new Added("good"), fact => to.Tell($"written {LastSequenceNr}" + (fact.Text == "good" ? "" : "?")));
        }

        protected override void OnRecover(object message) { }

        protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr) =>
            to.Tell($"rejected {sequenceNr}");
    }
}
