using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Agent.Protocol;

/// <summary>Reads credentials from PEM files: certificate, its private key (unencrypted), and the CA's certificate.</summary>
public static class AgentCredentialFiles
{
    /// <exception cref="CryptographicException">A file is not what it should be; the message names it.</exception>
    public static AgentCredentials Load(string certificate, string key, string authority)
    {
        try
        {
            return new AgentCredentials(
                X509Certificate2.CreateFromPemFile(certificate, key),
                X509CertificateLoader.LoadCertificateFromFile(authority));
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new CryptographicException($"credentials {certificate}, {key}, {authority}: {e.Message}", e);
        }
    }
}
