using Orchestrator.Actors;
using Orchestrator.Tests.Simulation.Clients;

namespace Orchestrator.Tests.Simulation.Checks;

/// <summary>Rule: what a client was told to be accepted is in the journal, at that moment and for ever.</summary>
public sealed class AcceptedChecker : Checker
{
    public AcceptedChecker(Simulation simulation) : base(simulation)
    {
        simulation.Clients.Answered += OnAnswered;
        // What was accepted after a backup is lost with it: nobody can promise more.
        simulation.Database.Restored += simulation.Clients.Accepted.Clear;
    }

    public override void OnEnd()
    {
        var facts = new HashSet<(string, Guid)>();
        foreach (var row in Simulation.Database.Engine.Journal)
        {
            var type = Actors.Journal.WireNames.TypeOf(row.Manifest)!;
            var fact = Actors.Journal.WireJson.Read(System.Text.Encoding.UTF8.GetString(row.Payload.Span), type);
            if (Jobs.Of(fact) is { } job) facts.Add((row.PersistenceId, job));
        }

        foreach (var command in Simulation.Clients.Accepted)
            if (!facts.Contains((command.Entity, command.Job)))
                Simulation.Violated("accepted", $"{command.What} was accepted and is not in the journal at the end");
    }

    private void OnAnswered(Command command, Reply reply)
    {
        if (reply is Reply.Accepted && !Simulation.Replicas.Has(command.Entity, command.Job))
            Simulation.Violated("accepted", $"{command.What} was accepted by {command.Via} and is not in the journal");
    }
}
