using Akka.Actor;
using Akka.Event;
using Akka.TestKit.Xunit2;

namespace Orchestrator.Tests.Akka;

/// <summary>Birth, restart and death: which hooks run when, and in which order things end.</summary>
public sealed class LifeSpec : TestKit
{
    [Fact]
    public void The_hooks_of_a_life_and_a_death_run_in_order()
    {
        var actor = Watch(Sys.ActorOf(Props.Create(() => new Hooked(TestActor))));
        ExpectMsg("constructor");
        ExpectMsg("PreStart");
        actor.Tell("hello");
        ExpectMsg("hello");
        Sys.Stop(actor);
        ExpectMsg("PostStop");
        ExpectTerminated(actor);
    }

    [Fact]
    public void A_restart_runs_PreRestart_on_the_old_instance_and_PostRestart_on_the_new_one()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Hooked(TestActor)));
        ExpectMsg("constructor");
        ExpectMsg("PreStart");
        actor.Tell(new InvalidOperationException("boom"));
        ExpectMsg("PreRestart boom with InvalidOperationException");
        ExpectMsg("PostStop");
        ExpectMsg("constructor");
        ExpectMsg("PostRestart boom");
        ExpectMsg("PreStart");
        actor.Tell("still the same mailbox");
        ExpectMsg("still the same mailbox");
    }

    [Fact]
    public void A_restart_stops_the_children_before_the_new_instance_is_made()
    {
        var actor = Sys.ActorOf(Props.Create(() => new WithChild(TestActor)));
        ExpectMsg("made");
        var child = ExpectMsg<IActorRef>();
        actor.Tell(new InvalidOperationException("boom"));
        Assert.Equal(["child stopped", "parent stopped"], ReceiveN(2).Cast<string>().Order(StringComparer.Ordinal));
        ExpectMsg("made");
        ExpectMsg<IActorRef>(other => !other.Equals(child));
    }

    [Fact]
    public void A_parent_stops_after_its_children()
    {
        var actor = Watch(Sys.ActorOf(Props.Create(() => new WithChild(TestActor))));
        ExpectMsg("made");
        ExpectMsg<IActorRef>();
        Sys.Stop(actor);
        ExpectMsg("child stopped");
        ExpectMsg("parent stopped");
        ExpectTerminated(actor);
    }

    [Fact]
    public void A_poison_pill_waits_for_its_turn_and_a_stop_does_not()
    {
        var busy = Watch(Sys.ActorOf(Props.Create(() => new Busy(TestActor))));
        using var gate = new ManualResetEventSlim();
        busy.Tell(gate);
        ExpectMsg("begun");
        busy.Tell("before");
        busy.Tell(PoisonPill.Instance);
        busy.Tell("after");
        gate.Set();
        ExpectMsg("before");
        ExpectTerminated(busy);

        var other = Watch(Sys.ActorOf(Props.Create(() => new Busy(TestActor))));
        using var second = new ManualResetEventSlim();
        other.Tell(second);
        ExpectMsg("begun");
        other.Tell("not any more");
        Sys.Stop(other);
        second.Set();
        ExpectTerminated(other);
    }

    [Fact]
    public void What_waits_in_the_mailbox_of_the_stopped_becomes_dead_letters()
    {
        var letters = CreateTestProbe();
        Sys.EventStream.Subscribe(letters.Ref, typeof(DeadLetter));
        var actor = Sys.ActorOf(Props.Create(() => new Busy(TestActor)));
        using var gate = new ManualResetEventSlim();
        actor.Tell(gate);
        ExpectMsg("begun");
        actor.Tell("one");
        actor.Tell("two");
        Sys.Stop(actor);
        gate.Set();
        var first = letters.ExpectMsg<DeadLetter>();
        Assert.Equal(("one", actor, TestActor), (first.Message, first.Recipient, first.Sender));
        Assert.Equal("two", letters.ExpectMsg<DeadLetter>().Message);
    }

    [Fact]
    public void A_lost_poison_pill_is_a_suppressed_dead_letter()
    {
        var (letters, suppressed) = (CreateTestProbe(), CreateTestProbe());
        var dead = Watch(Sys.ActorOf(Props.Create(() => new Busy(TestActor))));
        Sys.Stop(dead);
        ExpectTerminated(dead);
        Sys.EventStream.Subscribe(letters.Ref, typeof(DeadLetter));
        Sys.EventStream.Subscribe(suppressed.Ref, typeof(SuppressedDeadLetter));
        dead.Tell(PoisonPill.Instance);
        Assert.IsType<PoisonPill>(suppressed.ExpectMsg<SuppressedDeadLetter>().Message);
        letters.ExpectNoMsg(20);
    }

    [Fact]
    public void Kill_fails_the_actor_and_its_supervisor_decides()
    {
        var supervisor = Sys.ActorOf(Props.Create(() => new Restarting(TestActor)));
        var child = ExpectMsg<IActorRef>();
        child.Tell(Kill.Instance);
        Assert.IsType<ActorKilledException>(ExpectMsg<Exception>());
        child.Tell("alive");
        ExpectMsg("alive");
        Sys.Stop(supervisor);
    }

    [Fact]
    public void Children_are_known_by_name_until_they_are_gone()
    {
        var parent = Sys.ActorOf(Props.Create(() => new Family()));
        parent.Tell("make a");
        var a = ExpectMsg<IActorRef>();
        parent.Tell("find a");
        ExpectMsg(a);
        parent.Tell("find b");
        Assert.True(ExpectMsg<IActorRef>().IsNobody());
        parent.Tell("make a");
        Assert.Contains("a", ExpectMsg<InvalidActorNameException>().Message, StringComparison.Ordinal);
        parent.Tell("make $x");
        ExpectMsg<InvalidActorNameException>();
        parent.Tell("make ");
        ExpectMsg<InvalidActorNameException>();
        parent.Tell("count");
        ExpectMsg(1);
        Watch(a);
        a.Tell(PoisonPill.Instance);
        ExpectTerminated(a);
        AwaitAssert(() =>
        {
            parent.Tell("count");
            ExpectMsg(0);
        });
        parent.Tell("make a");
        ExpectMsg<IActorRef>(again => !again.Equals(a));
    }

    private sealed class Hooked : UntypedActor
    {
        private readonly IActorRef _to;

        public Hooked(IActorRef to)
        {
            _to = to;
            to.Tell("constructor");
        }

        protected override void OnReceive(object message)
        {
            if (message is Exception cause) throw cause;
            _to.Tell(message);
        }

        protected override void PreStart() => _to.Tell("PreStart");

        protected override void PostStop() => _to.Tell("PostStop");

        protected override void PreRestart(Exception reason, object? message)
        {
            _to.Tell($"PreRestart {reason.Message} with {message?.GetType().Name}");
            base.PreRestart(reason, message!);
        }

        protected override void PostRestart(Exception reason)
        {
            _to.Tell($"PostRestart {reason.Message}");
            base.PostRestart(reason);
        }
    }

    private sealed class WithChild : UntypedActor
    {
        private readonly IActorRef _to;

        public WithChild(IActorRef to)
        {
            _to = to;
            to.Tell("made");
            to.Tell(Context.ActorOf(Props.Create(() => new Leaf(to))));
        }

        protected override void OnReceive(object message) => throw (Exception)message;

        protected override void PostStop() => _to.Tell("parent stopped");
    }

    private sealed class Leaf(IActorRef to) : UntypedActor
    {
        protected override void OnReceive(object message) { }

        protected override void PostStop() => to.Tell("child stopped");
    }

    private sealed class Busy : ReceiveActor
    {
        public Busy(IActorRef to)
        {
            Receive<ManualResetEventSlim>(gate =>
            {
                if (!gate.IsSet) to.Tell("begun");
                gate.Wait(TimeSpan.FromSeconds(3));
            });
            Receive<string>(to.Tell);
        }
    }

    private sealed class Restarting : ReceiveActor
    {
        private readonly IActorRef _to;

        public Restarting(IActorRef to)
        {
            _to = to;
            to.Tell(Context.ActorOf(Props.Create(() => new Echo(to))));
        }

        protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(cause =>
        {
            _to.Tell(cause);
            return Directive.Restart;
        });
    }

    private sealed class Echo : ReceiveActor
    {
        public Echo(IActorRef to) => ReceiveAny(to.Tell);
    }

    private sealed class Family : ReceiveActor
    {
        public Family()
        {
            Receive<string>(text => text.StartsWith("make ", StringComparison.Ordinal), text =>
            {
                try { Sender.Tell(Context.ActorOf(Props.Create(() => new Family()), text[5..])); }
                catch (InvalidActorNameException refused) { Sender.Tell(refused); }
            });
            Receive<string>(text => text.StartsWith("find ", StringComparison.Ordinal), text =>
                Sender.Tell(Context.Child(text[5..])));
            Receive<string>(text => text == "count", _ => Sender.Tell(Context.GetChildren().Count()));
        }
    }
}
