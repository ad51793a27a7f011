using Akka.Actor;
using Orchestrator.Actors.Journal;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Actors.Host;

/// <summary>Does what is owed to a host's own software, once at a time; when the word about its end is lost, it is said again.</summary>
internal sealed class DeployHands(HostId id, HostWorld world, CancellationToken closed)
{
    private readonly Lock _gate = new();
    private long _number;
    private HostCommand? _end;

    public void Begin(HostDeploy under, HostConfig config, IAgent client, Stamp stamp, IActorRef self)
    {
        lock (_gate)
        {
            if (_number == under.Number)
            {
                if (_end is not null) self.Tell(_end);
                return;
            }

            (_number, _end) = (under.Number, null);
        }

        _ = Run(under, config, client, stamp, self);
    }

    public async Task Forget(IActorRef self)
    {
        try
        {
            await world.Passwords.Remove(HostDeploying.SecretOf(id), closed);
            self.Tell(new HostCommand.ReportPasswordForgotten(world.Clock.GetUtcNow()));
        }
        catch (Exception e) when (e is EntityUnavailableException or OperationCanceledException)
        {
            // Owed still.
        }
    }

    private async Task Run(HostDeploy under, HostConfig config, IAgent client, Stamp stamp, IActorRef self)
    {
        try
        {
            if (!world.MayAct()) throw new EntityUnavailableException("this node owns nothing now", TimeSpan.Zero);
            var end = under.Kind == DeployKind.Enroll
                ? await Enroll(config, client, stamp)
                : await Install(under, config, self);
            var report = new HostCommand.ReportDeployed(under.Number, end.Ok, end.Message, world.Clock.GetUtcNow());
            lock (_gate) _end = report;
            self.Tell(report);
        }
        catch (Exception e) when (e is EntityUnavailableException or OperationCanceledException)
        {
            // Owed still: begun anew at the next tick, here or where the host is owned then.
            lock (_gate) _number = 0;
        }
    }

    private async Task<InstallEnd> Enroll(HostConfig config, IAgent client, Stamp stamp)
    {
        var (shown, why) = await CertificateCare.Renewed(world.Authority, client, config.Name, config.Address, stamp, closed);
        return shown is null ? new InstallEnd(false, why) : new InstallEnd(true, $"It ends on {shown.Until.UtcDateTime:yyyy-MM-dd}");
    }

    private async Task<InstallEnd> Install(HostDeploy under, HostConfig config, IActorRef self)
    {
        if (world.Installer is not { } installer || config.Ssh is not { } ssh)
            return new InstallEnd(false, "this engine node cannot log in to hosts");
        var password = under.WithPassword ? await world.Passwords.Get(HostDeploying.SecretOf(id), closed) : null;
        if (under.WithPassword && password is null)
            return new InstallEnd(false, "the password that was given for it is not kept any more");
        return await installer.Run(
            new InstallOrder(id, config, under.Kind, ssh.User, password),
            (step, print) => self.Tell(new HostCommand.ReportDeployStep(under.Number, step, world.Clock.GetUtcNow()) { Fingerprint = print }),
            closed);
    }
}
