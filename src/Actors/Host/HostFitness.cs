using System.Collections.Immutable;
using static Orchestrator.Actors.Host.HostCommand;
using static Orchestrator.Actors.Host.HostEvent;
using static Orchestrator.Actors.Host.HostState;
using Decision = Orchestrator.Actors.Decision<Orchestrator.Actors.Host.HostEvent, Orchestrator.Actors.Host.HostEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Host;

/// <summary>
/// Whether a host that lives is fit for guests. Pure. What it is not fit for is told apart from what it is doing: a reason
/// outlives a silence and a reboot, and goes when a report says that it is gone, or when a user activates the host.
/// </summary>
internal static class HostFitness
{
    /// <summary>As many silences as any sensible rule counts.</summary>
    private const int SilencesKept = 16;

    /// <summary>After a quarantine a host that stayed reached for so long begins with the shortest one again.</summary>
    private static readonly TimeSpan _trustedAfter = TimeSpan.FromHours(1);

    public static Decision Decide(HostState host, HostCommand command) => (host, command) switch
    {
        // What was heard before a host was emptied, or of one that nobody listens to, is no news.
        (Maintenance, ReportDomains) => No(Fault.StaleReport),
        (_, ReportDomains c)         => Domains(host.Core, c),

        (Up, ReportStorageUnreachable c) when c.Folders.Any(f => IsLost(host.Core.Lost, f)) =>
            Accept(new BecameNonOperational(new Unfitness(
                NonOperationalReason.StorageDomainUnreachable, c.Names, c.At) { Folders = c.Folders })),
        (_, ReportStorageUnreachable) => No(Fault.StaleReport),

        (_, ReportQuarantineOver c)  => host.Core.Unfit?.Until == c.Until && c.At >= c.Until
            ? Accept(new BecameOperational("its quarantine is over", c.At))
            : No(Fault.StaleReport),

        (Initializing { Core.Unfit: null }, ReportNoAnswer c) when c.Since == host.Core.AwaitedSince =>
            Accept(new BecameNonOperational(new Unfitness(
                NonOperationalReason.TimeoutRecoveringFromCrash, $"{(c.At - c.Since).TotalMinutes:F0} min", c.At))),
        (_, ReportNoAnswer)          => No(Fault.StaleReport),

        _                            => No(Fault.HostStatusIllegal),
    };

    public static HostState Evolve(HostState host, HostEvent fact) => fact switch
    {
        DomainsChanged e       => host with { Core = host.Core with { Lost = e.Lost } },
        BecameNonOperational e => Marked(host, host.Core with
                                  {
                                      Unfit = e.Why,
                                      Quarantined = e.Why.Until is { } until ? new Quarantine(e.Why.Times, until) : host.Core.Quarantined,
                                  }),
        BecameOperational      => host is NonOperational
                                      ? new Up(host.Core with { Unfit = null })
                                      : host with { Core = host.Core with { Unfit = null } },
        _                      => host,
    };

    public static ImmutableArray<HostEffect> Outstanding(HostState host) => host switch
    {
        Initializing { Core.Unfit: null }                => [new HostEffect.AwaitAnswer(host.Core.AwaitedSince)],
        Up { Core.Lost.IsEmpty: false }                  => [new HostEffect.WeighStorage()],
        NonOperational { Core.Unfit.Until: { } until }   => [new HostEffect.AwaitQuarantineEnd(until)],
        NonOperational { Core.Unfit.Reason: NonOperationalReason.StorageDomainUnreachable } =>
            [new HostEffect.MoveAway(host.Core.Incarnation)],
        _                                                => [],
    };

    /// <summary>What a host that answers again has become: its return, after the quarantine that it returns to, if any.</summary>
    public static ImmutableArray<HostEvent> Back(HostState host, CameUp back, QuarantineRule? rule)
    {
        // A host that is to be emptied takes nobody anyway.
        if (rule is not { Silences: > 0 } || host is not (NonResponsive or PoweredOff or Kdumping or Rebooting) || host.Core.Job is not null) return [back];
        var lately = host.Core.Silences.Count(s => back.At - s <= TimeSpan.FromSeconds(rule.WithinSeconds));
        if (lately <= rule.Silences) return [back];
        var before = host.Core.Quarantined is { } last && back.At - last.Until < _trustedAfter ? last.Times : 0;
        return
        [
            new BecameNonOperational(new Unfitness(
                NonOperationalReason.Flapping, $"{lately} times in {rule.WithinSeconds / 60} min", back.At)
            {
                Until = back.At + rule.Lasts(before),
                Times = before + 1,
            }),
            back,
        ];
    }

    /// <summary>That it did not answer is over when it answers; all else is still to be seen.</summary>
    public static Unfitness? StillUnfit(HostCore core) =>
        core.Job is null && core.Unfit is { Reason: not NonOperationalReason.TimeoutRecoveringFromCrash } ? core.Unfit : null;

    /// <summary>A user wants it, whatever was held against it.</summary>
    public static HostCore Forgiven(HostCore core) => core with { Unfit = null, Silences = [], Quarantined = null };

    /// <summary>A host that was switched on and does not answer was silent already.</summary>
    public static ImmutableArray<DateTimeOffset> Silent(HostState host, DateTimeOffset at)
    {
        var known = host.Core.Silences;
        return host is Rebooting ? known : known.RemoveRange(0, Math.Max(0, known.Length + 1 - SilencesKept)).Add(at);
    }

    /// <summary>The name that oVirt has for the reason; that of a quarantine is ours.</summary>
    public static string Word(NonOperationalReason reason) => reason switch
    {
        NonOperationalReason.StorageDomainUnreachable   => "storage_domain_unreachable",
        NonOperationalReason.TimeoutRecoveringFromCrash => "timeout_recovering_from_crash",
        _                                               => "flapping",
    };

    private static Decision Domains(HostCore core, ReportDomains c)
    {
        var facts = ImmutableArray.CreateBuilder<HostEvent>();
        if (!core.Lost.Select(d => d.Folder).Order(StringComparer.Ordinal).SequenceEqual(
            c.Lost.Select(d => d.Folder).Order(StringComparer.Ordinal)))
            facts.Add(new DomainsChanged(c.Lost, c.At));
        if (core.Unfit is { Reason: NonOperationalReason.StorageDomainUnreachable } unfit
            && !unfit.Folders.Any(f => IsLost(c.Lost, f)))
            facts.Add(new BecameOperational($"it reads {unfit.Words} again", c.At));
        return facts.Count == 0 ? new Decision.AlreadyDone() : new Decision.Accept(facts.ToImmutable());
    }

    private static bool IsLost(ImmutableArray<LostDomain> lost, string folder) => lost.Any(d => d.Folder == folder);

    /// <summary>One that does not answer has the reason before it, and is non-operational when it answers.</summary>
    private static HostState Marked(HostState host, HostCore core) =>
        host is Up or NonOperational ? new NonOperational(core) : host with { Core = core };

    private static Decision Accept(HostEvent fact) => new Decision.Accept(fact);

    private static Decision No(Fault fault) => new Decision.Refuse(fault);
}

public enum NonOperationalReason
{
    /// <summary>It cannot read a storage domain that other hosts of its data center read.</summary>
    StorageDomainUnreachable,

    /// <summary>Its agent has not answered since it was added or activated.</summary>
    TimeoutRecoveringFromCrash,

    /// <summary>It falls silent and comes back again and again: it is in quarantine.</summary>
    Flapping,
}

/// <summary>Why a host takes no new guests.</summary>
/// <param name="Words">What a person is told of it: names of domains, how often it was silent, how long it has not answered.</param>
public sealed record Unfitness(NonOperationalReason Reason, string Words, DateTimeOffset Since)
{
    /// <summary>Of storage: the domains that it must read to be fit again.</summary>
    public ImmutableArray<string> Folders { get; init; } = [];

    /// <summary>End of a quarantine.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Which quarantine in a row it is, from 1.</summary>
    public int Times { get; init; }
}

/// <param name="Times">Which in a row it was.</param>
public sealed record Quarantine(int Times, DateTimeOffset Until);

/// <param name="Folder">Where its metadata are.</param>
/// <param name="Since">When it was last read.</param>
public sealed record LostDomain(string Name, string Folder, DateTimeOffset Since, string Why);

/// <summary>A host that is silent more often than so within that time is put into quarantine, each time twice as long.</summary>
/// <param name="Silences">0: none is.</param>
public sealed record QuarantineRule(int Silences, int WithinSeconds, int FirstSeconds, int LongestSeconds)
{
    /// <param name="before">Quarantines in a row so far.</param>
    public TimeSpan Lasts(int before) =>
        TimeSpan.FromSeconds(Math.Min(LongestSeconds, (double)FirstSeconds * Math.Pow(2, Math.Min(before, 30))));
}
