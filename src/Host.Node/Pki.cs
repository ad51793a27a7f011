using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Host.Node;

/// <summary>
/// The engine's own certificate authority, in a folder: ca.crt and ca.key, and NAME.crt with NAME.key for each node
/// and host. Keys are P-256, mode 0600; the role of the holder is the OU of the subject. While the installation moves to
/// a new authority ca.crt holds two certificates: first the one that signs, then the one before.
/// </summary>
internal static class Pki
{
    public static readonly TimeSpan Life = TimeSpan.FromDays(398);
    private static readonly TimeSpan AuthorityLife = TimeSpan.FromDays(3650);

    public static void MakeAuthority(string folder)
    {
        Directory.CreateDirectory(folder);
        if (File.Exists(Path.Combine(folder, "ca.key"))) return;

        var (certificate, key) = NewAuthority("");
        Write(Path.Combine(folder, "ca.key"), key, Secret);
        Write(Path.Combine(folder, "ca.crt"), certificate, Open);
    }

    /// <summary>Puts a new authority before the present one; from now on it signs, and both are to be trusted. Its subject
    /// carries the cluster's id, which was the fingerprint of the first authority: the cluster stays the same.</summary>
    public static void Rotate(string folder)
    {
        var bundle = Authorities(folder);
        if (bundle.Count > 1)
            throw new UsageException($"{folder}/ca.crt holds {bundle.Count} authorities: end that move first (pki retire)");
        var (certificate, key) = NewAuthority(ClusterIdentity.Of(bundle));
        File.Move(Path.Combine(folder, "ca.key"), Path.Combine(folder, "ca.key.previous"), overwrite: true);
        Write(Path.Combine(folder, "ca.key"), key, Secret);
        Write(Path.Combine(folder, "ca.crt"), certificate + "\n" + bundle[0].ExportCertificatePem(), Open);
    }

    /// <summary>Trusts the newest authority alone.</summary>
    /// <exception cref="UsageException">Certificates of the one before are still in the folder.</exception>
    public static void Retire(string folder)
    {
        var bundle = Authorities(folder);
        var signer = bundle[0];
        var behind = Holders(folder).Where(h => h.Certificate.Issuer != signer.Subject).Select(h => h.Name).ToList();
        if (behind.Count > 0)
            throw new UsageException($"still signed by the authority before: {string.Join(", ", behind)}; renew them first");
        Write(Path.Combine(folder, "ca.crt"), signer.ExportCertificatePem(), Open);
        File.Delete(Path.Combine(folder, "ca.key.previous"));
    }

    public static void Issue(string folder, string name, string role, string[] addresses, TimeSpan life)
    {
        if (name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '.')))
            throw new UsageException("--name is made of letters, digits, - and .");
        Sign(folder, name, new X500DistinguishedName($"O=Orchestrator, OU={role}, CN={name}"), Names(name, addresses), life);
    }

    /// <summary>A new key and certificate for the same holder: subject, role and addresses stay.</summary>
    public static void Renew(string folder, string name, TimeSpan life)
    {
        var file = Path.Combine(folder, $"{name}.crt");
        if (!File.Exists(file)) throw new UsageException($"{file}: no such file; use 'pki issue' for a new holder");
        using var old = X509CertificateLoader.LoadCertificateFromFile(file);
        var names = old.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        Sign(folder, name, old.SubjectName, names ?? Names(name, []), life);
    }

    /// <summary>All certificates in the folder but those of authorities.</summary>
    public static IEnumerable<(string Name, X509Certificate2 Certificate)> Holders(string folder) =>
        Directory.GetFiles(folder, "*.crt").Where(f => Path.GetFileName(f) != "ca.crt").Order(StringComparer.Ordinal)
            .Select(f => (Path.GetFileNameWithoutExtension(f), X509CertificateLoader.LoadCertificateFromFile(f)));

    /// <summary>The one that signs comes first.</summary>
    public static X509Certificate2Collection Authorities(string folder)
    {
        var bundle = new X509Certificate2Collection();
        bundle.ImportFromPemFile(Path.Combine(folder, "ca.crt"));
        return bundle.Count > 0 ? bundle : throw new UsageException($"{folder}/ca.crt holds no certificate");
    }

    private static (string Certificate, string Key) NewAuthority(string clusterId)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var unit = clusterId.Length > 0 ? $"OU={clusterId}, " : "";
        var request = new CertificateRequest(
            $"O=Orchestrator, {unit}CN=Engine CA {Convert.ToHexString(RandomNumberGenerator.GetBytes(4))}", key,
            HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = DateTimeOffset.UtcNow;
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now + AuthorityLife);
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    private static void Sign(
        string folder, string name, X500DistinguishedName subject, X509Extension names, TimeSpan life)
    {
        using var authority = X509Certificate2.CreateFromPemFile(
            Path.Combine(folder, "ca.crt"), Path.Combine(folder, "ca.key"));
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = Certify(authority, new CertificateRequest(subject, key, HashAlgorithmName.SHA256), names, life);
        Write(Path.Combine(folder, $"{name}.key"), key.ExportPkcs8PrivateKeyPem(), Secret);
        Write(Path.Combine(folder, $"{name}.crt"), certificate.ExportCertificatePem(), Open);
    }

    /// <summary>Of the request, subject and key count; what else it asks for does not.</summary>
    public static X509Certificate2 Certify(X509Certificate2 authority, CertificateRequest request, X509Extension names, TimeSpan life)
    {
        request.CertificateExtensions.Clear();
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        // The second is asked for by QEMU's migrations over TLS, which use the host's certificate, too.
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(
            [new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
        request.CertificateExtensions.Add(names);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, true, false));
        var now = DateTimeOffset.UtcNow;
        // Clocks differ; but a short life must not seem to be near its end from the beginning.
        var grace = life < TimeSpan.FromDays(10) ? life / 10 : TimeSpan.FromDays(1);
        return request.Create(
            authority, now - grace, Earlier(now + life, authority.NotAfter), RandomNumberGenerator.GetBytes(16));
    }

    private const UnixFileMode Secret = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Open = Secret | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    public static X509Extension Names(string name, IReadOnlyList<string> addresses)
    {
        var names = new SubjectAlternativeNameBuilder();
        if (Uri.CheckHostName(name) == UriHostNameType.Dns) names.AddDnsName(name);
        foreach (var address in addresses.Where(a => a.Length > 0))
            if (IPAddress.TryParse(address, out var ip)) names.AddIpAddress(ip);
            else names.AddDnsName(address);
        return names.Build();
    }

    private static DateTimeOffset Earlier(DateTimeOffset left, DateTime right) =>
        left < right ? left : new DateTimeOffset(right);

    /// <summary>A key is never readable by others, not even between its creation and its first mode; and who reads a file
    /// sees the old one or the new one, never half of it.</summary>
    private static void Write(string path, string text, UnixFileMode mode)
    {
        var draft = $"{path}.new";
        File.Delete(draft);
        using (var file = new FileStream(draft, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = mode,
        }))
        {
            using var writer = new StreamWriter(file);
            writer.Write(text);
            writer.Flush();
            file.Flush(flushToDisk: true);
        }

        File.Move(draft, path, overwrite: true);
    }
}
