using System.Collections.Immutable;
using Orchestrator.Actors.Journal;
using static Orchestrator.Actors.DataCenter.DataCenterEvent;
using static Orchestrator.Actors.DataCenter.DataCenterState;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.DataCenter;

/// <summary>What a data center's facts look like from outside.</summary>
public static class DataCenterStory
{
    public static DataCenterView? View(DataCenterState center) => center is Active
        ? new DataCenterView { Id = center.Core.Id, Config = center.Config, CreatedAt = center.Core.CreatedAt }
        : null;

    public static AuditLine? Line(DataCenterState before, DataCenterEvent fact, DataCenterState after)
    {
        var name = after.Config.Name;
        AuditLine Said(int code, Origin by, string text) => new(
            code, Severity.Normal, text, by.At, by.Correlation, by.User, DataCenter: after.Core.Id.Value);
        return fact switch
        {
            Created e   => Said(950, e.Origin, $"Data center {name} was added by {e.Origin.User}."),
            Redefined e => Said(952, e.Origin, $"Data center {name} was updated by {e.Origin.User}."),
            Removed e   => Said(954, e.Origin, $"Data center {name} was removed by {e.Origin.User}."),
            _           => null,
        };
    }

    public static ImmutableArray<JobView> Jobs(DataCenterState before, DataCenterEvent fact, DataCenterState after) => [];
}
