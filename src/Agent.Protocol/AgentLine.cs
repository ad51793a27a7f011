using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Agent.Protocol;

/// <summary>The pool of connections that were made with one certificate of ours.</summary>
internal sealed class AgentLine(X509Certificate2 own, SocketsHttpHandler sockets) : IDisposable
{
    public HttpMessageInvoker Invoker { get; } = new(sockets);

    public DateTime ValidUntil => own.NotAfter.ToUniversalTime();

    public string Certificate => PeerCertificate.Name(own);

    public bool Shows(AgentCredentials credentials) => ReferenceEquals(own, credentials.Own);

    public void Dispose() => Invoker.Dispose();
}

/// <summary>One event stream that stands, so that a renewal can end it: whoever reads it then makes it anew.</summary>
internal sealed class AgentStream(AgentClient client, CancellationToken cancel) : IDisposable
{
    private readonly CancellationTokenSource _end = CancellationTokenSource.CreateLinkedTokenSource(cancel);
    private readonly Lock _gate = new();
    private bool _disposed;

    public AgentClient Client { get; } = client;

    public CancellationToken Ended => _end.Token;

    public void EndForRenewal()
    {
        lock (_gate)
            if (!_disposed) _ = _end.CancelAsync();
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            _end.Dispose();
        }
    }
}
