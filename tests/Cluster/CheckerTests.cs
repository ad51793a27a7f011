using Orchestrator.Tests.Cluster.Checkers;
using Orchestrator.Tests.Cluster.Harness;

namespace Orchestrator.Tests.Cluster;

/// <summary>Each checker against histories made to break its promise, and against ones that keep it.</summary>
public sealed class CheckerTests
{
    private static readonly Guid _vm = new("00000000-0000-0000-0000-000000000001");
    private static readonly DateTimeOffset _start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Two_copies_at_once_are_found() =>
        Assert.Equal("a guest never runs twice", Assert.Single(GuestChecker.Check(
            [Life("1", 1, 0, 20), Life("2", 2, 10, null)])).Promise);

    [Fact]
    public void A_guest_that_starts_twice_on_one_host_is_found() =>
        Assert.Equal(["a guest never runs twice", "leases rise"], GuestChecker.Check(
            [Life("1", 1, 0, null), Life("1", 1, 10, null)]).Select(v => v.Promise));

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void A_lease_that_falls_or_is_used_twice_is_found(long second) =>
        Assert.Equal("leases rise", Assert.Single(GuestChecker.Check(
            [Life("1", 3, 0, 10), Life("2", second, 20, null)])).Promise);

    [Fact]
    public void A_hand_over_and_a_restart_are_legal()
    {
        GuestLife[] lives = [Life("1", 1, 0, 10), Life("2", 2, 10, 20), Life("1", 3, 30, null)];

        Assert.Empty(GuestChecker.Check(lives));
        Assert.Equal("1", GuestChecker.RunningAtTheEnd(lives)[_vm]);
    }

    [Fact]
    public void A_gap_in_a_journal_is_found() =>
        Assert.Equal("sequence numbers have no gap", Assert.Single(JournalChecker.Check(
            [Row(1, 1, "a"), Row(2, 3, "a")])).Promise);

    [Fact]
    public void A_journal_that_does_not_begin_with_one_is_found() =>
        Assert.Equal("sequence numbers have no gap", Assert.Single(JournalChecker.Check([Row(1, 2, "a")])).Promise);

    [Fact]
    public void A_former_writer_that_writes_again_is_found() =>
        Assert.Equal("a former writer never writes again", Assert.Single(JournalChecker.Check(
            [Row(1, 1, "a"), Row(2, 2, "b"), Row(3, 3, "a")])).Promise);

    [Fact]
    public void A_row_slipped_in_below_a_later_one_is_found() =>
        Assert.Equal("rows are inserted in the order of their numbers", Assert.Single(JournalChecker.Check(
            [Row(2, 1, "a"), Row(1, 2, "a")])).Promise);

    [Fact]
    public void Writers_that_follow_each_other_are_legal() =>
        Assert.Empty(JournalChecker.Check([Row(1, 1, "a"), Row(2, 2, "a"), Row(5, 3, "b"), Row(9, 4, "c")]));

    [Fact]
    public void An_epoch_that_falls_is_found() =>
        Assert.Equal("epochs never fall", Assert.Single(EpochChecker.CheckEpochs(
            [Epoch(2, "n1", 0), Epoch(1, "n2", 1)])).Promise);

    [Fact]
    public void An_epoch_with_two_owners_is_found() =>
        Assert.Equal("an epoch has one owner", Assert.Single(EpochChecker.CheckEpochs(
            [Epoch(2, "n1", 0), Epoch(2, "n2", 1)])).Promise);

    /// <summary>The zombie's row comes before the new owner's first: the numbers look perfect.</summary>
    [Fact]
    public void A_zombie_that_writes_before_the_new_owner_is_found() =>
        Assert.Equal("a node that lost a shard writes nothing", Assert.Single(EpochChecker.CheckWriters(
            [Row(1, 1, "a", 1), Row(2, 2, "a", 6), Row(3, 3, "b", 7)],
            [Epoch(1, "n1", 0), Epoch(2, "n2", 5)], _ => "vm/1")).Promise);

    [Fact]
    public void A_row_by_a_node_that_never_owned_the_shard_is_found() =>
        Assert.Equal("only the owner writes", Assert.Single(EpochChecker.CheckWriters(
            [Row(1, 1, "a", 1, node: "n2")], [Epoch(1, "n1", 0)], _ => "vm/1")).Promise);

    [Fact]
    public void A_row_by_a_node_that_owns_nothing_any_more_is_found()
    {
        EpochFact[] epochs = [Epoch(1, "n1", 0), Epoch(2, "n2", 5)];

        Assert.Equal("only owners write", Assert.Single(EpochChecker.CheckOwners(
            [Row(1, 1, "a", 1, node: "n1"), Row(2, 2, "a", 6, node: "n1")], epochs)).Promise);
        Assert.Empty(EpochChecker.CheckOwners(
            [Row(1, 1, "a", 1, node: "n1"), Row(2, 2, "b", 6, node: "n2")], epochs));
    }

    [Fact]
    public void Writers_that_change_with_the_epoch_are_legal()
    {
        EpochFact[] epochs = [Epoch(1, "n1", 0), Epoch(2, "n2", 5)];

        Assert.Empty(EpochChecker.CheckEpochs(epochs));
        Assert.Empty(EpochChecker.CheckWriters(
            [Row(1, 1, "a", 1, node: "n1"), Row(2, 2, "a", 4, node: "n1"), Row(3, 3, "b", 6, node: "n2")], epochs, _ => "vm/1"));
    }

    [Fact]
    public void An_accepted_command_without_an_event_is_found() =>
        Assert.Equal("an accepted command is never lost", Assert.Single(AcceptedChecker.CheckJournal(
            [Vm(Said(CommandKind.Create, "c1"), Said(CommandKind.Start, "c2"))], [Row(1, 1, "a", 0, "c1")])).Promise);

    [Fact]
    public void A_refused_command_with_an_event_is_found() =>
        Assert.Equal("a refused command changes nothing", Assert.Single(AcceptedChecker.CheckJournal(
            [Vm(Said(CommandKind.Create, "c1"), Said(CommandKind.Start, "c2", Outcome.Refused))],
            [Row(1, 1, "a", 0, "c1"), Row(2, 2, "a", 0, "c2")])).Promise);

    [Fact]
    public void Commands_in_another_order_are_found() =>
        Assert.Equal("accepted commands keep their order", Assert.Single(AcceptedChecker.CheckJournal(
            [Vm(Said(CommandKind.Create, "c1"), Said(CommandKind.Update, "c2"), Said(CommandKind.Update, "c3"))],
            [Row(1, 1, "a", 0, "c1"), Row(2, 2, "a", 0, "c3"), Row(3, 3, "a", 0, "c2")])).Promise);

    [Fact]
    public void An_effect_without_its_text_is_found() =>
        Assert.Equal("an accepted command is never lost", Assert.Single(AcceptedChecker.CheckJournal(
            [Vm(Said(CommandKind.Create, "c1", token: "words"))], [Row(1, 1, "a", 0, "c1")])).Promise);

    [Fact]
    public void A_command_in_doubt_may_be_there_or_not()
    {
        var vm = Vm(Said(CommandKind.Create, "c1"), Said(CommandKind.Start, "c2", Outcome.Unknown));

        Assert.Empty(AcceptedChecker.CheckJournal([vm], [Row(1, 1, "a", 0, "c1")]));
        Assert.Empty(AcceptedChecker.CheckJournal([vm], [Row(1, 1, "a", 0, "c1"), Row(2, 2, "a", 0, "c2")]));
    }

    [Theory]
    [InlineData("up", "old")]
    [InlineData("down", "new")]
    public void An_end_that_contradicts_the_last_accepted_command_is_found(string status, string comment)
    {
        var vm = Vm(
            Said(CommandKind.Create, "c1", token: "old"), Said(CommandKind.Update, "c2", token: "new"),
            Said(CommandKind.Start, "c3"));

        Assert.Single(AcceptedChecker.CheckEnd([vm], Shown(status, comment)));
        Assert.Empty(AcceptedChecker.CheckEnd([vm], Shown("up", "new")));
    }

    [Fact]
    public void A_vm_that_vanished_or_came_back_is_found()
    {
        Assert.Single(AcceptedChecker.CheckEnd([Vm(Said(CommandKind.Create, "c1"))], new Dictionary<Guid, VmSeen>()));
        Assert.Single(AcceptedChecker.CheckEnd(
            [Vm(Said(CommandKind.Create, "c1"), Said(CommandKind.Remove, "c2"))], Shown("down", "")));
    }

    [Fact]
    public void A_vm_on_its_way_for_too_long_is_found()
    {
        var limit = TimeSpan.FromSeconds(30);

        Assert.Single(SettleChecker.Check([Sample(10, "powering_up"), Sample(31, "powering_up")], _start, limit));
        Assert.Single(SettleChecker.Check([], _start, limit));
        Assert.Empty(SettleChecker.Check([Sample(10, "powering_up"), Sample(29, "up")], _start, limit));
    }

    private static GuestLife Life(string host, long lease, long from, long? to) => new(_vm, host, lease, from, to);

    private static JournalFact Row(
        long ordering, long number, string writer, int second = 0, string payload = "", string node = "") =>
        new(ordering, $"vm-{_vm}", number, writer, "vm.something.1", payload, node, _start.AddSeconds(second));

    private static EpochFact Epoch(long epoch, string owner, int second) =>
        new("vm/1", epoch, owner, _start.AddSeconds(second));

    private static CommandRecord Said(
        CommandKind kind, string correlation, Outcome outcome = Outcome.Accepted, string? token = null) =>
        new(kind, correlation, token, outcome, 200, "", _start, _start);

    private static VmRecord Vm(params IEnumerable<CommandRecord> commands)
    {
        var vm = new VmRecord("web") { Id = _vm };
        foreach (var command in commands) vm.Add(command);
        return vm;
    }

    private static Dictionary<Guid, VmSeen> Shown(string status, string comment) =>
        new() { [_vm] = new VmSeen(status, comment) };

    private static StatusSample Sample(int second, string status) =>
        new(_start.AddSeconds(second), new Dictionary<Guid, string> { [_vm] = status });
}
