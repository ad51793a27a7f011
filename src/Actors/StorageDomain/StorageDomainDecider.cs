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
            : Accept(new Created(c.Origin, c.Config, c.Host) { Opening = c.Opening }),
        // It is on the storage still, and may be taken up again under its id.
        (Forgotten, Create { Opening: Opening.Import or Opening.Seize } c) =>
            Accept(new Created(c.Origin, c.Config, c.Host) { Opening = c.Opening }),
        (_, Create)                                   => No(Fault.AlreadyExists),
        (Absent, _)                                   => No(Fault.NotFound),
        (Gone or Forgotten, Remove)                   => Done,
        (Gone or Forgotten, _)                        => No(Fault.Removed),

        (Preparing s, ReportImageWork c)              => c.Work != s.Work ? No(Fault.StaleReport)
            : c.Ok ? Accept(new Prepared(c.Available, c.Used, c.At))
            : Accept(new PreparationFailed(c.Message, c.At)),
        (Activating s, ReportImageWork c) when c.Work == s.Work => c.Ok ? Accept(new Opened(c.Available, c.Used, c.At))
            : Accept(new OpeningFailed(c.Message, c.At)),
        (Detaching s, ReportImageWork c) when c.Work == s.Work => c.Ok ? Accept(new Released(c.At))
            : Accept(new ReleaseFailed(c.Message, c.At)),
        (Wiping s, ReportImageWork c) when c.Work == s.Work => c.Ok ? Accept(new Wiped(c.At))
            : Accept(new WipeFailed(c.Message, c.At)),
        (_, ReportImageWork)                          => No(Fault.StaleReport),

        (Active, ReportUnread c)                      => Accept(new WentUnread(c.Reason, c.At)),
        (Inactive, ReportRead c)                      => Accept(new CameBack(c.At)),
        (Active, ReportSpace c)                       => Space.IsNews(domain.Config, (domain.Core.Available, domain.Core.Used), (c.Available, c.Used))
                                                             ? Accept(new SpaceChanged(c.Available, c.Used, c.At))
                                                             : Done,
        (_, ReportUnread or ReportRead or ReportSpace) => No(Fault.StaleReport),

        (Preparing or Activating or Detaching or Wiping, Update) => No(Fault.StorageDomainStatusIllegal),
        (not (Maintenance or Unattached), Update { Patch.Location: not null }) => No(Fault.StorageDomainStatusIllegal),
        (_, Update c)                                 => c.Patch.Name is "" ? NoName
            : Accept(new Redefined(c.Origin, c.Patch.Apply(domain.Config))),

        (Unattached, Attach { Host: { } host } c)     => Accept(new ActivationBegan(c.Origin, c.DataCenter, host, Standing.Unattached)),
        (Unattached, Attach c)                        => Accept(new Attached(c.Origin, c.DataCenter)),
        (Active s, Attach c) when s.DataCenter == c.DataCenter => Done,
        (Active or Inactive or Maintenance, Attach)   => No(Fault.StorageDomainAlreadyAttached),
        (_, Attach)                                   => No(Fault.StorageDomainStatusIllegal),

        (Maintenance s, Detach c)                     => s.DataCenter != c.DataCenter ? No(Fault.StorageDomainNotAttached)
                                                             : c.Host is { } host ? Accept(new DetachmentBegan(c.Origin, host))
                                                             : Accept(new Detached(c.Origin)),
        (Active or Inactive or Activating or Detaching, Detach) => No(Fault.StorageDomainStatusIllegal),
        (_, Detach)                                   => No(Fault.StorageDomainNotAttached),

        (Maintenance s, Activate { Host: { } host } c) => Accept(new ActivationBegan(c.Origin, s.DataCenter, host, Standing.Attached)),
        (Inactive s, Activate { Host: { } host } c)   => Accept(new ActivationBegan(c.Origin, s.DataCenter, host, Standing.Attached)),
        (Maintenance, Activate c)                     => Accept(new Activated(c.Origin)),
        (Active or Inactive or Activating or Detaching, Activate) => No(Fault.StorageDomainStatusIllegal),
        (_, Activate)                                 => No(Fault.StorageDomainNotAttached),

        (Active or Inactive, Deactivate c)            => Accept(new Deactivated(c.Origin)),
        (Maintenance or Activating or Detaching, Deactivate) => No(Fault.StorageDomainStatusIllegal),
        (_, Deactivate)                               => No(Fault.StorageDomainNotAttached),

        (Active, Remove)                              => No(Fault.StorageDomainStatusIllegal),
        (_, Remove { Removal: Removal.Destroy } c)    => Accept(new Removed(c.Origin)),
        (Unattached, Remove { Removal: Removal.Wipe, Host: { } host } c) => Accept(new WipeBegan(c.Origin, host)),
        (Unattached, Remove { Removal: Removal.Wipe }) => new Decision.Refuse(Fault.MissingValue, "host"),
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
                e.Host, e.Origin.Job.Value) { Opening = e.Opening },
            Redefined e         => domain with { Core = Asked(core, e.Origin) with { Config = e.Config } },
            Prepared e          => new Unattached(core with { Available = e.Available, Used = e.Used, Job = null }),
            PreparationFailed e => new Failed(core with { Job = null }, e.Reason),
            Attached e          => new Active(Asked(core, e.Origin), e.DataCenter),
            Detached e          => new Unattached(Asked(core, e.Origin)),
            Activated e         => domain is Maintenance m ? new Active(Asked(core, e.Origin), m.DataCenter) : domain,
            Deactivated e       => domain.DataCenter is { } center ? new Maintenance(Asked(core, e.Origin), center) : domain,
            ActivationBegan e   => new Activating(
                Begun(core, e.Origin, $"Activating storage domain {domain.Config.Name}"), e.DataCenter, e.Host, e.Origin.Job.Value, e.Before),
            Opened e            => domain is Activating s
                ? new Active(core with { Available = e.Available, Used = e.Used, Job = null }, s.DataCenter)
                : domain,
            OpeningFailed e     => domain switch
            {
                Activating { Before: Standing.Unattached } => new Unattached(Failure(core, e.Reason)),
                Activating s                               => new Maintenance(Failure(core, e.Reason), s.DataCenter),
                _                                          => domain,
            },
            DetachmentBegan e   => domain is Maintenance m
                ? new Detaching(Begun(core, e.Origin, $"Detaching storage domain {domain.Config.Name}"), m.DataCenter, e.Host, e.Origin.Job.Value)
                : domain,
            Released            => new Unattached(core with { Job = null }),
            ReleaseFailed e     => domain is Detaching s ? new Maintenance(Failure(core, e.Reason), s.DataCenter) : domain,
            WipeBegan e         => new Wiping(Begun(core, e.Origin, $"Removing storage domain {domain.Config.Name}"), e.Host, e.Origin.Job.Value),
            Wiped               => new Gone(core with { Job = null }),
            WipeFailed e        => new Unattached(Failure(core, e.Reason)),
            WentUnread e        => domain is Active a ? new Inactive(core, a.DataCenter, e.Reason) : domain,
            CameBack            => domain is Inactive i ? new Active(core, i.DataCenter) : domain,
            SpaceChanged e      => domain with { Core = core with { Available = e.Available, Used = e.Used } },
            Removed e           => new Forgotten(Asked(core with { Job = null }, e.Origin)),
            _                   => domain,
        };
    }

    /// <summary>What must be asked of the world in this state; the same after a crash.</summary>
    public static ImmutableArray<StorageDomainEffect> Outstanding(StorageDomainState domain) => domain switch
    {
        Preparing s  => [new StorageDomainEffect.Prepare(s.Host, s.Work)],
        Activating s => [new StorageDomainEffect.Open(s.Host, s.Work, s.DataCenter)],
        Active s     => [new StorageDomainEffect.Watch(s.DataCenter)],
        Inactive s   => [new StorageDomainEffect.Watch(s.DataCenter)],
        Detaching s  => [new StorageDomainEffect.Release(s.Host, s.Work)],
        Wiping s     => [new StorageDomainEffect.Wipe(s.Host, s.Work)],
        _            => [],
    };

    private static Decision Accept(params ImmutableArray<StorageDomainEvent> facts) => new Decision.Accept(facts);

    private static Decision No(Fault fault) => new Decision.Refuse(fault);

    private static Decision NoName { get; } = new Decision.Refuse(Fault.MissingValue, "name");

    private static Decision Done { get; } = new Decision.AlreadyDone();

    private static StorageDomainCore Asked(StorageDomainCore core, Origin origin) => core with { Recent = core.Recent.Add(origin.Job) };

    private static StorageDomainCore Begun(StorageDomainCore core, Origin origin, string what) =>
        Asked(core, origin) with { Trouble = "", Job = new Job(origin.Job, what, origin) };

    private static StorageDomainCore Failure(StorageDomainCore core, string why) => core with { Trouble = why, Job = null };

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

        internal DataCenterId? DataCenter => domain switch
        {
            Activating s  => s.DataCenter,
            Active s      => s.DataCenter,
            Inactive s    => s.DataCenter,
            Maintenance s => s.DataCenter,
            Detaching s   => s.DataCenter,
            _             => null,
        };
    }

    private static readonly StorageDomainConfig _nothing = new() { Name = "", Path = "" };
}
