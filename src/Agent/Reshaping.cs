using Orchestrator.Agent.Ledgers;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent;

/// <summary>The changes of one guest's machine: one after another, beside all other orders.</summary>
internal sealed class Reshaping
{
    private Task _last = Task.CompletedTask;
    private long _underWay;

    public bool IsUnderWay(long number) => Volatile.Read(ref _underWay) == number;

    public void Begin(long number) => Volatile.Write(ref _underWay, number);

    /// <param name="over">Told what the guest has then, null where nothing was done, and what went wrong.</param>
    public Task Carry(ReshapeOrder order, Func<Task<GuestMachine>> work, Action<GuestMachine?, string?> over) =>
        _last = Carry(_last, order, work, over);

    /// <summary>What the driver says of a guest says nothing of orders, and the answer to an order nothing of devices.</summary>
    public static GuestReport Merged(GuestReport report, GuestReport before) => report with
    {
        Reshape = report.Reshape ?? before.Reshape,
        Reshaped = report.Reshape is null ? before.Reshaped : report.Reshaped,
        ReshapeError = report.Reshape is null ? before.ReshapeError : report.ReshapeError,
        Devices = report.Devices ?? before.Devices,
        VirtualCpus = report.VirtualCpus > 0 ? report.VirtualCpus : before.VirtualCpus,
    };

    public static GuestReport Over(GuestReport report, long number, GuestMachine? machine, string? failed) => report with
    {
        Reshape = number,
        Reshaped = failed is null,
        ReshapeError = failed,
        Devices = machine?.Devices ?? report.Devices,
        VirtualCpus = machine?.VirtualCpus ?? report.VirtualCpus,
        MemoryBytes = machine?.MemoryBytes ?? report.MemoryBytes,
    };

    /// <summary>Of an order that an agent before this one took: how it ended, where it had failed.</summary>
    public static GuestReport Remembered(GuestReport report, LeaseRecord record) => report with
    {
        Reshape = record.Ended ? null : record.Reshape,
        Reshaped = record is { Ended: false, Reshaped: true } ? true : null,
        ReshapeError = record is { Ended: false, ReshapeFailed: true } ? "it failed before the agent was started anew" : null,
    };

    private async Task Carry(
        Task before, ReshapeOrder order, Func<Task<GuestMachine>> work, Action<GuestMachine?, string?> over)
    {
        await before.ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding | ConfigureAwaitOptions.ContinueOnCapturedContext);
        try
        {
            var machine = await work();
            over(machine, machine.Failed);
        }
        catch (HypervisorException e)
        {
            over(null, e.Message);
        }
        catch (HypervisorAwayException)
        {
            // The guest is down, or the agent ends: the next one is told again, and compares.
        }
        finally
        {
            Interlocked.CompareExchange(ref _underWay, 0, order.Number);
        }
    }
}
