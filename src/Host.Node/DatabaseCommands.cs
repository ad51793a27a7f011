using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Orchestrator.Actors.Journal;
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

    /// <summary>A node that was stopped a moment ago, or lost its power, counts as alive so long at most.</summary>
    private static readonly TimeSpan LeasesRunOut = TimeSpan.FromSeconds(10);

    /// <summary>After a restoration from a backup, and before the first node is started.</summary>
    public static Task<int> Restored(string[] args) => Run(args, static async (store, config) =>
    {
        await store.PrepareAsync(config.ClusterId, CancellationToken.None);
        var view = await store.RestoredAsync(LeasesRunOut, CancellationToken.None);
        var (hosts, vms) = (await store.CountAsync(Kinds.Host, CancellationToken.None), await store.CountAsync(Kinds.Vm, CancellationToken.None));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
            This is restoration {view.Restoration}. The epochs of {view.Shards.Count} shards are above all that were ever given.
            {hosts} hosts are asked which guests they have, and {vms} VMs are sought, when the nodes are started. No VM is started before it
            is found, or every host that the backup knows has answered, is fenced, or is confirmed to have been rebooted.
            Hosts that were added after the backup was made are not known: switch them off before you start the nodes, or a VM that runs
            there is started a second time. Remove the nodes' term files (database.term-file) before you start them.
            """));
        return 0;
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
