using System.Collections.Immutable;
using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;
using static Orchestrator.Actors.Host.HostCommand;
using static Orchestrator.Actors.Host.HostEvent;
using static Orchestrator.Actors.Host.HostState;
using Decision = Orchestrator.Actors.Decision<Orchestrator.Actors.Host.HostEvent, Orchestrator.Actors.Host.HostEffect>;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Host;

/// <summary>
/// A host's own software: how it is installed over SSH, upgraded under running guests, and keeps a certificate. Pure. The work is
/// owed until its end is journaled, so whoever owns the host after a node's death does it once more from the beginning: each of
/// its steps can be said again.
/// </summary>
public static class HostDeploying
{
    /// <summary>Name under which the password for an installation is kept until that has ended.</summary>
    public static string SecretOf(HostId host) => $"ssh/{host}";

    internal static Decision Decide(HostState host, HostCommand command) => (host, command) switch
    {
        (_, Deploy { Kind: DeployKind.Install } c) when host.Core.Deploy is null && host is Maintenance { Core.Ordered: null } or InstallFailed =>
            c.Ssh is null && host.Config.Ssh is null ? No(Fault.HostHasNoSsh) : Began(host, c),
        (Up or NonOperational or Maintenance, Deploy { Kind: DeployKind.Upgrade } c) when host.Core.Deploy is null =>
            host.Config.Ssh is null ? No(Fault.HostHasNoSsh) : Began(host, c),
        (Up or NonOperational or Maintenance or Draining, Deploy { Kind: DeployKind.Enroll } c) when host.Core.Deploy is null => Began(host, c),
        (_, Deploy c) when host.Core.Deploy is not null => No(Fault.HostDeployBusy),
        (_, Deploy { Kind: DeployKind.Install }) => No(Fault.HostMustBeInMaintenance),
        (_, Deploy)                              => No(Fault.HostStatusIllegal),

        (_, ReportDeployStep c) when host.Core.Deploy is { } under && under.Number == c.Number => under.Step == c.Step
            ? new Decision.AlreadyDone()
            : Accept(new DeployStepped(c.Number, c.Step, c.At) { Fingerprint = c.Fingerprint }),
        (_, ReportDeployed c) when host.Core.Deploy is { } under && under.Number == c.Number =>
            Accept(c.Ok ? new Deployed(c.Number, c.Message, c.At) : new DeployFailed(c.Number, c.Message, c.At)),
        (_, ReportPasswordForgotten c) when host.Core is { HasPassword: true, Deploy: null } => Accept(new PasswordForgotten(c.At)),
        (_, ReportCertificate c)                 => host.Core.Certificate is { } known && (known.Until, known.Urgency) == (c.Certificate.Until, c.Certificate.Urgency)
            ? new Decision.AlreadyDone()
            : Accept(new CertificateSeen(c.Certificate, c.At)),
        _                                        => No(Fault.StaleReport),
    };

    internal static HostState Evolve(HostState host, HostEvent fact)
    {
        var core = host.Core;
        return fact switch
        {
            DeployBegan e      => Begun(host, e),
            DeployStepped e    => host with
                                  {
                                      Core = core with
                                      {
                                          Deploy = core.Deploy is { } under ? under with { Step = e.Step } : null,
                                          Config = e.Fingerprint is { } print && core.Config is { Ssh: { } ssh } config
                                              ? config with { Ssh = ssh with { Fingerprint = print } }
                                              : core.Config,
                                      },
                                  },
            Deployed e when host is Installing => core.Deploy?.Activate == false
                                  ? new Maintenance(core with { Deploy = null })
                                  : new Initializing(HostFitness.Forgiven(core) with
                                    {
                                        Deploy = null, LeaseFolder = "", Bond = null, Lost = [], AwaitedSince = e.At,
                                    }),
            DeployFailed when host is Installing => new InstallFailed(core with { Deploy = null }),
            Deployed or DeployFailed => host with { Core = core with { Deploy = null } },
            PasswordForgotten  => host with { Core = core with { HasPassword = false } },
            CertificateSeen e  => host with { Core = core with { Certificate = e.Certificate } },
            _                  => host,
        };
    }

    internal static ImmutableArray<HostEffect> Outstanding(HostState host) => host.Core switch
    {
        { Deploy: { } under } when host is not (Absent or Gone) => [new HostEffect.Deploy(under with { Step = "" })],
        { HasPassword: true } when host is not (Absent or Gone) => [new HostEffect.ForgetPassword()],
        _ => [],
    };

    /// <summary>The state after a host was added, or asked to be installed again.</summary>
    internal static HostState Installed(HostCore core, HostConfig config, Origin origin, long number, bool password, bool activate) =>
        new Installing(core with
        {
            Config = config, Deploys = number, HasPassword = core.HasPassword || password,
            Deploy = new HostDeploy(DeployKind.Install, number, JobOf(config.Name, DeployKind.Install, origin))
            {
                WithPassword = password, Activate = activate,
            },
        });

    internal static Job JobOf(string name, DeployKind kind, Origin origin) => new(origin.Job, kind switch
    {
        DeployKind.Install => $"Installing host {name}",
        DeployKind.Upgrade => $"Upgrading host {name}",
        _                  => $"Enrolling certificate for host {name}",
    }, origin);

    internal static AuditLine? Line(
        HostState before, HostEvent fact, HostState after, Func<int, Severity, DateTimeOffset, string, Origin?, AuditLine> said)
    {
        var name = after.Config.Name;
        var by = before.Core.Deploy?.Job.Origin;
        var kind = before.Core.Deploy?.Kind;
        return fact switch
        {
            DeployBegan { Kind: DeployKind.Install } e => said(560, Severity.Normal, e.Origin.At, $"Installation of host {name} was asked for by {e.Origin.User}.", e.Origin),
            DeployBegan { Kind: DeployKind.Upgrade } e => said(840, Severity.Normal, e.Origin.At,
                $"Host {name} upgrade was started (User: {e.Origin.User}). Its guests run on.", e.Origin),
            DeployBegan e => said(880, Severity.Normal, e.Origin.At, $"Enrolling certificate for host {name} was started (User: {e.Origin.User}).", e.Origin),
            DeployStepped e => said(509, Severity.Normal, e.At, $"Installing Host {name}. {e.Step}.", by),
            Deployed e when kind == DeployKind.Install => said(504, Severity.Normal, e.At, $"Host {name} installed. {e.Message}.", by),
            Deployed e when kind == DeployKind.Upgrade => said(842, Severity.Normal, e.At, $"Host {name} upgrade was completed successfully. {e.Message}.", by),
            Deployed e => said(881, Severity.Normal, e.At, $"Enrolling certificate for host {name} was completed successfully. {e.Message}.", by),
            DeployFailed e when kind == DeployKind.Install => said(505, Severity.Error, e.At,
                $"Host {name} installation failed. {e.Reason}. Repair that and install it again (action install), or remove it.", by),
            DeployFailed e when kind == DeployKind.Upgrade => said(841, Severity.Error, e.At,
                $"Failed to upgrade Host {name}. {e.Reason}. The agent that it had goes on unless said otherwise; upgrade it again.", by),
            DeployFailed e => said(882, Severity.Error, e.At, $"Failed to enroll certificate for host {name}. {e.Reason}.", by),
            CertificateSeen e => Line(before.Core.Certificate, e, name, said),
            _ => null,
        };
    }

    internal static ImmutableArray<JobView> Jobs(HostState before, HostEvent fact, HostState after)
    {
        var id = after.Core.Id.Value;
        return fact switch
        {
            DeployBegan when after.Core.Deploy is { } begun => [Journal.Jobs.Begun(begun.Job, Kinds.Host, id)],
            Deployed e when before.Core.Deploy is { } done  => [Journal.Jobs.Ended(done.Job, Kinds.Host, id, Outcome.Finished, e.At)],
            DeployFailed e when before.Core.Deploy is { } failed => [Journal.Jobs.Ended(failed.Job, Kinds.Host, id, Outcome.Failed, e.At)],
            BackupRestored e when before.Core.Deploy is { } cut => [Journal.Jobs.Ended(cut.Job, Kinds.Host, id, Outcome.Failed, e.At)],
            _ => [],
        };
    }

    private static AuditLine? Line(
        HostCertificate? before, CertificateSeen e, string name, Func<int, Severity, DateTimeOffset, string, Origin?, AuditLine> said)
    {
        var (until, urgency, trouble) = e.Certificate;
        var why = trouble == "" ? "" : $" It was not renewed: {trouble}.";
        return urgency switch
        {
            Urgency.None when before is null || before.Until == until => null,
            Urgency.None => said(881, Severity.Normal, e.At, $"The certificate of host {name} was renewed; it ends on {until.UtcDateTime:yyyy-MM-dd}.", null),
            Urgency.Over => said(877, Severity.Alert, e.At,
                $"Host {name} certification has expired at {until.UtcDateTime:yyyy-MM-dd HH:mm} UTC.{why} Let it join again (orchestrator host token --host {name}).", null),
            Urgency.Day => said(879, Severity.Alert, e.At,
                $"Host {name} certification is about to expire at {until.UtcDateTime:yyyy-MM-dd HH:mm} UTC.{why}", null),
            _ => said(845, Severity.Warning, e.At,
                $"Host {name} certification is about to expire at {until.UtcDateTime:yyyy-MM-dd}.{why}", null),
        };
    }

    private static HostState Begun(HostState host, DeployBegan e)
    {
        var core = host.Core with { Recent = host.Core.Recent.Add(e.Origin.Job) };
        var config = e.Ssh is { } ssh ? host.Config with { Ssh = ssh } : host.Config;
        if (e.Kind == DeployKind.Install) return Installed(core, config, e.Origin, e.Number, e.WithPassword, e.Activate);
        return host with
        {
            Core = core with { Deploys = e.Number, Deploy = new HostDeploy(e.Kind, e.Number, JobOf(config.Name, e.Kind, e.Origin)) },
        };
    }

    private static Decision Began(HostState host, Deploy c) => Accept(new DeployBegan(c.Origin, c.Kind, host.Core.Deploys + 1)
    {
        Ssh = c.Kind == DeployKind.Install ? c.Ssh : null, WithPassword = c.WithPassword, Activate = c.ThenActivate,
    });

    private static Decision Accept(HostEvent fact) => new Decision.Accept(fact);

    private static Decision No(Fault fault) => new Decision.Refuse(fault);
}
