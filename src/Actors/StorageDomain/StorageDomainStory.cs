using System.Collections.Immutable;
using Orchestrator.Actors.Journal;
using static Orchestrator.Actors.StorageDomain.StorageDomainEvent;
using static Orchestrator.Actors.StorageDomain.StorageDomainState;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.StorageDomain;

/// <summary>What a storage domain's facts look like from outside.</summary>
public static class StorageDomainStory
{
    public static StorageDomainView? View(StorageDomainState domain) => domain switch
    {
        Absent or Forgotten or Gone => null,
        _ => new StorageDomainView
        {
            Id = domain.Core.Id,
            Config = domain.Config,
            Status = domain switch
            {
                Preparing or Wiping => "locked",
                Activating          => "activating",
                Unattached          => "unattached",
                Active              => "active",
                Inactive            => "inactive",
                Maintenance         => "maintenance",
                Detaching           => "detaching",
                _                   => "unknown",
            },
            StatusDetail = domain switch { Failed f => f.Reason, Inactive i => i.Reason, _ => domain.Core.Trouble },
            DataCenter = domain.DataCenter,
            Available = domain.Core.Available,
            Used = domain.Core.Used,
            CreatedAt = domain.Core.CreatedAt,
            Job = domain.Core.Job?.Id,
        },
    };

    public static AuditLine? Line(StorageDomainState before, StorageDomainEvent fact, StorageDomainState after)
    {
        var name = after.Config.Name;
        AuditLine By(int code, Origin by, string text) => new(
            code, Severity.Normal, text, by.At, by.Correlation, by.User, StorageDomain: after.Core.Id.Value);
        AuditLine Later(int code, string text, DateTimeOffset at, Severity severity = Severity.Normal) => new(
            code, severity, text, at, before.Core.Job?.Origin.Correlation, "system", StorageDomain: after.Core.Id.Value);
        return fact switch
        {
            Created e     => By(956, e.Origin, $"Storage domain {name} is being added by {e.Origin.User}."),
            Redefined e   => By(958, e.Origin, $"Storage domain {name} was updated by {e.Origin.User}."),
            Prepared e    => new(960, Severity.Normal, $"Storage domain {name} was added.", e.At,
                                 before.Core.Job?.Origin.Correlation, "system", StorageDomain: after.Core.Id.Value),
            PreparationFailed e => new(957, Severity.Error,
                                 $"Storage domain {name} could not be added: {e.Reason}. Remove it and try again.", e.At,
                                 before.Core.Job?.Origin.Correlation, "system", StorageDomain: after.Core.Id.Value),
            Attached e    => By(962, e.Origin, $"Storage domain {name} was attached by {e.Origin.User}."),
            Detached e    => By(964, e.Origin, $"Storage domain {name} was detached by {e.Origin.User}."),
            Activated e   => By(966, e.Origin, $"Storage domain {name} was activated by {e.Origin.User}."),
            Deactivated e => By(1029, e.Origin, $"Storage domain {name} was moved to maintenance by {e.Origin.User}."),
            Removed e     => By(960, e.Origin, $"Storage domain {name} was removed by {e.Origin.User}."),
            Opened e      => before is Activating { Before: Standing.Unattached }
                                 ? Later(962, $"Storage domain {name} was attached and activated.", e.At)
                                 : Later(966, $"Storage domain {name} was activated.", e.At),
            OpeningFailed e => before is Activating { Before: Standing.Unattached }
                                 ? Later(963, $"Storage domain {name} could not be attached: {e.Reason}.", e.At, Severity.Error)
                                 : Later(967, $"Storage domain {name} could not be activated: {e.Reason}.", e.At, Severity.Error),
            Released e    => Later(964, $"Storage domain {name} was detached.", e.At),
            ReleaseFailed e => Later(965, $"Storage domain {name} could not be detached: {e.Reason}.", e.At, Severity.Error),
            Wiped e       => Later(960, $"Storage domain {name} was removed, and all that was in it deleted.", e.At),
            WipeFailed e  => Later(961, $"Storage domain {name} could not be deleted: {e.Reason}.", e.At, Severity.Error),
            WentUnread e  => Later(970, $"Storage domain {name} is inactive: no host that is up reads it ({e.Reason}).", e.At, Severity.Warning),
            CameBack e    => Later(966, $"Storage domain {name} is active again: a host reads it.", e.At),
            SpaceChanged e => Fuller(before, after, e.At),
            _             => null,
        };
    }

    public static ImmutableArray<JobView> Jobs(
        StorageDomainState before, StorageDomainEvent fact, StorageDomainState after) =>
        Journal.Jobs.Change(before.Core.Job, after.Core.Job, Kinds.StorageDomain, after.Core.Id.Value,
            fact is PreparationFailed or OpeningFailed or ReleaseFailed or WipeFailed ? Outcome.Failed : Outcome.Finished,
            fact switch
            {
                Prepared e          => e.At,
                PreparationFailed e => e.At,
                Opened e            => e.At,
                OpeningFailed e     => e.At,
                Released e          => e.At,
                ReleaseFailed e     => e.At,
                Wiped e             => e.At,
                WipeFailed e        => e.At,
                Removed e           => e.Origin.At,
                _                   => default,
            });

    /// <summary>Only what got worse is told.</summary>
    private static AuditLine? Fuller(StorageDomainState before, StorageDomainState after, DateTimeOffset at)
    {
        var config = after.Config;
        var level = Space.Level(config, after.Core.Available, after.Core.Used);
        if (level <= Space.Level(config, before.Core.Available, before.Core.Used)) return null;
        var free = $"{after.Core.Available >> 30} GiB of free space";
        return level == SpaceLevel.Critical
            ? new(201, Severity.Error, $"Critical, low disk space: storage domain {config.Name} has {free}. No disk is made in it or grows.",
                at, null, "system", StorageDomain: after.Core.Id.Value)
            : new(26, Severity.Warning, $"Low disk space: storage domain {config.Name} has {free}.",
                at, null, "system", StorageDomain: after.Core.Id.Value);
    }
}
