namespace Orchestrator.Actors.Journal;

/// <summary>
/// An entity's state as a shortcut for its recovery; the events remain the truth and are never deleted for it. A copy
/// is read only by the very build that wrote it: another build may replay the same events to a richer or a mended state,
/// so it ignores the copy and replays all.
/// </summary>
public sealed record StateCopy(object State)
{
    private const string Prefix = "copy/";

    /// <summary>Names this build of the rules: its compiler gives every other one another name.</summary>
    private static readonly string _build = typeof(StateCopy).Module.ModuleVersionId.ToString("N");

    /// <summary>What stands beside the copy in the database. The CLR name in it never meets another build.</summary>
    internal string Manifest => $"{Prefix}{_build}/{State.GetType().FullName}";

    internal static bool Is(string manifest) => manifest.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>The type of the state in it; null when another build wrote it.</summary>
    internal static Type? TypeOf(string manifest) =>
        manifest.Split('/') is [_, var build, var name] && build == _build ? typeof(StateCopy).Assembly.GetType(name) : null;
}
