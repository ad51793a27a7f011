using System.Globalization;

namespace Orchestrator.Demo;

/// <summary>The command line: which trial, how often, from which seed.</summary>
public static class Arguments
{
    /// <returns>What to do with an installation, true when every promise was kept; null when it makes no sense.</returns>
    public static Func<Installation, Task<bool>>? Parse(string[] args)
    {
        var words = args.TakeWhile(a => !a.StartsWith("--", StringComparison.Ordinal)).ToArray();
        if (Options(args[words.Length..]) is not { } options) return null;
        var seed = Number(options, "--seed") ?? Random.Shared.Next(1, 1_000_000);
        return (words, options.Keys.Order().ToArray()) switch
        {
            ([], var known) when Only(known, "--rounds", "--takeovers") =>
                new WalkOptions() is var walk && walk with
                {
                    Rounds = Number(options, "--rounds") ?? walk.Rounds,
                    Takeovers = Number(options, "--takeovers") ?? walk.Takeovers,
                } is var chosen && chosen is { Rounds: > 0, Takeovers: > 0 } ? i => new Walk(i, chosen).Run() : null,
            (["migrations", .. var count], var known) when Only(known, "--encrypted", "--only", "--seed") && Count(count, 100) is { } rounds
                && Kind(options) is (true, var kind) && options.GetValueOrDefault("--encrypted", "no") is ("yes" or "no") and var encrypted =>
                i => new Migrations(i, new MigrationOptions(rounds, seed, kind, encrypted == "yes")).Run(),
            (["drain", .. var count], []) when Count(count, 20) is { } guests and <= Drain.MostGuests =>
                i => new Drain(i, guests).Run(),
            (["pauses", .. var count], var known) when Only(known, "--seed") && Count(count, 12) is { } pauses =>
                i => new Pauses(i, new PauseOptions(pauses, seed)).Run(),
            (["moves", .. var count], var known) when Only(known, "--seed") && Count(count, 40) is { } moves =>
                i => new DiskMoves(i, new DiskMoveOptions(moves, seed)).Run(),
            (["snapshots", .. var count], var known) when Only(known, "--seed") && Count(count, 100) is { } rounds =>
                i => new SnapshotRounds(i, new SnapshotOptions(rounds, seed)).Run(),
            (["operations", .. var count], var known) when Only(known, "--seed") && Count(count, 200) is { } operations =>
                i => new Operations(i, new OperationOptions(operations, seed)).Run(),
            (["fuzz", .. var count], var known) when Only(known, "--seed") && Count(count, 10) is { } minutes =>
                i => new Fuzz(i, new FuzzOptions(minutes, seed)).Run(),
            (["crowd", .. var count], []) when Count(count, 100) is { } crowd => i => new Crowd(i, crowd).Run(),
            (["starts", .. var count], []) when Count(count, 20) is { } starts => i => new Starts(i, starts).Run(),
            (["ha", .. var count], []) when Count(count, 3) is { } losses => i => new Restarts(i, losses).Run(),
            _ => null,
        };
    }

    private static Dictionary<string, string>? Options(string[] args)
    {
        var options = new Dictionary<string, string>();
        for (var at = 0; at < args.Length; at += 2)
            if (at + 1 >= args.Length || !options.TryAdd(args[at], args[at + 1])) return null;
        return options;
    }

    private static bool Only(string[] known, params string[] allowed) => known.All(allowed.Contains);

    private static (bool Understood, MishapKind? Kind) Kind(Dictionary<string, string> options) =>
        !options.TryGetValue("--only", out var name) ? (true, null)
        : Enum.TryParse<MishapKind>(name, ignoreCase: true, out var kind) ? (true, kind) : (false, null);

    private static int? Count(string[] words, int otherwise) => words switch
    {
        [] => otherwise,
        [var word] when int.TryParse(word, CultureInfo.InvariantCulture, out var count) && count > 0 => count,
        _ => null,
    };

    private static int? Number(Dictionary<string, string> options, string name) =>
        options.TryGetValue(name, out var text) && int.TryParse(text, CultureInfo.InvariantCulture, out var number) ? number : null;
}
