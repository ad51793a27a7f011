using System.Collections.Immutable;
using static Orchestrator.Actors.DataCenter.DataCenterCommand;
using static Orchestrator.Actors.DataCenter.DataCenterEvent;
using static Orchestrator.Actors.DataCenter.DataCenterState;
using Decision = Orchestrator.Actors.Decision<
    Orchestrator.Actors.DataCenter.DataCenterEvent, Orchestrator.Actors.DataCenter.DataCenterEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.DataCenter;

/// <summary>The rules of a data center. Pure.</summary>
public static class DataCenterDecider
{
    public static DataCenterState Initial(DataCenterId id) => new Absent(new DataCenterCore(id));

    public static Decision Decide(DataCenterState center, DataCenterCommand command) => (center, command) switch
    {
        (_, _) when AskedBefore(center, command) => new Decision.AlreadyDone(),

        (Absent, Create c)  => c.Config.Name == "" ? NoName : new Decision.Accept(new Created(c.Origin, c.Config)),
        (_, Create)         => new Decision.Refuse(Fault.AlreadyExists),
        (Absent, _)         => new Decision.Refuse(Fault.NotFound),
        (Gone, Remove)      => new Decision.AlreadyDone(),
        (Gone, _)           => new Decision.Refuse(Fault.Removed),

        (_, Update c)       => c.Patch.Name is "" ? NoName
                                   : new Decision.Accept(new Redefined(c.Origin, c.Patch.Apply(center.Config))),
        (_, Remove c)       => new Decision.Accept(new Removed(c.Origin)),
        _                   => new Decision.Refuse(Fault.NotFound),
    };

    /// <summary>Replays one fact. Total.</summary>
    public static DataCenterState Evolve(DataCenterState center, DataCenterEvent fact) => fact switch
    {
        Created e   => new Active(center.Core with
                       {
                           Config = e.Config, CreatedAt = e.Origin.At, Recent = center.Core.Recent.Add(e.Origin.Job),
                       }),
        Redefined e => center with { Core = center.Core with { Config = e.Config, Recent = center.Core.Recent.Add(e.Origin.Job) } },
        Removed e   => new Gone(center.Core with { Recent = center.Core.Recent.Add(e.Origin.Job) }),
        _           => center,
    };

    public static ImmutableArray<DataCenterEffect> Outstanding(DataCenterState center) => [];

    private static Decision NoName { get; } = new Decision.Refuse(Fault.MissingValue, "name");

    private static bool AskedBefore(DataCenterState center, DataCenterCommand command) =>
        center is not Absent && command switch
        {
            Create c => center.Core.Recent.Contains(c.Origin.Job),
            Update c => center.Core.Recent.Contains(c.Origin.Job),
            Remove c => center.Core.Recent.Contains(c.Origin.Job),
            _        => false,
        };

    extension(DataCenterState center)
    {
        internal DataCenterConfig Config => center.Core.Config ?? _nothing;
    }

    private static readonly DataCenterConfig _nothing = new() { Name = "" };
}
