using Orchestrator.Agent;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>Agents that are wrong on purpose, each in one way that a check must find.</summary>
public static class PlantedBug
{
    /// <summary>Starts a guest under a lease that is over or in another's way.</summary>
    public static AgentAnswer ObeysOldLeases(WorldHost host, Guid vm, object order, Func<AgentAnswer> agent) =>
        Obey(host, vm, order, agent(), RefusalCode.StaleLease, RefusalCode.LeaseEnded);

    /// <summary>Starts what was meant for a life of the machine that is over.</summary>
    public static AgentAnswer ObeysOrdersForAnotherBoot(WorldHost host, Guid vm, object order, Func<AgentAnswer> agent) =>
        Obey(host, vm, order, agent(), RefusalCode.OtherBoot);

    /// <summary>Kills the guest when it is asked to pause it.</summary>
    public static AgentAnswer KillsInsteadOfPausing(WorldHost host, Guid vm, object order, Func<AgentAnswer> agent)
    {
        if (order is GuestOrder pause && host.Hypervisor is { } hypervisor)
            _ = hypervisor.Stop(new GuestKey(vm, pause.Lease), StopMode.PowerOff);
        return agent();
    }

    private static AgentAnswer Obey(WorldHost host, Guid vm, object order, AgentAnswer answer, params string[] codes)
    {
        if (answer is not AgentAnswer.Refused { Refusal.Code: var code } || !codes.Contains(code)) return answer;
        if (host.Hypervisor is not { } hypervisor) return answer;
        switch (order)
        {
            case LaunchOrder launch:
                _ = hypervisor.Launch(new GuestKey(vm, launch.Lease), launch.Definition);
                break;
            case StopOrder stop:
                _ = hypervisor.Stop(new GuestKey(vm, stop.Lease), stop.Mode);
                break;
            default:
                return answer;
        }

        return new AgentAnswer.Accepted(new OrderReceipt(0));
    }
}
