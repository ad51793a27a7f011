using Akka.Actor;
using Akka.Event;
using Akka.TestKit.Xunit2;

namespace Orchestrator.Tests.Akka;

/// <summary>The event stream and the log that goes over it.</summary>
public sealed class EventSpec() : TestKit("akka.loglevel = DEBUG")
{
    [Fact]
    public void Who_subscribed_to_a_type_gets_it_and_its_subtypes()
    {
        Assert.True(Sys.EventStream.Subscribe(TestActor, typeof(Animal)));
        Sys.EventStream.Publish(new Cat());
        ExpectMsg<Cat>();
        Sys.EventStream.Publish(new Animal());
        ExpectMsg<Animal>();
        Sys.EventStream.Publish("something else");
        ExpectNoMsg(20);
    }

    [Fact]
    public void A_second_subscription_says_that_it_changes_nothing()
    {
        Assert.True(Sys.EventStream.Subscribe<Animal>(TestActor));
        Assert.False(Sys.EventStream.Subscribe<Animal>(TestActor));
        Sys.EventStream.Publish(new Animal());
        ExpectMsg<Animal>();
        ExpectNoMsg(20);
    }

    [Fact]
    public void Unsubscribed_means_nothing_more_of_that_type_or_of_any()
    {
        Sys.EventStream.Subscribe<Animal>(TestActor);
        Sys.EventStream.Subscribe<string>(TestActor);
        Assert.True(Sys.EventStream.Unsubscribe<Animal>(TestActor));
        Sys.EventStream.Publish(new Cat());
        Sys.EventStream.Publish("still");
        ExpectMsg("still");
        Assert.True(Sys.EventStream.Unsubscribe(TestActor));
        Sys.EventStream.Publish("not any more");
        ExpectNoMsg(20);
    }

    [Fact]
    public void A_log_line_is_an_event_with_level_source_and_text()
    {
        Sys.EventStream.Subscribe<Warning>(TestActor);
        var log = Logging.GetLogger(Sys, "somewhere");
        log.Warning("{0} of {1}", 3, "four");
        var line = ExpectMsg<Warning>();
        Assert.Equal("3 of four", line.Message.ToString());
        Assert.Equal(LogLevel.WarningLevel, line.LogLevel());
        Assert.Contains("somewhere", line.LogSource, StringComparison.Ordinal);
        Assert.Null(line.Cause);
        log.Warning(new InvalidOperationException("why"), "plain");
        var second = ExpectMsg<Warning>();
        Assert.Equal(("why", "plain"), (second.Cause!.Message, second.Message.ToString()));
    }

    [Fact]
    public void A_level_below_the_systems_is_not_published()
    {
        Sys.EventStream.SetLogLevel(LogLevel.WarningLevel);
        var log = Logging.GetLogger(Sys, this);
        Assert.False(log.IsInfoEnabled);
        Assert.True(log.IsWarningEnabled);
        Assert.True(log.IsErrorEnabled);
        Assert.False(log.IsEnabled(LogLevel.DebugLevel));
        Sys.EventStream.Subscribe<LogEvent>(TestActor);
        log.Info("quiet");
        log.Error("loud");
        Assert.Equal("loud", ExpectMsg<Error>().Message.ToString());
        Sys.EventStream.SetLogLevel(LogLevel.DebugLevel);
        Logging.GetLogger(Sys, this).Debug("now heard");
        Assert.Equal("now heard", ExpectMsg<Debug>().Message.ToString());
    }

    [Fact]
    public void An_event_filter_counts_the_lines_that_match()
    {
        var log = Logging.GetLogger(Sys, "filtered");
        EventFilter.Info(start: "up").ExpectOne(() => log.Info("up and running"));
        EventFilter.Warning(contains: "middle").Expect(2, () =>
        {
            log.Warning("the middle one");
            log.Warning("another middle");
            log.Warning("something else");
        });
        EventFilter.Error("exactly").ExpectOne(() => log.Error("exactly"));
        EventFilter.Debug(contains: "fine").ExpectOne(() => log.Debug("fine {0}", "grained"));
        EventFilter.DeadLetter<string>().ExpectOne(() => Sys.DeadLetters.Tell("lost"));
        Assert.ThrowsAny<Exception>(() => EventFilter.Info("never").Expect(
            1, TimeSpan.FromMilliseconds(20), () => log.Info("something else")));
    }

    [Fact]
    public void The_source_of_an_actors_log_is_its_path()
    {
        Sys.EventStream.Subscribe<Info>(TestActor);
        Sys.ActorOf(Props.Create(() => new Talking()), "talking").Tell("hello");
        var line = FishForMessage<Info>(info => info.Message.ToString() == "hello");
        Assert.Contains("/user/talking", line.LogSource, StringComparison.Ordinal);
        Assert.Equal(typeof(Talking), line.LogClass);
    }

    private class Animal;

    private sealed class Cat : Animal;

    private sealed class Talking : ReceiveActor
    {
        private readonly ILoggingAdapter _log = Context.GetLogger();

        public Talking() => Receive<string>(text => _log.Info(text));
    }
}
