using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Agent.Protocol;

/// <summary>
/// The connections of one engine node to its agents: TLS 1.3, our certificate shown, theirs checked against our CA and
/// the role agent. One transport serves any number of <see cref="AgentClient"/>s; agents behind one address (a simulated
/// fleet) then share its connections. When our certificate is renewed, each agent is asked over a new connection first,
/// one after the other, and only one that answered there is left on it: a certificate that agents do not accept silences
/// nobody.
/// </summary>
public sealed class AgentTransport : IDisposable
{
    private static readonly TimeSpan MoveAgainAfter = TimeSpan.FromSeconds(5);

    private readonly LiveCredentials _credentials;
    private readonly TimeSpan _connectTimeout;
    private readonly string? _expectedName;
    private readonly Func<DnsEndPoint, CancellationToken, Task<Stream>>? _reach;
    private readonly CancellationTokenSource _closed = new();
    private readonly Lock _gate = new();
    private readonly List<AgentLine> _lines = [];
    private readonly HashSet<AgentStream> _streams = [];
    private Task _moving = Task.CompletedTask;

    /// <param name="credentials">A certificate with OU=engine and the CA that signs the agents'.</param>
    /// <param name="connectTimeout">Default 3 s: a host that does not even shake hands is silent.</param>
    /// <param name="expectedName">If given, the agent's certificate must bear this common or DNS name too.</param>
    /// <param name="reach">Makes the bytes' way to an agent; null: a TCP connection. TLS goes over it from end to end.</param>
    public AgentTransport(
        LiveCredentials credentials, TimeSpan? connectTimeout = null, string? expectedName = null,
        Func<DnsEndPoint, CancellationToken, Task<Stream>>? reach = null)
    {
        _reach = reach;
        _credentials = credentials;
        _connectTimeout = connectTimeout ?? TimeSpan.FromSeconds(3);
        _expectedName = expectedName;
        _lines.Add(NewLine());
        credentials.Renewed += OnRenewed;
    }

    /// <summary>Raised with the agent's address and a sentence when an agent cannot be reached with the renewed
    /// certificate and stays on the connection made with the old one.</summary>
    public event Action<Uri, string>? StaysBehind;

    /// <summary>The one made with our present certificate.</summary>
    internal AgentLine Newest
    {
        get
        {
            lock (_gate) return _lines[^1];
        }
    }

    internal AgentStream Follow(AgentClient client, CancellationToken cancel)
    {
        var stream = new AgentStream(client, cancel);
        lock (_gate) _streams.Add(stream);
        return stream;
    }

    internal void Leave(AgentStream stream)
    {
        lock (_gate) _streams.Remove(stream);
        stream.Dispose();
    }

    public void Dispose()
    {
        _credentials.Renewed -= OnRenewed;
        _closed.Cancel();
        lock (_gate)
            foreach (var line in _lines) line.Dispose();
    }

    private void OnRenewed()
    {
        lock (_gate)
        {
            // Old ones are kept for those who still speak over them; their idle connections close by themselves.
            if (_lines[^1].Shows(_credentials.Current)) return;
            _lines.Add(NewLine());
            _moving = MoveAll(_moving);
        }
    }

    private async Task MoveAll(Task before)
    {
        await before.ConfigureAwait(false);
        await Task.Yield();
        while (!_closed.IsCancellationRequested)
        {
            AgentStream[] behind;
            lock (_gate) behind = [.. _streams.Where(s => !s.Client.IsOn(_lines[^1]))];
            if (behind.Length == 0) return;
            foreach (var stream in behind) await Move(stream).ConfigureAwait(false);
            try
            {
                await Task.Delay(MoveAgainAfter, _closed.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task Move(AgentStream stream)
    {
        try
        {
            await stream.Client.TryNewest(_closed.Token).ConfigureAwait(false);
            stream.EndForRenewal();
        }
        catch (Exception e) when (e is AgentUnreachableException or AgentRefusedException)
        {
            StaysBehind?.Invoke(stream.Client.Address, e.Message);
        }
        catch (OperationCanceledException)
        {
        }
    }

    private AgentLine NewLine()
    {
        var own = _credentials.Current.Own;
        return new AgentLine(own, new SocketsHttpHandler
        {
            ConnectTimeout = _connectTimeout,
            EnableMultipleHttp2Connections = true,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2),
            KeepAlivePingDelay = TimeSpan.FromSeconds(5),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
            // A connection that is dead and that nobody uses is closed too: else the next question would wait on it.
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.Always,
            ConnectCallback = _reach is { } reach ? async (wish, cancel) => Bare(await reach(wish.DnsEndPoint, cancel).ConfigureAwait(false)) : null,
            UseCookies = false,
            // The client writes the trace itself, and only when somebody listens.
            ActivityHeadersPropagator = null,
            UseProxy = false,
            AllowAutoRedirect = false,
            SslOptions = new SslClientAuthenticationOptions
            {
                EnabledSslProtocols = SslProtocols.Tls13,
                // A resumed session would not show our certificate again.
                AllowTlsResume = false,
                ClientCertificateContext = _credentials.Context,
                CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                RemoteCertificateValidationCallback = Accept,
            },
        });
    }

    /// <summary>The handler would take an SslStream for its own TLS and leave out that to the agent, with all its checks.</summary>
    private static Stream Bare(Stream way) => way is SslStream
        ? throw new InvalidOperationException("the way to an agent must not look like TLS to the agent")
        : way;

    /// <summary>Throws instead of answering false: so the reason reaches the request that met this agent, and no other.</summary>
    private bool Accept(object sender, X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors)
    {
        using var peer = LiveCredentials.Copy(shown);
        return PeerCertificate.Refuse(
            peer, _credentials.Current.Authorities, PeerCertificate.AgentRole, _expectedName) is { } refusal
            ? throw new AuthenticationException(refusal.Sentence)
            : true;
    }
}
