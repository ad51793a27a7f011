using Akka.Actor;
using Akka.TestKit.Xunit2;

namespace Orchestrator.Tests.Akka;

public sealed class PropsSpec : TestKit
{
    [Fact]
    public void Props_are_made_of_an_expression_of_a_type_or_of_a_parameterless_actor()
    {
        Props[] all =
        [
            Props.Create(() => new Named("x")), Props.Create<Named>("x"), Props.Create(ByType, "x"),
        ];
        foreach (var props in all)
        {
            Assert.Equal(typeof(Named), props.Type);
            Assert.Equal(["x"], props.Arguments);
            Sys.ActorOf(props).Tell("?");
            ExpectMsg("x");
        }
        Sys.ActorOf(Props.Create<Named>()).Tell("?");
        ExpectMsg("nobody");
        ActorOf<Named>("by-type").Tell("?");
        ExpectMsg("nobody");
    }

    [Fact]
    public void Only_a_new_expression_makes_props() =>
        Assert.Throws<ArgumentException>(() => Props.Create(() => Make()));

    [Fact]
    public void The_arguments_are_evaluated_once()
    {
        int[] count = [0];
        var props = Props.Create(() => new Counted(Next(count)));
        Sys.ActorOf(props).Tell("?");
        ExpectMsg(1);
        Sys.ActorOf(props).Tell("?");
        ExpectMsg(1);
    }

    [Fact]
    public void A_strategy_is_added_to_a_copy()
    {
        var props = Props.Create(() => new Named("x"));
        var strategy = new OneForOneStrategy(_ => Directive.Stop);
        Assert.Same(strategy, props.WithSupervisorStrategy(strategy).SupervisorStrategy);
        Assert.NotSame(props, props.WithSupervisorStrategy(strategy));
        Assert.Same(strategy, Props.Create(() => new Named("x"), strategy).SupervisorStrategy);
        Assert.Same(strategy, Props.Create<Named>(strategy).SupervisorStrategy);
    }

    [Fact]
    public void An_actor_is_not_made_with_new() =>
        Assert.Throws<ActorInitializationException>(() => new Named("x"));

    private static Type ByType => typeof(Named);

    private static int Next(int[] count) => ++count[0];

    private static Named Make() => new("made");

    private sealed class Named : ReceiveActor
    {
        public Named() : this("nobody") { }

        public Named(string name) => ReceiveAny(_ => Sender.Tell(name));
    }

    private sealed class Counted : ReceiveActor
    {
        public Counted(int number) => ReceiveAny(_ => Sender.Tell(number));
    }
}
