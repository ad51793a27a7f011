using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Agent.Protocol;

/// <summary>
/// A host's key and certificate, and how they are replaced. KEY.next is a key that waits for its certificate; CERTIFICATE.next
/// one whose key is being put in place. Cut anywhere, the old pair or the new one is there after <see cref="Recover"/>.
/// </summary>
public sealed class HostKeys(AgentCredentialFiles files)
{
    private const UnixFileMode Secret = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Open = Secret | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private string NextKey => $"{files.Key}.next";

    private string NextCertificate => $"{files.Certificate}.next";

    /// <summary>A key waits for its certificate.</summary>
    public bool HasNext => File.Exists(NextKey);

    /// <summary>Ends a replacement that was cut.</summary>
    public void Recover()
    {
        if (!File.Exists(NextCertificate)) return;
        if (HasNext) File.Delete(NextCertificate);
        else File.Move(NextCertificate, files.Certificate, overwrite: true);
    }

    /// <summary>A signing request by the key that waits; one is made when none does.</summary>
    public string Ask(string name)
    {
        if (!HasNext)
        {
            using var made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            Write(NextKey, made.ExportPkcs8PrivateKeyPem(), Secret);
        }

        using var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(NextKey));
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(name);
        subject.AddOrganizationalUnitName(PeerCertificate.AgentRole);
        return new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256).CreateSigningRequestPem();
    }

    /// <summary>Puts a certificate for the key that waits in place. Said again after it was done, it changes nothing.</summary>
    /// <exception cref="CryptographicException">It is not for that key, or others would refuse it; nothing was changed.</exception>
    public void Take(string certificate, string authorities)
    {
        Recover();
        if (!HasNext && File.Exists(files.Certificate) && Same(File.ReadAllText(files.Certificate), certificate)) return;
        // Of two that were asked for at once the second is for the key that is in place already.
        var waits = HasNext;
        if (!waits && !IsFor(files.Key, certificate)) throw new CryptographicException("no key of this host waits for a certificate; ask for one first");
        var trusted = new X509Certificate2Collection();
        trusted.ImportFromPem(authorities);
        using (var own = X509Certificate2.CreateFromPem(certificate, File.ReadAllText(waits ? NextKey : files.Key)))
        {
            if (PeerCertificate.Refuse(own, [.. trusted], PeerCertificate.AgentRole) is { } refusal)
                throw new CryptographicException($"others would refuse it: {refusal.Sentence}");
        }

        Write(files.Authorities, authorities, Open);
        Write(NextCertificate, certificate, Open);
        if (waits) File.Move(NextKey, files.Key, overwrite: true);
        File.Move(NextCertificate, files.Certificate, overwrite: true);
    }

    public CertificateReport Report()
    {
        using var own = X509CertificateLoader.LoadCertificateFromFile(files.Certificate);
        return new CertificateReport(
            own.Subject, own.Issuer, own.SerialNumber, own.NotBefore.ToUniversalTime(), own.NotAfter.ToUniversalTime());
    }

    private static bool IsFor(string keyFile, string certificate)
    {
        if (!File.Exists(keyFile)) return false;
        using var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(keyFile));
        using var shown = X509Certificate2.CreateFromPem(certificate);
        return shown.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo());
    }

    private static bool Same(string left, string right)
    {
        using var one = X509Certificate2.CreateFromPem(left);
        using var other = X509Certificate2.CreateFromPem(right);
        return one.RawDataMemory.Span.SequenceEqual(other.RawDataMemory.Span);
    }

    /// <summary>A key is never readable by others, not even for a moment; who reads a file sees the old one or the new.</summary>
    private static void Write(string path, string text, UnixFileMode mode)
    {
        var draft = $"{path}.draft";
        File.Delete(draft);
        using (var file = new FileStream(draft, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = mode,
        }))
        {
            file.Write(System.Text.Encoding.UTF8.GetBytes(text));
            file.Flush(flushToDisk: true);
        }

        File.Move(draft, path, overwrite: true);
    }
}
