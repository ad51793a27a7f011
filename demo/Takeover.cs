using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Orchestrator.Demo;

/// <param name="Before">Number of the node that owned the VM, and was killed.</param>
/// <param name="After">Number of the node that took it over.</param>
/// <param name="Seconds">From kill -9 until a command on the VM was answered with success.</param>
/// <param name="Commands">How many were sent in that time.</param>
public sealed record TakeoverFigures(
    int Before, int After, long EpochBefore, long EpochAfter, double Seconds, int Commands);

/// <summary>Kills the engine node that owns the VM and sends commands for that VM to the others until one is answered.</summary>
public sealed class Takeover(EngineApi api, LabHosts hosts, Installation installation, DemoVm vm)
{
    private static readonly TimeSpan _pace = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(30);

    public async Task<TakeoverFigures> Run()
    {
        var owner = await Owner();
        var victim = NumberOf(owner);
        var survivors = installation.Nodes.Where(n => n != victim).Select(installation.NodeAddress).ToArray();
        await WarmUp(survivors);
        using var process = Process.GetProcessById(int.Parse(EngineApi.Text(owner, "pid"), CultureInfo.InvariantCulture));
        Narrator.Say($"node{victim} (pid {process.Id}) owns the VM under epoch {Epoch(owner)}: kill -9");

        var began = Stopwatch.GetTimestamp();
        process.Kill();
        var (answered, sent) = await Knock(survivors);
        var seconds = Stopwatch.GetElapsedTime(began, answered).TotalSeconds;

        var successor = await Owner();
        Narrator.Say($"node{NumberOf(successor)} answers for the VM under epoch {Epoch(successor)}");
        await Restart(victim);
        Narrator.Say($"node{victim} is started again and healthy");
        return new TakeoverFigures(victim, NumberOf(successor), Epoch(owner), Epoch(successor), seconds, sent);
    }

    /// <summary>kill -9 of the node that owns the VM; returns its number.</summary>
    public async Task<int> Kill()
    {
        var owner = await Owner();
        using var process = Process.GetProcessById(int.Parse(EngineApi.Text(owner, "pid"), CultureInfo.InvariantCulture));
        process.Kill();
        return NumberOf(owner);
    }

    public async Task Restart(int node)
    {
        await hosts.Run("lab/nodes.sh", ["start", $"{node}"]);
        await hosts.Run("lab/nodes.sh", ["await", $"{node}"]);
    }

    /// <summary>A new command every 20 ms, to the survivors in turn, none waiting for another; the first success counts.</summary>
    private async Task<(long Answered, int Sent)> Knock(Uri[] survivors)
    {
        using var enough = new CancellationTokenSource(_limit);
        var first = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var giveUp = enough.Token.Register(() => first.TrySetCanceled());
        var commands = new List<Task>();
        using (var timer = new PeriodicTimer(_pace))
        {
            do commands.Add(One(survivors[commands.Count % survivors.Length], commands.Count, first, enough.Token));
            while (!first.Task.IsCompleted && await timer.WaitForNextTickAsync(CancellationToken.None));
        }

        if (!first.Task.IsCompletedSuccessfully)
            throw new DemoException($"No command on the VM was answered in {_limit.TotalSeconds:0} s after its node died.");
        await enough.CancelAsync();
        await Task.WhenAll(commands);
        return (await first.Task, commands.Count);
    }

    private async Task One(Uri node, int number, TaskCompletionSource<long> first, CancellationToken cancel)
    {
        var body = new JsonObject { ["comment"] = $"command {number}" };
        if (await api.Try(node, HttpMethod.Put, vm.Path, body, cancel)) first.TrySetResult(Stopwatch.GetTimestamp());
    }

    /// <summary>Connections to the survivors exist beforehand, as those of a long-running client do.</summary>
    private async Task WarmUp(Uri[] survivors)
    {
        foreach (var node in survivors)
            if (!await api.Try(node, HttpMethod.Get, vm.Path, null, CancellationToken.None))
                throw new DemoException($"{node} does not answer; all nodes must be healthy before one is killed.");
    }

    private Task<JsonNode> Owner() => Patience.Until("an owner of the VM", _limit, async () =>
    {
        var owner = await api.Find($"orchestrator/owner?type=vm&id={vm.Id}");
        return owner?["node"] is null ? null : owner;
    });

    private int NumberOf(JsonNode owner)
    {
        var address = EngineApi.Text(owner, "address").Split(':')[0];
        return installation.Nodes.FirstOrDefault(n => installation.NodeAddress(n).Host == address) is > 0 and var number
            ? number
            : throw new DemoException($"The owner {address} is none of this installation's nodes.");
    }

    private static long Epoch(JsonNode owner) => long.Parse(EngineApi.Text(owner, "epoch"), CultureInfo.InvariantCulture);
}
