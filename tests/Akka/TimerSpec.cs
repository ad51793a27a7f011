using Akka.Actor;
using Akka.TestKit.Xunit2;

namespace Orchestrator.Tests.Akka;

public sealed class TimerSpec : TestKit
{
    [Fact]
    public void A_single_timer_fires_once_and_a_periodic_one_goes_on()
    {
        var actor = Sys.ActorOf(Props.Create(() => new Timed(TestActor)));
        actor.Tell("single");
        ExpectMsg("tick");
        ExpectNoMsg(60);
        actor.Tell("periodic");
        ExpectMsg("tick");
        ExpectMsg("tick");
        actor.Tell("cancel");
        FishForMessage<string>(s => s == "cancelled");
        ExpectNoMsg(60);
    }

    /// <summary>The timer fires while the actor is busy, so its message waits behind the one that cancels it.</summary>
    [Fact]
    public void A_message_of_a_cancelled_timer_is_not_delivered_even_when_it_was_queued()
    {
        using var fired = new ManualResetEventSlim();
        var actor = Sys.ActorOf(Props.Create(() => new Timed(TestActor)));
        actor.Tell(fired);
        ExpectMsg("armed");
        Sys.Scheduler.Advanced.ScheduleOnce(TimeSpan.FromMilliseconds(60), fired.Set);
        ExpectMsg("cancelled");
        ExpectNoMsg(60);
    }

    private sealed class Timed : ReceiveActor, IWithTimers
    {
        public Timed(IActorRef to)
        {
            Receive<string>(s => s == "single", _ =>
                Timers.StartSingleTimer("k", "tick", TimeSpan.FromMilliseconds(10)));
            Receive<string>(s => s == "periodic", _ =>
                Timers.StartPeriodicTimer("k", "tick", TimeSpan.FromMilliseconds(10)));
            Receive<string>(s => s == "cancel", _ =>
            {
                Timers.Cancel("k");
                to.Tell("cancelled");
            });
            Receive<ManualResetEventSlim>(fired =>
            {
                Timers.StartSingleTimer("k", "tick", TimeSpan.FromMilliseconds(1));
                to.Tell("armed");
                fired.Wait(TimeSpan.FromSeconds(3));
                Timers.Cancel("k");
                to.Tell("cancelled");
            });
            Receive<string>(s => to.Tell(s));
        }

        public ITimerScheduler Timers { get; set; } = null!;
    }
}
