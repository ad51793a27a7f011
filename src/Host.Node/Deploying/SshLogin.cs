using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Orchestrator.Actors.Host;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Host.Node;

/// <summary>
/// Logins to one host with the system's ssh client: only where the host shows the key that is expected, with a password or with the
/// engine's key. The password stands in a file that only this process and ssh see, in memory where there is /dev/shm, until the
/// object is disposed; it is in no argument and in no environment.
/// </summary>
internal sealed class SshLogin : IDisposable
{
    /// <summary>The host's own name in our file of known hosts, whatever its address.</summary>
    private const string Alias = "the-host";

    private const string Prefix = "orchestrator-ssh-";

    private readonly DirectoryInfo _folder;
    private readonly IReadOnlyList<string> _arguments;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly bool _root;

    private SshLogin(DirectoryInfo folder, SshHostKey key, InstallOrder order, string keyFile)
    {
        _folder = folder;
        _root = order.User == "root";
        var known = Path.Combine(folder.FullName, "known_hosts");
        File.WriteAllText(known, $"{Alias} {key.Type} {key.Key}\n");
        _environment = order.Password is { } password ? Asking(password) : new Dictionary<string, string>();
        _arguments =
        [
            "-F", "/dev/null",
            "-o", "StrictHostKeyChecking=yes", "-o", $"UserKnownHostsFile={known}", "-o", "GlobalKnownHostsFile=/dev/null",
            "-o", $"HostKeyAlias={Alias}", "-o", "UpdateHostKeys=no",
            "-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3",
            .. order.Password is null
                ? (string[])["-o", "BatchMode=yes", "-o", "PreferredAuthentications=publickey", "-o", "IdentitiesOnly=yes", "-i", keyFile]
                : ["-o", "PreferredAuthentications=password,keyboard-interactive", "-o", "NumberOfPasswordPrompts=1", "-o", "PubkeyAuthentication=no"],
            "-l", order.User,
            "-p", order.Config.Ssh!.Port.ToString(CultureInfo.InvariantCulture),
            "--", order.Config.Address,
        ];
    }

    public static SshLogin To(SshHostKey key, InstallOrder order, string keyFile)
    {
        var place = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();
        Sweep(place);
        var folder = Directory.CreateDirectory(
            Path.Combine(place, $"{Prefix}{Environment.ProcessId}-{Guid.NewGuid():N}"),
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        try
        {
            return new SshLogin(folder, key, order, keyFile);
        }
        catch
        {
            folder.Delete(recursive: true);
            throw;
        }
    }

    /// <summary>Runs a script there as root.</summary>
    /// <param name="feed">Writes the script's standard input; null: there is none.</param>
    public async Task<ProgramEnd> Run(string script, Func<Stream, Task>? feed, CancellationToken cancel)
    {
        using var process = Start(script);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancel);
            var errors = process.StandardError.ReadToEndAsync(cancel);
            try
            {
                if (feed is not null) await feed(process.StandardInput.BaseStream);
                process.StandardInput.Close();
            }
            catch (IOException)
            {
                // It ended before it had read all: its own words say why.
            }

            await process.WaitForExitAsync(cancel);
            return new ProgramEnd(process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            throw;
        }
    }

    /// <summary>What a node that was killed has left behind.</summary>
    internal static void Sweep(string place)
    {
        foreach (var left in Directory.GetDirectories(place, $"{Prefix}*"))
        {
            if (Directory.Exists($"/proc/{Path.GetFileName(left)[Prefix.Length..].Split('-')[0]}")) continue;
            try
            {
                Directory.Delete(left, recursive: true);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Another user's, or swept by another process in this moment.
            }
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);

    public static string Quoted(string word) => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private Process Start(string script)
    {
        var start = new ProcessStartInfo("ssh")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var argument in _arguments) start.ArgumentList.Add(argument);
        start.ArgumentList.Add($"{(_root ? "" : "sudo -n ")}sh -c {Quoted(script)}");
        foreach (var (name, value) in _environment) start.Environment[name] = value;
        try
        {
            return Process.Start(start) ?? throw new IOException("ssh cannot be run");
        }
        catch (Win32Exception e)
        {
            throw new IOException($"ssh cannot be run: {e.Message}; install openssh-client on the engine's nodes", e);
        }
    }

    private Dictionary<string, string> Asking(string password)
    {
        var (secret, asking) = (Path.Combine(_folder.FullName, "password"), Path.Combine(_folder.FullName, "ask"));
        Write(secret, password, UnixFileMode.UserRead);
        Write(asking, $"#!/bin/sh\nexec cat {Quoted(secret)}\n", UnixFileMode.UserRead | UnixFileMode.UserExecute);
        return new Dictionary<string, string> { ["SSH_ASKPASS"] = asking, ["SSH_ASKPASS_REQUIRE"] = "force", ["DISPLAY"] = "none" };
    }

    private static void Write(string path, string text, UnixFileMode mode)
    {
        using var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode });
        file.Write(System.Text.Encoding.UTF8.GetBytes(text));
    }
}

/// <summary>A key that a host shows to who logs in.</summary>
/// <param name="Key">As in a file of known hosts.</param>
internal sealed record SshHostKey(string Type, string Key)
{
    private static readonly string[] Preferred = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"];

    public string Fingerprint => $"SHA256:{Convert.ToBase64String(SHA256.HashData(Convert.FromBase64String(Key))).TrimEnd('=')}";

    /// <summary>The key with this fingerprint, or the best one when none is expected.</summary>
    /// <exception cref="IOException">The host does not answer, or shows other keys.</exception>
    public static async Task<SshHostKey> Of(string address, int port, string expected, CancellationToken cancel)
    {
        var end = await ShortProgram.Run(
            "ssh-keyscan", ["-T", "10", "-p", port.ToString(CultureInfo.InvariantCulture), "--", address], "", cancel);
        var shown = Parse(end.Output);
        if (shown.Count == 0) throw new IOException($"no SSH service answers at {address}, port {port}: {end.Words}");
        var wanted = expected.StartsWith("SHA256:", StringComparison.Ordinal) ? expected : $"SHA256:{expected}";
        return (expected == ""
                ? shown.OrderBy(k => Array.IndexOf(Preferred, k.Type) is var at && at < 0 ? Preferred.Length : at).First()
                : shown.FirstOrDefault(k => k.Fingerprint == wanted.TrimEnd('=')))
            ?? throw new IOException(
                $"the host at {address} does not show the SSH key with the fingerprint {wanted}, but {string.Join(", ", shown.Select(k => $"{k.Type} {k.Fingerprint}"))}; "
                + "find out why, and give its fingerprint in ssh.fingerprint");
    }

    internal static IReadOnlyList<SshHostKey> Parse(string scanned) =>
    [
        .. scanned.Split('\n').Where(l => !l.StartsWith('#')).Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(parts => parts.Length >= 3).Select(parts => new SshHostKey(parts[1], parts[2].Trim())),
    ];
}
