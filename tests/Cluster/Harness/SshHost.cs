using System.Security.Cryptography;

namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>
/// A machine that is logged in to: a real sshd on loopback with a password and a home of root's own, in a mount namespace, so that
/// those of this machine are neither used nor changed. Its libvirtd is that of a hypervisor host in namespaces.
/// </summary>
public sealed class SshHost : IAsyncDisposable
{
    private readonly string _folder;
    private readonly string _prefix;
    private readonly int _number;
    private readonly ChildProcess? _sshd;

    private SshHost(string folder, string prefix, int number, int port, ChildProcess? sshd) =>
        (_folder, _prefix, _number, Port, _sshd) = (folder, prefix, number, port, sshd);

    public const string Address = "127.0.0.1";

    public int Port { get; }

    public static string Password { get; } = $"Pw-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(10))}' \"$x";

    /// <summary>All that its agent has.</summary>
    public string Root => $"{_folder}/{_number}/root";

    public string Libvirt => $"qemu+unix:///system?socket={_folder}/{_number}/run/libvirt/libvirt-sock";

    /// <summary>Where releases go.</summary>
    public string Programs => $"{_folder}/{_number}/opt";

    public static string? Obstacle =>
        !Signals.IsRoot ? "hypervisor hosts need root"
        : ((string[])["/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/openssl", "/usr/sbin/libvirtd", "/usr/bin/qemu-system-x86_64"])
            .FirstOrDefault(p => !File.Exists(p)) is { } missing ? $"{missing} is not installed"
        : null;

    public static async Task<SshHost> Start(RunLog log, string folder, int number, bool withSsh)
    {
        var home = Directory.CreateDirectory($"{folder}/{number}").FullName;
        var prefix = $"cj{Environment.ProcessId % 10_000}h";
        await ChildProcess.Run("bash", Script, "up", folder, prefix, $"{number}");
        if (!withSsh) return new SshHost(folder, prefix, number, 0, null);

        var port = Ports.Free();
        Directory.CreateDirectory($"{home}/rootshome", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await ChildProcess.Run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", $"{home}/hostkey");
        await File.WriteAllTextAsync($"{home}/word", Password);
        var hash = (await ChildProcess.Run("openssl", "passwd", "-6", "-in", $"{home}/word")).Trim();
        await File.WriteAllTextAsync($"{home}/shadow", $"root:{hash}:20000:0:99999:7:::\nsshd:*:20000:0:99999:7:::\n");
        await File.WriteAllTextAsync($"{home}/sshd_config", $"""
            Port {port}
            ListenAddress {Address}
            HostKey {home}/hostkey
            PidFile none
            UsePAM no
            PermitRootLogin yes
            PasswordAuthentication yes
            KbdInteractiveAuthentication no
            LogLevel VERBOSE
            StrictModes no

            """);
        await File.WriteAllTextAsync($"{home}/sshd.sh", $"""
            mkdir -p /run/sshd
            mount --bind {home}/shadow /etc/shadow
            mount --bind {home}/rootshome /root
            exec /usr/sbin/sshd -D -e -f {home}/sshd_config
            """);
        var sshd = ChildProcess.Start($"sshd{number}", log, "unshare", "--mount", "--propagation", "private", "bash", $"{home}/sshd.sh");
        await Wait.Until(() => log.Of($"sshd{number}").Any(l => l.Contains("listening", StringComparison.Ordinal)),
            TimeSpan.FromSeconds(20), "sshd listens", () => string.Join(" | ", log.Of($"sshd{number}")));
        return new SshHost(folder, prefix, number, port, sshd);
    }

    public async Task<string> Fingerprint() =>
        (await ChildProcess.Run("ssh-keygen", "-l", "-f", $"{_folder}/{_number}/hostkey.pub")).Split(' ')[1];

    /// <summary>Of its agent's process.</summary>
    public int AgentPid => int.Parse(File.ReadAllText($"{Root}/run/pid"), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Of the processes of a guest.</summary>
    public static IReadOnlyList<int> Guests(string vm) =>
    [
        .. Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(n => int.TryParse(n, out _)).Where(n =>
        {
            try
            {
                return File.ReadAllText($"/proc/{n}/cmdline") is var line && line.Contains("qemu-system", StringComparison.Ordinal)
                    && line.Contains(vm, StringComparison.Ordinal);
            }
            catch (IOException)
            {
                return false;
            }
        }).Select(n => int.Parse(n!, System.Globalization.CultureInfo.InvariantCulture)),
    ];

    public async ValueTask DisposeAsync()
    {
        if (File.Exists($"{Root}/run/pid")) Signals.Send(AgentPid, Signals.Kill);
        if (_sshd is not null) await _sshd.DisposeAsync();
        await ChildProcess.Try("bash", Script, "down", _folder, _prefix, $"{_number}");
    }

    private static string Script => Path.Combine(
        typeof(SshHost).Assembly.GetCustomAttributes(typeof(System.Reflection.AssemblyMetadataAttribute), inherit: false)
            .Cast<System.Reflection.AssemblyMetadataAttribute>().Single(a => a.Key == "RepoRoot").Value!,
        "tests/Agent/Libvirt/host.sh");
}
