using Akka.Actor;
using Akka.TestKit.Xunit2;

namespace Orchestrator.Tests.Akka;

/// <summary>Timers, receive timeouts and the scheduler. Only lower bounds are measured: a busy machine may be late.</summary>
public sealed class TimeSpec : TestKit
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Never = TimeSpan.FromMinutes(10);

    [Fact]
    public void Starting_a_key_again_replaces_its_timer()
    {
        var actor = NewTimed();
        actor.Tell(new Start("k", "old", Never));
        actor.Tell(new Start("k", "new", Soon));
        ExpectMsg("new");
        actor.Tell("active k");
        ExpectMsg(false);
    }

    [Fact]
    public void A_timer_is_active_until_it_fired_or_was_cancelled()
    {
        var actor = NewTimed();
        actor.Tell(new Start("k", "late", Never));
        actor.Tell(new Start("other", "late", Never));
        actor.Tell("active k");
        ExpectMsg(true);
        actor.Tell("cancel all");
        actor.Tell("active k");
        ExpectMsg(false);
        actor.Tell("active other");
        ExpectMsg(false);
    }

    [Fact]
    public void A_restart_cancels_the_timers()
    {
        var actor = NewTimed();
        actor.Tell(new Start("k", "late", Never));
        actor.Tell(new InvalidOperationException("boom"));
        actor.Tell("active k");
        ExpectMsg(false);
    }

    [Fact]
    public void A_receive_timeout_comes_again_and_again_while_nothing_else_does()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Idle(TestActor)));
        actor.Tell(Soon);
        ExpectMsg("idle");
        ExpectMsg("idle");
        actor.Tell("off");
        FishForMessage<string>(text => text == "off");
        ExpectNoMsg(50);
    }

    [Fact]
    public void A_message_that_does_not_count_does_not_put_the_timeout_off()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Idle(TestActor)));
        actor.Tell(TimeSpan.FromMilliseconds(300));
        using var stop = new Cancelable(Sys.Scheduler);
        Sys.Scheduler.ScheduleTellRepeatedly(Soon, Soon, actor, new Quiet(), ActorRefs.NoSender, stop);
        FishForMessage<string>(text => text == "idle");
        stop.Cancel();
        Assert.True(stop.IsCancellationRequested);
        Assert.True(stop.Token.IsCancellationRequested);
    }

    [Fact]
    public void The_scheduler_tells_once_or_again_and_again()
    {
        var before = Sys.Scheduler.MonotonicClock;
        Sys.Scheduler.ScheduleTellOnce(TimeSpan.FromMilliseconds(30), TestActor, "once", ActorRefs.Nobody);
        ExpectMsg("once");
        Assert.True(Sys.Scheduler.MonotonicClock - before >= TimeSpan.FromMilliseconds(25));
        ExpectNoMsg(30);
        var repeated = Sys.Scheduler.ScheduleTellRepeatedlyCancelable(Soon, Soon, TestActor, "again", TestActor);
        ExpectMsg("again");
        ExpectMsg("again");
        repeated.Cancel();
        Sys.Scheduler.ScheduleTellOnceCancelable(Never, TestActor, "never", TestActor).Cancel();
    }

    [Fact]
    public void The_advanced_scheduler_runs_code()
    {
        Sys.Scheduler.Advanced.ScheduleOnce(Soon, () => TestActor.Tell("ran"));
        ExpectMsg("ran");
        using var stop = new Cancelable(Sys.Scheduler);
        Sys.Scheduler.Advanced.ScheduleRepeatedly(Soon, Soon, () => TestActor.Tell("ran again"), stop);
        ExpectMsg("ran again");
        ExpectMsg("ran again");
        stop.Cancel();
    }

    private IActorRef NewTimed() => Sys.ActorOf(Props.Create(() => new Timed(TestActor)));

    private sealed record Start(string Key, string Message, TimeSpan After);

    private sealed record Quiet : INotInfluenceReceiveTimeout;

    private sealed class Timed : ReceiveActor, IWithTimers
    {
        public Timed(IActorRef to)
        {
            Receive<Start>(start => Timers.StartSingleTimer(start.Key, start.Message, start.After));
            Receive<string>(text => text == "cancel all", _ => Timers.CancelAll());
            Receive<string>(text => text.StartsWith("active ", StringComparison.Ordinal), text =>
                to.Tell(Timers.IsTimerActive(text[7..])));
            Receive<Exception>(cause => throw cause);
            Receive<string>(to.Tell);
        }

        public ITimerScheduler Timers { get; set; } = null!;
    }

    private sealed class Idle : ReceiveActor
    {
        public Idle(IActorRef to)
        {
            Receive<TimeSpan>(time => SetReceiveTimeout(time));
            Receive<ReceiveTimeout>(_ => to.Tell("idle"));
            Receive<Quiet>(_ => { });
            Receive<string>(text =>
            {
                SetReceiveTimeout(null);
                to.Tell(text);
            });
        }
    }
}
