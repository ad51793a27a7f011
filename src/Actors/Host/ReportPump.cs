using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Actors.Host;

/// <summary>
/// Brings a host's reports to its VMs: per VM in order, the newest only, and again until the VM has answered. A report
/// that was lost with a node would leave a VM "powering up" for ever, because nobody owes it.
/// </summary>
internal sealed class ReportPump(HostWorld world, Func<GuestReport, Task> forget, CancellationToken closed)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, Letter?> _next = [];
    private TaskCompletionSource? _idle;

    /// <summary>Until every VM has answered what was sent to it, or the link is closed.</summary>
    public Task Idle()
    {
        lock (_gate)
        {
            if (_next.Count == 0) return Task.CompletedTask;
            return (_idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <param name="guest">What the report is made of; null when the host has no guest of this VM.</param>
    public void Send(Guid vm, VmCommand report, GuestReport? guest)
    {
        lock (_gate)
        {
            var running = _next.ContainsKey(vm);
            _next[vm] = new Letter(report, guest);
            if (running) return;
        }

        _ = Deliver(vm);
    }

    private async Task Deliver(Guid vm)
    {
        Letter? letter = null;
        while (Next(vm, letter) is { } newest)
        {
            letter = newest;
            try
            {
                await world.Entities.Ask(Kinds.Vm, vm, letter.Report, closed);
                // How a guest ended is kept by the agent until the VM's journal has it.
                if (letter.Guest is { State: Agent.Protocol.GuestState.Down } ended) await forget(ended);
                letter = null;
            }
            catch (EntityUnavailableException)
            {
                await world.Pause(world.Settings.ReconnectEvery, closed);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                // The link is closed; who owns the host now asks the agent for everything.
                return;
            }
        }
    }

    /// <summary>A newer letter, else the one that was not answered yet, else none: then the delivery is over.</summary>
    private Letter? Next(Guid vm, Letter? unanswered)
    {
        lock (_gate)
        {
            var newest = closed.IsCancellationRequested ? null : _next.GetValueOrDefault(vm) ?? unanswered;
            if (newest is null) _next.Remove(vm);
            else _next[vm] = null;
            if (_next.Count == 0)
            {
                _idle?.TrySetResult();
                _idle = null;
            }

            return newest;
        }
    }

    private sealed record Letter(VmCommand Report, GuestReport? Guest);
}
