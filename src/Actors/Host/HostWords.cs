using System.Collections.Immutable;
using System.Globalization;
using Orchestrator.Actors.Watching;

#pragma warning disable format // tables stand in columns
namespace Orchestrator.Actors.Host;

/// <summary>How an operator is told what a host is and waits for. Pure.</summary>
internal static class HostWords
{
    public static Words<HostState, HostCommand, HostEffect> All { get; } =
        new(Summary, HostStory.Owed, _ => null, Remedy, Heard);

    private static ImmutableArray<KeyValuePair<string, string>> Summary(HostState host) =>
    [
        new("name", host.Core.Config?.Name ?? ""),
        new("address", host.Core.Config is { } c ? $"{c.Address}:{c.Port}{c.PathPrefix}" : ""),
        new("life", host.Core.Incarnation.ToString(CultureInfo.InvariantCulture)),
        new("fence agents", (host.Core.Config?.FenceAgents.Length ?? 0).ToString(CultureInfo.InvariantCulture)),
        .. host.Core.Failures > 0
            ? [new("power actions that failed in a row", host.Core.Failures.ToString(CultureInfo.InvariantCulture))]
            : Nothing,
        .. host.Core.Skipped is { } skipped
            ? [new("fencing", skipped switch
            {
                FenceSkip.Disabled      => "disabled in its cluster",
                FenceSkip.StorageActive => "skipped: it renews its lease on the storage",
                FenceSkip.Turn          => "waits for its turn: as many hosts of its cluster are being fenced as may be at a time",
                _                       => "skipped: too many hosts are not reached",
            })]
            : Nothing,
        .. HostRestoration.IsUnaccounted(host.Core)
            ? [new("since the database was restored", "it has not told which guests it has: VMs that are not found wait for it")]
            : Nothing,
        .. host is not HostState.Up && host.Core.AgentRestarted ? [new("soft fencing", "its agent was restarted over SSH")] : Nothing,
        .. host.Core.By is { } by ? [new("way", $"its agent is spoken to by way of the node at {by}")] : Nothing,
        .. host.Core.Unfit is { } unfit ? [new("non-operational", Why(unfit))] : Nothing,
        .. host.Core.Lost.Select(d => new KeyValuePair<string, string>(
            "storage domain", $"{d.Name}: not read since {d.Since.UtcDateTime:HH:mm:ss} UTC ({d.Why})")),
        .. host.Core.Bond is { } bond
            ? [new("lease", $"{bond.Folder}, {bond.LeaseMs / 1000} s, watchdog {(bond.WatchdogMs > 0 ? $"{bond.WatchdogMs / 1000} s" : "none")}")]
            : Nothing,
        .. host.Core.Deploy is { } deploy
            ? [new("software", $"{deploy.Job.Description}, asked by {deploy.Job.Origin.User}{(deploy.Step == "" ? "" : $": {deploy.Step}")}")]
            : Nothing,
        .. host.Core.Certificate is { } certificate
            ? [new("certificate", $"ends {certificate.Until.UtcDateTime:yyyy-MM-dd HH:mm} UTC{(certificate.Trouble == "" ? "" : $"; not renewed: {certificate.Trouble}")}")]
            : Nothing,
        .. host.Core.Facts is { } facts ? [new("boot", facts.BootId), new("agent", facts.Version)] : Nothing,
        .. host.Core.Job is { } job ? [new("job", $"{job.Description}, asked by {job.Origin.User}")] : Nothing,
    ];

    private static KeyValuePair<string, string>[] Nothing => [];

    private static string Why(Unfitness why) => why.Reason switch
    {
        NonOperationalReason.StorageDomainUnreachable   => $"it cannot read {why.Words}",
        NonOperationalReason.TimeoutRecoveringFromCrash => $"its agent has not answered for {why.Words}",
        _ => $"it was silent {why.Words}; in quarantine until {why.Until?.UtcDateTime:HH:mm:ss} UTC",
    };

    private static string? Remedy(HostEffect effect) => effect switch
    {
        HostEffect.Power { ByHand: false } => "Look whether its cluster's fencing policy forbids it, or its turn has not come (then fence it by hand: POST "
            + "/hosts/{id}/fence, fence_type stop); else repair its fence device or its address and password, or, when the host "
            + "certainly is off, confirm that it was rebooted (fence_type manual).",
        HostEffect.Power => "Repair its fence device or its address and password, or, when the host certainly is off, "
            + "confirm that it was rebooted (POST /hosts/{id}/fence, fence_type manual).",
        HostEffect.Drain => "Look at the VMs that are still on it: migrate or stop them.",
        HostEffect.MoveAway or HostEffect.WeighStorage => "Repair the host's way to the storage; it is up again by itself.",
        HostEffect.AwaitQuarantineEnd => "Find out why it falls silent (network, load, agent); activate it to end the quarantine at once.",
        HostEffect.AwaitBoot => "Wait, or look at its console; after 20 minutes its power is cut and switched on once more.",
        HostEffect.AwaitSelfFence => "Nothing, if it has lost the storage, too. If it renews its lease there, its guests run: repair its "
            + "network, or confirm that it was rebooted.",
        HostEffect.Deploy { Under.Kind: DeployKind.Enroll } => "Look whether its agent answers.",
        HostEffect.Deploy => "Look whether the engine's nodes reach its SSH port; it ends by itself within hosts.install.limit.",
        HostEffect.TellLost => "Bring the host back, or give it power management; its VMs wait until it is proved dead.",
        _ => null,
    };

    private static string? Heard(HostCommand command) => command switch
    {
        HostCommand.ReportSilent c                 => $"its agent was last heard at {c.LastHeard.UtcDateTime:HH:mm:ss} UTC",
        HostCommand.ReportUnreached                => "its agent is not reached",
        HostCommand.ReportReached c                => $"its agent is reached, boot {c.Facts.BootId}",
        HostCommand.ReportWay { By: { } by }       => $"its agent is spoken to by way of the node at {by}",
        HostCommand.ReportWay                      => "its agent answers directly",
        HostCommand.ReportNoAnswer                 => "its agent has not answered yet",
        HostCommand.ReportSelfFenced               => "its lease has ended, and it has ended its guests",
        HostCommand.TakeFenceTurn                  => "its cluster lets it be fenced now",
        HostCommand.ReportSuspect c                => $"its agent was last heard at {c.LastHeard.UtcDateTime:HH:mm:ss} UTC; it may hang",
        HostCommand.ReportAgentRestarted           => "its agent was restarted over SSH",
        HostCommand.ReportDeployed c               => c.Ok ? $"its software: {c.Message}" : $"its software: failed: {c.Message}",
        HostCommand.ReportFenceSkipped c           => $"its power is not cut: {c.Words}",
        HostCommand.ReportPower { Ok: false } c    => $"power {Word(c.Action)} failed: {c.Message}",
        HostCommand.ReportPower c                  => $"power {Word(c.Action)}: the device says {Word(c.Power)}",
        _                                          => null,
    };

    private static string Word<T>(T value) where T : struct, Enum => value.ToString().ToLowerInvariant();
}
