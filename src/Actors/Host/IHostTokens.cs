using Orchestrator.Agent.Protocol;

namespace Orchestrator.Actors.Host;

/// <summary>Tokens that let hosts in, outside the journal: of a token's secret only a hash is kept.</summary>
public interface IHostTokens
{
    /// <param name="host">A host that is known and to have a new certificate; null: a new host, which is added to the cluster.</param>
    Task Keep(JoinToken token, ClusterId cluster, HostId? host, string madeBy, TimeSpan life, CancellationToken cancel);

    /// <summary>Binds a token to the key that comes first; another key is refused from then on.</summary>
    /// <param name="holder">SHA-256 of the host's public key.</param>
    /// <param name="fresh">Id of the host, if it is a new one.</param>
    Task<TokenClaim> Claim(string id, byte[] hash, byte[] holder, HostId fresh, CancellationToken cancel);
}

public abstract record TokenClaim
{
    private TokenClaim()
    {
    }

    /// <param name="Known">The token was made for this host, which is not added by it.</param>
    public sealed record Granted(HostId Host, ClusterId Cluster, string MadeBy, bool Known) : TokenClaim;

    public sealed record Refused(string Why) : TokenClaim;
}
