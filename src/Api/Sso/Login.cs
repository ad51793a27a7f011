using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Orchestrator.Api.Access;
using Orchestrator.Api.Resources;

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

    /// <summary>The directory of his profile does not answer.</summary>
    public sealed record Away(string Why) : LoginResult;
}

/// <summary>
/// Checks passwords without paying the slow hash on every request, and slows those who guess. A user is made to wait
/// per address at once; from whatever addresses, only after many more failures, since that can lock the operator out too. Two hashes run at a time, not more: a flood
/// of logins must not take the node's CPU from its entities.
/// </summary>
public sealed class Login(
    IUsers users, IAccounts accounts, Directories directories, RightsCache rights, ApiOptions options, TimeProvider clock) : IDisposable
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

        if (await accounts.LockedFor(name, cancel) is { } locked) return new LoginResult.TryLater(locked);
        Identity? user;
        try
        {
            user = await Verify(name, password, cancel);
        }
        catch (DirectoryAwayException away)
        {
            return new LoginResult.Away(away.Message);
        }

        // Removed or disabled here, whatever his directory says.
        if (user is not null && await rights.Of(user.Id, cancel) is null) return new LoginResult.WrongPassword();
        if (user is null)
        {
            await accounts.NoteFailure(name, options.AccountFailures, options.AccountLockOut, cancel);
            Bound(_failed, now, entry => entry.Until);
            _failed.AddOrUpdate(guesser, _ => Failed(1, now), (_, before) => Failed(before.Failures + 1, now));
            return new LoginResult.WrongPassword();
        }

        _failed.TryRemove(guesser, out _);
        await accounts.NoteSuccess(name, cancel);
        Bound(_verified, now, entry => entry.Until);
        _verified[credential] = (user, now + options.BasicCacheLife);
        return new LoginResult.Welcome(user);
    }

    public void Dispose() => _hashing.Dispose();

    private async Task<Identity?> Verify(string name, string password, CancellationToken cancel)
    {
        var at = name.LastIndexOf('@');
        if (at >= 0 && directories.Of(name[(at + 1)..]) is { } directory)
        {
            if (await directory.Authenticate(name[..at], password, cancel) is not { } entry) return null;
            var account = await accounts.Remember(Domains.AccountOf(directory.Profile, entry), entry.Groups, cancel);
            rights.Forget();
            return new Identity(account.Id, account.Name, false);
        }

        await _hashing.WaitAsync(cancel);
        try
        {
            return await users.Verify(name, password, cancel);
        }
        finally
        {
            _hashing.Release();
        }
    }

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
