using System.Collections.Frozen;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Orchestrator.Actors.Watching;

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
    private TaskCompletionSource _owners = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Some shard has another owner: what was asked of the former one is asked again at once.</summary>
    public void OwnersChanged() => Interlocked
        .Exchange(ref _owners, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();

    public async Task<Reply> Ask(string kind, Guid id, object command, CancellationToken cancel)
    {
        if (waiting() > settings.MaxWaiting)
            throw new EntityUnavailableException(
                "too many commands wait for the database; try again in a few seconds", settings.RetryAfter);

        var began = clock.GetTimestamp();
        var patience = settings.FirstPatience;
        var question = new ShardingEnvelope(id.ToString(), EntityTraces.Under(command));
        while (true)
        {
            var moved = Volatile.Read(ref _owners).Task;
            try
            {
                var answer = _regions[kind].Ask<Reply>(question, patience, cancel);
                if (await Task.WhenAny(answer, moved) == answer) return await answer;

                // The first copy may have been carried out all the same; its job makes the second one harmless.
                _ = answer.ContinueWith(
                    static t => t.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
                    TaskScheduler.Default);
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
