using System.Diagnostics;
using System.Globalization;

namespace Orchestrator.Demo;

/// <summary>The hypervisor hosts as an onlooker in the machine room sees them: power, libvirt, processes, consoles.</summary>
public sealed class LabHosts(Installation installation)
{
    private static readonly DateTimeOffset _booted = DateTimeOffset.UtcNow
        - TimeSpan.FromSeconds(double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[0], CultureInfo.InvariantCulture));

    public string AddressOf(int host) => installation.HostAddress(host);

    public Task<string> Virsh(int host, params string[] arguments) =>
        Run("lab/hosts.sh", ["virsh", host.ToString(CultureInfo.InvariantCulture), .. arguments]);

    /// <summary>Ends everything on that host at this moment; its power controller is not asked, and says the truth later.</summary>
    public Task LosePower(int host) => Act(host, "off");

    /// <summary>lab/hosts.sh ACTION HOST …</summary>
    public Task<string> Act(int host, string action, params string[] more) =>
        Run("lab/hosts.sh", [action, host.ToString(CultureInfo.InvariantCulture), .. more]);

    /// <summary>Whether QEMU says that it runs the guest; null when it cannot be asked just now.</summary>
    public async Task<bool?> Runs(GuestProcess process, Guid vm)
    {
        if (InitOf(process.Host) is not { } init) return null;
        var (code, text) = await Start("nsenter", ["--target", init, "--mount", "--net", "--ipc", "--pid",
            "timeout", "2", "virsh", "qemu-monitor-command", vm.ToString(), """{"execute":"query-status"}"""]);
        return code == 0 ? text.Contains("\"running\":true", StringComparison.Ordinal) : null;
    }

    /// <summary>Through its power controller, which really kills everything on that host; when it took effect.</summary>
    public async Task<DateTimeOffset> CutPower(int host)
    {
        var asked = DateTimeOffset.UtcNow;
        await Run("lab/bmc.sh", ["fence", host.ToString(CultureInfo.InvariantCulture), "off"]);
        return PowerController(host, asked, "power off asked")
            ?? throw new DemoException($"The power controller of host {host} was not asked.");
    }

    public bool IsOn(int host) => ProcessNamespace(host) is not null;

    /// <summary>Runs a script of the repository and returns what it printed.</summary>
    /// <exception cref="DemoException">It failed; the message holds its words.</exception>
    public async Task<string> Run(string script, string[] arguments)
    {
        var (code, text) = await Start(Path.Combine(installation.Root, script), arguments);
        return code == 0 ? text : throw new DemoException($"{script} {string.Join(' ', arguments)}: {text.Trim()}");
    }

    private async Task<(int ExitCode, string Text)> Start(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment["ORCHESTRATOR_VAR"] = installation.Var;
        using var process = Process.Start(start) ?? throw new DemoException($"{program} could not be started.");
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, process.ExitCode == 0 ? output : $"{await errors} {output}");
    }

    /// <summary>The QEMU processes that carry this VM, on whatever host, read from /proc.</summary>
    public List<GuestProcess> Processes(Guid vm)
    {
        var hosts = installation.Hosts.Select(host => (host, space: ProcessNamespace(host))).ToArray();
        var found = new List<GuestProcess>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), out var pid) || !IsQemu(folder)) continue;
            try
            {
                var arguments = File.ReadAllText($"{folder}/cmdline").Split('\0');
                var uuid = Array.IndexOf(arguments, "-uuid");
                if (uuid < 0 || !Guid.TryParse(arguments[uuid + 1], out var id) || id != vm) continue;
                var space = File.ResolveLinkTarget($"{folder}/ns/pid", false)?.Name;
                var host = hosts.FirstOrDefault(h => h.space == space).host;
                found.Add(new GuestProcess(host, pid, arguments.Contains("-incoming"), StartOf(folder)));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It ended while we looked.
            }
        }

        return found;
    }

    /// <summary>The process of a host's agent.</summary>
    /// <exception cref="DemoException">There is none.</exception>
    public int Agent(int host)
    {
        var space = ProcessNamespace(host);
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
            try
            {
                if (int.TryParse(Path.GetFileName(folder), out var pid) && File.ResolveLinkTarget($"{folder}/ns/pid", false)?.Name == space
                    && File.ReadAllText($"{folder}/cmdline").Split('\0') is [var program, ..] words
                    && (program.EndsWith("dotnet", StringComparison.Ordinal) || program.EndsWith("Orchestrator.Host.Node", StringComparison.Ordinal))
                    && words.Contains("--config"))
                    return pid;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It ended while we looked.
            }

        throw new DemoException($"Host {host} has no agent.");
    }

    /// <summary>Lines with all these words in the serial logs of a host.</summary>
    public IEnumerable<string> Console(int host, params string[] words)
    {
        var folder = Path.Combine(FolderOf(host), "log");
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            if (!Path.GetFileName(file).Contains("serial", StringComparison.Ordinal)
                && !Path.GetFileName(file).Contains("console", StringComparison.Ordinal)) continue;
            foreach (var line in File.ReadLines(file))
                if (words.All(word => line.Contains(word, StringComparison.Ordinal)))
                    yield return line;
        }
    }

    /// <summary>The file in which this host keeps what the VM's guest writes on its serial console.</summary>
    public string ConsoleFile(int host, Guid vm) => Path.Combine(FolderOf(host), "log", "qemu", $"{vm}.console.log");

    /// <summary>When the host's power controller first wrote these words at or after this moment.</summary>
    public DateTimeOffset? PowerController(int host, DateTimeOffset from, string words)
    {
        var log = Path.Combine(installation.Var, "bmc", host.ToString(CultureInfo.InvariantCulture), "chassis.log");
        if (!File.Exists(log)) return null;
        foreach (var line in File.ReadLines(log))
            if (line.Contains(words, StringComparison.Ordinal)
                && DateTimeOffset.TryParse(line.Split(' ')[0], CultureInfo.InvariantCulture,
                    DateTimeStyles.AssumeUniversal, out var at) && at >= from)
                return at;
        return null;
    }

    private string? ProcessNamespace(int host)
    {
        try
        {
            return InitOf(host) is { } pid ? File.ResolveLinkTarget($"/proc/{pid}/ns/pid", false)?.Name : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The host's first process, as the machine numbers it.</summary>
    private string? InitOf(int host)
    {
        try
        {
            return File.ReadAllText(Path.Combine(FolderOf(host), "init.pid")).Split(' ')[0];
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>How often libvirt has seen QEMU of the guest of that name end by a crash of its own, on this host.</summary>
    public int QemuCrashes(int host, string guest)
    {
        var logs = Path.Combine(FolderOf(host), "log", "qemu");
        return Directory.Exists(logs)
            ? Directory.EnumerateFiles(logs, $"{guest}*.log").Where(f => !f.EndsWith(".console.log", StringComparison.Ordinal))
                .Sum(log => File.ReadLines(log).Count(line => line.EndsWith("shutting down, reason=crashed", StringComparison.Ordinal)))
            : 0;
    }

    private string FolderOf(int host) =>
        Path.Combine(installation.Var, "hosts", host.ToString(CultureInfo.InvariantCulture));

    private static bool IsQemu(string folder)
    {
        try
        {
            return File.ReadAllText($"{folder}/comm").StartsWith("qemu-system", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Field 22 of /proc/PID/stat: hundredths of a second since the machine's boot.</summary>
    private static DateTimeOffset StartOf(string folder)
    {
        var stat = File.ReadAllText($"{folder}/stat");
        var ticks = stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
        return _booted + TimeSpan.FromMilliseconds(10 * long.Parse(ticks, CultureInfo.InvariantCulture));
    }
}
