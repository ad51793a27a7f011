using Orchestrator.Agent;
using Orchestrator.Agent.Ledgers;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent;

public sealed class LedgerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ledger").FullName;
    private readonly Guid _vm = Guid.NewGuid();

    private string File => Path.Combine(_folder, "leases");

    [Fact]
    public void Everything_recorded_is_there_after_a_restart()
    {
        using (var before = Open())
        {
            before.RaiseEpoch(7, "host-a");
            before.Open(_vm, 3);
            before.End(_vm, 3, GuestExit.Error, "it broke\nin two lines");
        }

        using var after = Open();
        Assert.Equal((7, "host-a"), (after.Epoch, after.Owner));
        Assert.Equal(
            new LeaseRecord(_vm, 3, Ended: true) { Exit = GuestExit.Error, ExitMessage = "it broke in two lines" },
            after.Find(_vm));
    }

    [Fact]
    public async Task A_ledger_that_cannot_be_written_rings_the_alarm_and_tells_the_writer_too()
    {
        var alarm = new LedgerAlarm();
        using var ledger = new LeaseLedger(new AlarmedLog(new FullDisk(), alarm));
        Assert.False(alarm.Rung.IsCompleted);
        Assert.Throws<IOException>(() => ledger.Open(_vm, 1));
        Assert.Equal("No space left on device", (await alarm.Rung).Message);
        Assert.Null(ledger.Find(_vm));
    }

    [Fact]
    public void Where_the_memory_of_a_guest_was_going_is_known_after_a_crash_until_it_runs_on_or_ends()
    {
        var place = new SavedMemoryPlace("boot 1", "/storage/a folder/50 %.memory");
        using (var before = Open())
        {
            before.Open(_vm, 3);
            before.Reshape(_vm, 3, 6);
            before.Save(_vm, 3, place.Boot, place.Path);
        }

        using (var after = Open())
        {
            Assert.Equal(new LeaseRecord(_vm, 3) { Reshape = 6, Saved = place }, after.Find(_vm));
            after.SaveFailed(_vm, 3);
        }

        using (var later = Open())
        {
            Assert.Equal(new LeaseRecord(_vm, 3) { Reshape = 6 }, later.Find(_vm));
            later.Open(_vm, 4);
            later.Save(_vm, 4, place.Boot, place.Path);
            Assert.Equal(new LeaseRecord(_vm, 4) { Saved = place }, later.Find(_vm));
            later.End(_vm, 4, GuestExit.Saved, null);
        }

        using var last = Open();
        Assert.Equal(new LeaseRecord(_vm, 4, Ended: true) { Exit = GuestExit.Saved }, last.Find(_vm));
    }

    [Fact]
    public void How_a_change_of_a_machine_ended_is_known_after_a_crash()
    {
        using (var before = Open())
        {
            before.Open(_vm, 3);
            before.Reshape(_vm, 3, 5);
        }

        using (var after = Open())
        {
            Assert.Equal(new LeaseRecord(_vm, 3) { Reshape = 5 }, after.Find(_vm));
            after.Reshaped(_vm, 3, 5);
        }

        using (var later = Open())
        {
            Assert.Equal(new LeaseRecord(_vm, 3) { Reshape = 5, Reshaped = true }, later.Find(_vm));
            later.MoveFailed(_vm, 3, 4);
            later.Reshape(_vm, 3, 6);
            later.ReshapeFailed(_vm, 3, 6);
        }

        using var last = Open();
        Assert.Equal(new LeaseRecord(_vm, 3) { Move = 4, MoveFailed = true, Reshape = 6, ReshapeFailed = true }, last.Find(_vm));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4096)]
    public void Where_a_guest_was_to_move_is_known_after_a_crash(int slack)
    {
        using (var before = Open(slack))
        {
            before.Open(_vm, 3);
            before.Move(_vm, 3, 4);
            Assert.Equal(4, before.Find(_vm)!.Move);
        }

        using (var after = Open(slack))
        {
            Assert.Equal(new LeaseRecord(_vm, 3) { Move = 4 }, after.Find(_vm));
            after.MoveFailed(_vm, 3, 4);
        }

        using var last = Open(slack);
        Assert.Equal(new LeaseRecord(_vm, 3) { Move = 4, MoveFailed = true }, last.Find(_vm));
    }

    [Fact]
    public void A_forgotten_lease_keeps_its_number()
    {
        using (var before = Open())
        {
            before.End(_vm, 9, GuestExit.Normal, null);
            before.Forget(_vm, 9);
        }

        using var after = Open();
        Assert.Equal(new LeaseRecord(_vm, 9, Ended: true, Forgotten: true), after.Find(_vm));
    }

    /// <summary>A crash may tear the last line at any byte: what was before it stays, and appending goes on.</summary>
    [Fact]
    public void A_torn_last_line_was_never_promised()
    {
        using (var ledger = Open())
        {
            ledger.Open(_vm, 1);
            ledger.End(_vm, 1, GuestExit.Normal, null);
        }

        var whole = System.IO.File.ReadAllBytes(File);
        var firstLine = Array.IndexOf(whole, (byte)'\n') + 1;
        for (var length = firstLine; length < whole.Length; length++)
        {
            System.IO.File.WriteAllBytes(File, whole[..length]);
            using (var torn = Open())
            {
                Assert.Equal(new LeaseRecord(_vm, 1), torn.Find(_vm));
                torn.Open(_vm, 2);
            }

            using var after = Open();
            Assert.Equal(2, after.Find(_vm)!.Lease);
        }
    }

    [Fact]
    public void Damage_before_the_end_is_not_guessed_away()
    {
        using (var ledger = Open())
        {
            ledger.Open(_vm, 1);
            ledger.Open(_vm, 2);
        }

        var bytes = System.IO.File.ReadAllBytes(File);
        bytes[12] ^= 1;
        System.IO.File.WriteAllBytes(File, bytes);
        var e = Assert.Throws<InvalidDataException>(() => Open());
        Assert.Contains("damaged at byte 0", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void It_is_compacted_without_losing_a_number()
    {
        using (var ledger = new LeaseLedger(new AppendFile(File), slack: 10))
        {
            ledger.RaiseEpoch(5, "h");
            for (var lease = 1; lease <= 100; lease++) ledger.Open(_vm, lease);
        }

        Assert.InRange(System.IO.File.ReadAllLines(File).Length, 1, 15);
        using var after = Open();
        Assert.Equal((5, 100L), (after.Epoch, after.Find(_vm)!.Lease));
    }

    [Fact]
    public void A_boot_is_new_only_when_the_run_folder_is()
    {
        var run = Path.Combine(_folder, "run");
        var ids = new Queue<string>(["one", "two"]);
        var first = BootIdentity.TakeUp(run, ids.Dequeue);
        var restarted = BootIdentity.TakeUp(run, ids.Dequeue);
        Assert.Equal(new BootIdentity("one", 1), first);
        Assert.Equal(new BootIdentity("one", 2), restarted);
        Assert.True(restarted.FirstSequence > first.FirstSequence + 1_000_000);

        Directory.Delete(run, recursive: true);
        Assert.Equal(new BootIdentity("two", 1), BootIdentity.TakeUp(run, ids.Dequeue));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private LeaseLedger Open(int slack = 4096) => new(new AppendFile(File), slack);

    private sealed class FullDisk : IAppendLog
    {
        public IEnumerable<string> Read() => [];

        public void Append(string line) => throw new IOException("No space left on device");

        public void Replace(IEnumerable<string> lines) => throw new IOException("No space left on device");

        public void Dispose() { }
    }
}
