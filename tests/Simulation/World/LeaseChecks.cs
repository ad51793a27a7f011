using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Simulated;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>
/// What an agent obeys never goes back: neither the owner's epoch, nor a VM's lease on a host, also not over restarts of
/// the agent. And over all hosts a guest begins under a higher lease each time.
/// </summary>
internal sealed class LeaseChecks(SimulatedWorld world, WorldChecks checks)
{
    public const string EpochRule = "epoch-order";
    public const string LeaseRule = "lease-order";
    private readonly Dictionary<int, long> _epochs = [];
    private readonly Dictionary<(int Host, Guid Vm), long> _leases = [];
    private readonly Dictionary<Guid, GuestLife> _last = [];

    /// <summary>0 when nobody has claimed that host yet.</summary>
    public long HighestEpoch(WorldHost host) => _epochs.GetValueOrDefault(host.Number);

    /// <summary>An agent's word on an owner's claim; null is yes.</summary>
    public void Claimed(WorldHost host, long epoch, AgentRefusal? refusal)
    {
        if (refusal is not null) return;
        var highest = HighestEpoch(host);
        if (epoch < highest)
            checks.Break(EpochRule, $"{host.Name} obeyed epoch {epoch} after epoch {highest}", $"boot {host.BootId}");
        else _epochs[host.Number] = epoch;
    }

    public void Answered(WorldHost host, Guid vm, Stamp stamp, long lease, object order, AgentAnswer answer)
    {
        if (answer is not AgentAnswer.Accepted) return;
        Claimed(host, stamp.Epoch, null);
        if (stamp.BootId is { } boot && boot != host.BootId)
            checks.Break(EpochRule, $"{host.Name} obeyed an order for {boot} in {host.BootId}", order.GetType().Name);

        // Forgetting what the ledger does not know is answered with yes and changes nothing.
        if (order is GuestOrder && lease > 0 && !_leases.ContainsKey((host.Number, vm))) return;
        var highest = _leases.GetValueOrDefault((host.Number, vm));
        if (lease < highest)
            checks.Break(
                LeaseRule, $"{host.Name} obeyed lease {lease} of {world.NameOf(vm)} after lease {highest}",
                order.GetType().Name, $"epoch {stamp.Epoch}, boot {host.BootId}");
        else _leases[(host.Number, vm)] = lease;
    }

    public void Told(GuestLife life)
    {
        if (life.ToMs is not null) return;
        if (_last.TryGetValue(life.Vm, out var last) && life.Lease <= last.Lease)
            checks.BreakUnlessLied(
                [world.HostOf(last), world.HostOf(life)], LeaseRule,
                $"{world.NameOf(life.Vm)} began under lease {life.Lease} after it had begun under lease {last.Lease}",
                checks.Line(last), checks.Line(life));
        else _last[life.Vm] = life;
    }
}
