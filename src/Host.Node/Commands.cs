using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Orchestrator.Api.Sso;

namespace Orchestrator.Host.Node;

/// <summary>What the executable does besides running a node and making certificates: the first password.</summary>
internal static class Commands
{
    public static int Help()
    {
        Console.Error.WriteLine("""
            orchestrator --config FILE [--set KEY=VALUE]...
                run a node with the roles that FILE names (keys: hocon/)
            orchestrator admin set-password --config FILE --user NAME@internal --password-file FILE
                make an administrator, or change his password
            orchestrator database status --config FILE
                the steps of the schema, done and to do, and which server is the primary; changes nothing
            orchestrator database migrate --config FILE
                do what is to do; a node does the same when it starts
            orchestrator database restored --config FILE
                say that the database was restored from a backup, before the first node is started: where VMs run is found out
                anew, and none is started twice
            orchestrator version
            """);
        Console.Error.WriteLine(HostCommands.Help);
        Console.Error.WriteLine(PkiCommands.Help);
        return 2;
    }

    public static int Version()
    {
        Console.WriteLine(Node.Version);
        return 0;
    }

    public static async Task<int> SetPassword(string[] args)
    {
        try
        {
            var options = Options(args);
            var config = NodeConfig.Read(options.Of("config"), []);
            await using var store = Storage.Open(config, NullLoggerFactory.Instance);
            await store.PrepareAsync(config.ClusterId, CancellationToken.None);
            var password = (await File.ReadAllTextAsync(options.Of("password-file"))).Trim();
            if (password.Length < 8) throw new UsageException("the password file must hold 8 characters or more");
            await new PostgresUsers(Storage.Documents(store)).SetPassword(options.Of("user"), password, true, CancellationToken.None);
            return 0;
        }
        catch (Exception e) when (IsForTheOperator(e))
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    public static int Guarded(Func<int> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (IsForTheOperator(e))
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    internal static bool IsForTheOperator(Exception e) =>
        e is UsageException or IOException or UnauthorizedAccessException or NpgsqlException
            or System.Security.Cryptography.CryptographicException or Engine.StoreRefusedException or Engine.StoreUnavailableException;

    public static Dictionary<string, string> Options(string[] args)
    {
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i + 1 < args.Length; i += 2)
            options[args[i].TrimStart('-')] = args[i + 1];
        return options;
    }

    public static string Of(this Dictionary<string, string> options, string name) =>
        options.TryGetValue(name, out var value) && value.Length > 0
            ? value
            : throw new UsageException($"--{name} is missing; see 'orchestrator help'");
}

/// <summary>The command line or a configuration file is wrong; the message says what to do.</summary>
public sealed class UsageException(string message) : Exception(message);
