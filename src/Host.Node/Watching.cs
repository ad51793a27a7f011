using System.Collections.Immutable;
using System.Diagnostics;
using Akka.Actor;
using Npgsql;
using Orchestrator.Api.ReadModel;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Watching;
using Orchestrator.Engine;
using Orchestrator.Host.Node.Insight;

namespace Orchestrator.Host.Node;

/// <summary>What of an engine node is there for those who watch it.</summary>
internal sealed record Watching(ClusterInsight Insight, Health Health)
{
    public static Watching Start(
        ActorSystem system, NodeConfig config, IEntities entities, IReadModel read, PrimarySource database,
        DebtBook debts)
    {
        var clock = TimeProvider.System;
        var membership = NodeMembership.Of(system);
        var probe = new DatabaseProbe(database);
        ActorMeters.Show(debts, clock);
        system.RegisterOnTermination(() => ActorMeters.Hide(debts));
        system.ActorOf(
            Props.Create(() => new Witness(() => Report(config, membership, GroupWriter.Of(system), probe), debts, clock)),
            AskNode.Witness);
        var questions = new NodeQuestions(system);
        var entity = new EntityInsight(ShardDirectory.Get(system), questions, entities, read, database, clock);
        return new Watching(
            new ClusterInsight(membership, questions, entity, config.Name, clock),
            new Health(membership, probe, config.Name));
    }

    private static async Task<NodeReport> Report(
        NodeConfig config, NodeMembership membership, GroupWriter writer, DatabaseProbe probe)
    {
        using var self = Process.GetCurrentProcess();
        return new NodeReport
        {
            Name = config.Name,
            Version = Node.Version,
            Pid = Environment.ProcessId,
            StartedAt = self.StartTime.ToUniversalTime(),
            MayAct = membership.MayAct,
            Resident = ActorMeters.Residents().ToImmutableSortedDictionary(r => r.Kind, r => r.Count),
            WritesWaiting = writer.Waiting,
            WorkingSet = self.WorkingSet64,
            Database = await probe.Ask(),
            Api = $"https://{config.Text("api.address")}:{config.Number("api.port")}",
        };
    }
}
