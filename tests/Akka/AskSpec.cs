using Akka.Actor;
using Akka.Event;
using Akka.TestKit.Xunit2;

namespace Orchestrator.Tests.Akka;

public sealed class AskSpec : TestKit
{
    [Fact]
    public async Task The_first_reply_is_the_answer_and_the_second_a_dead_letter()
    {
        var asked = CreateTestProbe();
        var letters = CreateTestProbe();
        Sys.EventStream.Subscribe(letters.Ref, typeof(DeadLetter));
        var answer = asked.Ref.Ask<string>("?", TimeSpan.FromSeconds(3));
        asked.ExpectMsg("?");
        asked.Reply("first");
        Assert.Equal("first", await answer);
        asked.Reply("second");
        Assert.Equal("second", letters.ExpectMsg<DeadLetter>().Message);
    }

    [Fact]
    public async Task A_question_without_an_answer_fails_after_its_time()
    {
        var silent = CreateTestProbe();
        await Assert.ThrowsAsync<AskTimeoutException>(() => silent.Ref.Ask<string>("?", TimeSpan.FromMilliseconds(30)));
        await Assert.ThrowsAsync<AskTimeoutException>(
            () => silent.Ref.Ask("?", TimeSpan.FromMilliseconds(30), CancellationToken.None));
    }

    [Fact]
    public async Task A_question_to_the_dead_fails_after_its_time()
    {
        var dead = CreateTestProbe().Ref;
        Watch(dead);
        dead.Tell(PoisonPill.Instance);
        Sys.Stop(dead);
        ExpectTerminated(dead);
        await Assert.ThrowsAsync<AskTimeoutException>(() => dead.Ask<string>("?", TimeSpan.FromMilliseconds(30)));
    }

    [Fact]
    public async Task A_cancelled_question_is_cancelled()
    {
        using var source = new CancellationTokenSource();
        var answer = CreateTestProbe().Ref.Ask<string>("?", TimeSpan.FromSeconds(3), source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
    }

    [Fact]
    public async Task A_failure_status_fails_the_question_with_its_cause()
    {
        var asked = CreateTestProbe();
        var answer = asked.Ref.Ask<string>("why", TimeSpan.FromSeconds(3));
        asked.ExpectMsg("why");
        asked.Reply(new Status.Failure(new InvalidOperationException("because")));
        Assert.Equal("because", (await Assert.ThrowsAsync<InvalidOperationException>(() => answer)).Message);
    }

    [Fact]
    public async Task Who_asks_for_a_status_gets_a_failure_as_a_value()
    {
        var asked = CreateTestProbe();
        var answer = asked.Ref.Ask<Status.Failure>("why", TimeSpan.FromSeconds(3));
        asked.ExpectMsg("why");
        asked.Reply(new Status.Failure(new InvalidOperationException("because")));
        Assert.Equal("because", (await answer).Cause.Message);
    }

    [Fact]
    public async Task An_answer_of_another_type_fails_the_question()
    {
        var asked = CreateTestProbe();
        var answer = asked.Ref.Ask<int>("?", TimeSpan.FromSeconds(3));
        asked.ExpectMsg("?");
        asked.Reply("a text");
        await Assert.ThrowsAsync<ArgumentException>(() => answer);
    }

    [Fact]
    public async Task A_message_factory_is_given_the_reference_to_answer_to()
    {
        var asked = CreateTestProbe();
        var answer = asked.Ref.Ask<string>(
            to => new Request(to), TimeSpan.FromSeconds(3), CancellationToken.None);
        asked.ExpectMsg<Request>().ReplyTo.Tell("here");
        Assert.Equal("here", await answer);
    }

    [Fact]
    public void A_reply_without_a_sender_goes_to_dead_letters()
    {
        var letters = CreateTestProbe();
        Sys.EventStream.Subscribe(letters.Ref, typeof(DeadLetter));
        var asked = CreateTestProbe();
        asked.Ref.Tell("hello", ActorRefs.NoSender);
        asked.ExpectMsg("hello");
        Assert.Equal(Sys.DeadLetters, asked.Sender);
        asked.Reply("to nobody");
        Assert.Equal("to nobody", letters.ExpectMsg<DeadLetter>().Message);
    }

    private sealed record Request(IActorRef ReplyTo);
}
