using Akka.Actor;
using Newtonsoft.Json;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Watching;
using Orchestrator.Engine;

namespace Orchestrator.Host.Node.Insight;

/// <summary>Asks members about themselves. Silence within the limit is an answer too: null.</summary>
internal sealed class NodeQuestions(ActorSystem system)
{
    public static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(850);

    private readonly LocalSystem _system = (LocalSystem)system;

    public async Task<T?> Ask<T>(NodeDescription node, AskNode question, CancellationToken cancel) where T : class
    {
        var path = $"akka.tcp://{_system.Name}@{node.Host}:{node.Port}/user/{AskNode.Witness}";
        try
        {
            var told = await _system.ResolveActorRef(path).Ask<NodeTold>(question, Limit, cancel);
            return WireJson.Read<T>(told.Json);
        }
        catch (Exception silence) when (silence is AskTimeoutException or ArgumentException or JsonException
            || (silence is OperationCanceledException && !cancel.IsCancellationRequested))
        {
            return null;
        }
    }
}
