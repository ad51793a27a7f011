using System.Globalization;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Host.Node;

/// <summary>The commands about certificates.</summary>
internal static class PkiCommands
{
    public const string Help = """
        orchestrator pki ca --dir DIR
            make the engine's certificate authority, unless DIR has one
        orchestrator pki issue --dir DIR --name NAME --role engine|agent --address NAME-OR-IP[,...] [--days N]
            issue DIR/NAME.crt and DIR/NAME.key (default 398 days)
        orchestrator pki renew --dir DIR --name NAME [--days N]
            issue both anew for the same holder; running nodes and agents take them without a restart
        orchestrator pki list --dir DIR
            show whose certificates end when, and who signed them
        orchestrator pki rotate --dir DIR
            make a new authority; DIR/ca.crt then holds both, for all nodes, agents and clients to trust
        orchestrator pki retire --dir DIR
            end the move: DIR/ca.crt holds the new authority alone
        """;

    public static int Run(string[] args) => Commands.Guarded(() =>
    {
        var options = Commands.Options(args[1..]);
        var folder = options.Of("dir");
        switch (args[0])
        {
            case "ca":
                Pki.MakeAuthority(folder);
                break;
            case "issue":
                var role = options.Of("role");
                if (role is not (PeerCertificate.EngineRole or PeerCertificate.AgentRole))
                    throw new UsageException("--role is engine or agent");
                Pki.Issue(folder, options.Of("name"), role, options.Of("address").Split(','), Life(options));
                break;
            case "renew":
                Pki.Renew(folder, options.Of("name"), Life(options));
                break;
            case "rotate":
                Pki.Rotate(folder);
                Console.WriteLine($"{folder}/ca.crt now holds two authorities. Copy it to every node, agent and client; "
                    + "then 'pki renew' each certificate and copy it; then 'pki retire', and copy ca.crt again.");
                break;
            case "retire":
                Pki.Retire(folder);
                break;
            case "list":
                List(folder);
                break;
            default:
                return Commands.Help();
        }

        return 0;
    });

    private static TimeSpan Life(Dictionary<string, string> options)
    {
        if (!options.TryGetValue("days", out var text)) return Pki.Life;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var days) && days is > 0 and < 36500
            ? TimeSpan.FromDays(days)
            : throw new UsageException("--days is a number of days, 1 or more");
    }

    private static void List(string folder)
    {
        var signer = Pki.Authorities(folder)[0].Subject;
        foreach (var authority in Pki.Authorities(folder)) Say("ca.crt", authority.Subject, authority.NotAfter, "");
        foreach (var (name, certificate) in Pki.Holders(folder))
        {
            using (certificate)
            {
                var old = certificate.Issuer == signer ? "" : $"   by the authority before: {certificate.Issuer}";
                Say(name, certificate.Subject, certificate.NotAfter, old);
            }
        }
    }

    private static void Say(string name, string subject, DateTime until, string more) => Console.WriteLine(
        string.Create(CultureInfo.InvariantCulture,
            $"{name,-16} {until.ToUniversalTime():yyyy-MM-dd HH:mm} UTC  {subject}{more}"));
}
