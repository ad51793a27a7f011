using System.Globalization;
using System.Security.Cryptography;

namespace Orchestrator.Api.Sso;

/// <summary>PBKDF2 with SHA-512: "pbkdf2-sha512$rounds$salt$hash", so that rounds may rise without a
/// migration.</summary>
public static class PasswordHash
{
    public const int Rounds = 210_000;
    private const int SaltBytes = 16;
    private const int HashBytes = 32;

    /// <summary>Compared with when there is no such user, so that the answer takes as long.</summary>
    public static string Nobody { get; } = Make(Convert.ToHexString(RandomNumberGenerator.GetBytes(16)));

    public static string Make(string password)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        var hash = Rfc2898DeriveBytes.Pbkdf2(password, salt, Rounds, HashAlgorithmName.SHA512, HashBytes);
        return $"pbkdf2-sha512${Rounds}${Convert.ToBase64String(salt)}${Convert.ToBase64String(hash)}";
    }

    /// <summary>False also for a text that is no hash: nobody gets in by a damaged row.</summary>
    public static bool Verify(string stored, string password)
    {
        var parts = stored.Split('$');
        if (parts is not ["pbkdf2-sha512", var rounds, var salt, var hash]) return false;
        if (!int.TryParse(rounds, NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count < 1)
            return false;
        var wanted = Convert.FromBase64String(hash);
        if (wanted.Length == 0) return false;
        var given = Rfc2898DeriveBytes.Pbkdf2(
            password, Convert.FromBase64String(salt), count, HashAlgorithmName.SHA512, wanted.Length);
        return CryptographicOperations.FixedTimeEquals(given, wanted);
    }
}
