using System.Globalization;
using System.Text.Json.Nodes;
using Orchestrator.Tests.Cluster.Harness;

namespace Orchestrator.Bench.Restarts;

/// <summary>What an operator sets up before the power fails, over REST.</summary>
internal static class Installation
{
    public static async Task<SortedDictionary<int, string>> HostsByNumber(OvirtClient rest)
    {
        var hosts = (await Accepted(rest, HttpMethod.Get, "hosts", null)).Json!["host"]!.AsArray();
        return new SortedDictionary<int, string>(hosts.ToDictionary(
            h => int.Parse(h!["name"]!.GetValue<string>()["host-".Length..], CultureInfo.InvariantCulture),
            h => h!["id"]!.GetValue<string>()));
    }

    /// <summary>Bytes; all hosts of a fleet are alike.</summary>
    public static async Task<long> MemoryOfAHost(OvirtClient rest)
    {
        var hosts = (await Accepted(rest, HttpMethod.Get, "hosts", null)).Json!["host"]!.AsArray();
        return long.Parse(hosts[0]!["memory"]!.GetValue<string>(), CultureInfo.InvariantCulture);
    }

    public static async Task GiveFenceDevice(OvirtClient rest, FleetProcess fleet, string host, int number)
    {
        await Accepted(rest, HttpMethod.Post, $"hosts/{host}/fenceagents", new JsonObject
        {
            ["type"] = "simulated",
            ["address"] = "127.0.0.1",
            ["port"] = Text(fleet.Config.ControlPort),
            ["username"] = "admin",
            ["password"] = "secret",
            ["options"] = new JsonObject
            {
                ["option"] = new JsonArray(new JsonObject { ["name"] = "plug", ["value"] = Text(number) }),
            },
        });
        await Accepted(rest, HttpMethod.Put, $"hosts/{host}", new JsonObject
        {
            ["power_management"] = new JsonObject { ["enabled"] = "true" },
        });
    }

    /// <returns>Ids with their priorities; 0 is not highly available.</returns>
    public static async Task<IReadOnlyDictionary<string, int>> MakeVms(
        OvirtClient rest, int count, Func<int, (string Name, long Memory, int Priority)> define)
    {
        var made = new Dictionary<string, int>();
        for (var n = 0; n < count; n++)
        {
            var (name, memory, priority) = define(n);
            var answer = await Accepted(rest, HttpMethod.Post, "vms", new JsonObject
            {
                ["name"] = name,
                ["memory"] = Text(memory),
                ["cluster"] = new JsonObject { ["name"] = TestCluster.ClusterName },
                ["template"] = new JsonObject { ["name"] = "Blank" },
                ["high_availability"] = new JsonObject
                {
                    ["enabled"] = priority > 0 ? "true" : "false",
                    ["priority"] = Text(priority),
                },
            });
            made[answer.Json!["id"]!.GetValue<string>()] = priority;
        }

        return made;
    }

    public static Task<Answer> Act(OvirtClient rest, string path) => Accepted(rest, HttpMethod.Post, path, []);

    public static Task UntilHosts(OvirtClient rest, string status, int count) => Until(
        rest, "hosts", "host", status, count, $"{count} hosts are {status}");

    public static Task UntilRunning(OvirtClient rest, int count) => Until(
        rest, "vms", "vm", "up", count, $"{count} VMs are up");

    private static async Task Until(OvirtClient rest, string collection, string element, string status, int count, string what)
    {
        var found = 0;
        await Wait.Until(async () =>
        {
            var answer = await rest.Once(0, HttpMethod.Get, $"{collection}?max=10000", null);
            found = answer.Json?[element]?.AsArray().Count(e => e!["status"]?.GetValue<string>() == status) ?? 0;
            return found == count;
        }, TimeSpan.FromMinutes(2), what, () => $"{found} are", TimeSpan.FromMilliseconds(250));
    }

    private static async Task<Answer> Accepted(OvirtClient rest, HttpMethod method, string path, JsonObject? body)
    {
        var answer = await rest.Once(0, method, path, body);
        return answer.IsAccepted ? answer : throw new InvalidOperationException($"{method} {path}: {answer}");
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
