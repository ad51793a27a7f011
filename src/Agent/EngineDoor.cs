using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent;

/// <summary>
/// Lets engines in and names in the log who is turned away, one line per address, reason and minute. Shows the certificate
/// of the moment; connections that stand outlive a renewal, and end when the CA behind them is trusted no more. What has
/// not shaken hands yet is bounded in number and time.
/// </summary>
internal sealed class EngineDoor
{
    private const int HandshakesAtOnce = 256;
    private static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(5);

    private readonly LiveCredentials _credentials;
    private readonly ILogger _log;
    private readonly LinePerMinute _lines = new(TimeProvider.System);
    private readonly ConcurrentDictionary<ConnectionContext, X509Certificate2> _inside = new();
    private int _handshakes;

    public EngineDoor(LiveCredentials credentials, ILogger log)
    {
        (_credentials, _log) = (credentials, log);
        credentials.Renewed += TurnOutTheDisowned;
    }

    public void Guard(ListenOptions listen)
    {
        listen.Use(next => async connection =>
        {
            if (Interlocked.Increment(ref _handshakes) > HandshakesAtOnce)
            {
                Interlocked.Decrement(ref _handshakes);
                Say(connection.RemoteEndPoint, "flood", $"{HandshakesAtOnce} connections have not shown who they are yet");
                connection.Abort();
                return;
            }

            var handshake = new Handshake(this);
            connection.Items[typeof(Handshake)] = handshake;
            try
            {
                await next(connection).ConfigureAwait(false);
            }
            finally
            {
                handshake.End();
                _inside.TryRemove(connection, out _);
            }
        });
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = HandshakeLimit,
            OnConnection = context => ValueTask.FromResult(Options(context.Connection)),
        });
        listen.Use(next => connection =>
        {
            ((Handshake)connection.Items[typeof(Handshake)]!).End();
            return next(connection);
        });
    }

    private SslServerAuthenticationOptions Options(ConnectionContext connection) => new()
    {
        EnabledSslProtocols = SslProtocols.Tls13,
        ServerCertificateContext = _credentials.Context,
        ClientCertificateRequired = true,
        AllowRenegotiation = false,
        // A resumed session would not show the engine's certificate again.
        AllowTlsResume = false,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        RemoteCertificateValidationCallback = (_, shown, _, _) => LetIn(connection, LiveCredentials.Copy(shown)),
    };

    private bool LetIn(ConnectionContext connection, X509Certificate2? peer)
    {
        var refusal = PeerCertificate.Refuse(peer, _credentials.Current.Authorities, PeerCertificate.EngineRole);
        if (refusal is null)
        {
            _inside[connection] = peer!;
            return true;
        }

        Say(connection.RemoteEndPoint, refusal.Fault.ToString(), refusal.Sentence);
        peer?.Dispose();
        return false;
    }

    private void TurnOutTheDisowned()
    {
        var authorities = _credentials.Current.Authorities;
        foreach (var (connection, peer) in _inside)
        {
            if (!PeerCertificate.IsDisowned(peer, authorities)) continue;
            Say(connection.RemoteEndPoint, "disowned", $"{PeerCertificate.Name(peer)} is not of a CA that is trusted now");
            connection.Abort();
        }
    }

    private void Say(EndPoint? peer, string reason, string why)
    {
        var who = (peer as IPEndPoint)?.Address.ToString() ?? "an unknown address";
        if (_lines.Take($"{who} {reason}", out var held)) DoorLog.TurnedAway(_log, peer?.ToString() ?? who, why, LinePerMinute.More(held));
    }

    /// <summary>Counts a connection until it has shown who it is, or is gone.</summary>
    private sealed class Handshake(EngineDoor door)
    {
        private int _ended;

        public void End()
        {
            if (Interlocked.Exchange(ref _ended, 1) == 0) Interlocked.Decrement(ref door._handshakes);
        }
    }
}

/// <summary>The log lines of the agent's door: 6101 and up.</summary>
internal static partial class DoorLog
{
    [LoggerMessage(6101, LogLevel.Warning, "A client at {Peer} was turned away: {Why}{More}")]
    public static partial void TurnedAway(ILogger log, string peer, string why, string more);
}
