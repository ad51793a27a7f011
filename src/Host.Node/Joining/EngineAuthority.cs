using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Orchestrator.Actors.Host;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Host.Node;

/// <summary>Signs certificates of hosts with the key of the first authority in the CA's file. The key is read when it is needed:
/// a move to another authority counts from the next signature on.</summary>
/// <param name="keyFile">Empty: this node has no key, and signs nothing.</param>
internal sealed class EngineAuthority(LiveCredentials credentials, string keyFile, TimeSpan life) : IHostAuthority
{
    private const int LeastRsaBits = 2048;

    public string Authorities => string.Join('\n', credentials.Current.Authorities.Select(a => a.ExportCertificatePem()));

    public string Sign(string signingRequest, string name, IReadOnlyList<string> addresses)
    {
        var asked = Read(signingRequest);
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(name);
        subject.AddOrganizationalUnitName(PeerCertificate.AgentRole);
        subject.AddOrganizationName("Orchestrator");
        using var authority = Authority();
        using var certificate = Pki.Certify(
            authority, new CertificateRequest(subject.Build(), asked.PublicKey, HashAlgorithmName.SHA256), Pki.Names(name, addresses), life);
        return certificate.ExportCertificatePem();
    }

    private static CertificateRequest Read(string signingRequest)
    {
        try
        {
            var asked = CertificateRequest.LoadSigningRequestPem(signingRequest, HashAlgorithmName.SHA256);
            using var elliptic = asked.PublicKey.GetECDsaPublicKey();
            using var rsa = asked.PublicKey.GetRSAPublicKey();
            if (elliptic is { KeySize: >= 256 } || rsa is { KeySize: >= LeastRsaBits }) return asked;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new NotSignedException(NotSigned.BadRequest, $"the signing request cannot be used: {e.Message}");
        }

        throw new NotSignedException(NotSigned.BadRequest, "the signing request's key is too weak; P-256 or RSA of 2048 bits is the least");
    }

    private X509Certificate2 Authority()
    {
        if (keyFile == "")
            throw new NotSignedException(
                NotSigned.NoKey, "this engine node does not have the key of the certificate authority (orchestrator.tls.ca-key)");
        try
        {
            return X509Certificate2.CreateFromPem(credentials.Current.Authorities[0].ExportCertificatePem(), File.ReadAllText(keyFile));
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw new NotSignedException(NotSigned.NoKey,
                $"{keyFile} is not the key of the first authority in orchestrator.tls.ca ({e.Message}); put both on this node");
        }
    }
}
