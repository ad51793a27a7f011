using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Protocol;
using Orchestrator.Engine;

namespace Orchestrator.Host.Node;

/// <summary>What to do with a node whose certificate is good, but names another address than that of its row.</summary>
internal enum NameRule { Enforce, Warn }

/// <summary>The product's rule about other engine nodes: a certificate of our CA, valid now, with OU=engine, that names the
/// address under which the node joined the cluster.</summary>
internal sealed class NodeIdentity : RemoteIdentity
{
    private readonly LiveCredentials _credentials;
    private readonly NameRule _names;
    private readonly ILogger _log;
    private readonly LinePerMinute _lines = new(TimeProvider.System);

    public NodeIdentity(LiveCredentials credentials, NameRule names, ILogger log)
    {
        (_credentials, _names, _log) = (credentials, names, log);
        credentials.Renewed += RaiseRenewed;
    }

    public override SslStreamCertificateContext Own => _credentials.Context;

    public override RemoteRefusal? Refuse(X509Certificate2? peer, string? host)
    {
        var refusal = PeerCertificate.Refuse(peer, _credentials.Current.Authorities, PeerCertificate.EngineRole, host);
        if (refusal is null) return null;
        if (refusal.Fault != PeerFault.WrongName || _names == NameRule.Enforce)
            return new RemoteRefusal(refusal.Fault.ToString(), refusal.Sentence);
        if (_lines.Take(host ?? "", out var held)) CertificateLog.WrongName(_log, refusal.Sentence, LinePerMinute.More(held));
        return null;
    }

    public override bool IsDisowned(X509Certificate2 peer) =>
        PeerCertificate.IsDisowned(peer, _credentials.Current.Authorities);
}
