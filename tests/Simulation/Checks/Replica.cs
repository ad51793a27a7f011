using System.Collections.Immutable;
using System.Text;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.DataCenter;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Template;
using Orchestrator.Actors.Vm;
using Orchestrator.Engine;

namespace Orchestrator.Tests.Simulation.Checks;

/// <summary>An entity as its journal tells it, built by the production rules from the bytes that are stored.</summary>
public abstract class Replica(string kind, Guid id)
{
    public string Kind => kind;

    public Guid Id => id;

    public long Version { get; private set; }

    public abstract object State { get; }

    /// <summary>What it still asks of the world, in words.</summary>
    public abstract ImmutableArray<string> Owes { get; }

    /// <summary>What is compared: phase and content as text, without what is never journaled.</summary>
    public string Text => Describe(State);

    public static Replica Of(string persistenceId)
    {
        var dash = persistenceId.IndexOf('-', StringComparison.Ordinal);
        var (kind, id) = (persistenceId[..dash], Guid.Parse(persistenceId[(dash + 1)..]));
        return kind switch
        {
            Kinds.DataCenter => Make(DataCenterActor.Rules, id),
            Kinds.Cluster => Make(ClusterActor.Rules, id),
            Kinds.Host => Make(HostActor.Rules, id),
            Kinds.Vm => Make(VmActor.Rules, id),
            Kinds.StorageDomain => Make(StorageDomainActor.Rules, id),
            Kinds.Disk => Make(DiskActor.Rules, id),
            Kinds.Template => Make(TemplateActor.Rules, id),
            _ => throw new ArgumentException($"{persistenceId}: no such kind", nameof(persistenceId)),
        };
    }

    public static string Describe(object state) => state switch
    {
        // A cluster's room is rebuilt from reports and never stored.
        ClusterState cluster => $"{state.GetType().Name} {WireJson.Write(cluster.Core)}",
        // How far a migration is, the source says again and again.
        VmState.Migrating { Progress: not null } moving => Describe(moving with { Progress = null }),
        _ => $"{state.GetType().Name} {WireJson.Write(state)}",
    };

    public object Apply(long number, string manifest, ReadOnlyMemory<byte> payload)
    {
        var type = WireNames.TypeOf(manifest) ?? throw new InvalidDataException($"{manifest}: no such name");
        var fact = WireJson.Read(Encoding.UTF8.GetString(payload.Span), type);
        Evolve(fact);
        Version = number;
        return fact;
    }

    protected abstract void Evolve(object fact);

    private static Replica Make<TState, TCommand, TEvent, TEffect>(
        Rules<TState, TCommand, TEvent, TEffect> rules, Guid id)
        where TState : class
        where TCommand : class
        where TEvent : class
        where TEffect : class => new Typed<TState, TCommand, TEvent, TEffect>(rules, id);

    private sealed class Typed<TState, TCommand, TEvent, TEffect>(
        Rules<TState, TCommand, TEvent, TEffect> rules, Guid id) : Replica(rules.Kind, id)
        where TState : class
        where TCommand : class
        where TEvent : class
        where TEffect : class
    {
        private TState _state = rules.Initial(id);

        public override object State => _state;

        public override ImmutableArray<string> Owes => [.. rules.Outstanding(_state).Select(e => e.ToString() ?? "")];

        protected override void Evolve(object fact) => _state = rules.Evolve(_state, (TEvent)fact);
    }
}
