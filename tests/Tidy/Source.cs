using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Orchestrator.Tests.Tidy;

/// <summary>The repository's own text, file by file and line by line.</summary>
internal static class Source
{
    public static string Root { get; } = Find();

    public static IEnumerable<string> Files(string folder) => Directory.Exists(Path.Combine(Root, folder))
        ? Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(Root, f))
            .Where(f => !f.Split('/').Any(p => p is "bin" or "obj")).Order(StringComparer.Ordinal)
        : [];

    /// <summary>"file:line: what" for each line that matches; comment lines too.</summary>
    public static IEnumerable<string> Lines(IEnumerable<string> files, string pattern, string better) =>
        from file in files
        from line in File.ReadLines(Path.Combine(Root, file)).Index()
        where Regex.IsMatch(line.Item, pattern)
        select $"{file}:{line.Index + 1}: {better}";

    public static string Read(string file) => File.ReadAllText(Path.Combine(Root, file));

    private static string Find([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(here, "../../.."));
}
