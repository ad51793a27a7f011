using System.Globalization;
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

    public static async Task<FleetProcess> Start(
        FleetConfig config, string folder, RunLog log, string? program = null)
    {
        var process = ChildProcess.Start("fleet", log, "dotnet", NodeExecutable.Run(config.Write(folder), program));
        var fleet = new FleetProcess(config, process);
        await Wait.Until(fleet.Answers, TimeSpan.FromSeconds(60), "the fleet's control endpoint answers",
            () => string.Join(" | ", log.Of("fleet").TakeLast(5)));
        return fleet;
    }

    /// <summary>What is sent to register host <paramref name="number"/> (from 1).</summary>
    public JsonObject Registration(int number, string cluster) => new()
    {
        ["name"] = $"host-{number}",
        ["address"] = Config.Address,
        ["port"] = Config.Port.ToString(CultureInfo.InvariantCulture),
        ["path_prefix"] = $"/h/{number}",
        ["cluster"] = new JsonObject { ["name"] = cluster },
    };

    /// <summary>All copies of guests there ever were, in the order in which they began, and the fleet's own
    /// sentences about doubles.</summary>
    public async Task<(IReadOnlyList<GuestLife> Lives, IReadOnlyList<string> Doubles)> History()
    {
        using var json = JsonDocument.Parse(await _control.GetStringAsync("history"));
        return (
            [.. json.RootElement.GetProperty("lives").EnumerateArray().Select(l => new GuestLife(
                l.GetProperty("vm").GetGuid(), l.GetProperty("host").ToString(), l.GetProperty("lease").GetInt64(),
                l.GetProperty("fromMs").GetInt64(),
                l.TryGetProperty("toMs", out var to) && to.ValueKind == JsonValueKind.Number ? to.GetInt64() : null))],
            [.. json.RootElement.GetProperty("doubles").EnumerateArray().Select(d => d.GetString()!)]);
    }

    /// <summary>Switches a host (from 1) off, with all its guests.</summary>
    /// <returns>The fleet's clock at that moment, in the milliseconds of <see cref="History"/>.</returns>
    public async Task<long> CutPower(int number)
    {
        using var history = JsonDocument.Parse(await _control.GetStringAsync("history"));
        using var answer = await _control.PostAsync($"hosts/{number}/power/off", null);
        answer.EnsureSuccessStatusCode();
        return history.RootElement.GetProperty("nowMs").GetInt64();
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
}
