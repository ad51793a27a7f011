using System.Collections.Concurrent;

namespace Orchestrator.Api.Access;

/// <summary>
/// The rights of those who ask now, for half a second: what another node changes counts here after that at the latest, what
/// this node changes counts at once. So a check is a look into memory for all but a few requests a second. While the database
/// does not answer, what was known is believed for some minutes: nothing can be changed then but by who reaches it, and an
/// operator must be able to ask why it is away.
/// </summary>
public sealed class RightsCache(IPermissions permissions, TimeProvider clock)
{
    public static readonly TimeSpan Life = TimeSpan.FromMilliseconds(500);
    public static readonly TimeSpan LifeWithoutDatabase = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(1);
    private const int MaxRemembered = 10_000;
    private readonly ConcurrentDictionary<Guid, (Rights? Rights, long Generation, long At)> _known = new();
    private long _generation;

    /// <summary>Null: the account is gone or disabled.</summary>
    public async Task<Rights?> Of(Guid account, CancellationToken cancel)
    {
        // Before the question, so that an answer from before a change is not kept after it.
        var generation = Interlocked.Read(ref _generation);
        if (_known.TryGetValue(account, out var known) && known.Generation == generation && clock.GetElapsedTime(known.At) < Life)
            return known.Rights;
        var at = clock.GetTimestamp();
        var old = known.Rights is not null && known.Generation == generation && clock.GetElapsedTime(known.At) < LifeWithoutDatabase
            ? known.Rights
            : null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        if (old is not null) limit.CancelAfter(_patience);
        Rights? rights;
        try
        {
            rights = await permissions.RightsOf(account, limit.Token);
        }
        catch (Exception away) when (old is not null && !cancel.IsCancellationRequested
            && (away is OperationCanceledException || Http.Dispatcher.IsStoreAway(away)))
        {
            return old;
        }

        if (_known.Count >= MaxRemembered) _known.Clear();
        _known[account] = (rights, generation, at);
        return rights;
    }

    /// <summary>After any change of accounts, groups, roles or permissions.</summary>
    public void Forget() => Interlocked.Increment(ref _generation);
}
