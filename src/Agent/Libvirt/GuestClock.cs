using Microsoft.Extensions.Logging;

namespace Orchestrator.Agent.Libvirt;

/// <summary>A guest that stood still is told the time when it goes on, by its own agent. It is a favour: a guest without an agent, or
/// one that does not want it, goes on with the time that it has.</summary>
internal sealed class GuestClock(Func<LibvirtConnection> connected, TimeProvider time, ILogger log)
{
    private const int PatienceSeconds = 5;
    private const int Attempts = 5;
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(2);

    /// <param name="goesOn">False once it is not here, or stands still again.</param>
    public async Task Set(GuestKey guest, Func<bool> goesOn, CancellationToken cancel)
    {
        try
        {
            await Try(guest, goesOn, cancel);
        }
        catch (OperationCanceledException)
        {
            // This agent ends.
        }
    }

    private async Task Try(GuestKey guest, Func<bool> goesOn, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
            try
            {
                await LibvirtGuestCall.On(connected, guest, (connection, domain, xml) =>
                {
                    // Of a guest that has just come the agent is not heard at once.
                    if (!LibvirtFileSystems.HasAgent(xml)) throw new HypervisorException("no agent answers in the guest");
                    _ = Native.virDomainAgentSetResponseTimeout(domain, PatienceSeconds, 0);
                    var now = time.GetUtcNow() - DateTimeOffset.UnixEpoch;
                    var nanoseconds = (uint)(now.Ticks % TimeSpan.TicksPerSecond * 100);
                    if (Native.virDomainSetTime(domain, now.Ticks / TimeSpan.TicksPerSecond, nanoseconds, 0) < 0) throw connection.FailureNow();
                });
                return;
            }
            catch (Exception e) when (e is HypervisorException or HypervisorAwayException)
            {
                if (attempt == Attempts || !goesOn())
                {
                    log.LogDebug("vm {Guest}: it was not told the time after it stood still: {Why}", guest, e.Message);
                    return;
                }

                await Task.Delay(_pause, time, cancel);
            }
    }
}
