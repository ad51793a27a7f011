using Akka.Actor;
using Akka.Event;
using Akka.TestKit.Xunit2;

namespace Orchestrator.Tests.Akka;

public sealed class StashSpec : TestKit
{
    [Fact]
    public void Unstashed_messages_come_before_what_waits_and_keep_their_order_and_senders()
    {
        var actor = NewDoor();
        var other = CreateTestProbe();
        actor.Tell("a");
        other.Send(actor, "b");
        actor.Tell("open and wait");
        actor.Tell("c");
        ExpectMsg("a from " + TestActor.Path.Name);
        ExpectMsg("b from " + other.Ref.Path.Name);
        ExpectMsg("c from " + TestActor.Path.Name);
    }

    [Fact]
    public void Unstash_brings_the_oldest_only()
    {
        var actor = NewDoor();
        actor.Tell("a");
        actor.Tell("b");
        actor.Tell("open a crack");
        ExpectMsg("a from " + TestActor.Path.Name);
        actor.Tell("count");
        ExpectMsg(1);
    }

    [Fact]
    public void The_same_message_cannot_be_stashed_twice_in_one_turn()
    {
        var actor = NewDoor();
        actor.Tell("twice");
        ExpectMsg<IllegalActorStateException>();
    }

    [Fact]
    public void A_message_that_was_sent_twice_may_be_stashed_twice()
    {
        var actor = NewDoor();
        var one = "same object";
        actor.Tell(one);
        actor.Tell(one);
        actor.Tell("count");
        ExpectMsg(2);
    }

    [Fact]
    public void A_restart_brings_the_stashed_messages_back()
    {
        var actor = NewDoor();
        actor.Tell("a");
        actor.Tell("b");
        actor.Tell(new InvalidOperationException("boom"));
        actor.Tell("count");
        ExpectMsg(2);
        actor.Tell("open and wait");
        ExpectMsg("a from " + TestActor.Path.Name);
        ExpectMsg("b from " + TestActor.Path.Name);
    }

    [Fact]
    public void What_is_stashed_when_the_actor_stops_becomes_dead_letters()
    {
        var letters = CreateTestProbe();
        var actor = NewDoor();
        actor.Tell("a");
        actor.Tell("count");
        ExpectMsg(1);
        Sys.EventStream.Subscribe(letters.Ref, typeof(DeadLetter));
        Sys.Stop(actor);
        Assert.Equal("a", letters.ExpectMsg<DeadLetter>().Message);
    }

    [Fact]
    public void ClearStash_takes_all_and_Prepend_puts_them_back_first()
    {
        var actor = NewDoor();
        actor.Tell("a");
        actor.Tell("b");
        actor.Tell("clear and prepend");
        ExpectMsg("2 cleared, empty");
        actor.Tell("open and wait");
        ExpectMsg("a from " + TestActor.Path.Name);
        ExpectMsg("b from " + TestActor.Path.Name);
    }

    private IActorRef NewDoor() => Sys.ActorOf(Props.Create(() => new Door(TestActor)));

    private sealed class Door : ReceiveActor, IWithUnboundedStash
    {
        public Door(IActorRef to)
        {
            Receive<string>(text => text == "open and wait", _ =>
            {
                Stash.UnstashAll();
                Become(() => Receive<string>(text => to.Tell($"{text} from {Sender.Path.Name}")));
            });
            Receive<string>(text => text == "open a crack", _ =>
            {
                Stash.Unstash();
                BecomeStacked(() => Receive<string>(text =>
                {
                    to.Tell($"{text} from {Sender.Path.Name}");
                    UnbecomeStacked();
                }));
            });
            Receive<string>(text => text == "count", _ => to.Tell(Stash.Count));
            Receive<string>(text => text == "clear and prepend", _ =>
            {
                var all = Stash.ClearStash().ToList();
                to.Tell($"{all.Count} cleared, {(Stash.IsEmpty && !Stash.NonEmpty ? "empty" : "not empty")}");
                Stash.Prepend(all);
            });
            Receive<string>(text => text == "twice", _ =>
            {
                Stash.Stash();
                try { Stash.Stash(); }
                catch (IllegalActorStateException refused) { to.Tell(refused); }
            });
            Receive<Exception>(cause => throw cause);
            ReceiveAny(_ => Stash.Stash());
        }

        public IStash Stash { get; set; } = null!;
    }
}
