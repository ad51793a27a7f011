using System.Collections.Immutable;
using static Orchestrator.Actors.StorageDomain.StorageDomainCommand;
using static Orchestrator.Actors.StorageDomain.StorageDomainEvent;
using static Orchestrator.Actors.StorageDomain.StorageDomainState;
using Decision = Orchestrator.Actors.Decision<
    Orchestrator.Actors.StorageDomain.StorageDomainEvent, Orchestrator.Actors.StorageDomain.StorageDomainEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.StorageDomain;

/// <summary>The rules of a storage domain. Pure.</summary>
public static class StorageDomainDecider
{
    public static StorageDomainState Initial(StorageDomainId id) => new Absent(new StorageDomainCore(id));

    public static Decision Decide(StorageDomainState domain, StorageDomainCommand command) => (domain, command) switch
    {
        (_, _) when AskedBefore(domain, command)      => Done,

        (Absent, Create c)                            => c.Config.Name == "" ? NoName
            : Accept(new Created(c.Origin, c.Config, c.Host)),
        (_, Create)                                   => No(Fault.AlreadyExists),
        (Absent, _)                                   => No(Fault.NotFound),
        (Gone, Remove)                                => Done,
        (Gone, _)                                     => No(Fault.Removed),

        (Preparing s, ReportImageWork c)              => c.Work != s.Work ? No(Fault.StaleReport)
            : c.Ok ? Accept(new Prepared(c.Available, c.Used, c.At))
            : Accept(new PreparationFailed(c.Message, c.At)),
        (_, ReportImageWork)                          => No(Fault.StaleReport),

        (Preparing, Update)                           => No(Fault.StorageDomainStatusIllegal),
        (_, Update c)                                 => c.Patch.Name is "" ? NoName
            : Accept(new Redefined(c.Origin, c.Patch.Apply(domain.Config))),

        (Unattached, Attach c)                        => Accept(new Attached(c.Origin, c.DataCenter)),
        (Active s, Attach c) when s.DataCenter == c.DataCenter => Done,
        (Active or Maintenance, Attach)               => No(Fault.StorageDomainAlreadyAttached),
        (_, Attach)                                   => No(Fault.StorageDomainStatusIllegal),

        (Maintenance s, Detach c)                     => s.DataCenter == c.DataCenter
                                                             ? Accept(new Detached(c.Origin))
                                                             : No(Fault.StorageDomainNotAttached),
        (Active, Detach)                              => No(Fault.StorageDomainStatusIllegal),
        (_, Detach)                                   => No(Fault.StorageDomainNotAttached),

        (Maintenance, Activate c)                     => Accept(new Activated(c.Origin)),
        (Active, Activate)                            => No(Fault.StorageDomainStatusIllegal),
        (_, Activate)                                 => No(Fault.StorageDomainNotAttached),

        (Active, Deactivate c)                        => Accept(new Deactivated(c.Origin)),
        (Maintenance, Deactivate)                     => No(Fault.StorageDomainStatusIllegal),
        (_, Deactivate)                               => No(Fault.StorageDomainNotAttached),

        (Unattached or Failed, Remove c)              => Accept(new Removed(c.Origin)),
        (_, Remove)                                   => No(Fault.StorageDomainStatusIllegal),

        _                                             => No(Fault.StorageDomainStatusIllegal),
    };

    /// <summary>Replays one fact. Total.</summary>
    public static StorageDomainState Evolve(StorageDomainState domain, StorageDomainEvent fact)
    {
        var core = domain.Core;
        return fact switch
        {
            Created e           => new Preparing(
                Asked(core, e.Origin) with
                {
                    Config = e.Config, CreatedAt = e.Origin.At,
                    Job = new Job(e.Origin.Job, $"Adding storage domain {e.Config.Name}", e.Origin),
                },
                e.Host, e.Origin.Job.Value),
            Redefined e         => domain with { Core = Asked(core, e.Origin) with { Config = e.Config } },
            Prepared e          => new Unattached(core with { Available = e.Available, Used = e.Used, Job = null }),
            PreparationFailed e => new Failed(core with { Job = null }, e.Reason),
            Attached e          => new Active(Asked(core, e.Origin), e.DataCenter),
            Detached e          => new Unattached(Asked(core, e.Origin)),
            Activated e         => domain is Maintenance m ? new Active(Asked(core, e.Origin), m.DataCenter) : domain,
            Deactivated e       => domain is Active a ? new Maintenance(Asked(core, e.Origin), a.DataCenter) : domain,
            Removed e           => new Gone(Asked(core, e.Origin)),
            _                   => domain,
        };
    }

    /// <summary>What must be asked of the world in this state; the same after a crash.</summary>
    public static ImmutableArray<StorageDomainEffect> Outstanding(StorageDomainState domain) => domain switch
    {
        Preparing s => [new StorageDomainEffect.Prepare(s.Host, s.Work)],
        _           => [],
    };

    private static Decision Accept(params ImmutableArray<StorageDomainEvent> facts) => new Decision.Accept(facts);

    private static Decision No(Fault fault) => new Decision.Refuse(fault);

    private static Decision NoName { get; } = new Decision.Refuse(Fault.MissingValue, "name");

    private static Decision Done { get; } = new Decision.AlreadyDone();

    private static StorageDomainCore Asked(StorageDomainCore core, Origin origin) => core with { Recent = core.Recent.Add(origin.Job) };

    private static bool AskedBefore(StorageDomainState domain, StorageDomainCommand command) =>
        OriginOf(command) is { } origin && domain is not Absent && domain.Core.Recent.Contains(origin.Job);

    private static Origin? OriginOf(StorageDomainCommand command) => command switch
    {
        Create c     => c.Origin,
        Update c     => c.Origin,
        Attach c     => c.Origin,
        Detach c     => c.Origin,
        Activate c   => c.Origin,
        Deactivate c => c.Origin,
        Remove c     => c.Origin,
        _            => null,
    };

    extension(StorageDomainState domain)
    {
        internal StorageDomainConfig Config => domain.Core.Config ?? _nothing;
    }

    private static readonly StorageDomainConfig _nothing = new() { Name = "", Path = "" };
}
