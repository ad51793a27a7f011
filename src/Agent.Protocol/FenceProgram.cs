using System.Net.Http.Json;
using System.Text;

namespace Orchestrator.Agent.Protocol;

/// <summary>
/// Turns the power of a machine through Debian's fence-agents (/usr/sbin/fence_TYPE), or through a simulated fleet's
/// control endpoint for the type "simulated". The password goes to the program's standard input only: never into its
/// arguments, a log or a result.
/// </summary>
/// <param name="folder">Where the fence_TYPE programs are.</param>
public sealed class FenceProgram(string folder = "/usr/sbin") : IFenceDevices
{
    private const string Simulated = "simulated";
    private static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(30);

    /// <summary>The fence types installed here, sorted.</summary>
    public IEnumerable<string> Installed =>
        Directory.Exists(folder)
            ? Directory.EnumerateFiles(folder, "fence_*").Select(p => Path.GetFileName(p)[6..]).Where(IsType).Order()
            : [];

    /// <summary>The time after which a fence device counts as not answering.</summary>
    public static TimeSpan LimitOf(FenceOrder order) =>
        order.TimeoutSeconds > 0 ? TimeSpan.FromSeconds(order.TimeoutSeconds) : DefaultLimit;

    public async Task<FenceResult> Run(FenceOrder order, CancellationToken cancel = default)
    {
        if (Malformed(order) is { } fault) return Failed(fault);

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(LimitOf(order));
        try
        {
            if (order.Agent == Simulated) return await AskFleet(order, limit.Token);

            var program = Path.Combine(folder, "fence_" + order.Agent);
            if (!File.Exists(program)) return Failed($"no fence program {program} on this machine");
            return Judge(order, await ShortProgram.Run(program, [], Input(order), limit.Token));
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return Failed($"{order.Agent} at {order.Address} did not answer in {LimitOf(order).TotalSeconds} s");
        }
        catch (IOException e)
        {
            return Failed(e.Message);
        }
    }

    /// <summary>The lines a fence program reads. Pure, so that what reaches a device can be tested without one.</summary>
    public static string Input(FenceOrder order)
    {
        var input = new StringBuilder();
        input.Append("action=").Append(order.Action.ToString().ToLowerInvariant()).Append('\n');
        input.Append("ip=").Append(order.Address).Append('\n');
        if (order.Port is { } port) input.Append("ipport=").Append(port).Append('\n');
        if (order.Username is { } user) input.Append("username=").Append(user).Append('\n');
        if (order.Password is { } password) input.Append("password=").Append(password).Append('\n');
        foreach (var (name, value) in order.Options.OrderBy(o => o.Key, StringComparer.Ordinal))
            // oVirt calls slot what the programs call port: which outlet, blade or machine behind the device.
            input.Append(name == "slot" ? "port" : name).Append('=').Append(value).Append('\n');
        return input.ToString();
    }

    private static string? Malformed(FenceOrder order)
    {
        if (!IsType(order.Agent)) return "a fence type is made of a-z, 0-9 and _";
        if (order.Port is < 1 or > 65535) return $"port {order.Port} is not between 1 and 65535";
        if (order.TimeoutSeconds is < 0 or > 600) return "the time limit is not between 0 and 600 s";
        if (order.Options.Keys.Any(k => !IsOption(k))) return "an option's name is made of a-z, 0-9, _ and -";
        if (order.Options.Keys.Any(k => k is "action" or "option")) return "the action is not an option";

        // A line break would smuggle further options (an action, a program path) into the program's input.
        var values = order.Options.Values.Append(order.Address).Append(order.Username).Append(order.Password);
        return values.Any(v => v is not null && v.AsSpan().IndexOfAny('\n', '\r', '\0') >= 0)
            ? "a value has a line break in it"
            : null;
    }

    private static bool IsType(string type) =>
        type.Length is > 0 and < 64 && type.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_');

    private static bool IsOption(string name) =>
        name.Length is > 0 and < 64
        && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '-');

    /// <summary>Fence programs answer a status with 0 for on and 2 for off, any other action with 0 for done.</summary>
    private static FenceResult Judge(FenceOrder order, ProgramEnd end)
    {
        var words = Clean(order, $"{end.Output} {end.Errors}");
        return (order.Action, end.ExitCode) switch
        {
            (FenceAction.Status, 0) => new FenceResult(FencePower.On, true, words),
            (FenceAction.Status, 2) => new FenceResult(FencePower.Off, true, words),
            (FenceAction.Off, 0) => new FenceResult(FencePower.Off, true, words),
            (FenceAction.On or FenceAction.Reboot, 0) => new FenceResult(FencePower.On, true, words),
            _ => Failed($"fence_{order.Agent} ended with {end.ExitCode}: {words}"),
        };
    }

    private static string Clean(FenceOrder order, string words) => ProgramEnd.InOneLine(
        string.IsNullOrEmpty(order.Password) ? words : words.Replace(order.Password, "***", StringComparison.Ordinal));

    private static async Task<FenceResult> AskFleet(FenceOrder order, CancellationToken cancel)
    {
        using var http = new HttpClient();
        var address = new UriBuilder("http", order.Address, order.Port ?? 80, "/control/fence").Uri;
        try
        {
            using var answer = await http.PostAsJsonAsync(address, order, AgentJson.Default.FenceOrder, cancel);
            if (!answer.IsSuccessStatusCode) return Failed($"the simulated fence answered HTTP {(int)answer.StatusCode}");
            return await answer.Content.ReadFromJsonAsync(AgentJson.Default.FenceResult, cancel)
                ?? Failed("the simulated fence answered nothing");
        }
        catch (Exception e) when (e is HttpRequestException or System.Text.Json.JsonException)
        {
            return Failed($"the simulated fence at {address} did not answer: {e.Message}");
        }
    }

    private static FenceResult Failed(string message) => new(FencePower.Unknown, false, message);
}
