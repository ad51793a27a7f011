using Orchestrator.Agent;
using Orchestrator.Agent.Ledgers;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent;

/// <summary>The whole of the guard as tables: what it holds × what is ordered → what it says.</summary>
public sealed class OrderGuardTests
{
    private static readonly Guid Vm = Guid.Parse("11111111-0000-4000-8000-000000000001");

    [Theory]
    [InlineData(6, null, "stale-epoch")]
    [InlineData(7, null, "ok")]
    [InlineData(8, null, "ok")]
    [InlineData(7, "boot-1", "ok")]
    [InlineData(9, "boot-0", "other-boot")]
    [InlineData(6, "boot-0", "stale-epoch")]
    [InlineData(-1, null, "malformed")]
    public void A_stamp_is_good_from_the_highest_epoch_up_and_for_this_boot(long epoch, string? boot, string expected) =>
        Assert.Equal(expected, OrderGuard.Check(new Stamp(epoch, boot), 7, "boot-1")?.Code ?? "ok");

    [Theory]
    [InlineData("none", 1, "act")]
    [InlineData("none", 0, "malformed")]
    [InlineData("open 3", 2, "stale-lease")]
    [InlineData("open 3", 3, "already")]
    [InlineData("open 3", 4, "occupied")]
    [InlineData("ended 3", 2, "stale-lease")]
    [InlineData("ended 3", 3, "lease-ended")]
    [InlineData("ended 3", 4, "act")]
    [InlineData("forgotten 3", 2, "stale-lease")]
    [InlineData("forgotten 3", 3, "lease-ended")]
    [InlineData("forgotten 3", 4, "act")]
    public void A_guest_begins_only_with_a_higher_lease_than_any_before(string held, long lease, string expected) =>
        Assert.Equal(expected, Word(OrderGuard.Begin(Held(held), lease, null)));

    [Theory]
    [InlineData("none", 1, StopMode.PowerOff, "bury")]
    [InlineData("none", 1, StopMode.Shutdown, "unknown-vm")]
    [InlineData("open 3", 2, StopMode.PowerOff, "stale-lease")]
    [InlineData("open 3", 3, StopMode.PowerOff, "act")]
    [InlineData("open 3", 3, StopMode.Reset, "act")]
    [InlineData("open 3", 4, StopMode.PowerOff, "occupied")]
    [InlineData("ended 3", 3, StopMode.PowerOff, "already")]
    [InlineData("ended 3", 3, StopMode.Shutdown, "already")]
    [InlineData("ended 3", 3, StopMode.Reboot, "lease-ended")]
    [InlineData("ended 3", 4, StopMode.PowerOff, "bury")]
    [InlineData("forgotten 3", 4, StopMode.Reset, "unknown-vm")]
    [InlineData("none", 1, StopMode.AbandonIncoming, "unknown-vm")]
    [InlineData("open 3", 2, StopMode.AbandonIncoming, "stale-lease")]
    [InlineData("open 3", 3, StopMode.AbandonIncoming, "wrong-state")]
    [InlineData("ended 3", 3, StopMode.AbandonIncoming, "already")]
    public void A_power_off_is_final_even_before_its_launch_has_arrived(
        string held, long lease, StopMode mode, string expected) =>
        Assert.Equal(expected, Word(OrderGuard.Stop(Held(held), lease, mode, null)));

    [Theory]
    [InlineData("pause", GuestState.Up, "act")]
    [InlineData("pause", GuestState.Paused, "already")]
    [InlineData("pause", GuestState.Incoming, "wrong-state")]
    [InlineData("resume", GuestState.Paused, "act")]
    [InlineData("resume", GuestState.Up, "already")]
    [InlineData("resume", GuestState.MigratingOut, "wrong-state")]
    [InlineData("migrate", GuestState.Up, "act")]
    [InlineData("migrate", GuestState.MigratingOut, "already")]
    [InlineData("migrate", GuestState.WaitForLaunch, "wrong-state")]
    [InlineData("cancel", GuestState.MigratingOut, "act")]
    [InlineData("cancel", GuestState.Up, "already")]
    [InlineData("forget", GuestState.Up, "wrong-state")]
    [InlineData("reset", GuestState.Up, "act")]
    [InlineData("reset", GuestState.Paused, "wrong-state")]
    [InlineData("reset", GuestState.MigratingOut, "wrong-state")]
    [InlineData("abandon", GuestState.Incoming, "act")]
    [InlineData("abandon", GuestState.Up, "wrong-state")]
    [InlineData("abandon", GuestState.Paused, "wrong-state")]
    public void An_order_needs_a_state_in_which_it_means_something(string order, GuestState state, string expected)
    {
        var (known, guest) = (Held("open 3"), new GuestReport(Vm, 3, state));
        var verdict = order switch
        {
            "pause" => OrderGuard.Pause(known, 3, guest),
            "resume" => OrderGuard.Resume(known, 3, guest),
            "migrate" => OrderGuard.Migrate(known, 3, 4, guest),
            "reset" => OrderGuard.Stop(known, 3, StopMode.Reset, guest),
            "abandon" => OrderGuard.Stop(known, 3, StopMode.AbandonIncoming, guest),
            "cancel" => OrderGuard.CancelMigration(known, 3, guest),
            _ => OrderGuard.Forget(known, 3, guest),
        };
        Assert.Equal(expected, Word(verdict));
    }

    [Fact]
    public void A_migration_needs_a_higher_lease_at_its_destination() =>
        Assert.Equal("malformed", Word(OrderGuard.Migrate(Held("open 3"), 3, 3, new GuestReport(Vm, 3, GuestState.Up))));

    [Theory]
    [InlineData(4, "already")]
    [InlineData(5, "wrong-state")]
    public void A_guest_on_its_way_goes_nowhere_else(long destinationLease, string expected) => Assert.Equal(
        expected, Word(OrderGuard.Migrate(
            Held("open 3"), 3, destinationLease, new GuestReport(Vm, 3, GuestState.MigratingOut) { MigrationLease = 4 })));

    [Theory]
    [InlineData(4, "stale-lease")]
    [InlineData(5, "stale-lease")]
    [InlineData(6, "act")]
    public void An_order_of_a_migration_that_is_over_moves_nothing(long destinationLease, string expected) => Assert.Equal(
        expected, Word(OrderGuard.Migrate(
            Held("open 3"), 3, destinationLease, new GuestReport(Vm, 3, GuestState.Up) { MigrationLease = 5 })));

    [Theory]
    [InlineData(4, "act")]
    [InlineData(5, "wrong-state")]
    public void A_guest_that_an_agent_before_this_one_sent_away_is_followed_there_and_nowhere_else(long destinationLease, string expected) =>
        Assert.Equal(expected, Word(OrderGuard.Migrate(
            Held("open 3"), 3, destinationLease, new GuestReport(Vm, 3, GuestState.MigratingOut) { MigrationLease = 4 }, followed: false)));

    [Theory]
    [InlineData(4, false, "stale-lease")]
    [InlineData(5, false, "act")]
    [InlineData(5, true, "stale-lease")]
    [InlineData(6, true, "act")]
    public void An_order_that_an_agent_before_this_one_did_not_carry_out_is_carried_out(long destinationLease, bool failed, string expected) =>
        Assert.Equal(expected, Word(OrderGuard.Migrate(
            new LeaseRecord(Vm, 3) { Move = 5, MoveFailed = failed }, 3, destinationLease,
            new GuestReport(Vm, 3, GuestState.Up) { MigrationLease = 5 })));

    /// <summary>Any history of orders on one host: the leases that were begun rise, and none begins twice.</summary>
    [Fact]
    public void In_any_history_begun_leases_only_rise()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("SEED"), out var given) ? given : 20261121;
        var random = new Random(seed);
        for (var history = 0; history < 2_000; history++)
        {
            using var ledger = new LeaseLedger(new MemoryLog(), slack: random.Next(3));
            var begun = 0L;
            for (var step = 0; step < 40; step++)
            {
                var lease = random.Next(1, 8);
                if (random.Next(2) == 0)
                {
                    if (OrderGuard.Begin(ledger.Find(Vm), lease, null) is not Verdict.Act) continue;
                    Assert.True(lease > begun, $"lease {lease} began after {begun} (SEED={seed})");
                    ledger.Open(Vm, lease);
                    begun = lease;
                }
                else
                {
                    var verdict = OrderGuard.Stop(ledger.Find(Vm), lease, StopMode.PowerOff, null);
                    if (verdict is not (Verdict.Act or Verdict.Bury)) continue;
                    ledger.End(Vm, lease, GuestExit.Destroyed, null);
                    begun = Math.Max(begun, lease);
                }
            }
        }
    }

    private static LeaseRecord? Held(string text) => text.Split(' ') switch
    {
        ["open", var n] => new LeaseRecord(Vm, long.Parse(n)),
        ["ended", var n] => new LeaseRecord(Vm, long.Parse(n), Ended: true),
        ["forgotten", var n] => new LeaseRecord(Vm, long.Parse(n), Ended: true, Forgotten: true),
        _ => null,
    };

    private static string Word(Verdict verdict) => verdict switch
    {
        Verdict.Act => "act",
        Verdict.AlreadySo => "already",
        Verdict.Bury => "bury",
        Verdict.Refuse r => r.Refusal.Code,
        _ => "?",
    };
}
