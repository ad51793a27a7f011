using System.Collections.Immutable;
using System.Globalization;

namespace Orchestrator.Engine.Postgres;

/// <summary>The reign of one primary, as cluster.terms records it. The token tells apart two servers that both count
/// themselves the successor of the same primary.</summary>
public sealed record Term(long Number, Guid Token, long SystemId, int Timeline);

/// <summary>What one configured server said of itself.</summary>
/// <param name="Failure">Why it did not answer, or null.</param>
/// <param name="Started">Of its postmaster: with the system id it tells whether two names lead to one server.</param>
/// <param name="Timeline">0 on a standby.</param>
/// <param name="Terms">Newest first; empty before the first engine of this version.</param>
internal sealed record ServerAnswer(
    ServerAddress Address, string? Failure, bool IsPrimary, long SystemId, DateTimeOffset Started, int Timeline,
    ImmutableArray<Term> Terms);

public sealed record ServerAddress(string Host, int Port)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");
}

/// <summary>
/// Which of the servers that call themselves primary is the one. Law: a server that lacks the newest term that this
/// node has seen is never chosen, whatever its timeline: it is a former primary (or an old backup), and writing to it
/// would begin a second history. Pure.
/// </summary>
internal static class PrimaryChoice
{
    public static (ServerAnswer? Chosen, string Why) Choose(IReadOnlyList<ServerAnswer> answers, Term? known)
    {
        var primaries = answers.Where(a => a.IsPrimary).ToArray();
        var heirs = primaries.Where(a => Descends(a, known)).ToArray();
        if (heirs.Length == 0)
        {
            return (null, primaries.Length == 0
                ? "no server is a primary: " + string.Join("; ", answers.Select(Words))
                : string.Join("; ", primaries.Select(p =>
                    $"{p.Address} is a former primary (timeline {p.Timeline}, its newest term is {p.Terms.FirstOrDefault()?.Number ?? 0}; "
                    + $"this cluster is in term {known!.Number}): nothing is written to it")));
        }

        var best = heirs.OrderByDescending(a => a.Terms.FirstOrDefault()?.Number ?? 0).ThenByDescending(a => a.Timeline).First();
        var rival = heirs.FirstOrDefault(a => !IsSame(a, best) && a.Timeline == best.Timeline
            && a.Terms.FirstOrDefault() == best.Terms.FirstOrDefault());
        return rival is null
            ? (best, "")
            : (null, $"{best.Address} and {rival.Address} are both primaries of timeline {best.Timeline}, and nothing tells which "
                + "is the former one: stop the one that must not be written to");
    }

    private static bool Descends(ServerAnswer server, Term? known) => known is null || server.Terms.Contains(known);

    private static bool IsSame(ServerAnswer a, ServerAnswer b) => a.SystemId == b.SystemId && a.Started == b.Started;

    private static string Words(ServerAnswer a) => a.Failure is { } why ? $"{a.Address}: {why}" : $"{a.Address} is a standby";
}
