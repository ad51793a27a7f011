using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Tests.Simulation.World;

namespace Orchestrator.Tests.Simulation.Planting;

/// <summary>The bugs that can be planted, each with the rule that must be seen broken.</summary>
public static class PlantedBugs
{
    public static IReadOnlyList<Planted> All { get; } =
    [
        new("no-write-fence", "owner", "one-copy") { Plant = s => s.Database.Engine.WriteFence = false },

        new("answers-before-the-journal", "accepted") { Entity = HastyActor.InPlaceOf },

        // A node whose lease is over goes on for ten seconds, as one that never asks whether it may act.
        new("ignores-may-act", "may-act") { Hocon = "orchestrator.cluster.lease-margin = -10 s" },

        // An agent that obeys old leases is rarely met by chance; CheckTests lets it meet one.
        new("agent-obeys-old-epochs", "epoch-order", "one-copy")
        {
            AgentObeysOldEpochs = true,
            Faults = ["net-held-back", "node-kill"],
        },

        // What is owed is said once and never again.
        new("never-says-it-again", "settle") { Hocon = "orchestrator.entities.tick-every = 10000 h" },

        // The rules look at something that is not in the fact: the first time and the replay differ.
        new("evolve-differs-on-replay", "replay")
        {
            Entity = AlteredRules.Of(VmActor.Rules, rules =>
            {
                var times = 0;
                return rules with
                {
                    Evolve = (vm, fact) => fact is VmEvent.CameUp && ++times == 1
                        ? vm
                        : rules.Evolve(vm, fact),
                };
            }),
        },

        new("lease-falls", "lease")
        {
            Entity = AlteredRules.Of(VmActor.Rules, rules => rules with
            {
                Decide = (vm, command) => rules.Decide(vm, command) is Decision<VmEvent, VmEffect>.Accept
                    {
                        Facts: [VmEvent.Placed { Seat: { Lease.Number: > 1 } seat } placed],
                    }
                    ? new Decision<VmEvent, VmEffect>.Accept(
                        placed with { Seat = seat with { Lease = new Lease(seat.Lease.Number - 2) } })
                    : rules.Decide(vm, command),
            }),
        },

        // A host that stands still for a moment loses its power.
        new("cuts-power-too-soon", "power-reason") { Hocon = "orchestrator.hosts.silent-after = 2 s" },

        // A cluster hears for a while of every host that it takes no guests.
        new("hosts-are-denied", "placement")
        {
            Entity = AlteredRules.Of(ClusterActor.Rules, rules =>
            {
                var reports = 0;
                return rules with
                {
                    Decide = (cluster, command) => rules.Decide(cluster, command is ClusterCommand.ReportHost r && ++reports % 500 < 50
                        ? r with { Report = r.Report with { TakesGuests = false } }
                        : command),
                };
            }),
        },

        // A disk is given to whoever asks.
        new("disks-have-many-vms", "one-writer")
        {
            Entity = AlteredRules.Of(DiskActor.Rules, rules => rules with
            {
                Decide = (disk, command) => command is DiskCommand.Attach
                    ? new Decision<DiskEvent, DiskEffect>.AlreadyDone()
                    : rules.Decide(disk, command),
            }),
        },

        new("epoch-falls", "epoch")
        {
            Plant = s => s.Every(TimeSpan.FromMinutes(1), () =>
            {
                var row = s.Database.Engine.View.Shards.Values.First(r => r.Key.Type == Kinds.Vm);
                s.Database.Engine.Change(default, view => view with
                {
                    Version = view.Version + 1,
                    Shards = view.Shards.SetItem(row.Key, row with { Epoch = row.Epoch - 1 }),
                });
            }),
        },

        new("journal-forgets", "replay", "settle")
        {
            Plant = s => s.Every(TimeSpan.FromSeconds(40), () =>
            {
                if (s.Replicas.Of(Kinds.Vm).FirstOrDefault(r => r.Version > 3) is { } vm)
                    s.Database.Engine.DeleteMessages($"{Kinds.Vm}-{vm.Id}", 2);
            }),
        },

        new("slips-onto-the-thread-pool", "the simulation itself")
        {
            Plant = s => s.After(
                TimeSpan.FromSeconds(10), () => Task.Run(() => s.Outside.Schedule(() => { })).ContinueWith(
                    t => t.Exception, TaskScheduler.Default).Wait()),
        },
    ];
}
