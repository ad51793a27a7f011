using System.Collections.Frozen;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Orchestrator.Actors.Watching;

namespace Orchestrator.Actors.Journal;

/// <summary>
/// Entities by kind and id over sharding. A question whose answer does not come is asked again: the entity may have
/// moved, or its node may have died between taking the command and answering. The job in the command makes that safe.
/// </summary>
/// <param name="shardOf">The shard of an entity by kind and id; without it every loss concerns everyone.</param>
public sealed class Entities(
    IReadOnlyDictionary<string, IActorRef> regions, EntitiesSettings settings, Func<int> waiting, TimeProvider clock,
    Func<string, Guid, string?>? shardOf = null)
    : IEntities
{
    /// <summary>Time in which the regions, too, learn of new owners and ways.</summary>
    private static readonly TimeSpan RegionsLearn = TimeSpan.FromMilliseconds(20);

    private readonly FrozenDictionary<string, IActorRef> _regions = regions.ToFrozenDictionary(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Kind, string Shard), LinkedList<TaskCompletionSource>> _open = [];

    /// <summary>Whatever was asked may be lost: everything is asked again at once.</summary>
    public void OwnersChanged()
    {
        (string Kind, string Shard)[] all;
        lock (_gate) all = [.. _open.Keys];
        foreach (var (kind, shard) in all) MayBeLost(kind, shard);
    }

    /// <summary>What was asked of the entities of this shard may be lost, with its owner or on the way: it is asked again at
    /// once.</summary>
    public void MayBeLost(string kind, string shard)
    {
        TaskCompletionSource[] asked;
        lock (_gate) asked = _open.TryGetValue((kind, shard), out var questions) ? [.. questions] : [];
        foreach (var question in asked) question.TrySetResult();
    }

    public async Task<Reply> Ask(string kind, Guid id, object command, CancellationToken cancel)
    {
        if (command is not Inspect && waiting() > settings.MaxWaiting)
            throw new EntityUnavailableException(
                "too many commands wait for the database; try again in a few seconds", settings.RetryAfter);

        var began = clock.GetTimestamp();
        var patience = settings.FirstPatience;
        var question = new ShardingEnvelope(id.ToString(), EntityTraces.Under(command));
        var shard = (kind, shardOf?.Invoke(kind, id) ?? "");
        while (true)
        {
            var over = Open(shard);
            try
            {
                var answer = _regions[kind].Ask<Reply>(question, patience, cancel);

                // Seen by an awaiter and not by WhenAny: what follows then runs where the asker's awaits run.
                answer.GetAwaiter().UnsafeOnCompleted(() => over.Value.TrySetResult());
                await over.Value.Task;
                if (answer.IsCompleted) return await answer;

                // The first copy may have been carried out all the same; its job makes the second one harmless.
                answer.GetAwaiter().UnsafeOnCompleted(() => _ = answer.Exception);
                await Task.Delay(RegionsLearn, clock, cancel);
            }
            catch (AskTimeoutException) when (clock.GetElapsedTime(began) < settings.Patience)
            {
                patience = patience * 2 < settings.LongestPatience ? patience * 2 : settings.LongestPatience;
            }
            catch (AskTimeoutException)
            {
                throw new EntityUnavailableException(
                    $"{kind} {id} did not answer in {settings.Patience.TotalSeconds} s; it is not known whether the "
                    + "command was accepted", settings.RetryAfter);
            }
            finally
            {
                Close(shard, over);
            }
        }
    }

    private LinkedListNode<TaskCompletionSource> Open((string Kind, string Shard) shard)
    {
        var question = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            if (!_open.TryGetValue(shard, out var questions)) _open[shard] = questions = [];
            return questions.AddLast(question);
        }
    }

    private void Close((string Kind, string Shard) shard, LinkedListNode<TaskCompletionSource> question)
    {
        lock (_gate)
        {
            var questions = _open[shard];
            questions.Remove(question);
            if (questions.Count == 0) _open.Remove(shard);
        }
    }

    public void Tell(string kind, Guid id, object command) =>
        _regions[kind].Tell(new ShardingEnvelope(id.ToString(), EntityTraces.Under(command)), ActorRefs.NoSender);
}

/// <param name="FirstPatience">After this time without an answer a question is asked again; doubles each time.</param>
/// <param name="LongestPatience">Longest pause between two askings.</param>
/// <param name="Patience">After this time the asker is told that nothing is known.</param>
/// <param name="MaxWaiting">Writes that may wait for the database before new commands are turned away.</param>
/// <param name="RetryAfter">What a client that is turned away is told.</param>
public sealed record EntitiesSettings(
    TimeSpan FirstPatience, TimeSpan LongestPatience, TimeSpan Patience, int MaxWaiting, TimeSpan RetryAfter);
