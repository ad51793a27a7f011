using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Orchestrator.Engine.Postgres;

namespace Orchestrator.Host.Node;

/// <summary>orchestrator database …: what an operator asks before and after an upgrade.</summary>
internal static class DatabaseCommands
{
    public static Task<int> Status(string[] args) => Run(args, static (store, _) => Show(store));

    public static Task<int> Migrate(string[] args) => Run(args, static async (store, config) =>
    {
        await store.PrepareAsync(config.ClusterId, CancellationToken.None);
        return await Show(store);
    });

    private static async Task<int> Show(PostgresEngineStore store)
    {
        var steps = await store.SchemaStatusAsync(CancellationToken.None);
        Console.WriteLine($"primary  {store.Route.Current}, seen by engine {Node.Version}");
        foreach (var step in steps)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{step.Number,5}    {(step.At is { } at ? $"{at.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z" : "to do               "),-20}  "
                + $"{(step.EngineVersion.Length > 0 ? step.EngineVersion : "-"),-8} {step.Name}"
                + $"{(step.OldestReader > 0 ? $" (needs engines that know step {step.OldestReader})" : "")}"));
        }

        var waiting = steps.Count(s => s.At is null);
        Console.WriteLine(waiting == 0 ? "The schema is complete." : $"{waiting} steps are to be done.");
        return waiting == 0 ? 0 : 3;
    }

    private static async Task<int> Run(string[] args, Func<PostgresEngineStore, NodeConfig, Task<int>> work)
    {
        try
        {
            var config = NodeConfig.Read(Commands.Options(args).Of("config"), []);
            await using var store = Storage.Open(config, NullLoggerFactory.Instance);
            return await work(store, config);
        }
        catch (Exception e) when (Commands.IsForTheOperator(e))
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }
}
