using Akka.Actor;
using Akka.Persistence;
using Akka.TestKit.Xunit2;

namespace Orchestrator.Tests.Akka;

public sealed class PersistenceSpec() : TestKit(Journal.NewSystem())
{
    [Fact]
    public void What_was_persisted_is_there_after_a_restart()
    {
        var first = Start("a");
        first.Tell(new Add("x"));
        ExpectMsg("added x 1");
        first.Tell(new AddAll(["y", "z"]));
        ExpectMsg("added y 2");
        ExpectMsg("added z 3");
        Stop(first);

        Start("a").Tell("state");
        ExpectMsg("x y z (3)");
    }

    [Fact]
    public void Commands_wait_until_the_handler_has_run_and_keep_their_order()
    {
        var actor = Start("b");
        for (var i = 0; i < 100; i++) actor.Tell(new Add(i.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        actor.Tell("state");
        for (var i = 0; i < 100; i++) ExpectMsg($"added {i} {i + 1}");
        ExpectMsg(string.Join(' ', Enumerable.Range(0, 100)) + " (100)");
    }

    [Fact]
    public void PersistAsync_lets_commands_pass_and_DeferAsync_keeps_the_order()
    {
        var actor = Start("c");
        actor.Tell(new AddAsync("x"));
        actor.Tell(new AddAsync("y"));
        Assert.Equal(
            ["added x 1", "added y 2", "deferred x", "deferred y", "seen x", "seen y"],
            ReceiveN(6).Cast<string>().Order(StringComparer.Ordinal));
        actor.Tell(new AddAsync("z"));
        var third = ReceiveN(3).Cast<string>().ToList();
        Assert.True(third.IndexOf("added z 3") < third.IndexOf("deferred z"));
        Assert.Equal("seen z", third[0]);
    }

    [Fact]
    public void A_handler_may_persist_again_before_the_next_command()
    {
        var actor = Start("d");
        actor.Tell(new AddTwice("x"));
        actor.Tell(new Add("y"));
        ExpectMsg("added x 1");
        ExpectMsg("added x' 2");
        ExpectMsg("added y 3");
    }

    [Fact]
    public void Recovery_begins_with_the_snapshot()
    {
        var actor = Start("e");
        actor.Tell(new Add("x"));
        ExpectMsg("added x 1");
        actor.Tell("snapshot");
        ExpectMsg("saved 1");
        actor.Tell(new Add("y"));
        ExpectMsg("added y 2");
        actor.Tell("forget");
        ExpectMsg("forgot 1");
        Stop(actor);

        Start("e").Tell("state");
        ExpectMsg("x y (2)");
    }

    [Fact]
    public void A_failing_command_restarts_the_actor_with_its_journal()
    {
        var actor = Start("f");
        actor.Tell(new Add("x"));
        ExpectMsg("added x 1");
        actor.Tell("fail");
        actor.Tell("state");
        ExpectMsg("x (1)");
    }

    [Fact]
    public void A_past_that_is_not_accepted_stops_the_actor()
    {
        var actor = Start("g");
        actor.Tell(new Add("poison"));
        ExpectMsg("added poison 1");
        Stop(actor);
        var again = Watch(Start("g"));
        ExpectMsg("recovery failed");
        ExpectTerminated(again);
    }

    private IActorRef Start(string id) => Sys.ActorOf(Props.Create(() => new Notes(id, TestActor)));

    private void Stop(IActorRef actor)
    {
        Watch(actor);
        Sys.Stop(actor);
        ExpectTerminated(actor);
    }
}

public sealed record Add(string Text);

public sealed record AddAsync(string Text);

public sealed record AddTwice(string Text);

public sealed record AddAll(string[] Texts);

public sealed record Added(string Text);

public sealed record Kept(string[] Texts);

public sealed class Notes : ReceivePersistentActor
{
    private readonly List<string> _notes = [];
    private readonly IActorRef _to;

    public Notes(string id, IActorRef to)
    {
        PersistenceId = "notes-" + id;
        _to = to;
        Recover<Added>(fact =>
        {
            if (fact.Text == "poison") throw new InvalidOperationException("not this");
            _notes.Add(fact.Text);
        });
        Recover<SnapshotOffer>(offer => _notes.AddRange(((Kept)offer.Snapshot).Texts));
        Command<Add>(add => Persist(new Added(add.Text), Apply));
        Command<AddAll>(add => PersistAll(add.Texts.Select(text => new Added(text)), Apply));
        Command<AddTwice>(add => Persist(new Added(add.Text), fact =>
        {
            Apply(fact);
            Persist(new Added(add.Text + "'"), Apply);
        }));
        Command<AddAsync>(add =>
        {
            PersistAsync(new Added(add.Text), Apply);
            DeferAsync(add, deferred => _to.Tell("deferred " + deferred.Text));
            _to.Tell("seen " + add.Text);
        });
        Command<SaveSnapshotSuccess>(saved => _to.Tell($"saved {saved.Metadata.SequenceNr}"));
        Command<DeleteMessagesSuccess>(done => _to.Tell($"forgot {done.ToSequenceNr}"));
        Command<string>(text => text == "snapshot", _ => SaveSnapshot(new Kept([.. _notes])));
        Command<string>(text => text == "forget", _ => DeleteMessages(1));
        Command<string>(text => text == "fail", _ => throw new InvalidOperationException("asked to"));
        Command<string>(text => text == "state", _ => _to.Tell($"{string.Join(' ', _notes)} ({LastSequenceNr})"));
    }

    public override string PersistenceId { get; }

    protected override void OnRecoveryFailure(Exception reason, object? message = null) => _to.Tell("recovery failed");

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr) =>
        _to.Tell($"not persisted: {cause.GetType().Name}");

    private void Apply(Added fact)
    {
        _notes.Add(fact.Text);
        _to.Tell($"added {fact.Text} {LastSequenceNr}");
    }
}
