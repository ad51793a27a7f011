using System.Collections;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Xunit.Abstractions;

namespace Orchestrator.Tests.EndToEnd;

/// <summary>
/// An installation of its own, in a temporary folder and on addresses that `./do up` does not take by default, so that
/// a running installation is not touched. Taken down with the test, whatever happened.
/// </summary>
public sealed class Laboratory : IAsyncDisposable
{
    private const string LoopbackPrefix = "127.0.7";
    private const string NetworkPrefix = "10.177.7";
    private readonly ITestOutputHelper _output;
    private readonly string _var;

    private Laboratory(ITestOutputHelper output, string var) => (_output, _var) = (output, var);

    public static string BmcAddress => $"{NetworkPrefix}.254";
    public string BmcPassword => File.ReadAllText(Path.Combine(_var, "secrets", "bmc-password")).Trim();

    public string AdminPasswordFile => Path.Combine(_var, "secrets", "admin-password");
    public string AdminPassword => File.ReadAllText(AdminPasswordFile).Trim();
    public string CaFile => Path.Combine(_var, "pki", "ca.crt");

    /// <summary>Folder of the test guest's kernel and initrd.</summary>
    public string Guest => Path.Combine(_var, "guest");

    public static string Node(int number) => $"{LoopbackPrefix}.{10 + number}";

    /// <summary>Skips the test where hosts cannot be had.</summary>
    public static Laboratory Open(ITestOutputHelper output)
    {
        Skip.IfNot(Environment.UserName == "root", "hypervisor hosts in namespaces need root");
        foreach (var program in (string[])["libvirtd", "qemu-system-x86_64", "fence_ipmilan", "ipmi_sim", "ip"])
            Skip.IfNot(IsInstalled(program), $"{program} is not installed; lab/packages.sh installs it");
        var folder = Directory.CreateTempSubdirectory("orchestrator-lab-").FullName;
        return new Laboratory(output, folder);
    }

    /// <summary>Runs a script of the repository; its output goes to the test's.</summary>
    public Task<(int ExitCode, string Output)> Try(string script, params string[] arguments) =>
        Start(Path.Combine(Root(), script), arguments, []);

    public Task<(int ExitCode, string Output)> Psql(string password, params string[] arguments) =>
        Start("psql", arguments, new() { ["PGPASSWORD"] = password });

    public async Task<string> Run(string script, params string[] arguments)
    {
        var (code, text) = await Try(script, arguments);
        Assert.True(code == 0, $"{script} {string.Join(' ', arguments)} ended with {code}: {text}");
        return text;
    }

    /// <summary>Runs a program of this machine in the same way.</summary>
    public Task<(int ExitCode, string Output)> TryProgram(string program, params string[] arguments) => Start(program, arguments, []);

    public async Task<string> RunProgram(string program, params string[] arguments)
    {
        var (code, text) = await TryProgram(program, arguments);
        Assert.True(code == 0, $"{program} {string.Join(' ', arguments)} ended with {code}: {text}");
        return text;
    }

    public async ValueTask DisposeAsync() => await Try("do", "down", "--erase");

    private async Task<(int ExitCode, string Output)> Start(
        string program, string[] arguments, Dictionary<string, string> environment)
    {
        var start = new ProcessStartInfo("/bin/bash", ["-c", "exec \"$@\" 2>&1", "bash", program, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
            // The test runner's build engine must not become that of the builds that we start.
            if (((string)variable.Key).StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase))
                start.Environment.Remove((string)variable.Key);
        start.Environment["ORCHESTRATOR_VAR"] = _var;
        start.Environment["LAB_NET"] = NetworkPrefix;
        start.Environment["LAB_LOOP"] = LoopbackPrefix;
        foreach (var (name, value) in environment) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var text = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        _output.WriteLine($"$ {program} {string.Join(' ', arguments)}\n{text}");
        return (process.ExitCode, text);
    }

    private static bool IsInstalled(string program) =>
        ((string[])["/usr/bin", "/usr/sbin", "/bin", "/sbin"]).Any(folder => File.Exists(Path.Combine(folder, program)));

    private static string Root([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", ".."));
}
