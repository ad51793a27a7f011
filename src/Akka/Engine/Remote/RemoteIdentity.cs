using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Engine;

/// <summary>Why a node's certificate is not accepted. The kind is for counting and for keeping the log short, the sentence
/// names the certificate and says what to do.</summary>
public sealed record RemoteRefusal(string Kind, string Sentence);

/// <summary>By what nodes know each other. Asked at each handshake, so that what it answers may change while the node
/// runs; <see cref="Renewed"/> then lets the connections that stand be made anew.</summary>
public abstract class RemoteIdentity
{
    /// <summary>Raised when <see cref="Own"/> or what <see cref="Refuse"/> trusts has changed.</summary>
    public event Action? Renewed;

    /// <summary>Our certificate with its key.</summary>
    public abstract SslStreamCertificateContext Own { get; }

    /// <summary>Null: the certificate is that of a node of this cluster.</summary>
    /// <param name="host">The address that it must name; null: any.</param>
    public abstract RemoteRefusal? Refuse(X509Certificate2? peer, string? host);

    /// <summary>Whether a peer that was let in before is to be cut off, because trust was withdrawn since.</summary>
    public abstract bool IsDisowned(X509Certificate2 peer);

    protected void RaiseRenewed() => Renewed?.Invoke();
}
