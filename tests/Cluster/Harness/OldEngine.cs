using System.Reflection;

namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>The engine as it was at a commit, built once per machine from the history of this repository.</summary>
public static class OldEngine
{
    /// <summary>Version 0.1.0 as it was landed: the first that anybody can have in use.</summary>
    public const string Landed = "434f522";

    /// <summary>orchestrator.dll of the commit, or why there is none.</summary>
    public static async Task<(string? Path, string? Obstacle)> Build(string commit)
    {
        var repository = typeof(OldEngine).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(a => a.Key == "RepoRoot").Value!;
        var home = Path.Combine(Path.GetTempPath(), $"orchestrator-engine-{commit}");
        var program = Path.Combine(home, "bin", "orchestrator.dll");
        if (File.Exists(program)) return (program, null);
        if (!Directory.Exists(repository)) return (null, $"the repository is not at {repository}");
        if ((await ChildProcess.Try("git", "-C", repository, "cat-file", "-e", $"{commit}^{{commit}}")).Code != 0)
            return (null, $"the history has no commit {commit} (a shallow clone?)");

        // Built beside its place and then moved: half a build is never taken for one.
        var draft = Path.Combine(Path.GetTempPath(), $"orchestrator-engine-{commit}-{Environment.ProcessId}");
        var source = Directory.CreateDirectory(Path.Combine(draft, "source")).FullName;
        var tar = Path.Combine(draft, "source.tar");
        await ChildProcess.Run("git", "-C", repository, "archive", "--output", tar, commit);
        await ChildProcess.Run("tar", "-x", "-C", source, "-f", tar);
        await ChildProcess.Run("dotnet", "publish", Path.Combine(source, "src", "Host.Node", "Host.Node.csproj"),
            "--configuration", "Release", "--output", Path.Combine(draft, "bin"));
        if (Directory.Exists(home)) Directory.Delete(home, recursive: true);
        Directory.Move(draft, home);
        return (program, null);
    }
}
