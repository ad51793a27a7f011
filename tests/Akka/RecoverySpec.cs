using Akka.Actor;
using Akka.Persistence;
using Akka.TestKit.Xunit2;

namespace Orchestrator.Tests.Akka;

/// <summary>What a persistent actor is told of its past, and which numbers its next events get.</summary>
public sealed class RecoverySpec() : TestKit(Journal.NewSystem())
{
    [Fact]
    public void Events_come_in_order_and_RecoveryCompleted_after_them_even_when_there_are_none()
    {
        var actor = Start("a");
        ExpectMsg("recovered at 0");
        Write(actor, "x", "y", "z");
        Stop(actor);
        Start("a");
        ExpectMsg("event x 1");
        ExpectMsg("event y 2");
        ExpectMsg("event z 3");
        ExpectMsg("recovered at 3");
    }

    [Fact]
    public void A_snapshot_comes_first_and_the_events_before_it_do_not_come()
    {
        var actor = Start("b");
        ExpectMsg("recovered at 0");
        Write(actor, "x", "y");
        actor.Tell("snapshot");
        ExpectMsg("saved 2");
        Write(actor, "z");
        Stop(actor);
        Start("b");
        ExpectMsg("snapshot of x y at 2");
        ExpectMsg("event z 3");
        ExpectMsg("recovered at 3");
    }

    [Fact]
    public void Commands_wait_until_the_recovery_is_completed()
    {
        var actor = Start("c");
        ExpectMsg("recovered at 0");
        Write(actor, "x", "y");
        Stop(actor);
        Start("c").Tell("write z");
        ExpectMsg("event x 1");
        ExpectMsg("event y 2");
        ExpectMsg("recovered at 2");
        ExpectMsg("event z 3");
    }

    [Fact]
    public void A_recovery_can_be_limited_and_the_numbers_go_on_after_the_last_one_written()
    {
        var actor = Start("d");
        ExpectMsg("recovered at 0");
        Write(actor, "x", "y", "z");
        Stop(actor);
        var limited = Start("d", new Recovery(SnapshotSelectionCriteria.Latest, 2));
        ExpectMsg("event x 1");
        ExpectMsg("event y 2");
        ExpectMsg("recovered at 3");
        limited.Tell("write w");
        ExpectMsg("event w 4");
        Stop(limited);
        var first = Start("d", new Recovery(SnapshotSelectionCriteria.Latest, long.MaxValue, 1));
        ExpectMsg("event x 1");
        ExpectMsg("recovered at 4");
        Stop(first);
        var none = Start("d", Recovery.None);
        ExpectMsg("recovered at 4");
        none.Tell("write v");
        ExpectMsg("event v 5");
    }

    [Fact]
    public void The_newest_snapshot_that_the_criteria_take_is_offered()
    {
        var actor = Start("e");
        ExpectMsg("recovered at 0");
        Write(actor, "x");
        actor.Tell("snapshot");
        ExpectMsg("saved 1");
        Write(actor, "y");
        actor.Tell("snapshot");
        ExpectMsg("saved 2");
        Stop(actor);

        Stop(Start("e", new Recovery(new SnapshotSelectionCriteria(1))));
        ExpectMsg("snapshot of x at 1");
        ExpectMsg("event y 2");
        ExpectMsg("recovered at 2");

        Stop(Start("e", new Recovery(SnapshotSelectionCriteria.None)));
        ExpectMsg("event x 1");
        ExpectMsg("event y 2");
        ExpectMsg("recovered at 2");

        Stop(Start("e", new Recovery(new SnapshotSelectionCriteria(long.MaxValue, DateTime.MinValue))));
        ExpectMsg("event x 1");
        ExpectMsg("event y 2");
        ExpectMsg("recovered at 2");
    }

    [Fact]
    public void Deleted_snapshots_are_offered_no_more()
    {
        var actor = Start("f");
        ExpectMsg("recovered at 0");
        Write(actor, "x");
        actor.Tell("snapshot");
        ExpectMsg("saved 1");
        Write(actor, "y");
        actor.Tell("snapshot");
        ExpectMsg("saved 2");
        actor.Tell(new SnapshotSelectionCriteria(1));
        ExpectMsg("snapshots deleted up to 1");
        Stop(actor);
        Stop(Start("f", new Recovery(new SnapshotSelectionCriteria(1))));
        ExpectMsg("event x 1");
        ExpectMsg("event y 2");
        ExpectMsg("recovered at 2");
        var last = Start("f");
        ExpectMsg("snapshot of x y at 2");
        ExpectMsg("recovered at 2");
        last.Tell(new SnapshotSelectionCriteria(long.MaxValue, DateTime.MaxValue, 2));
        ExpectMsg($"snapshots deleted up to {long.MaxValue}");
        Stop(last);
        Start("f");
        ExpectMsg("event x 1");
    }

    [Fact]
    public void Deleted_messages_come_no_more_and_their_numbers_are_not_used_again()
    {
        var actor = Start("g");
        ExpectMsg("recovered at 0");
        Write(actor, "x", "y", "z");
        actor.Tell(2L);
        ExpectMsg("deleted up to 2");
        Stop(actor);
        actor = Start("g");
        ExpectMsg("event z 3");
        ExpectMsg("recovered at 3");
        actor.Tell(3L);
        ExpectMsg("deleted up to 3");
        Stop(actor);
        actor = Start("g");
        ExpectMsg("recovered at 3");
        actor.Tell("write w");
        ExpectMsg("event w 4");
    }

    [Fact]
    public void Nothing_can_be_persisted_while_it_recovers()
    {
        Sys.ActorOf(Props.Create(() => new Hasty(TestActor)));
        ExpectMsg<InvalidOperationException>();
    }

    [Fact]
    public void What_is_persisted_when_the_recovery_completes_comes_before_the_commands()
    {
        Sys.ActorOf(Props.Create(() => new Beginning(TestActor))).Tell("command");
        ExpectMsg("begun 1");
        ExpectMsg("command");
    }

    [Fact]
    public void Criteria_have_bounds_of_number_and_time()
    {
        var at = new DateTime(2024, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        var criteria = new SnapshotSelectionCriteria(9, at, 3, at.AddDays(-1));
        Assert.Equal((9L, 3L, at, at.AddDays(-1)),
            (criteria.MaxSequenceNr, criteria.MinSequenceNr, criteria.MaxTimeStamp, criteria.MinTimestamp));
        Assert.Equal(criteria, new SnapshotSelectionCriteria(9, at, 3, at.AddDays(-1)));
        Assert.Equal(long.MaxValue, SnapshotSelectionCriteria.Latest.MaxSequenceNr);
        Assert.Equal(new SnapshotMetadata("p", 1, at), new SnapshotMetadata("p", 1, at));
    }

    private IActorRef Start(string id, Recovery? recovery = null)
    {
        var how = recovery ?? Recovery.Default;
        return Sys.ActorOf(Props.Create(() => new Diary(id, how, TestActor)));
    }

    private void Write(IActorRef actor, params string[] texts)
    {
        foreach (var text in texts)
        {
            actor.Tell("write " + text);
            FishForMessage<string>(line => line.StartsWith("event " + text, StringComparison.Ordinal));
        }
    }

    private void Stop(IActorRef actor)
    {
        var watcher = CreateTestProbe();
        watcher.Watch(actor);
        actor.Tell(PoisonPill.Instance);
        watcher.ExpectTerminated(actor);
    }

    private sealed class Diary : ReceivePersistentActor
    {
        private readonly List<string> _texts = [];
        private readonly IActorRef _to;

        public Diary(string id, Recovery recovery, IActorRef to)
        {
            PersistenceId = "diary-" + id;
            Recovery = recovery;
            _to = to;
            Recover<Added>(Apply);
            Recover<SnapshotOffer>(offer =>
            {
                _texts.AddRange(((Kept)offer.Snapshot).Texts);
                to.Tell($"snapshot of {string.Join(' ', _texts)} at {offer.Metadata.SequenceNr}");
            });
            Recover<RecoveryCompleted>(_ => to.Tell($"recovered at {LastSequenceNr}"));
            Command<string>(text => text == "snapshot", _ => SaveSnapshot(new Kept([.. _texts])));
            Command<string>(text => text.StartsWith("write ", StringComparison.Ordinal), text =>
                Persist(new Added(text[6..]), Apply));
            Command<SaveSnapshotSuccess>(saved => to.Tell($"saved {saved.Metadata.SequenceNr}"));
            Command<SnapshotSelectionCriteria>(DeleteSnapshots);
            Command<DeleteSnapshotsSuccess>(done => to.Tell($"snapshots deleted up to {done.Criteria.MaxSequenceNr}"));
            Command<long>(DeleteMessages);
            Command<DeleteMessagesSuccess>(done => to.Tell($"deleted up to {done.ToSequenceNr}"));
        }

        public override string PersistenceId { get; }

        public override Recovery Recovery { get; }

        private void Apply(Added fact)
        {
            _texts.Add(fact.Text);
            _to.Tell($"event {fact.Text} {LastSequenceNr}");
        }
    }

    private sealed class Hasty : UntypedPersistentActor
    {
        private readonly IActorRef _to;

        public Hasty(IActorRef to) => _to = to;

        public override string PersistenceId => "hasty";

        protected override void PreStart()
        {
            try { Persist(new Added("too early"), _ => { }); }
            catch (InvalidOperationException refused) { _to.Tell(refused); }
        }

        protected override void OnCommand(object message) { }

        protected override void OnRecover(object message) { }
    }

    private sealed class Beginning(IActorRef to) : UntypedPersistentActor
    {
        public override string PersistenceId => "beginning";

        protected override void OnCommand(object message) => to.Tell(message);

        protected override void OnRecover(object message)
        {
            if (message is RecoveryCompleted) Persist(new Added("first"), _ => to.Tell($"begun {LastSequenceNr}"));
        }
    }
}
