using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Api;

/// <summary>Tokens in memory, bound to the first key that comes.</summary>
public sealed class FakeHostTokens : IHostTokens
{
    private readonly ConcurrentDictionary<string, Kept> _kept = new();

    public IReadOnlyCollection<Kept> All => [.. _kept.Values];

    public Task Keep(JoinToken token, ClusterId cluster, HostId? host, string madeBy, TimeSpan life, CancellationToken cancel)
    {
        _kept[token.Id] = new Kept(JoinToken.HashOf(token.Secret), cluster, host, madeBy, life);
        return Task.CompletedTask;
    }

    public Task<TokenClaim> Claim(string id, byte[] hash, byte[] holder, HostId fresh, CancellationToken cancel)
    {
        TokenClaim claim = new TokenClaim.Refused("this engine knows no such token");
        if (_kept.TryGetValue(id, out var token) && token.Hash.SequenceEqual(hash))
        {
            var known = token.Holder is null ? token.Host is not null : token.Known;
            if (token.Holder is null) _kept[id] = token = token with { Holder = holder, Host = token.Host ?? fresh, Known = known };
            claim = token.Holder!.SequenceEqual(holder)
                ? new TokenClaim.Granted(token.Host!.Value, token.Cluster, token.MadeBy, token.Known)
                : new TokenClaim.Refused("this token was used by another host");
        }

        return Task.FromResult(claim);
    }

    public sealed record Kept(byte[] Hash, ClusterId Cluster, HostId? Host, string MadeBy, TimeSpan Life)
    {
        public byte[]? Holder { get; init; }

        public bool Known { get; init; }
    }
}

/// <summary>An authority whose signatures can be read.</summary>
public sealed class FakeAuthority : IHostAuthority
{
    public FakeAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var own = new CertificateRequest("CN=test authority", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        (Authorities, Fingerprint) = (own.ExportCertificatePem(), JoinToken.FingerprintOf(own));
    }

    public string Authorities { get; }

    public string Fingerprint { get; }

    /// <summary>This node has no key.</summary>
    public bool HasNoKey { get; set; }

    public string Sign(string signingRequest, string name, IReadOnlyList<string> addresses) => HasNoKey
        ? throw new NotSignedException(NotSigned.NoKey, "this node has no key")
        : signingRequest.Contains("CERTIFICATE REQUEST", StringComparison.Ordinal)
            ? $"certificate of {name} at {string.Join(", ", addresses)}"
            : throw new NotSignedException(NotSigned.BadRequest, "the signing request cannot be used");
}
