using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent;

/// <summary>Guests whose memory is written to the storage. The hypervisor goes on with that when this agent dies, so the order is in the
/// ledger: whoever comes after finds out whether the guest ended by it.</summary>
public sealed partial class HostAgent
{
    /// <summary>Storage that does not answer for so long has not saved anybody.</summary>
    private static readonly TimeSpan _savedLimit = TimeSpan.FromSeconds(20);

    public AgentAnswer Save(Guid vm, SaveOrder order) => !OrderGuard.IsPath(order.Path)
        ? OrderGuard.NoPath(order.Path)
        : Take(order.Stamp, vm, (known, guest) => OrderGuard.Save(known, order.Lease, order.Id, guest), () =>
        {
            var guest = _guests[vm];
            _ledger.Save(vm, order.Lease, _about.BootId, order.Path);
            guest.Saving = true;
            Tell(guest, guest.Report with { Save = order.Id, SaveError = null });

            // Not awaited by the orders behind it: a power off must be able to overtake it.
            Then(guest, () => { _ = CarrySave(guest, order); return Task.CompletedTask; }, Notes);
        });

    private async Task CarrySave(Guest guest, SaveOrder order)
    {
        try
        {
            await _hypervisor.Save(guest.Key, order.Path);
        }
        catch (HypervisorAwayException e)
        {
            // Whether it was saved shows when the hypervisor is back; a guest that is still there may be told again.
            _log.LogWarning("vm {Guest}: it is not known whether its memory was saved: {Why}", guest.Key, e.Message);
            lock (_gate)
                if (guest.Report.Save == order.Id) guest.Report = guest.Report with { Save = null };
        }
        catch (Exception e)
        {
            _log.LogWarning("vm {Guest}: runs on, its memory was not saved: {Why}", guest.Key, e.Message);
            lock (_gate)
                if (!_closed && guest.Report.State != GuestState.Down)
                {
                    _ledger.SaveFailed(guest.Key.Vm, guest.Key.Lease);
                    Tell(guest, guest.Report with { Save = order.Id, SaveError = e.Message });
                }
        }
        finally
        {
            guest.Saving = false;
        }
    }

    /// <summary>A guest that runs has not ended by being saved, whatever was ordered before: a file that it left behind is not its memory.</summary>
    private void RunsOn(Guest guest)
    {
        if (guest.Saving || SavedTo(guest) is null) return;
        _ledger.SaveFailed(guest.Key.Vm, guest.Key.Lease);
    }

    /// <summary>Where the memory of a guest may be that was being saved in this life of the machine. What a machine had not brought to its
    /// storage when it died is not there, however whole it looks.</summary>
    private string? SavedTo(Guest guest) =>
        _ledger.Find(guest.Key.Vm) is { Ended: false, Saved: { } saved } record && record.Lease == guest.Key.Lease && saved.Boot == _about.BootId
            ? saved.Path
            : null;

    /// <summary>Guests that were being saved and are not there any more. Nobody is told of this host before that is known.</summary>
    private async Task Settle(IReadOnlyList<(Guest Guest, string Path)> gone)
    {
        foreach (var (guest, path) in gone)
        {
            var saved = await IsSaved(guest, path);
            lock (_gate)
            {
                if (_closed) return;
                _log.LogWarning("vm {Guest}: was being saved, and nobody saw it end; {Outcome}", guest.Key,
                    saved ? "its memory is whole" : "its memory is not on the storage, or older than its disks");
                if (saved) End(guest, guest.Report, GuestExit.Saved, null);
                else End(guest, guest.Report, GuestExit.Lost, "the guest was gone when the agent looked, and its memory was not saved");
            }
        }

        lock (_gate) _looked = true;
    }

    private async Task<bool> IsSaved(Guest guest, string path)
    {
        try
        {
            return await _hypervisor.IsSaved(guest.Key, path).WaitAsync(_savedLimit, _time);
        }
        catch (Exception e)
        {
            _log.LogWarning("vm {Guest}: its memory cannot be looked at: {Why}", guest.Key, e.Message);
            return false;
        }
    }
}
