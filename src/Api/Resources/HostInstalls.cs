using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>
/// A host's own software: installed over SSH with root_password or ssh, upgraded, and given a new certificate. Passwords go into
/// <see cref="ISecrets"/> until the installation has ended, and are never shown.
/// </summary>
internal static class HostInstalls
{
    public static readonly string[] Actions = ["enrollcertificate", "install", "upgrade", "upgradecheck"];

    public static void Map(Router router) => router
        .Post("hosts/{id}/install", Install)
        .Post("hosts/{id}/upgrade", call => Send(call, origin => new HostCommand.Deploy(origin, DeployKind.Upgrade)))
        .Post("hosts/{id}/upgradecheck", UpgradeCheck)
        .Post("hosts/{id}/enrollcertificate", call => Send(call, origin => new HostCommand.Deploy(origin, DeployKind.Enroll)));

    /// <summary>How the engine is to log in, as a body says it; null: it says nothing of it.</summary>
    public static Login? Wanted(Element body, SshAccess? before)
    {
        var (root, ssh) = (body.Text("root_password"), body.One("ssh"));
        var method = ssh?.Text("authentication_method");
        if (root is null && method is null && ssh?.One("user") is null) return null;
        var port = ssh?.Integer("port") ?? before?.Port ?? 22;
        if (port is < 1 or > 65535) throw FaultException.Bad($"Host.ssh.port is {port}; a port is from 1 to 65535");
        var user = ssh?.One("user")?.Text("user_name") ?? "root";
        if (user.Length == 0 || !user.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-' or '.') || user[0] == '-')
            throw FaultException.Bad("Host.ssh.user.user_name is the name of a user on the host: letters, digits, - _ and .");
        var password = method == "publickey" ? null : root ?? ssh?.One("user")?.Text("password");
        if (method != "publickey" && string.IsNullOrEmpty(password))
            throw FaultException.Bad("Host.root_password, or ssh.user.password, is needed; or ssh.authentication_method publickey with the engine's own key");
        if (password?.Any(char.IsControl) == true) throw FaultException.Bad("Host.root_password must be one line without control characters");
        return new Login(new SshAccess(user, port, Fingerprint(ssh?.Text("fingerprint")) ?? before?.Fingerprint ?? ""), password);
    }

    /// <summary>Puts the password away before the command that names it.</summary>
    public static async Task Keep(ApiCall call, HostId host, Login login)
    {
        if (login.Password is { } password) await call.World.Secrets.Put(HostDeploying.SecretOf(host), password, call.Cancel);
    }

    public static Element? Show(SshAccess? access) => access is null ? null : Shapes.Ssh.New()
        .With("port", access.Port)
        .With("fingerprint", access.Fingerprint)
        .With("user", Shapes.SshUser.New().With("user_name", access.User));

    private static async Task<Answer> Install(ApiCall call)
    {
        var action = await call.ReadBody(Shapes.Action);
        var host = await Hosts.Read(call);
        var login = Wanted(action, host.Config.Ssh) ?? (action.One("host") is { } given ? Wanted(given, host.Config.Ssh) : null);
        // That of an installation which is under way must stay: the command is refused then.
        var kept = host.Status is "maintenance" or "install_failed" ? login : null;
        if (kept is not null) await Keep(call, host.Id, kept);
        return await Undone(call, host.Id, kept, () => Acts.Send(call, Kinds.Host, call.Id(), origin => new HostCommand.Deploy(origin, DeployKind.Install)
        {
            Ssh = login?.Access,
            WithPassword = login?.Password is not null,
            ThenActivate = action.Flag("activate") ?? true,
        }));
    }

    /// <summary>The password of what was refused is not kept.</summary>
    public static async Task<T> Undone<T>(ApiCall call, HostId host, Login? login, Func<Task<T>> command)
    {
        try
        {
            return await command();
        }
        catch (FaultException) when (login?.Password is not null)
        {
            await call.World.Secrets.Remove(HostDeploying.SecretOf(host), call.Cancel);
            throw;
        }
    }

    /// <summary>Whether there is a newer agent is known at any time: see the host's update_available.</summary>
    private static async Task<Answer> UpgradeCheck(ApiCall call)
    {
        await call.ReadBody(Shapes.Action);
        await Hosts.Read(call);
        return Acts.Complete();
    }

    private static async Task<Answer> Send(ApiCall call, Func<Origin, HostCommand> command)
    {
        await call.ReadBody(Shapes.Action);
        return await Acts.Send(call, Kinds.Host, call.Id(), command);
    }

    private static string? Fingerprint(string? given)
    {
        if (string.IsNullOrWhiteSpace(given)) return null;
        var print = given.Trim().TrimEnd('=');
        if (!print.StartsWith("SHA256:", StringComparison.Ordinal)) print = $"SHA256:{print}";
        return print.Length == 50 && print[7..].All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '+' or '/')
            ? print
            : throw FaultException.Bad($"Host.ssh.fingerprint is '{given}'; it is SHA256: and 43 characters, as ssh-keygen -l shows it");
    }

    internal sealed record Login(SshAccess Access, string? Password)
    {
        /// <summary>Without the password.</summary>
        public override string ToString() => $"login as {Access.User}";
    }
}
