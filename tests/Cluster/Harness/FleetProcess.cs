using System.Text.Json;
using System.Text.Json.Nodes;
using Orchestrator.Tests.Cluster.Checkers;

namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>The process that plays the hypervisor hosts, and its control endpoint. It knows the truth about guests.</summary>
public sealed class FleetProcess : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private readonly HttpClient _control;

    private FleetProcess(FleetConfig config, ChildProcess process)
    {
        Config = config;
        _process = process;
        _control = new HttpClient
        {
            BaseAddress = new Uri($"http://127.0.0.1:{config.ControlPort}/control/"),
            Timeout = TimeSpan.FromSeconds(30),
        };
    }

    public FleetConfig Config { get; }

    public int Pid => _process.Pid;

    public static async Task<FleetProcess> Start(FleetConfig config, string folder, RunLog log)
    {
        var process = ChildProcess.Start("fleet", log, "dotnet", NodeExecutable.Run(config.Write(folder)));
        var fleet = new FleetProcess(config, process);
        await Wait.Until(fleet.Answers, TimeSpan.FromSeconds(60), "the fleet's control endpoint answers",
            () => string.Join(" | ", log.Of("fleet").TakeLast(5)));
        return fleet;
    }

    /// <summary>The address under which host <paramref name="number"/> (from 1) is registered.</summary>
    public string AddressOf(int number) => $"{Config.Address}:{Config.Port}/h/{number}";

    /// <summary>All that happened to guests, in the order in which it happened.</summary>
    public async Task<IReadOnlyList<GuestFact>> History()
    {
        var text = await _control.GetStringAsync("history");
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Read)];
    }

    /// <summary>How many orders each host refused, by reason.</summary>
    public async Task<IReadOnlyDictionary<string, long>> Refusals()
    {
        var counts = JsonNode.Parse(await _control.GetStringAsync("refusals"))!.AsObject();
        return counts.ToDictionary(c => c.Key, c => c.Value!.GetValue<long>());
    }

    public async Task<bool> Answers()
    {
        if (_process.HasExited) throw new InvalidOperationException($"the fleet ended with code {_process.ExitCode}");
        try
        {
            using var response = await _control.GetAsync("history");
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _control.Dispose();
        await _process.DisposeAsync();
    }

    private static GuestFact Read(string line)
    {
        using var json = JsonDocument.Parse(line);
        var fact = json.RootElement;
        return new GuestFact(
            fact.GetProperty("host").ToString(), fact.GetProperty("vm").GetGuid(), fact.GetProperty("lease").GetInt64(),
            fact.GetProperty("state").GetString() == "started" ? GuestFate.Started : GuestFate.Ended,
            fact.GetProperty("at").GetDateTimeOffset());
    }
}
