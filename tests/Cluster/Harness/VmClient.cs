using System.Globalization;
using System.Text.Json.Nodes;
using Orchestrator.Tests.Cluster.Checkers;

namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>Commands on VMs as one client gives them, each noted in the ledger as that client saw it.</summary>
/// <param name="run">Part of every correlation id, so that no two runs share one.</param>
public sealed class VmClient(OvirtClient rest, Ledger ledger, FaultClock faults, string run, string name)
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _settleLimit = TimeSpan.FromSeconds(30);

    /// <summary>Polling for a status costs the cluster, too.</summary>
    private static readonly TimeSpan _settleBeat = TimeSpan.FromMilliseconds(150);

    private int _number;

    public OvirtClient Rest => rest;

    public InDoubt InDoubt { get; init; }

    /// <summary>A node that this client does not ask.</summary>
    public int? Avoid { get; set; }

    /// <summary>The node that it asks first.</summary>
    public int First { get; set; }

    public async Task<VmRecord> Create(CancellationToken cancel)
    {
        var vm = new VmRecord(Next("vm"));
        ledger.Add(vm);
        var token = Next("comment");
        var answer = await Command(vm, CommandKind.Create, HttpMethod.Post, "vms", new JsonObject
        {
            ["name"] = vm.Name,
            ["comment"] = token,
            ["memory"] = (256L << 20).ToString(CultureInfo.InvariantCulture),
            ["cluster"] = new JsonObject { ["name"] = TestCluster.ClusterName },
            ["template"] = new JsonObject { ["name"] = "Blank" },
        }, token, cancel);
        if (answer.IsAccepted) vm.Id = Guid.Parse(answer.Json!["id"]!.GetValue<string>());
        return vm;
    }

    public Task<Answer> Update(VmRecord vm, CancellationToken cancel)
    {
        var token = Next("comment");
        return Command(vm, CommandKind.Update, HttpMethod.Put, $"vms/{vm.Id}", new JsonObject { ["comment"] = token },
            token, cancel);
    }

    public Task<Answer> Act(VmRecord vm, CommandKind kind, CancellationToken cancel) => kind switch
    {
        CommandKind.Start => Command(vm, kind, HttpMethod.Post, $"vms/{vm.Id}/start", [], null, cancel),
        CommandKind.Stop => Command(vm, kind, HttpMethod.Post, $"vms/{vm.Id}/stop", [], null, cancel),
        CommandKind.Migrate => Command(vm, kind, HttpMethod.Post, $"vms/{vm.Id}/migrate", [], null, cancel),
        CommandKind.Remove => Command(vm, kind, HttpMethod.Delete, $"vms/{vm.Id}", null, null, cancel),
        CommandKind.Create or CommandKind.Update or _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>The VM's document, or null when the server says that there is none.</summary>
    public async Task<JsonNode?> Look(VmRecord vm, CancellationToken cancel)
    {
        var answer = await rest.Send(
            HttpMethod.Get, $"vms/{vm.Id}", null, _patience, InDoubt, First, Avoid, cancel);
        return answer switch
        {
            { IsAccepted: true } => answer.Json,
            { Status: 404 } => null,
            _ => throw new InvalidOperationException($"GET vms/{vm.Id} after {_patience.TotalSeconds} s: {answer}"),
        };
    }

    /// <summary>Waits until the VM is on its way no more and answers its status, "gone", or null when it is stuck
    /// (which is noted).</summary>
    public async Task<string?> Settled(VmRecord vm, CancellationToken cancel)
    {
        var since = DateTimeOffset.UtcNow;
        var status = "";
        var stuck = false;
        await Wait.Until(async () =>
        {
            status = (await Look(vm, cancel))?["status"]?.GetValue<string>() ?? "gone";
            if (status == "gone" || SettleChecker.IsStable(status)) return true;
            var calm = faults.Last > since ? faults.Last : since;
            return stuck = DateTimeOffset.UtcNow - calm > _settleLimit;
        }, TimeSpan.FromHours(1), "the VM settles", beat: _settleBeat, cancel: cancel);
        if (!stuck) return status;
        ledger.Saw(new Violation("nothing is stuck",
            $"vm {vm.Name} {vm.Id} is {status} {_settleLimit.TotalSeconds} s after its command and the last fault"));
        return null;
    }

    private async Task<Answer> Command(
        VmRecord vm, CommandKind kind, HttpMethod method, string path, JsonObject? body, string? token,
        CancellationToken cancel)
    {
        var correlation = Next("c");
        var sent = DateTimeOffset.UtcNow;
        var answer = await rest.Send(
            method, $"{path}?correlation_id={correlation}", body, _patience, InDoubt, First, Avoid, cancel);
        vm.Add(new CommandRecord(
            kind, correlation, token, answer.Outcome, answer.Status, answer.Body, sent, DateTimeOffset.UtcNow));
        if (answer.Status == 500)
        {
            ledger.Saw(new Violation("no command meets a server error", $"{kind} of vm {vm.Name}: {answer}"));
        }

        return answer;
    }

    /// <summary>Was it created after all? Asked when no late effect of the command can be under way any more.</summary>
    public async Task Identify(VmRecord vm, CancellationToken cancel)
    {
        var answer = await rest.Send(
            HttpMethod.Get, $"vms?search=name%3D{vm.Name}", null, _patience, InDoubt, First, Avoid, cancel);
        if (!answer.IsAccepted) throw new InvalidOperationException($"GET vms by name: {answer}");
        var found = answer.Json?["vm"]?.AsArray();
        vm.Id = found is [{ } only, ..] ? Guid.Parse(only["id"]!.GetValue<string>()) : null;
    }

    // A stop at the end keeps c-1 from being found inside c-12.
    private string Next(string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{what}-{run}-{name}-{Interlocked.Increment(ref _number)}-");
}
