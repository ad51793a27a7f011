using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>Certificates as the product would never issue them: short-lived, expired, without a role, of another CA.</summary>
public sealed class TestPki : IDisposable
{
    private readonly X509Certificate2 _authority;

    private TestPki(X509Certificate2 authority) => _authority = authority;

    /// <summary>Signs with the CA that is in a folder at this moment.</summary>
    public static TestPki Of(string folder) =>
        new(X509Certificate2.CreateFromPemFile(Path.Combine(folder, "ca.crt"), Path.Combine(folder, "ca.key")));

    public static TestPki Foreign()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Foreign CA", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return new TestPki(request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddDays(2)));
    }

    public X509Certificate2 Issue(string subject, string address, DateTimeOffset from, DateTimeOffset until)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Parse(address));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        using var bare = request.Create(_authority, from, until, RandomNumberGenerator.GetBytes(12));
        using var whole = bare.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(
            whole.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }

    public X509Certificate2 Issue(string subject, string address, TimeSpan life) =>
        Issue(subject, address, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow + life);

    /// <summary>Puts a certificate where a running process has its own: first the key, then the certificate.</summary>
    public static void Place(X509Certificate2 certificate, PkiFiles files)
    {
        Replace(files.Key, certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        Replace(files.Certificate, certificate.ExportCertificatePem());
    }

    public void Dispose() => _authority.Dispose();

    private static void Replace(string path, string text)
    {
        File.WriteAllText(path + ".draft", text);
        File.Move(path + ".draft", path, overwrite: true);
    }
}
