using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Host.Node;

/// <summary>The agent of this machine: a unit of systemd where that runs, else a process of its own. To start what runs is no
/// error; to start it anew leaves guests alone.</summary>
internal sealed class AgentProcess(HostPlaces places)
{
    private const string UnitName = "orchestrator-agent.service";
    private static readonly TimeSpan EndsWithin = TimeSpan.FromSeconds(15), ListensWithin = TimeSpan.FromSeconds(60);

    /// <returns>A sentence.</returns>
    public async Task<string> Start(CancellationToken cancel)
    {
        if (places.UsesSystemd)
        {
            var changed = await WriteUnit(cancel);
            await Systemctl(cancel, "enable", "--quiet", UnitName);
            await Systemctl(cancel, changed ? "restart" : "start", UnitName);
            return $"The unit {UnitName} is started.";
        }

        if (Running() is { } pid) return $"The agent runs (process {pid}).";
        return $"The agent is started (process {await Spawn(cancel)}); no systemd watches over it here. It logs to {places.Log}.";
    }

    public async Task<string> Restart(CancellationToken cancel)
    {
        if (places.UsesSystemd)
        {
            await WriteUnit(cancel);
            await Systemctl(cancel, "restart", UnitName);
            return $"The unit {UnitName} is started anew.";
        }

        if (Running() is { } pid) await End(pid, cancel);
        return $"The agent is started anew (process {await Spawn(cancel)}).";
    }

    /// <exception cref="UsageException">It does not listen in time.</exception>
    public async Task Listens(int port, CancellationToken cancel)
    {
        var began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began) < ListensWithin)
        {
            using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync("localhost", port, cancel);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(200, cancel);
            }
        }

        throw new UsageException($"the agent does not listen at port {port} after {ListensWithin.TotalSeconds} s; its words: "
            + (places.UsesSystemd ? $"journalctl -u {UnitName}" : places.Log));
    }

    /// <summary>How this very program is called again.</summary>
    private static (string Program, string[] Arguments) Self()
    {
        var program = Environment.ProcessPath ?? throw new UsageException("this process does not know where its program is");
        var main = Environment.GetCommandLineArgs()[0];
        return Path.GetFileNameWithoutExtension(program) == "dotnet" ? (program, [Path.GetFullPath(main)]) : (Stable(program), []);
    }

    /// <summary>The link through which later versions are started: see the installer's folders.</summary>
    private static string Stable(string program)
    {
        var folder = Path.GetDirectoryName(program)!;
        var link = Path.Combine(folder, "..", "..", "current");
        return Path.GetFileName(Path.GetDirectoryName(folder)) == "releases" && Path.Exists(link)
            ? Path.Combine(Path.GetFullPath(link), Path.GetFileName(program))
            : program;
    }

    private async Task<bool> WriteUnit(CancellationToken cancel)
    {
        var (program, arguments) = Self();
        var unit = $"""
            # Written by 'orchestrator host join'. Settings of your own belong into {UnitName}.d/.
            [Unit]
            Description=Orchestrator's agent on this hypervisor
            After=network-online.target libvirtd.service virtqemud.service
            Wants=network-online.target
            StartLimitIntervalSec=0

            [Service]
            ExecStart={string.Join(' ', (string[])[program, .. arguments])} --config {places.Config}
            Restart=always
            RestartSec=1
            # Guests, image programs and hooks are not the agent's to end.
            KillMode=process
            OOMScoreAdjust=-900
            # Where guests take all processors, an agent that comes to its turn too late looks like a dead host.
            Nice=-20
            LimitNOFILE=65536

            [Install]
            WantedBy=multi-user.target

            """;
        if (File.Exists(HostPlaces.Unit) && await File.ReadAllTextAsync(HostPlaces.Unit, cancel) == unit) return false;
        await File.WriteAllTextAsync($"{HostPlaces.Unit}.draft", unit, cancel);
        File.Move($"{HostPlaces.Unit}.draft", HostPlaces.Unit, overwrite: true);
        await Systemctl(cancel, "daemon-reload");
        return true;
    }

    private static async Task Systemctl(CancellationToken cancel, params string[] arguments)
    {
        var end = await ShortProgram.Run("systemctl", arguments, "", cancel);
        if (end.ExitCode != 0) throw new UsageException($"systemctl {string.Join(' ', arguments)} ended with {end.ExitCode}: {end.Words}");
    }

    private int? Running() =>
        File.Exists(places.Pid) && int.TryParse(File.ReadAllText(places.Pid), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && IsOurs(pid)
            ? pid
            : null;

    /// <summary>Numbers of processes are given again.</summary>
    private bool IsOurs(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline").Split('\0').Contains(places.Config)
                && !File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private async Task End(int pid, CancellationToken cancel)
    {
        await Signal(pid, "TERM", cancel);
        var began = Stopwatch.GetTimestamp();
        while (IsOurs(pid))
        {
            if (Stopwatch.GetElapsedTime(began) > EndsWithin) await Signal(pid, "KILL", cancel);
            await Task.Delay(50, cancel);
        }
    }

    private static Task<ProgramEnd> Signal(int pid, string name, CancellationToken cancel) =>
        ShortProgram.Run("kill", [$"-{name}", pid.ToString(CultureInfo.InvariantCulture)], "", cancel);

    /// <summary>In a session of its own and with files of its own: it outlives the login that started it.</summary>
    private async Task<int> Spawn(CancellationToken cancel)
    {
        Directory.CreateDirectory(places.Run);
        var (program, arguments) = Self();
        const string Script = """
            pid=$1; log=$2; shift 2
            setsid "$@" < /dev/null >> "$log" 2>&1 &
            printf '%s' $! > "$pid.draft"; mv "$pid.draft" "$pid"
            """;
        var end = await ShortProgram.Run(
            "sh", ["-c", Script, "sh", places.Pid, places.Log, program, .. arguments, "--config", places.Config], "", cancel);
        if (end.ExitCode != 0) throw new UsageException($"the agent cannot be started: {end.Words}");
        return int.Parse(await File.ReadAllTextAsync(places.Pid, cancel), CultureInfo.InvariantCulture);
    }
}
