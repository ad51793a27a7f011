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
        Absent or Gone => null,
        _ => new StorageDomainView
        {
            Id = domain.Core.Id,
            Config = domain.Config,
            Status = domain switch
            {
                Preparing   => "locked",
                Unattached  => "unattached",
                Active      => "active",
                Maintenance => "maintenance",
                _           => "unknown",
            },
            StatusDetail = domain is Failed f ? f.Reason : "",
            DataCenter = domain switch { Active a => a.DataCenter, Maintenance m => m.DataCenter, _ => null },
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
            Removed e     => By(967, e.Origin, $"Storage domain {name} was removed by {e.Origin.User}."),
            _             => null,
        };
    }

    public static ImmutableArray<JobView> Jobs(
        StorageDomainState before, StorageDomainEvent fact, StorageDomainState after) =>
        Journal.Jobs.Change(before.Core.Job, after.Core.Job, Kinds.StorageDomain, after.Core.Id.Value,
            fact is PreparationFailed ? Outcome.Failed : Outcome.Finished,
            fact is Prepared p ? p.At : fact is PreparationFailed q ? q.At : default);
}
