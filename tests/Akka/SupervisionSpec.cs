using Akka.Actor;
using Akka.Pattern;
using Akka.TestKit.Xunit2;

namespace Orchestrator.Tests.Akka;

public sealed class SupervisionSpec : TestKit
{
    [Fact]
    public void A_restart_makes_a_new_instance_and_keeps_the_mailbox()
    {
        var child = NewChild(_ => Directive.Restart);
        child.Tell("keep");
        child.Tell(new InvalidOperationException("boom"));
        child.Tell("what");
        ExpectMsg("pre-restart boom");
        ExpectMsg("post-restart boom");
        ExpectMsg("state 0");
    }

    [Fact]
    public void A_resume_keeps_the_state()
    {
        var child = NewChild(_ => Directive.Resume);
        child.Tell("keep");
        child.Tell(new InvalidOperationException("boom"));
        child.Tell("what");
        ExpectMsg("state 1");
    }

    [Fact]
    public void A_stop_ends_the_child_and_a_watcher_learns_of_it()
    {
        var child = NewChild(_ => Directive.Stop);
        Watch(child);
        child.Tell(new InvalidOperationException("boom"));
        FishForMessage<Terminated>(ended => ended.ActorRef.Equals(child));
    }

    [Fact]
    public void An_escalation_restarts_the_supervisor_and_stops_its_children()
    {
        var supervisor = Sys.ActorOf(Props.Create(() => new Supervisor(
            new OneForOneStrategy(_ => Directive.Escalate), TestActor)));
        supervisor.Tell("child");
        var child = Watch(ExpectMsg<IActorRef>());
        child.Tell(new InvalidOperationException("boom"));
        ExpectTerminatedAmong(child);
        supervisor.Tell("child");
        FishForMessage<IActorRef>(other => !other.Equals(child));
    }

    [Fact]
    public void More_restarts_than_allowed_in_the_time_stop_the_child()
    {
        var supervisor = Sys.ActorOf(Props.Create(() => new Supervisor(
            new OneForOneStrategy(2, TimeSpan.FromMinutes(1), _ => Directive.Restart), TestActor)));
        supervisor.Tell("child");
        var child = Watch(ExpectMsg<IActorRef>());
        for (var i = 0; i < 3; i++) child.Tell(new InvalidOperationException("boom"));
        ExpectMsg("pre-restart boom");
        ExpectMsg("post-restart boom");
        ExpectMsg("pre-restart boom");
        ExpectMsg("post-restart boom");
        ExpectTerminated(child);
    }

    [Theory]
    [InlineData(typeof(InvalidOperationException), Directive.Restart)]
    [InlineData(typeof(Exception), Directive.Restart)]
    public void The_default_decider_restarts_what_failed_by_itself(Type cause, Directive directive) => Assert.Equal(
        directive, SupervisorStrategy.DefaultDecider.Decide((Exception)Activator.CreateInstance(cause)!));

    [Fact]
    public void The_default_decider_stops_what_was_not_born_was_killed_or_lost_its_partner()
    {
        Assert.Equal(Directive.Stop, SupervisorStrategy.DefaultDecider.Decide(new ActorInitializationException("x")));
        Assert.Equal(Directive.Stop, SupervisorStrategy.DefaultDecider.Decide(new ActorKilledException("x")));
        Assert.Equal(Directive.Stop, SupervisorStrategy.DefaultDecider.Decide(new DeathPactException(TestActor)));
        Assert.Equal(Directive.Stop, SupervisorStrategy.StoppingStrategy.Decider.Decide(new InvalidOperationException()));
        Assert.Equal(Directive.Restart, SupervisorStrategy.DefaultStrategy.Decider.Decide(new InvalidOperationException()));
    }

    [Fact]
    public void The_bounds_of_a_strategy_are_as_given()
    {
        var strategy = new OneForOneStrategy(3, TimeSpan.FromSeconds(2), _ => Directive.Restart);
        Assert.Equal((3, 2000), (strategy.MaxNumberOfRetries, strategy.WithinTimeRangeMilliseconds));
        var unbound = new OneForOneStrategy(null, null, _ => Directive.Restart);
        Assert.Equal((-1, -1), (unbound.MaxNumberOfRetries, unbound.WithinTimeRangeMilliseconds));
    }

    [Fact]
    public void No_restart_is_allowed_with_a_bound_of_zero()
    {
        var supervisor = Sys.ActorOf(Props.Create(() => new Supervisor(
            new OneForOneStrategy(0, TimeSpan.FromMinutes(1), _ => Directive.Restart), TestActor)));
        supervisor.Tell("child");
        var child = Watch(ExpectMsg<IActorRef>());
        child.Tell(new InvalidOperationException("boom"));
        ExpectTerminated(child);
    }

    [Fact]
    public void One_for_one_leaves_the_siblings_alone()
    {
        var supervisor = Sys.ActorOf(Props.Create(() => new Supervisor(
            new OneForOneStrategy(_ => Directive.Restart), TestActor)));
        supervisor.Tell("child");
        var one = ExpectMsg<IActorRef>();
        supervisor.Tell("child");
        var two = ExpectMsg<IActorRef>();
        two.Tell("keep");
        one.Tell(new InvalidOperationException("boom"));
        ExpectMsg("pre-restart boom");
        ExpectMsg("post-restart boom");
        two.Tell("what");
        ExpectMsg("state 1");
    }

    [Fact]
    public void A_strategy_of_the_props_is_stronger_than_the_actors_own()
    {
        var supervisor = Sys.ActorOf(Props.Create(() => new Supervisor(
            new OneForOneStrategy(_ => Directive.Restart), TestActor))
            .WithSupervisorStrategy(new OneForOneStrategy(_ => Directive.Stop)));
        supervisor.Tell("child");
        var child = Watch(ExpectMsg<IActorRef>());
        child.Tell(new InvalidOperationException("boom"));
        ExpectTerminated(child);
    }

    [Fact]
    public void A_failure_is_logged_as_an_error_with_its_cause()
    {
        var child = NewChild(_ => Directive.Stop);
        EventFilter.Exception<InvalidOperationException>(message: "boom").ExpectOne(
            () => child.Tell(new InvalidOperationException("boom")));
    }

    [Fact]
    public void A_restart_is_no_termination()
    {
        var child = NewChild(_ => Directive.Restart);
        Watch(child);
        child.Tell(new InvalidOperationException("boom"));
        ExpectMsg("pre-restart boom");
        ExpectMsg("post-restart boom");
        ExpectNoMsg(50);
    }

    [Fact]
    public void An_actor_that_cannot_be_made_is_stopped()
    {
        var actor = Watch(Sys.ActorOf(Props.Create(() => new Unmakeable())));
        ExpectTerminated(actor);
    }

    [Fact]
    public void Kill_stops_by_the_default_strategy()
    {
        var actor = Watch(Sys.ActorOf(Props.Create(() => new Child(TestActor))));
        actor.Tell(Kill.Instance);
        ExpectTerminated(actor);
    }

    [Fact]
    public void Whoever_watches_and_does_not_handle_the_death_dies_too()
    {
        var watched = Sys.ActorOf(Props.Create(() => new Child(TestActor)));
        var watcher = Watch(Sys.ActorOf(Props.Create(() => new Watcher(watched, TestActor))));
        ExpectMsg("watching");
        watched.Tell(PoisonPill.Instance);
        ExpectTerminated(watcher);
    }

    [Fact]
    public void Backoff_starts_a_failed_child_again_after_a_pause_and_gives_up_in_the_end()
    {
        var supervisor = Watch(Sys.ActorOf(BackoffSupervisor.Props(Backoff.OnFailure(
            Props.Create(() => new Child(TestActor)), "child", TimeSpan.FromMilliseconds(10),
            TimeSpan.FromMilliseconds(20), 0.2, 1).WithManualReset())));
        supervisor.Tell("what");
        ExpectMsg("state 0");
        supervisor.Tell(new InvalidOperationException("boom"));
        AwaitAssert(() =>
        {
            supervisor.Tell("what");
            ExpectMsg("state 0", TimeSpan.FromMilliseconds(50));
        });
        supervisor.Tell(new InvalidOperationException("boom"));
        FishForMessage<Terminated>(ended => ended.ActorRef.Equals(supervisor));
    }

    [Fact]
    public void Backoff_on_stop_starts_a_stopped_child_again()
    {
        var supervisor = Sys.ActorOf(BackoffSupervisor.Props(Backoff.OnStop(
            Props.Create(() => new Child(TestActor)), "child", TimeSpan.FromMilliseconds(10),
            TimeSpan.FromMilliseconds(20), 0, -1)));
        supervisor.Tell(BackoffSupervisor.GetCurrentChild.Instance);
        var first = ExpectMsg<BackoffSupervisor.CurrentChild>().Ref;
        first.Tell(PoisonPill.Instance);
        AwaitAssert(() =>
        {
            supervisor.Tell(BackoffSupervisor.GetCurrentChild.Instance);
            var now = ExpectMsg<BackoffSupervisor.CurrentChild>().Ref;
            Assert.NotEqual(ActorRefs.Nobody, now);
            Assert.NotEqual(first, now);
        });
    }

    private void ExpectTerminatedAmong(IActorRef child) =>
        FishForMessage<Terminated>(ended => ended.ActorRef.Equals(child));

    private IActorRef NewChild(Func<Exception, Directive> decide)
    {
        Sys.ActorOf(Props.Create(() => new Supervisor(new OneForOneStrategy(decide), TestActor))).Tell("child");
        return ExpectMsg<IActorRef>();
    }

    private sealed class Supervisor(SupervisorStrategy strategy, IActorRef to) : UntypedActor
    {
        protected override SupervisorStrategy SupervisorStrategy() => strategy;

        protected override void OnReceive(object message) =>
            to.Tell(Context.ActorOf(Props.Create(() => new Child(to))));
    }

    private sealed class Child(IActorRef to) : UntypedActor
    {
        private int _kept;

        protected override void OnReceive(object message)
        {
            if (message is Exception cause) throw cause;
            if (message is "keep") _kept++;
            else to.Tell($"state {_kept}");
        }

        protected override void PreRestart(Exception reason, object? message)
        {
            to.Tell($"pre-restart {reason.Message}");
            base.PreRestart(reason, message);
        }

        protected override void PostRestart(Exception reason) => to.Tell($"post-restart {reason.Message}");
    }

    private sealed class Unmakeable : UntypedActor
    {
        public Unmakeable() => throw new InvalidOperationException("no");

        protected override void OnReceive(object message) { }
    }

    private sealed class Watcher(IActorRef watched, IActorRef to) : ReceiveActor
    {
        protected override void PreStart()
        {
            Context.Watch(watched);
            to.Tell("watching");
        }
    }
}
