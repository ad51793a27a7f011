using Orchestrator.Agent.Ledgers;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent;

/// <summary>What is in memory of one life of a VM. <see cref="Last"/> is the end of the queue of its orders.</summary>
internal sealed class Guest(GuestReport report, long since)
{
    public GuestKey Key { get; } = new(report.Vm, report.Lease);
    public GuestReport Report { get; set; } = report;
    public long Since { get; set; } = since;
    public Task Last { get; set; } = Task.CompletedTask;
    public bool Busy => !Last.IsCompleted;
    public bool Moving { get; set; }

    /// <summary>This agent has given the order to save it, and has no answer yet.</summary>
    public bool Saving { get; set; }

    public static Guest Remembered(LeaseRecord record, long since)
    {
        var state = record.Ended ? GuestState.Down : GuestState.WaitForLaunch;
        var report = new GuestReport(record.Vm, record.Lease, state)
        {
            Exit = record.Exit,
            ExitMessage = record.ExitMessage,
            MigrationLease = record.Move,
        };
        return new Guest(Reshaping.Remembered(report, record), since);
    }

    /// <summary>A report, with what its sender knows nothing of as it was.</summary>
    public GuestReport With(GuestReport report) => Reshaping.Merged(
        report with
        {
            MigrationLease = report.MigrationLease ?? Report.MigrationLease,
            Watchdog = report.Watchdog ?? Report.Watchdog,
            OnStorageError = report.OnStorageError ?? Report.OnStorageError,
            Save = report.Save ?? Report.Save,
            SaveError = report.Save is null ? Report.SaveError : report.SaveError,
        }, Report);

    /// <summary>Ended because the host's lease has.</summary>
    public bool GivenUp { get; set; }
    public Reshaping Reshapes { get; } = new();
    public Guid? LastAction { get; set; }
    public ITimer? Deadline { get; set; }

    /// <summary>Not null while a failed disk has paused it and it is looked after.</summary>
    public StuckGuest? Stuck { get; set; }

    /// <summary>Why it is ended by the agent itself: to the engine that is a failure, not an order.</summary>
    public string? Condemned { get; set; }

    public void EndTimers()
    {
        Deadline?.Dispose();
        Stuck?.Dispose();
    }

    /// <summary>Queues work behind what was ordered before.</summary>
    public void Then(Func<Task> work, Action<Guest, Exception> failed) => Last = After(Last, work, failed);

    private async Task After(Task before, Func<Task> work, Action<Guest, Exception> failed)
    {
        await before.ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding
            | ConfigureAwaitOptions.ContinueOnCapturedContext);
        try
        {
            await work();
        }
        catch (Exception e)
        {
            failed(this, e);
        }
    }
}
