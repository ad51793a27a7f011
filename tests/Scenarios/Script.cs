using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Scenarios;

/// <summary>
/// What happens to an installation, in an operator's words:
/// <code>
/// # The first comment says what is shown.
/// hosts 3
/// vm web, highly available, priority 50, 4 GiB, with a disk, on host-1
/// 5 s: the host of web loses its power
/// after "is being started": the database is down for 3 s
/// after "is being started" + 0.2 s: stop web
/// end 60 s
/// </code>
/// A time counts from the moment at which all VMs are up. "after" waits for a line of the timeline that comes after the
/// one for which the step before it waited.
/// </summary>
public sealed partial record Script
{
    public required string Title { get; init; }

    public int Hosts { get; init; } = 3;

    public int Nodes { get; init; } = 3;

    public ClusterPatch? Rules { get; init; }

    public bool Watchdogs { get; init; } = true;

    public bool SoftFencing { get; init; }

    public bool Kdump { get; init; }

    public bool Certificates { get; init; }

    public ImmutableArray<ScriptVm> Vms { get; init; } = [];

    public ImmutableArray<Step> Steps { get; init; } = [];

    public TimeSpan End { get; init; } = TimeSpan.FromSeconds(60);

    /// <exception cref="FormatException">A line is none of these.</exception>
    public static Script Read(string text)
    {
        var script = new Script { Title = "" };
        foreach (var (number, line) in text.ReplaceLineEndings("\n").Split('\n').Index())
        {
            if (line.StartsWith('#'))
            {
                if (script.Title == "") script = script with { Title = line[1..].Trim() };
            }
            else if (line.Trim() is { Length: > 0 } words)
            {
                script = script.With(words) ?? throw new FormatException($"line {number + 1} is not understood: {words}");
            }
        }

        return script.Title == "" ? throw new FormatException("no comment says what is shown") : script;
    }

    public static TimeSpan Seconds(string number) => TimeSpan.FromSeconds(double.Parse(number, CultureInfo.InvariantCulture));

    private Script? With(string words) => words switch
    {
        _ when Number().Match(words) is { Success: true } m => m.Groups["what"].Value == "hosts"
            ? this with { Hosts = int.Parse(m.Groups["n"].Value, CultureInfo.InvariantCulture) }
            : this with { Nodes = int.Parse(m.Groups["n"].Value, CultureInfo.InvariantCulture) },
        _ when Vm().Match(words) is { Success: true } m => this with { Vms = Vms.Add(ScriptVm.Of(m.Groups["name"].Value, m.Groups["more"].Value)) },
        "no host has a watchdog" => this with { Watchdogs = false },
        "policy: no fencing of hosts that renew their lease on the storage" =>
            this with { Rules = new ClusterPatch { SkipFencingIfStorageActive = true } },
        "policy: any host may be lost" => this with { Rules = new ClusterPatch { HaReservation = true } },
        "hosts of odd numbers have crash kernels" => this with { Kdump = true },
        "agents show certificates" => this with { Certificates = true },
        "agents are restarted over SSH" => this with { SoftFencing = true },
        _ when Turns().Match(words) is { Success: true } m =>
            this with { Rules = new ClusterPatch { MaxFencesAtOnce = int.Parse(m.Groups["n"].Value, CultureInfo.InvariantCulture) } },
        "policy: only highly available guests leave a host that is non-operational" =>
            this with { Rules = new ClusterPatch { OnError = MigrateOnError.MigrateHighlyAvailable } },
        "policy: no guest leaves a host that is non-operational" =>
            this with { Rules = new ClusterPatch { OnError = MigrateOnError.DoNotMigrate } },
        "policy: no fencing" => this with { Rules = new ClusterPatch { FencingEnabled = false } },
        "policy: no fencing while half of the hosts are silent" =>
            this with { Rules = new ClusterPatch { SkipFencingIfConnectivityBroken = true } },
        _ when Policy().Match(words) is { Success: true } m && MigrationPolicy.All.FirstOrDefault(p => p.Name == m.Groups["name"].Value) is { } policy =>
            this with { Rules = new ClusterPatch { Migration = new MigrationOptions { Policy = policy.Id } } },
        _ when Network().Match(words) is { Success: true } m =>
            this with { Rules = (Rules ?? new ClusterPatch()) with { MigrationNetwork = m.Groups["cidr"].Value } },
        _ when Ends().Match(words) is { Success: true } m => this with { End = Seconds(m.Groups["s"].Value) },
        _ when At().Match(words) is { Success: true } m =>
            this with { Steps = Steps.Add(Step.Of(null, Seconds(m.Groups["s"].Value), m.Groups["do"].Value)) },
        _ when After().Match(words) is { Success: true } m => this with
        {
            Steps = Steps.Add(Step.Of(
                m.Groups["text"].Value, m.Groups["s"] is { Success: true } s ? Seconds(s.Value) : TimeSpan.Zero, m.Groups["do"].Value)),
        },
        _ => null,
    };

    [GeneratedRegex("^(?<what>hosts|nodes) (?<n>[0-9]+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Number();

    [GeneratedRegex("^vm (?<name>[a-z0-9-]+)(?<more>(, [^,]+)*)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Vm();

    [GeneratedRegex("^migration policy: (?<name>.+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Policy();

    [GeneratedRegex("^migration network: (?<cidr>.+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Network();

    [GeneratedRegex("^policy: (?<n>[0-9]+) hosts? fenced at a time$", RegexOptions.ExplicitCapture)]
    private static partial Regex Turns();

    [GeneratedRegex("^end (?<s>[0-9.]+) s$", RegexOptions.ExplicitCapture)]
    private static partial Regex Ends();

    [GeneratedRegex("^(?<s>[0-9.]+) s: (?<do>.+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex At();

    [GeneratedRegex("^after \"(?<text>[^\"]+)\"( \\+ (?<s>[0-9.]+) s)?: (?<do>.+)$", RegexOptions.ExplicitCapture)]
    private static partial Regex After();
}

/// <param name="After">Text of a line of the timeline; null when <paramref name="Time"/> counts from the beginning.</param>
/// <param name="IsRefused">Whether it must be: a step that nobody expected to be refused would leave its scenario about
/// something else.</param>
public sealed record Step(string? After, TimeSpan Time, string Words, bool IsRefused)
{
    private const string Refused = ", which is refused";

    public static Step Of(string? after, TimeSpan time, string words) => words.EndsWith(Refused, StringComparison.Ordinal)
        ? new(after, time, words[..^Refused.Length], true)
        : new(after, time, words, false);
}

/// <param name="ByUsersOnly">Only a user who insists may migrate it.</param>
/// <param name="On">The host that it prefers; null: the cluster chooses.</param>
public sealed record ScriptVm(string Name, bool HighlyAvailable, int Priority, long Memory, bool Down, bool Disk, string? On, bool Pinned, bool ByUsersOnly)
{
    /// <summary>What becomes of it when a failed disk has paused it.</summary>
    public StorageErrorResume OnStorageError { get; init; }

    public bool Stateless { get; init; }

    /// <summary>What its watchdog does; null: it has none.</summary>
    public string? Watchdog { get; init; }

    public static ScriptVm Of(string name, string more)
    {
        var vm = new ScriptVm(name, false, 1, 1L << 30, false, false, null, false, false);
        foreach (var word in more.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            vm = word.Split(' ') switch
            {
                ["highly", "available"] => vm with { HighlyAvailable = true },
                ["priority", var n] => vm with { Priority = int.Parse(n, CultureInfo.InvariantCulture) },
                [var n, "GiB"] => vm with { Memory = long.Parse(n, CultureInfo.InvariantCulture) << 30 },
                ["that", "goes", "on", "when", "its", "storage", "is", "back"] => vm with { OnStorageError = StorageErrorResume.AutoResume },
                ["that", "is", "killed", "when", "its", "storage", "stays", "away"] => vm with { OnStorageError = StorageErrorResume.Kill },
                ["stateless"] => vm with { Stateless = true },
                ["with", "a", "watchdog", "that", var action] => vm with { Watchdog = action },
                ["down"] => vm with { Down = true },
                ["with", "a", "disk"] => vm with { Disk = true },
                ["migrated", "by", "users", "only"] => vm with { ByUsersOnly = true },
                ["on", var host] => vm with { On = host },
                ["pinned", "to", var host] => vm with { On = host, Pinned = true },
                _ => throw new FormatException($"a VM is not '{word}'"),
            };
        }

        return vm;
    }
}
