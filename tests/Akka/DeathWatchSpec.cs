using Akka.Actor;
using Akka.TestKit.Xunit2;

namespace Orchestrator.Tests.Akka;

public sealed class DeathWatchSpec : TestKit
{
    [Fact]
    public void Each_watcher_is_told_once()
    {
        var subject = NewMute();
        var (one, two) = (CreateTestProbe(), CreateTestProbe());
        one.Watch(subject);
        one.Watch(subject);
        two.Watch(subject);
        Sys.Stop(subject);
        var notice = one.ExpectTerminated(subject);
        Assert.True(notice.ExistenceConfirmed);
        Assert.False(notice.AddressTerminated);
        Assert.Equal(subject, one.Sender);
        two.ExpectTerminated(subject);
        one.ExpectNoMsg(30);
    }

    [Fact]
    public void Who_watches_the_dead_is_told_at_once()
    {
        var subject = Watch(NewMute());
        Sys.Stop(subject);
        ExpectTerminated(subject);
        var late = CreateTestProbe();
        late.Watch(subject);
        late.ExpectTerminated(subject);
    }

    [Fact]
    public void After_unwatch_nothing_is_told()
    {
        var subject = NewMute();
        var (quiet, witness) = (CreateTestProbe(), CreateTestProbe());
        quiet.Watch(subject);
        witness.Watch(subject);
        quiet.Unwatch(subject);
        quiet.Ref.Tell("in order");
        quiet.ExpectMsg("in order");
        Sys.Stop(subject);
        witness.ExpectTerminated(subject);
        quiet.ExpectNoMsg(30);
    }

    [Fact]
    public void WatchWith_brings_a_message_of_ones_own()
    {
        var subject = NewMute();
        Sys.ActorOf(Props.Create(() => new Watching(subject, "it died", TestActor)));
        ExpectMsg("watching");
        Sys.Stop(subject);
        ExpectMsg("it died");
    }

    [Fact]
    public void An_unhandled_termination_fails_the_watcher_with_a_death_pact()
    {
        var subject = NewMute();
        var supervisor = Sys.ActorOf(Props.Create(() => new Deciding(subject, TestActor)));
        ExpectMsg("watching");
        Sys.Stop(subject);
        Assert.Equal(subject, ExpectMsg<DeathPactException>().DeadActor);
        Sys.Stop(supervisor);
    }

    [Fact]
    public void A_new_actor_of_the_same_name_is_somebody_else()
    {
        var first = Watch(Sys.ActorOf(Props.Create(() => new Mute()), "twin"));
        Sys.Stop(first);
        ExpectTerminated(first);
        var second = Sys.ActorOf(Props.Create(() => new Mute()), "twin");
        Assert.Equal(first.Path, second.Path);
        Assert.NotEqual(first, second);
        Watch(first);
        ExpectTerminated(first);
        second.Tell(new Identify(1));
        Assert.Equal(second, ExpectMsg<ActorIdentity>().Subject);
    }

    private IActorRef NewMute() => Sys.ActorOf(Props.Create(() => new Mute()));

    private sealed class Mute : UntypedActor
    {
        protected override void OnReceive(object message) { }
    }

    private sealed class Watching : ReceiveActor
    {
        public Watching(IActorRef subject, string message, IActorRef to)
        {
            Context.WatchWith(subject, message);
            to.Tell("watching");
            Receive<string>(to.Tell);
        }
    }

    private sealed class Careless : ReceiveActor
    {
        public Careless(IActorRef subject, IActorRef to)
        {
            Context.Watch(subject);
            to.Tell("watching");
        }
    }

    private sealed class Deciding : ReceiveActor
    {
        private readonly IActorRef _to;

        public Deciding(IActorRef subject, IActorRef to)
        {
            _to = to;
            Context.ActorOf(Props.Create(() => new Careless(subject, to)));
        }

        protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(cause =>
        {
            _to.Tell(cause);
            return Directive.Stop;
        });
    }
}
