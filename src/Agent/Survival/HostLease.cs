using System.Globalization;

namespace Orchestrator.Agent.Survival;

/// <summary>
/// How long this host may keep its guests without a word from anybody. Pure; times are ms of the machine's own clock, which
/// only runs forward. The engine may start the guests elsewhere once the lease has ended, so nothing lengthens it but a
/// heartbeat that the engine has heard, or a renewal that the storage has taken.
/// </summary>
/// <param name="Host">The host's id in the engine.</param>
/// <param name="Folder">Where the lease on the storage is kept.</param>
/// <param name="EngineUntil">The end of the lease that the engine gave.</param>
/// <param name="StorageUntil">The end of the lease on the storage.</param>
/// <param name="Number">Of the newest renewal on the storage.</param>
public sealed record HostLease(Guid Host, string Folder, long EngineUntil, long StorageUntil, long Number)
{
    /// <summary>Losing the engine alone, or the storage alone, ends no guest.</summary>
    public bool HasEnded(long now) => now >= EngineUntil && now >= StorageUntil;

    /// <param name="sentAt">When the heartbeat that the engine has heard was sent.</param>
    public HostLease Heard(long sentAt, long lasts) => this with { EngineUntil = Math.Max(EngineUntil, sentAt + lasts) };

    /// <param name="begunAt">When the write began.</param>
    public HostLease Written(long number, long begunAt, long lasts) =>
        this with { Number = number, StorageUntil = Math.Max(StorageUntil, begunAt + lasts) };

    /// <summary>For an agent that is started anew in the same boot.</summary>
    public string ToText() =>
        string.Create(CultureInfo.InvariantCulture, $"{EngineUntil} {StorageUntil} {Number} {Host} {Folder}");

    public static HostLease? FromText(string text)
    {
        var words = text.TrimEnd('\n').Split(' ', 5);
        return words.Length == 5 && Whole(words[0], out var engine) && Whole(words[1], out var storage)
            && Whole(words[2], out var number) && Guid.TryParse(words[3], out var host)
            ? new HostLease(host, words[4], engine, storage, number)
            : null;
    }

    private static bool Whole(string word, out long value) => long.TryParse(word, CultureInfo.InvariantCulture, out value);
}
