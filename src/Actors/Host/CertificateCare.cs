using System.Security.Cryptography;
using Akka.Actor;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Actors.Host;

/// <summary>Renews a host's certificate before it ends, over the agent's own channel, and tells the host's actor when it ends.
/// Nothing of it is owed: whoever owns the host looks again.</summary>
internal sealed class CertificateCare(HostWorld world, IAgent client, Func<HostRow> row, Func<Stamp> stamp, IActorRef self)
{
    /// <summary>A host that has just been taken up has more urgent things to do.</summary>
    private static readonly TimeSpan FirstAfter = TimeSpan.FromSeconds(10);

    public async Task Run(CancellationToken closed)
    {
        var every = world.Settings.CertificateEvery;
        var pause = every < FirstAfter ? every : FirstAfter;
        while (!closed.IsCancellationRequested)
        {
            await world.Pause(pause, closed);
            if (closed.IsCancellationRequested) return;
            pause = every;
            try
            {
                if (world.MayAct()) await Look(closed);
            }
            catch (Exception e) when (e is AgentUnreachableException or AgentRefusedException or OperationCanceledException)
            {
                // An agent of 0.1.0, or one that is away: looked at again.
            }
        }
    }

    private async Task Look(CancellationToken closed)
    {
        var shown = await client.Certificate(closed);
        var trouble = "";
        if (Urgent(shown) != Urgency.None)
        {
            var host = row();
            (var renewed, trouble) = await Renewed(world.Authority, client, host.Name, host.Address, stamp(), closed);
            shown = renewed ?? shown;
        }

        self.Tell(new HostCommand.ReportCertificate(new HostCertificate(shown.Until, Urgent(shown), trouble), world.Clock.GetUtcNow()));
    }

    private Urgency Urgent(CertificateReport shown) => CertificateExpiry.Of(shown.From, shown.Until, world.Clock.GetUtcNow());

    /// <returns>The certificate that the host shows from now on; or null, and why there is none.</returns>
    public static async Task<(CertificateReport? Shown, string Why)> Renewed(
        IHostAuthority? authority, IAgent client, string name, string address, Stamp stamp, CancellationToken cancel)
    {
        if (authority is null) return (null, "this engine has no certificate authority of its own");
        try
        {
            var asked = await client.MakeKey(new NewKeyOrder(stamp), cancel);
            var certificate = authority.Sign(asked.SigningRequest, name, [address]);
            return (await client.TakeCertificate(new CertificateOrder(stamp, certificate, authority.Authorities), cancel), "");
        }
        catch (Exception e) when (e is NotSignedException or AgentRefusedException or AgentUnreachableException or CryptographicException)
        {
            return (null, e.Message);
        }
    }
}
