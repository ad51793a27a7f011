using System.Globalization;
using Orchestrator.Actors.Host;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Host.Node;

/// <param name="Package">The folder that is brought to hosts.</param>
/// <param name="Folder">Where it goes there.</param>
/// <param name="Engines">Addresses of the engine for the host.</param>
/// <param name="KeyFile">The engine's SSH key; empty: it has none, and only passwords are used.</param>
/// <param name="JoinOptions">Further options of 'orchestrator host join'.</param>
internal sealed record InstallSettings(
    string Package, string Folder, string Engines, string KeyFile, IReadOnlyList<string> JoinOptions, TimeSpan Limit);

/// <summary>
/// Brings the agent to a host: copies the package into a folder of its own, turns the link 'current' to it, and has it join or
/// start anew. Each step looks at what is there, and a lock on the host keeps two that install it apart.
/// </summary>
internal sealed class SshInstaller(InstallSettings settings, IHostTokens tokens, IHostAuthority authority) : IHostInstaller
{
    private static readonly TimeSpan TokenLife = TimeSpan.FromMinutes(30);

    public async Task<InstallEnd> Run(InstallOrder order, Action<string, string?> step, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(settings.Limit);
        try
        {
            return await Install(order, step, limit.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new InstallEnd(false, $"it took longer than {settings.Limit.TotalMinutes:F0} minutes (orchestrator.hosts.install.limit)");
        }
        catch (Exception e) when (e is IOException or NotSignedException or UnauthorizedAccessException or FormatException)
        {
            return new InstallEnd(false, ProgramEnd.InOneLine(e.Message));
        }
    }

    private async Task<InstallEnd> Install(InstallOrder order, Action<string, string?> step, CancellationToken cancel)
    {
        var ssh = order.Config.Ssh!;
        if (order.Password is null && settings.KeyFile == "")
            return new InstallEnd(false, "the engine has no SSH key of its own (orchestrator.hosts.install.key-file), and no password was given");
        var key = await SshHostKey.Of(order.Config.Address, ssh.Port, ssh.Fingerprint, cancel);
        step($"Connecting as {order.User} to {order.Config.Address}, port {ssh.Port}", ssh.Fingerprint == "" ? key.Fingerprint : null);
        using var login = SshLogin.To(key, order, settings.KeyFile);
        var package = new AgentPackage(settings.Package);
        var release = package.Release(Node.Version);
        var looked = await login.Run(Look(release), null, cancel);
        if (looked.ExitCode == 255) return Failed("the login failed", looked);
        if (looked.ExitCode != 0) return Failed("this user cannot become root there (sudo -n)", looked);
        var found = looked.Output.Split('\n', StringSplitOptions.TrimEntries);
        if (!package.HasRuntime && !found.Contains("runtime"))
            return new InstallEnd(false, "the host has no ASP.NET Core runtime 10 (packages aspnetcore-runtime-10.0); install it there, or name a package that was published self-contained");
        if (!found.Contains("there"))
        {
            step($"Copying the agent {release}", null);
            var copied = await login.Run(Copy(release), to => package.Write(to, cancel), cancel);
            if (copied.ExitCode != 0) return Failed("the agent could not be copied", copied);
        }

        if (order.Kind == DeployKind.Upgrade)
        {
            step($"Starting the agent {release} in place of the one that runs", null);
            var upgraded = await login.Run(Turn(release, $"host restart {Rooted()}"), null, cancel);
            return upgraded.ExitCode == 0 ? new InstallEnd(true, $"The agent is {release}") : Failed("the new agent did not start, the former one was started again", upgraded);
        }

        step("The host joins and starts its agent", null);
        var token = await Token(order, cancel);
        var joined = await login.Run(
            $"{Authorize(order)}{Turn(release, Join(order))}", to => to.WriteAsync(System.Text.Encoding.UTF8.GetBytes(token), cancel).AsTask(), cancel);
        return joined.ExitCode == 0 ? new InstallEnd(true, $"The agent is {release}") : Failed("the host did not join", joined);
    }

    private async Task<string> Token(InstallOrder order, CancellationToken cancel)
    {
        var authorities = new System.Security.Cryptography.X509Certificates.X509Certificate2Collection();
        authorities.ImportFromPem(authority.Authorities);
        var token = JoinToken.New(authorities);
        await tokens.Keep(token, order.Config.Cluster, order.Host, "system", TokenLife, cancel);
        return token.Text;
    }

    /// <summary>What the host has.</summary>
    private string Look(string release) => $"""
        set -eu
        test "$(id -u)" = 0
        if test -e {Place(release)}/complete; then echo there; fi
        if command -v dotnet > /dev/null && dotnet --list-runtimes | grep -q '^Microsoft.AspNetCore.App 10\.'; then echo runtime; fi
        """;

    private string Copy(string release) => $"""
        set -eu
        umask 022
        mkdir -p {In("releases")}
        exec 9> {In(".lock")}
        flock -w 300 9
        rm -rf {Place(release)}.part {Place(release)}
        mkdir {Place(release)}.part
        tar -xzf - -C {Place(release)}.part
        mv {Place(release)}.part {Place(release)}
        touch {Place(release)}/complete
        """;

    /// <summary>From now on this release is the one; when its command fails, the one before is again. Older ones are deleted.</summary>
    private string Turn(string release, string command) => $$"""
        set -eu
        exec 9> {{In(".lock")}}
        flock -w 300 9
        before=$(readlink {{In("current")}} || true)
        ln -sfn releases/{{release}} {{In("current.new")}}
        mv -T {{In("current.new")}} {{In("current")}}
        if {{In("current")}}/orchestrator {{command}} 9>&-; then
          for old in {{In("releases")}}/*; do
            case "releases/${old##*/}" in releases/{{release}}|"$before") ;; *) rm -rf "$old" ;; esac
          done
          exit 0
        fi
        if test -n "$before" && test "$before" != releases/{{release}}; then
          ln -sfn "$before" {{In("current.new")}}
          mv -T {{In("current.new")}} {{In("current")}}
          {{In("current")}}/orchestrator host restart {{Rooted()}} 9>&- > /dev/null || true
        fi
        exit 1
        """;

    private string Join(InstallOrder order) => string.Join(' ',
    [
        "host join --token-file - --start anew",
        "--engine", SshLogin.Quoted(settings.Engines),
        "--name", SshLogin.Quoted(order.Config.Name),
        "--address", SshLogin.Quoted(order.Config.Address),
        "--port", order.Config.Port.ToString(CultureInfo.InvariantCulture),
        .. settings.JoinOptions.Select(SshLogin.Quoted),
    ]);

    /// <summary>Who was let in with a password once is let in with the engine's key from then on.</summary>
    private string Authorize(InstallOrder order)
    {
        if (order.Password is null || settings.KeyFile == "" || !File.Exists($"{settings.KeyFile}.pub")) return "";
        var key = SshLogin.Quoted(File.ReadAllText($"{settings.KeyFile}.pub").Trim());
        return $"""
            home=$(getent passwd {SshLogin.Quoted(order.User)} | cut -d: -f6)
            if test -n "$home"; then
              mkdir -p -m 700 "$home/.ssh"
              touch "$home/.ssh/authorized_keys"
              grep -qxF {key} "$home/.ssh/authorized_keys" || echo {key} >> "$home/.ssh/authorized_keys"
              chmod 600 "$home/.ssh/authorized_keys"
              chown -R {SshLogin.Quoted(order.User)}: "$home/.ssh"
            fi

            """;
    }

    /// <summary>The option of the two commands that are run on hosts besides joining.</summary>
    private string Rooted()
    {
        var at = settings.JoinOptions.ToList().IndexOf("--root");
        return at < 0 || at + 1 >= settings.JoinOptions.Count ? "" : $"--root {SshLogin.Quoted(settings.JoinOptions[at + 1])}";
    }

    private string Place(string release) => In($"releases/{release}");

    private string In(string name) => SshLogin.Quoted($"{settings.Folder}/{name}");

    private static InstallEnd Failed(string what, ProgramEnd end) => new(false, $"{what}: {end.Words}");
}
