using System.Collections.Immutable;
using static Orchestrator.Actors.Host.HostEvent;
using Decision = Orchestrator.Actors.Decision<Orchestrator.Actors.Host.HostEvent, Orchestrator.Actors.Host.HostEffect>;

namespace Orchestrator.Actors.Host;

/// <summary>
/// What users may do with a host's power management: its agents, the question whether it is on, and its power while it is
/// in maintenance. Pure. The fencing of a silent host is in <see cref="HostDecider"/>.
/// </summary>
internal static class HostPower
{
    /// <summary>After so many failures in a row the order of a user is given up: he is told, and may ask again.</summary>
    private const int TriedAtMost = 3;

    /// <summary>Power management that nothing can carry out.</summary>
    public static bool Unusable(HostConfig config) => config is { PowerManagementEnabled: true, FenceAgents.IsEmpty: true };

    public static bool NeedsAgent(HostConfig config, Guid agent) =>
        config is { PowerManagementEnabled: true, FenceAgents: [var last] } && last.Id == agent;

    /// <summary>An order for a host in maintenance, where no guest is in danger. One at a time.</summary>
    public static Decision Order(HostState host, HostCommand.Fence c) => host.Core.Ordered switch
    {
        null => new Decision.Accept(new PowerOrdered(c.Origin, c.Action)),
        { Action: var under } when under == c.Action => new Decision.AlreadyDone(),
        _ => new Decision.Refuse(Fault.HostPowerBusy),
    };

    /// <summary>What is asked of the device now.</summary>
    public static PowerAction Next(PowerOrder order) => order.Action == PowerAction.On ? PowerAction.On : PowerAction.Off;

    public static Decision Turned(HostState host, PowerOrder order, HostCommand.ReportPower c) => (order.Action, c) switch
    {
        (PowerAction.On, { Ok: true }) => new Decision.Accept(new PoweredOn(c.At)),
        (not PowerAction.On, { Ok: true, Power: PowerState.Off }) =>
            new Decision.Accept(new Fenced(host.Core.Incarnation + 1, host.Core.Attempt + 1, "power is off", c.At)),
        _ => new Decision.Accept(new PowerFailed(c.Action, host.Core.Attempt + 1, c.Message, c.At)),
    };

    /// <summary>What a host in maintenance is after a power action that was ordered.</summary>
    public static HostCore After(HostCore core, PowerOrder order, HostEvent fact) => fact switch
    {
        Fenced e => core with
        {
            Incarnation = e.Incarnation,
            Attempt = e.Attempt,
            Failures = 0,
            Ordered = order.Action == PowerAction.Restart ? order with { Action = PowerAction.On } : null,
        },
        PowerFailed e when core.Failures + 1 >= TriedAtMost => core with { Attempt = e.Attempt, Failures = 0, Ordered = null },
        PowerFailed e => core with { Attempt = e.Attempt, Failures = core.Failures + 1 },
        _ => core with { Failures = 0, Ordered = null },
    };

    public static Decision Answered(HostState host, JobId question, HostCommand.ReportPower c) =>
        host.Core.Answer?.Question == question
            ? new Decision.AlreadyDone()
            : new Decision.Accept(new PowerTold(new PowerAnswer(question, c.Ok, c.Power, c.Message), c.At));

    public static Job JobOf(string name, PowerOrdered e) => new(e.Origin.Job, e.Action switch
    {
        PowerAction.On => $"Starting host {name}",
        PowerAction.Off => $"Stopping host {name}",
        _ => $"Restarting host {name}",
    }, e.Origin);
}
