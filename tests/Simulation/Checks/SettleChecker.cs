using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Vm;
using Orchestrator.Tests.Simulation.Installation;

namespace Orchestrator.Tests.Simulation.Checks;

/// <summary>
/// Rule: within a bounded time after the last fault nothing is on its way any more. Every node is a member and every
/// shard at home; no entity owes anything but the watch over hosts and storage; no job is unfinished; what the engine thinks to run
/// runs, exactly there, and nothing else does.
/// </summary>
public sealed class SettleChecker(Simulation simulation)
{
    public TimeSpan Slowest { get; private set; }

    public int Times { get; private set; }

    /// <summary>Looks every second until all has settled, then goes on with what comes next.</summary>
    public void Await(Action next) => Look(simulation.Thread.Ticks, next);

    private void Look(long since, Action next)
    {
        var passed = TimeSpan.FromTicks(simulation.Thread.Ticks - since);
        string[] open = [.. Open()];
        if (open.Length == 0)
        {
            if (passed > Slowest) Slowest = passed;
            Times++;
            simulation.Timeline.Note($"everything has settled after {passed.TotalSeconds:F0} s");
            next();
        }
        else if (passed > simulation.Options.SettlesWithin)
        {
            simulation.Violated(
                "settle", $"{passed.TotalSeconds:F0} s after the last fault: {string.Join("\n    ", open.Take(20))}"
                + (open.Length > 20 ? $"\n    and {open.Length - 20} more" : ""));
        }
        else
        {
            simulation.After(TimeSpan.FromSeconds(1), () => Look(since, next));
        }
    }

    private IEnumerable<string> Open()
    {
        foreach (var node in simulation.Nodes)
            if (!node.IsUp || node.Membership?.Self is null) yield return $"{node.Name} is no member";
        foreach (var (key, row) in simulation.Database.Engine.View.Shards)
            if (row.Owner is null || row.Next is not null) yield return $"shard {key.Type}/{key.Shard} is on its way";
        foreach (var command in simulation.Clients.Open) yield return $"a client waits: {command.What}";
        foreach (var replica in simulation.Replicas.All.Values)
            if (Why(replica) is { } why) yield return $"{Name(replica)}: {why}";
        foreach (var job in simulation.Database.Read.Of(Kinds.Job))
            if (ReadTables.Text(job, "status") == "started") yield return $"job unfinished: {job.Document.Json}";
        foreach (var strange in Truth()) yield return strange;
    }

    private static string? Why(Replica replica) => replica.State switch
    {
        HostState { Core: { HasPassword: true } or { Deploy: not null } } => $"owes {string.Join(", ", replica.Owes)}",
        HostState.Up or HostState.Maintenance or HostState.InstallFailed or StorageDomainState.Active => null,
        VmState.PoweringUp => "powering up",
        VmState.Down { Exit: { Kind: VmExitKind.Error, Message: "" } } => "down with an error that nobody explains",
        HostState.Gone or HostState.Absent => null,
        HostState host => $"{host.GetType().Name}, owes {string.Join(", ", replica.Owes)}",
        _ when replica.Owes is { IsEmpty: false } owes => $"{replica.State.GetType().Name}, owes {string.Join(", ", owes)}",
        _ => null,
    };

    /// <summary>Engine and guest have one opinion of its machine.</summary>
    private static string? Differs(VmState vm, World.WorldHost host)
    {
        if (vm.Core.Running is not { } said) return null;
        var has = host.Guests.First(g => g.Key.Vm == vm.Core.Id.Value).Definition;
        return !said.Disks.Where(d => d.Active).Select(d => d.Disk.Value).ToHashSet().SetEquals(has.Disks.Select(d => d.Id))
            ? $"said to have {said.Disks.Count(d => d.Active)} disks, and its guest has {has.Disks.Length}"
            : said.Sockets != has.Sockets ? $"said to have {said.Sockets} sockets, and its guest has {has.Sockets}"
            : said.Memory != has.MemoryBytes ? $"said to have {said.Memory} bytes, and its guest has {has.MemoryBytes}"
            : null;
    }

    private IEnumerable<string> Truth()
    {
        var run = simulation.World.Running().ToLookup(g => g.Vm);
        var hosts = simulation.World.Hosts.ToDictionary(h => h.Name);
        foreach (var replica in simulation.Replicas.Of(Kinds.Vm))
        {
            var vm = (VmState)replica.State;
            var real = run[replica.Id].ToArray();
            if (vm.Seat is { } seat && vm is VmState.Up or VmState.Paused or VmState.PoweringUp)
            {
                if (!real.Any(g => g.Host.Name == seat.HostName && g.Lease == seat.Lease.Number))
                    yield return $"{Name(replica)}: said to run on {seat.HostName} and does not";
                else if (Differs(vm, real[0].Host) is { } difference) yield return $"{Name(replica)}: {difference}";
            }
            else if (real.Length > 0)
            {
                yield return $"{Name(replica)}: {vm.GetType().Name}, and runs on {real[0].Host.Name}";
            }
        }
    }

    private static string Name(Replica replica) => replica.State switch
    {
        VmState vm => $"VM {vm.Core.Config?.Name}",
        HostState host => $"host {host.Core.Config?.Name}",
        StorageDomainState domain => $"storage domain {domain.Core.Config?.Name}",
        DiskState disk => $"disk {disk.Core.Config?.Name}",
        _ => $"{replica.Kind} {replica.Id}",
    };
}
