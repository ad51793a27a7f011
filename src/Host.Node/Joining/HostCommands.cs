using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api.ReadModel;

namespace Orchestrator.Host.Node;

/// <summary>orchestrator host …: how hosts come in.</summary>
internal static class HostCommands
{
    public const string Help = """
        orchestrator host token --config FILE --cluster NAME [--life SECONDS]
            on an engine node: make a token with which one new host may join that cluster, for an hour unless told otherwise
        orchestrator host token --config FILE --host NAME [--life SECONDS]
            the same for a host that is known and is to have a new certificate
        orchestrator host join --engine https://NODE:PORT[,...] (--token TOKEN | --token-file FILE) [--name NAME] [--address ADDRESS]
                               [--port PORT] [--root DIR] [--start yes|no|anew] [--set KEY=VALUE]...
            on the new host, as root: make its key, have it signed, write the agent's settings and start the agent. Said again it
            goes on where it was cut. --token-file - reads standard input; --root keeps all files in DIR
        orchestrator host restart [--root DIR]
            on a host: start its agent anew; guests run on
        """;

    private static readonly HashSet<string> _known =
        new(StringComparer.Ordinal) { "engine", "token", "token-file", "name", "address", "port", "root", "start" };

    public static Task<int> Token(string[] args) => Run(async () =>
    {
        var options = Commands.Options(args);
        var config = NodeConfig.Read(options.Of("config"), []);
        var life = TimeSpan.FromSeconds(options.TryGetValue("life", out var text) ? Number(text, "--life", 7 * 24 * 3600) : 3600);
        await using var store = Storage.Open(config, NullLoggerFactory.Instance);
        await store.PrepareAsync(config.ClusterId, CancellationToken.None);
        var database = Storage.Documents(store);
        var read = new PostgresReadModel(database, TimeSpan.FromSeconds(10), 10, TimeProvider.System);
        var forHost = options.ContainsKey("host");
        var found = await Find(read, forHost ? Kinds.Host : Kinds.Cluster, options.Of(forHost ? "host" : "cluster"));
        var host = forHost ? WireJson.Read<HostView>(found.Json) : null;
        var token = JoinToken.New(config.CredentialFiles.Load().Authorities);
        await new PostgresHostTokens(database).Keep(
            token, host?.Config.Cluster ?? new ClusterId(found.Id), host?.Id, $"root@{Environment.MachineName}", life, CancellationToken.None);
        Console.WriteLine(token.Text);
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"For one host, until {DateTimeOffset.UtcNow + life:yyyy-MM-dd HH:mm:ss} UTC. There: orchestrator host join --engine https://NODE:{config.Number("api.port")} --token-file FILE"));
        return 0;
    });

    public static Task<int> Join(string[] args) => Run(async () =>
    {
        List<string> settings = [];
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < args.Length; i += 2)
        {
            var name = args[i].TrimStart('-');
            if (i + 1 == args.Length || (!_known.Contains(name) && name != "set"))
                throw new UsageException($"'{args[i]}' is not understood, or has no value; see 'orchestrator help'");
            if (name == "set") settings.Add(args[i + 1]);
            else options[name] = args[i + 1];
        }

        var text = options.TryGetValue("token-file", out var file)
            ? file == "-" ? await Console.In.ReadToEndAsync() : await File.ReadAllTextAsync(file)
            : options.Of("token");
        var wish = new JoinWish(
            [.. options.Of("engine").Split(',').Select(Engine)], Parsed(text),
            options.GetValueOrDefault("name", Environment.MachineName), options.GetValueOrDefault("address"),
            options.TryGetValue("port", out var port) ? Number(port, "--port", 65535) : 54321, settings, Started(options.GetValueOrDefault("start", "yes")));
        await new HostJoin(Places(options), Console.Out).Run(wish, CancellationToken.None);
        return 0;
    });

    public static Task<int> Restart(string[] args) => Run(async () =>
    {
        var places = Places(Commands.Options(args));
        if (!File.Exists(places.Config)) throw new UsageException($"{places.Config}: no such file; this host has not joined (orchestrator host join)");
        Console.WriteLine(await new AgentProcess(places).Restart(CancellationToken.None));
        await new AgentProcess(places).Listens(NodeConfig.Read(places.Config, []).Number("agent.port"), CancellationToken.None);
        return 0;
    });

    private static HostPlaces Places(Dictionary<string, string> options) =>
        new(options.GetValueOrDefault("root") is { Length: > 0 } root ? Path.GetFullPath(root) : "");

    private static Uri Engine(string text) =>
        Uri.TryCreate(text.Trim(), UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttps
            ? uri
            : throw new UsageException($"--engine is https://NAME:PORT, not '{text}'");

    private static JoinToken Parsed(string text)
    {
        try
        {
            return JoinToken.Parse(text);
        }
        catch (FormatException e)
        {
            throw new UsageException(e.Message);
        }
    }

    private static AgentStart Started(string text) => text switch
    {
        "yes" => AgentStart.Yes,
        "no" => AgentStart.No,
        "anew" => AgentStart.Anew,
        _ => throw new UsageException($"--start is yes, no or anew, not '{text}'"),
    };

    private static int Number(string text, string option, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 && number <= most
            ? number
            : throw new UsageException($"{option} is a number from 1 to {most}, not '{text}'");

    private static async Task<Document> Find(PostgresReadModel read, string kind, string name) =>
        await read.List(new ReadQuery(kind, new Dictionary<string, string> { ["config.name"] = name }), CancellationToken.None) is [var one]
            ? one
            : throw new UsageException($"there is no {kind} of the name {name}");

    private static async Task<int> Run(Func<Task<int>> work)
    {
        try
        {
            return await work();
        }
        catch (Exception e) when (Commands.IsForTheOperator(e) || e is EntityUnavailableException)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }
}
