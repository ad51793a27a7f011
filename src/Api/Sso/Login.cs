using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;

namespace Orchestrator.Api.Sso;

public abstract record LoginResult
{
    private LoginResult()
    {
    }

    public sealed record Welcome(Identity User) : LoginResult;

    public sealed record WrongPassword : LoginResult;

    /// <summary>Too many wrong passwords; nothing was checked.</summary>
    public sealed record TryLater(TimeSpan Wait) : LoginResult;
}

/// <summary>
/// Checks passwords without paying the slow hash on every request, and slows those who guess. A user is made to wait
/// per address, so that a guesser elsewhere cannot lock the operator out. Two hashes run at a time, not more: a flood
/// of logins must not take the node's CPU from its entities.
/// </summary>
public sealed class Login(IUsers users, ApiOptions options, TimeProvider clock) : IDisposable
{
    private const int MaxRemembered = 10_000;
    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(32);
    private readonly ConcurrentDictionary<string, (Identity User, DateTimeOffset Until)> _verified = new();
    private readonly ConcurrentDictionary<string, (int Failures, DateTimeOffset Until)> _failed = new();
    private readonly SemaphoreSlim _hashing = new(2);

    public async Task<LoginResult> Check(string name, string password, string address, CancellationToken cancel)
    {
        var now = clock.GetUtcNow();
        var credential = Fingerprint(name, password);
        if (_verified.TryGetValue(credential, out var known) && known.Until > now)
            return new LoginResult.Welcome(known.User);

        var guesser = $"{name}\n{address}";
        if (_failed.TryGetValue(guesser, out var failed) && failed.Until > now)
            return new LoginResult.TryLater(failed.Until - now);

        Identity? user;
        await _hashing.WaitAsync(cancel);
        try
        {
            user = await users.Verify(name, password, cancel);
        }
        finally
        {
            _hashing.Release();
        }

        if (user is null)
        {
            Bound(_failed, now, entry => entry.Until);
            _failed.AddOrUpdate(guesser, _ => Failed(1, now), (_, before) => Failed(before.Failures + 1, now));
            return new LoginResult.WrongPassword();
        }

        _failed.TryRemove(guesser, out _);
        Bound(_verified, now, entry => entry.Until);
        _verified[credential] = (user, now + options.BasicCacheLife);
        return new LoginResult.Welcome(user);
    }

    public void Dispose() => _hashing.Dispose();

    private (int Failures, DateTimeOffset Until) Failed(int failures, DateTimeOffset now)
    {
        var over = failures - options.MaxFailures;
        return over < 0 ? (failures, now) : (failures, now + options.LockOut * (1 << Math.Min(over, 4)));
    }

    /// <summary>The password itself is not kept in memory, only a hash under a key that this process made.</summary>
    private string Fingerprint(string name, string password) => Convert.ToBase64String(
        HMACSHA256.HashData(_secret, Encoding.UTF8.GetBytes($"{name.Length}:{name}{password}")));

    private static void Bound<T>(
        ConcurrentDictionary<string, T> entries, DateTimeOffset now, Func<T, DateTimeOffset> until)
    {
        if (entries.Count < MaxRemembered) return;
        foreach (var (name, entry) in entries)
            if (until(entry) <= now)
                entries.TryRemove(name, out _);
        if (entries.Count >= MaxRemembered) entries.Clear();
    }
}
