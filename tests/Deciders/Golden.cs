using System.Runtime.CompilerServices;

namespace Orchestrator.Tests.Deciders;

/// <summary>Compares a text with a file of the repository; UPDATE_GOLDEN=1 rewrites the file, to be reviewed as code.</summary>
public static class Golden
{
    public static void Is(string path, string text)
    {
        var file = Path.Combine(Root(), path);
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, text);
            return;
        }

        Assert.True(File.Exists(file), $"{path} is missing: UPDATE_GOLDEN=1 writes it");
        var stored = File.ReadAllText(file);
        if (stored == text) return;
        var (old, now) = (stored.Split('\n'), text.Split('\n'));
        var line = Enumerable.Range(0, Math.Max(old.Length, now.Length))
            .First(i => i >= old.Length || i >= now.Length || old[i] != now[i]);
        Assert.Fail(
            $"{path}:{line + 1} differs; if it is meant so, UPDATE_GOLDEN=1 rewrites it\n"
            + $"  stored: {(line < old.Length ? old[line] : "(end)")}\n  now:    {(line < now.Length ? now[line] : "(end)")}");
    }

    public static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(here, "../../.."));
}
