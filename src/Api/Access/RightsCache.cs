using System.Collections.Concurrent;

namespace Orchestrator.Api.Access;

/// <summary>
/// The rights of those who ask now, for half a second: what another node changes counts here after that at the latest, what
/// this node changes counts at once. So a check is a look into memory for all but a few requests a second.
/// </summary>
public sealed class RightsCache(IPermissions permissions, TimeProvider clock)
{
    public static readonly TimeSpan Life = TimeSpan.FromMilliseconds(500);
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
        var rights = await permissions.RightsOf(account, cancel);
        if (_known.Count >= MaxRemembered) _known.Clear();
        _known[account] = (rights, generation, at);
        return rights;
    }

    /// <summary>After any change of accounts, groups, roles or permissions.</summary>
    public void Forget() => Interlocked.Increment(ref _generation);
}
