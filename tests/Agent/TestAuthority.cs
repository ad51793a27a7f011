using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent;

/// <summary>A CA of the tests' own, and certificates by it.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly X509Certificate2 _root;

    public TestAuthority(string name = "engine CA")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _root = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(2));
    }

    public AgentCredentials Credentials(string role, string name = "localhost") =>
        new(Issue($"CN={name}, OU={role}"), X509CertificateLoader.LoadCertificate(_root.RawData));

    /// <summary>Shows a certificate of this CA, but trusts the other.</summary>
    public AgentCredentials Trusting(TestAuthority other, string role) =>
        new(Credentials(role).Own, X509CertificateLoader.LoadCertificate(other._root.RawData));

    public void Dispose() => _root.Dispose();

    private X509Certificate2 Issue(string subject)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        using var certificate = request.Create(
            _root, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddDays(1), RandomNumberGenerator.GetBytes(8));
        return certificate.CopyWithPrivateKey(key);
    }
}
