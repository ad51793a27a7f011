using Akka.Actor;

namespace Orchestrator.Tests.Akka;

public sealed class FirstSpec
{
    [Fact]
    public async Task A_question_is_answered_and_a_system_terminates()
    {
        var system = ActorSystem.Create("first");
        var echo = system.ActorOf(Props.Create(() => new Echo()), "echo");
        Assert.Equal("hello", await echo.Ask<string>("hello", TimeSpan.FromSeconds(3)));
        await system.Terminate();
    }

    private sealed class Echo : ReceiveActor
    {
        public Echo() => ReceiveAny(message => Sender.Tell(message));
    }
}
