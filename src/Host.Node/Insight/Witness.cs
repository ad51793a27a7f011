using Akka.Actor;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Watching;

namespace Orchestrator.Host.Node.Insight;

/// <summary>Answers other nodes' questions about this one. Never blocks: what takes time is done beside it.</summary>
internal sealed class Witness(Func<Task<NodeReport>> report, DebtBook debts, TimeProvider clock) : UntypedActor
{
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case AskNode { What: "report" }:
                _ = Report(Sender);
                break;
            case AskNode { What: "stuck" } ask:
                var now = clock.GetUtcNow();
                var before = ask.Seconds > 0 ? now - TimeSpan.FromSeconds(Math.Min(ask.Seconds, 1_000_000_000L)) : DateTimeOffset.MaxValue;
                Sender.Tell(new NodeTold(WireJson.Write(new StuckHere([.. debts.Since(before).Take(MostTold)], now))), Self);
                break;
            default:
                // A question of a later version: whoever asks it treats silence as "does not know".
                Unhandled(message);
                break;
        }
    }

    private const int MostTold = 500;

    private async Task Report(IActorRef asker) =>
        asker.Tell(new NodeTold(WireJson.Write(await report())), ActorRefs.NoSender);
}
