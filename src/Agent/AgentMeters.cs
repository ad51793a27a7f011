using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Text.Json;

namespace Orchestrator.Agent;

/// <summary>What an agent counts of the orders it is given and the guests it has.</summary>
internal static class AgentMeters
{
    public const string Name = "Orchestrator.Agent";

    private static readonly Meter _meter = new(Name, AgentServer.Version);
    private static readonly ConcurrentDictionary<(string Order, string Outcome), long> _orders = new();
    private static readonly ConcurrentDictionary<HostAgent, byte> _agents = new();

    static AgentMeters()
    {
        _meter.CreateObservableCounter("orchestrator.agent.orders", () => _orders.Select(o => new Measurement<long>(
            o.Value, Tag("order", o.Key.Order), Tag("outcome", o.Key.Outcome))), "{order}",
            "Orders of engines by what was answered: accepted, or why not.");
        _meter.CreateObservableUpDownCounter("orchestrator.agent.guests", () => _agents.Keys
            .SelectMany(a => a.CountGuests()).GroupBy(g => g.Key).Select(g => new Measurement<long>(
                g.Sum(n => n.Value), Tag("state", g.Key.ToString()))), "{guest}", "Guests on this host by their state.");
    }

    public static void Watch(HostAgent agent) => _agents[agent] = 0;

    public static void Ordered(string order, string outcome) =>
        _orders.AddOrUpdate((order, outcome), 1, static (_, count) => count + 1);

    private static KeyValuePair<string, object?> Tag(string name, string value) =>
        new(name, JsonNamingPolicy.SnakeCaseLower.ConvertName(value));
}
