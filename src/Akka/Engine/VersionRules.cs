using System.Globalization;

namespace Orchestrator.Engine;

/// <summary>Which versions of the engine may be members together: the same major number, and minor numbers that differ
/// by one at most. Each version is tested beside the one before, and beside no other. 0.0 is what a program says that was
/// given no version (a test, a bench): it goes with all.</summary>
public static class VersionRules
{
    /// <summary>Why a node of this version cannot join, or null. What does not look like a version is let in.</summary>
    public static string? Refusal(NodeDescription self, IEnumerable<NodeRow> living)
    {
        if (Parse(self.AppVersion) is not { } mine) return null;
        var far = living.Where(m => Parse(m.Node.AppVersion) is { } other
            && (other.Major != mine.Major || Math.Abs(other.Minor - mine.Minor) > 1)).ToArray();
        return far.Length == 0
            ? null
            : $"This engine is version {Text(self)}, and the cluster has members of version "
            + $"{string.Join(", ", far.Select(m => $"{Text(m.Node)} ({m.Node.Host}:{m.Node.Port})"))}: only versions that "
            + "follow each other can run together. Upgrade through each minor version in turn, all nodes each time, or "
            + "stop the other nodes first.";
    }

    /// <summary>Without build metadata, which holds the process id.</summary>
    private static string Text(NodeDescription node) => node.AppVersion.Split('+')[0];

    private static (int Major, int Minor)? Parse(string version) =>
        version.Split('+', '-')[0].Split('.') is [var major, var minor, ..]
        && int.TryParse(major, NumberStyles.None, CultureInfo.InvariantCulture, out var a)
        && int.TryParse(minor, NumberStyles.None, CultureInfo.InvariantCulture, out var b)
        && (a, b) is not (0, 0)
            ? (a, b)
            : null;
}
