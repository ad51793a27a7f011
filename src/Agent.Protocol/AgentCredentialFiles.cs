using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Agent.Protocol;

/// <summary>Three PEM files: a certificate, its private key (unencrypted), and the certificates of the authorities, one
/// or more.</summary>
public sealed record AgentCredentialFiles(string Certificate, string Key, string Authorities)
{
    /// <summary>What is in the files now. A key that does not fit its certificate is an error too: the two are replaced
    /// one after the other, so a reader may see the new one and the old.</summary>
    /// <exception cref="CryptographicException">A file is not what it should be; the message names it.</exception>
    public AgentCredentials Load()
    {
        var authorities = new X509Certificate2Collection();
        Naming(Authorities, () => authorities.ImportFromPemFile(Authorities));
        if (authorities.Count == 0) throw new CryptographicException($"{Authorities}: holds no certificate");
        X509Certificate2? own = null;
        Naming($"{Certificate} with {Key}", () =>
        {
            using var pem = X509Certificate2.CreateFromPemFile(Certificate, Key);
            own = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        });
        return new AgentCredentials(own!, [.. authorities]);
    }

    /// <summary>Changes when a file does; empty when one cannot be read.</summary>
    public string Fingerprint()
    {
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            foreach (var file in (string[])[Certificate, Key, Authorities])
                hash.AppendData(SHA256.HashData(File.ReadAllBytes(file)));
            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return "";
        }
    }

    private static void Naming(string files, Action read)
    {
        try
        {
            read();
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException or IOException
                                      or UnauthorizedAccessException)
        {
            throw new CryptographicException($"{files}: {e.Message}", e);
        }
    }
}
