using System.Collections.Frozen;
using Akka.Actor;
using Akka.Cluster.Sharding;

namespace Orchestrator.Actors.Journal;

/// <summary>
/// Entities by kind and id over sharding. A question whose answer does not come is asked again: the entity may have
/// moved, or its node may have died between taking the command and answering. The job in the command makes that safe.
/// </summary>
public sealed class Entities(
    IReadOnlyDictionary<string, IActorRef> regions, EntitiesSettings settings, Func<int> waiting, TimeProvider clock)
    : IEntities
{
    /// <summary>Time in which the regions, too, learn of new owners.</summary>
    private static readonly TimeSpan RegionsLearn = TimeSpan.FromMilliseconds(20);

    private readonly FrozenDictionary<string, IActorRef> _regions = regions.ToFrozenDictionary(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly LinkedList<TaskCompletionSource> _open = new();

    /// <summary>Some shard has another owner: what was asked of the former one is asked again at once.</summary>
    public void OwnersChanged()
    {
        TaskCompletionSource[] open;
        lock (_gate) open = [.. _open];
        foreach (var question in open) question.TrySetResult();
    }

    public async Task<Reply> Ask(string kind, Guid id, object command, CancellationToken cancel)
    {
        if (waiting() > settings.MaxWaiting)
            throw new EntityUnavailableException(
                "too many commands wait for the database; try again in a few seconds", settings.RetryAfter);

        var began = clock.GetTimestamp();
        var patience = settings.FirstPatience;
        var question = new ShardingEnvelope(id.ToString(), command);
        while (true)
        {
            var over = Open();
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
                lock (_gate) _open.Remove(over);
            }
        }
    }

    private LinkedListNode<TaskCompletionSource> Open()
    {
        var question = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate) return _open.AddLast(question);
    }

    public void Tell(string kind, Guid id, object command) =>
        _regions[kind].Tell(new ShardingEnvelope(id.ToString(), command), ActorRefs.NoSender);
}

/// <param name="FirstPatience">After this time without an answer a question is asked again; doubles each time.</param>
/// <param name="LongestPatience">Longest pause between two askings.</param>
/// <param name="Patience">After this time the asker is told that nothing is known.</param>
/// <param name="MaxWaiting">Writes that may wait for the database before new commands are turned away.</param>
/// <param name="RetryAfter">What a client that is turned away is told.</param>
public sealed record EntitiesSettings(
    TimeSpan FirstPatience, TimeSpan LongestPatience, TimeSpan Patience, int MaxWaiting, TimeSpan RetryAfter);
