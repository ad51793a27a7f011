using Akka.Actor;
using Akka.Event;
using Akka.TestKit.Xunit2;

namespace Orchestrator.Tests.Akka;

public sealed class ActorSpec : TestKit
{
    [Fact]
    public void Messages_of_one_sender_arrive_in_order()
    {
        var forward = Sys.ActorOf(Props.Create(() => new Forwarder(TestActor)));
        for (var i = 0; i < 1000; i++) forward.Tell(i);
        Assert.Equal(Enumerable.Range(0, 1000).Cast<object>(), ReceiveN(1000));
    }

    [Fact]
    public void A_message_to_the_dead_becomes_a_dead_letter()
    {
        var probe = CreateTestProbe();
        Sys.EventStream.Subscribe(probe.Ref, typeof(DeadLetter));
        var actor = Watch(Sys.ActorOf(Props.Create(() => new Forwarder(TestActor))));
        actor.Tell(PoisonPill.Instance);
        ExpectTerminated(actor);
        actor.Tell("late");
        Assert.Equal("late", probe.ExpectMsg<DeadLetter>().Message);
    }

    [Fact]
    public void What_no_case_takes_is_published_as_unhandled()
    {
        var probe = CreateTestProbe();
        Sys.EventStream.Subscribe(probe.Ref, typeof(UnhandledMessage));
        Sys.ActorOf(Props.Create(() => new OnlyNumbers(TestActor))).Tell("text");
        Assert.Equal("text", probe.ExpectMsg<UnhandledMessage>().Message);
    }

    [Fact]
    public void Cases_are_tried_in_order_and_predicates_decide()
    {
        var actor = Sys.ActorOf(Props.Create(() => new OnlyNumbers(TestActor)));
        actor.Tell(5);
        ExpectMsg("small");
        actor.Tell(50);
        ExpectMsg("big");
    }

    [Fact]
    public void Become_replaces_and_stacks_behaviour()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Moody(TestActor)));
        actor.Tell("x");
        ExpectMsg("calm");
        actor.Tell("anger");
        actor.Tell("x");
        ExpectMsg("angry");
        actor.Tell("calm down");
        actor.Tell("x");
        ExpectMsg("calm");
    }

    [Fact]
    public void An_async_handler_keeps_its_sender_and_holds_later_messages_back()
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var actor = Sys.ActorOf(Props.Create(() => new Waiting(gate.Task)));
        actor.Tell("slow");
        actor.Tell("fast");
        ExpectNoMsg(50);
        gate.SetResult();
        ExpectMsg("slow done");
        ExpectMsg("fast");
    }

    [Fact]
    public async Task A_question_without_an_answer_times_out()
    {
        var silent = Sys.ActorOf(Props.Create(() => new OnlyNumbers(TestActor)));
        await Assert.ThrowsAsync<AskTimeoutException>(() => silent.Ask<string>(1, TimeSpan.FromMilliseconds(50)));
    }

    [Fact]
    public async Task A_cancelled_question_is_cancelled()
    {
        using var source = new CancellationTokenSource();
        var answer = CreateTestProbe().Ref.Ask<string>("?", source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
    }

    [Fact]
    public void PipeTo_sends_the_result_or_the_failure()
    {
        Task.FromResult("good").PipeTo(TestActor);
        ExpectMsg("good");
        Task.FromException<string>(new InvalidOperationException("bad")).PipeTo(TestActor);
        Assert.Equal("bad", ExpectMsg<Status.Failure>().Cause.Message);
    }

    [Fact]
    public void Identify_is_answered_by_every_actor()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Forwarder(TestActor)), "known");
        actor.Tell(new Identify(7));
        var identity = ExpectMsg<ActorIdentity>();
        Assert.Equal((7, actor), (identity.MessageId, identity.Subject));
    }

    [Fact]
    public void A_name_is_unique_among_siblings()
    {
        Sys.ActorOf(Props.Create(() => new Forwarder(TestActor)), "one");
        Assert.Throws<InvalidActorNameException>(
            () => Sys.ActorOf(Props.Create(() => new Forwarder(TestActor)), "one"));
        Assert.Throws<InvalidActorNameException>(
            () => Sys.ActorOf(Props.Create(() => new Forwarder(TestActor)), "not/allowed"));
    }

    [Fact]
    public void Stashed_messages_come_back_first_and_in_order()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Closed(TestActor)));
        actor.Tell("a");
        actor.Tell("b");
        actor.Tell("open");
        actor.Tell("c");
        ExpectMsg("a");
        ExpectMsg("b");
        ExpectMsg("c");
    }

    [Fact]
    public void An_idle_actor_gets_a_receive_timeout()
    {
        Sys.ActorOf(Props.Create(() => new Idle(TestActor)));
        ExpectMsg<ReceiveTimeout>();
    }

    [Fact]
    public async Task A_terminated_system_has_stopped_its_actors()
    {
        var system = ActorSystem.Create("ends");
        system.ActorOf(Props.Create(() => new Stopping(TestActor)));
        await system.Terminate();
        ExpectMsg("stopped");
        Assert.True(system.WhenTerminated.IsCompletedSuccessfully);
    }

    private sealed class Forwarder(IActorRef to) : UntypedActor
    {
        protected override void OnReceive(object message) => to.Forward(message);
    }

    private sealed class Stopping(IActorRef to) : UntypedActor
    {
        protected override void OnReceive(object message) { }

        protected override void PostStop() => to.Tell("stopped");
    }

    private sealed class OnlyNumbers : ReceiveActor
    {
        public OnlyNumbers(IActorRef to)
        {
            Receive<int>(_ => to.Tell("small"), n => n < 10);
            Receive<int>(_ => to.Tell("big"));
        }
    }

    private sealed class Moody : ReceiveActor
    {
        public Moody(IActorRef to)
        {
            Receive<string>(s => s == "anger", _ => BecomeStacked(() =>
            {
                Receive<string>(s => s == "calm down", _ => UnbecomeStacked());
                ReceiveAny(_ => to.Tell("angry"));
            }));
            ReceiveAny(_ => to.Tell("calm"));
        }
    }

    private sealed class Waiting : ReceiveActor
    {
        public Waiting(Task gate)
        {
            ReceiveAsync<string>(s => s == "slow", async _ =>
            {
                await gate;
                Sender.Tell("slow done");
            });
            Receive<string>(s => Sender.Tell(s));
        }
    }

    private sealed class Closed : ReceiveActor, IWithUnboundedStash
    {
        public Closed(IActorRef to)
        {
            Receive<string>(s => s == "open", _ =>
            {
                Stash.UnstashAll();
                Become(() => ReceiveAny(to.Tell));
            });
            ReceiveAny(_ => Stash.Stash());
        }

        public IStash Stash { get; set; } = null!;
    }

    private sealed class Idle : ReceiveActor
    {
        public Idle(IActorRef to)
        {
            SetReceiveTimeout(TimeSpan.FromMilliseconds(20));
            Receive<ReceiveTimeout>(to.Tell);
        }
    }
}
