using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent;

/// <summary>A host that may run guests no longer, since nobody hears it: it frees itself of them.</summary>
public sealed partial class HostAgent
{
    /// <summary>Ends every guest, as often as it takes, and begins what counts as another boot of the machine.</summary>
    private async Task GiveUp()
    {
        lock (_gate) _feed.Close();
        var said = "";
        while (true)
        {
            try
            {
                if (await IsFreed()) return;
            }
            catch (Exception e)
            {
                // Whatever it is: guests that run on without a lease would be started elsewhere beside themselves.
                if (e.Message != said) _log.LogError(e, "the guests of this host could not all be ended, and it is tried again: {Why}", said = e.Message);
            }

            await Task.Delay(Patience, _time);
        }
    }

    private async Task<bool> IsFreed()
    {
        List<Guest> left;
        lock (_gate)
        {
            if (_closed) return true;
            left = [.. _guests.Values.Where(g => g.Report.State != GuestState.Down)];
            if (_looked && left.Count == 0)
            {
                Volatile.Write(ref _about, _about with { BootId = _guard!.Freed() });
                _log.LogWarning("no guest is left here; this counts as another boot: {Boot}", _about.BootId);
                return true;
            }
        }

        if (_looked) await Task.WhenAll(left.Select(EndForGood));
        return false;
    }

    /// <summary>A guest whose start or arrival is under way is ended behind it: it must not come after its end.</summary>
    private async Task EndForGood(Guest guest)
    {
        guest.GivenUp = true;
        if (guest.Report.State is GuestState.WaitForLaunch or GuestState.Incoming)
            await guest.Last.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        if (guest.Report.State == GuestState.Incoming) await Outside(() => EndIncoming(guest, GuestExit.Lost, ""), guest.Key);
        await Outside(
            async () =>
            {
                await _hypervisor.Stop(guest.Key, StopMode.PowerOff);
                lock (_gate)
                    if (!_closed) End(guest, guest.Report, GuestExit.Lost, null);
            },
            guest.Key);
    }

    private async Task Outside(Func<Task> work, GuestKey key)
    {
        await Task.CompletedTask.ConfigureAwait(
            ConfigureAwaitOptions.ForceYielding | ConfigureAwaitOptions.ContinueOnCapturedContext);
        try
        {
            await work();
        }
        catch (Exception e) when (e is HypervisorException or HypervisorAwayException)
        {
            _log.LogError("vm {Guest}: could not be powered off: {Why}", key, e.Message);
        }
    }
}
