using System.Security.Cryptography.X509Certificates;
using Akka.Configuration;
using Orchestrator.Api.Access;
using Orchestrator.Api.Sso.Ldap;

namespace Orchestrator.Host.Node;

/// <summary>The directories of hocon/ldap.conf.</summary>
internal static class LdapProfiles
{
    /// <exception cref="UsageException">A profile that cannot work.</exception>
    public static Directories Read(NodeConfig config) =>
        new([.. config.Hocon.GetStringList("orchestrator.ldap.profiles").Select(name => new LdapDirectory(Read(config, name)))]);

    private static LdapProfile Read(NodeConfig config, string name)
    {
        if (name is Directories.Internal or "" || !name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.'))
            throw new UsageException($"orchestrator.ldap.profiles: '{name}' cannot be a profile's name; use letters, digits and -");
        var path = $"orchestrator.ldap.\"{name}\"";
        if (!config.Hocon.HasPath(path)) throw new UsageException($"orchestrator.ldap.{name} is missing; see hocon/ldap.conf");
        var own = ConfigurationFactory.ParseString($"orchestrator.ldap-defaults {{\n{config.Hocon.GetConfig(path)}\n}}");
        var all = new NodeConfig(own.WithFallback(config.Hocon));
        var servers = all.Hocon.GetStringList("orchestrator.ldap-defaults.servers");
        try
        {
            var profile = new LdapProfile
            {
                Name = name,
                Servers = [.. servers.Select(Server)],
                StartTls = all.Is("ldap-defaults.start-tls"),
                Authorities = Authorities(all.Text("ldap-defaults.ca")),
                BindName = all.Text("ldap-defaults.bind-name"),
                BindPassword = all.Text("ldap-defaults.bind-password-file") is { Length: > 0 } file ? File.ReadAllText(file).Trim() : "",
                UsersBelow = all.Text("ldap-defaults.users-below"),
                GroupsBelow = all.Text("ldap-defaults.groups-below"),
                UserFilter = all.Text("ldap-defaults.user-filter"),
                GroupFilter = all.Text("ldap-defaults.group-filter"),
                UserName = all.Text("ldap-defaults.user-name"),
                GroupName = all.Text("ldap-defaults.group-name"),
                NestedGroups = all.Number("ldap-defaults.nested-groups"),
                Timeout = all.Time("ldap-defaults.timeout"),
            };
            LdapFilter.Parse(profile.UserFilter);
            LdapFilter.Parse(profile.GroupFilter);
            return profile.Servers.IsEmpty || profile.UsersBelow.Length == 0
                ? throw new UsageException($"orchestrator.ldap.{name}: servers and users-below are both needed")
                : profile;
        }
        catch (FormatException e)
        {
            throw new UsageException($"orchestrator.ldap.{name}: {e.Message}");
        }
    }

    private static Uri Server(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "ldap" or "ldaps"
            ? uri
            : throw new FormatException($"'{text}' is no address of a server such as ldaps://directory.example");

    private static X509Certificate2Collection Authorities(string file)
    {
        var authorities = new X509Certificate2Collection();
        if (file.Length > 0) authorities.ImportFromPemFile(file);
        return authorities;
    }
}
