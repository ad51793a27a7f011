namespace Orchestrator.Api.Sso;

/// <summary>Tokens that were given back before their time. Asked on every request, so the answer is in
/// memory.</summary>
public interface ITokenRevocations
{
    bool IsRevoked(Guid token);

    /// <summary>Returns when the revocation survives this node; other nodes learn of it within a second.</summary>
    /// <param name="expires">When the token would have ended anyway: the row may be forgotten after it.</param>
    Task Revoke(Guid token, DateTimeOffset expires, CancellationToken cancel);

    /// <summary>Of what is good once: true for the one who asks first, of all nodes.</summary>
    Task<bool> Use(Guid token, DateTimeOffset expires, CancellationToken cancel);
}
