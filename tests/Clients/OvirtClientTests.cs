using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Clients;

/// <summary>libgovirt, the library of virt-viewer and GNOME Boxes, and virt-viewer itself, as Debian ships them. Each talks to another
/// engine node than the one before.</summary>
public sealed partial class OvirtClientTests(ITestOutputHelper output)
{
    private const string User = "admin@internal", Name = "client-vm";

    [SkippableFact]
    public async Task Libgovirt_and_virt_viewer_work_unchanged()
    {
        foreach (var file in (string[])["/usr/lib/x86_64-linux-gnu/girepository-1.0/GoVirt-1.0.typelib", "/usr/bin/remote-viewer", "/usr/bin/Xvfb", "/usr/bin/xdotool"])
            Skip.IfNot(File.Exists(file), $"{file} is not there; lab/packages.sh tests installs it");
        await using var lab = Laboratory.Open(output);
        await lab.Run("do", "up", "--hosts", "real:1");
        using var engine = new EngineHttp($"{Laboratory.Node(1)}:8443", lab.CaFile, User, lab.AdminPassword);
        var vm = await MakeVm(engine, lab);

        var steps = Steps(await lab.RunProgram("/usr/bin/python3", Beside("govirt.py"),
            $"{Laboratory.Node(2)}:8443", lab.CaFile, User, lab.AdminPasswordFile, Name));
        Assert.Equal("True", steps["logged in"]);
        Assert.Equal(Name, steps["VMs"]);
        Assert.Equal("host1", steps["hosts"]);
        Assert.Equal("Default", steps["clusters"]);
        Assert.Equal("Default", steps["data centers"]);
        Assert.Equal("shared", steps["storage domains"]);
        Assert.Equal(Name, steps["found"]);
        Assert.Equal("1", steps["CD drives"]);
        Assert.Equal("down", steps["before"]);
        Assert.Equal("True", steps["start"]);
        Assert.Equal("True", steps["up"]);
        Assert.Equal("Conflict", steps["start again"]);
        Assert.Equal("True", steps["ticket"]);
        Assert.Matches(@"^vnc [0-9.]+ 59[0-9]{2}$", steps["screen"]);
        Assert.Matches("^[A-Za-z0-9]{8}$", steps["password"]);
        Assert.Equal("True", steps["stop"]);
        Assert.Equal("True", steps["down"]);

        await engine.Post($"vms/{vm}/start", []);
        await Until("the VM to be up", async () => (string?)(await engine.Get($"vms/{vm}"))["status"] == "up");
        Assert.Equal("shown", await View(lab, await ViewerFile(engine, vm)));
        // The check can fail: the same file with another password is not let in.
        Assert.StartsWith("not shown", await View(lab, Password().Replace(await ViewerFile(engine, vm), "password=otherone"), seconds: 6), StringComparison.Ordinal);
    }

    private static async Task<string> MakeVm(EngineHttp engine, Laboratory lab) => (string)(await engine.Post("vms", new JsonObject
    {
        ["name"] = Name,
        ["cluster"] = new JsonObject { ["name"] = "Default" },
        ["template"] = new JsonObject { ["name"] = "Blank" },
        ["memory"] = $"{192 << 20}",
        ["os"] = new JsonObject
        {
            ["type"] = "other_linux",
            ["kernel"] = Path.Combine(lab.Guest, "vmlinuz"),
            ["initrd"] = Path.Combine(lab.Guest, "initrd.gz"),
            ["cmdline"] = "console=ttyS0 quiet panic=-1 swiotlb=noforce",
        },
    }))["id"]!;

    private static async Task<string> ViewerFile(EngineHttp engine, string vm)
    {
        var console = (string)(await engine.Get($"vms/{vm}/graphicsconsoles"))["graphics_console"]![0]!["id"]!;
        var answer = await engine.Post($"vms/{vm}/graphicsconsoles/{console}/remoteviewerconnectionfile", []);
        return Encoding.UTF8.GetString(Convert.FromBase64String((string)answer["remote_viewer_connection_file"]!));
    }

    /// <returns>The first line of what was seen.</returns>
    private static async Task<string> View(Laboratory lab, string content, int seconds = 40)
    {
        var file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.vv");
        await File.WriteAllTextAsync(file, content);
        try
        {
            var (_, seen) = await lab.TryProgram("/bin/bash", Beside("viewer.sh"), file, Name, $"{seconds}");
            return seen.Split('\n')[0];
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static Dictionary<string, string> Steps(string told) => told.Split('\n')
        .Select(line => line.Split(": ", 2)).Where(pair => pair.Length == 2)
        .GroupBy(pair => pair[0]).ToDictionary(step => step.Key, step => step.Last()[1]);

    private static async Task Until(string what, Func<Task<bool>> so)
    {
        for (var attempt = 0; attempt < 200; attempt++)
        {
            if (await so()) return;
            await Task.Delay(300);
        }

        Assert.Fail($"waited a minute in vain for {what}");
    }

    private static string Beside(string file, [CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, file);

    [GeneratedRegex("password=.*")]
    private static partial Regex Password();
}
