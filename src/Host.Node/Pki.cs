using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Host.Node;

/// <summary>
/// The engine's own certificate authority, in a folder: ca.crt and ca.key, and NAME.crt with NAME.key for each node
/// and host. Keys are P-256, mode 0600; the role of the holder is the OU of the subject.
/// </summary>
internal static class Pki
{
    private static readonly TimeSpan AuthorityLife = TimeSpan.FromDays(3650);
    private static readonly TimeSpan Life = TimeSpan.FromDays(398);

    public static void MakeAuthority(string folder)
    {
        Directory.CreateDirectory(folder);
        if (File.Exists(Path.Combine(folder, "ca.key"))) return;

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(
            $"O=Orchestrator, CN=Engine CA {Convert.ToHexString(RandomNumberGenerator.GetBytes(4))}", key,
            HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = DateTimeOffset.UtcNow;
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now + AuthorityLife);
        Write(Path.Combine(folder, "ca.key"), key.ExportPkcs8PrivateKeyPem(), Secret);
        Write(Path.Combine(folder, "ca.crt"), certificate.ExportCertificatePem(), Open);
    }

    public static void Issue(string folder, string name, string role, string[] addresses)
    {
        if (name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '.')))
            throw new UsageException("--name is made of letters, digits, - and .");
        using var authority = X509Certificate2.CreateFromPemFile(
            Path.Combine(folder, "ca.crt"), Path.Combine(folder, "ca.key"));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"O=Orchestrator, OU={role}, CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(
            [new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
        request.CertificateExtensions.Add(Names(name, addresses));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, true, false));
        var now = DateTimeOffset.UtcNow;
        using var certificate = request.Create(
            authority, now.AddDays(-1), Earlier(now + Life, authority.NotAfter), RandomNumberGenerator.GetBytes(16));
        Write(Path.Combine(folder, $"{name}.key"), key.ExportPkcs8PrivateKeyPem(), Secret);
        Write(Path.Combine(folder, $"{name}.crt"), certificate.ExportCertificatePem(), Open);
    }

    private const UnixFileMode Secret = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Open = Secret | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private static X509Extension Names(string name, string[] addresses)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        foreach (var address in addresses.Where(a => a.Length > 0))
            if (IPAddress.TryParse(address, out var ip)) names.AddIpAddress(ip);
            else names.AddDnsName(address);
        return names.Build();
    }

    private static DateTimeOffset Earlier(DateTimeOffset left, DateTime right) =>
        left < right ? left : new DateTimeOffset(right);

    /// <summary>A key is never readable by others, not even between its creation and its first mode.</summary>
    private static void Write(string path, string text, UnixFileMode mode)
    {
        using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = mode,
        });
        using var writer = new StreamWriter(file);
        writer.Write(text);
    }
}
