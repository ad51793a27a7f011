using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent;

/// <summary>How a host's key and certificate are replaced, and what is left when that is cut.</summary>
public sealed class HostKeysTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("host-keys-").FullName;
    private readonly X509Certificate2 _authority;
    private readonly HostKeys _keys;

    public HostKeysTests()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=engine CA", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(2));
        _keys = new HostKeys(Files);
    }

    private AgentCredentialFiles Files => new($"{_folder}/host.crt", $"{_folder}/host.key", $"{_folder}/ca.crt");

    private string Authorities => _authority.ExportCertificatePem();

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void A_host_has_a_key_that_nobody_else_reads_and_a_certificate_for_it()
    {
        var request = _keys.Ask("h1");
        Assert.Equal(KeyOf(request), KeyOf(_keys.Ask("h1")));
        _keys.Take(Signed(request), Authorities);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Files.Key));
        Assert.Null(PeerCertificate.Refuse(Files.Load().Own, Files.Load().Authorities, PeerCertificate.AgentRole));
        Assert.Equal(3, Directory.GetFiles(_folder).Length);
        Assert.True(_keys.Report().Until > DateTimeOffset.UtcNow);
    }

    [Fact]
    public void A_certificate_that_is_said_again_changes_nothing()
    {
        var certificate = Signed(_keys.Ask("h1"));
        _keys.Take(certificate, Authorities);
        var before = File.ReadAllText(Files.Key);
        _keys.Take(certificate, Authorities);
        Assert.Equal(before, File.ReadAllText(Files.Key));
    }

    [Fact]
    public void Of_two_certificates_that_were_asked_for_at_once_both_are_taken()
    {
        var (one, other) = (Signed(_keys.Ask("h1")), Signed(_keys.Ask("h1")));
        _keys.Take(one, Authorities);
        _keys.Take(other, Authorities);
        using var last = X509Certificate2.CreateFromPem(other);
        Assert.Equal(last.SerialNumber, _keys.Report().SerialNumber);
        Assert.Null(PeerCertificate.Refuse(Files.Load().Own, Files.Load().Authorities, PeerCertificate.AgentRole));
    }

    [Fact]
    public void A_certificate_that_others_would_refuse_is_not_taken()
    {
        _keys.Take(Signed(_keys.Ask("h1")), Authorities);
        var before = File.ReadAllText(Files.Certificate);
        var request = _keys.Ask("h1");
        foreach (var bad in (string[])[Signed(request, "engine"), Signed(request, "agent", -2, -1), before])
            Assert.ThrowsAny<Exception>(() => _keys.Take(bad, Authorities));
        using var foreign = new TestAuthority();
        Assert.ThrowsAny<Exception>(() => _keys.Take(foreign.Credentials("agent").Own.ExportCertificatePem(), Authorities));
        Assert.Equal(before, File.ReadAllText(Files.Certificate));
        Assert.Null(PeerCertificate.Refuse(Files.Load().Own, Files.Load().Authorities, PeerCertificate.AgentRole));
        _keys.Take(Signed(request), Authorities);
    }

    [Fact]
    public void One_without_a_key_that_waits_is_refused() =>
        Assert.Contains("ask for one first", Assert.Throws<CryptographicException>(() => _keys.Take(Signed(Other()), Authorities)).Message, StringComparison.Ordinal);

    /// <summary>Each state that a cut can leave behind, made by hand.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Cut_while_it_is_replaced_a_host_has_the_old_pair_or_the_new_one(bool keyIsInPlace)
    {
        _keys.Take(Signed(_keys.Ask("h1")), Authorities);
        var old = _keys.Report().SerialNumber;
        var next = Signed(_keys.Ask("h1"));
        File.WriteAllText($"{Files.Certificate}.next", next);
        if (keyIsInPlace) File.Move($"{Files.Key}.next", Files.Key, overwrite: true);

        new HostKeys(Files).Recover();
        using var serial = X509Certificate2.CreateFromPem(next);
        Assert.Equal(keyIsInPlace ? serial.SerialNumber : old, _keys.Report().SerialNumber);
        Assert.Null(PeerCertificate.Refuse(Files.Load().Own, Files.Load().Authorities, PeerCertificate.AgentRole));
        _keys.Take(Signed(_keys.Ask("h1")), Authorities);
    }

    [Theory]
    [InlineData("")]
    [InlineData("hj1")]
    [InlineData("hj1.a.b")]
    [InlineData("hj1.a.b.0123")]
    [InlineData("hj2.a.b.0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("hj1.a..0000000000000000000000000000000000000000000000000000000000000000")]
    public void What_is_no_token_is_refused_with_a_word_what_one_is(string text) =>
        Assert.Contains("begins with hj1.", Assert.Throws<FormatException>(() => JoinToken.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_token_is_one_word_that_is_read_again()
    {
        var token = JoinToken.New([_authority]);
        var read = JoinToken.Parse($" {token.Text}\n");
        Assert.Equal((token.Id, token.Secret), (read.Id, read.Secret));
        Assert.Equal(JoinToken.FingerprintOf(_authority), Assert.Single(read.Authorities));
        Assert.NotEqual(token.Secret, JoinToken.New([_authority]).Secret);
        Assert.DoesNotContain(token.Secret, $"{new JoinRequest(token.Id, token.Secret, "h", "a", 1, "")}", StringComparison.Ordinal);
    }

    private static string Other()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new CertificateRequest("CN=x", key, HashAlgorithmName.SHA256).CreateSigningRequestPem();
    }

    private static byte[] KeyOf(string request) =>
        CertificateRequest.LoadSigningRequestPem(request, HashAlgorithmName.SHA256).PublicKey.ExportSubjectPublicKeyInfo();

    private string Signed(string request, string role = "agent", int fromHours = -1, int untilHours = 1)
    {
        var asked = CertificateRequest.LoadSigningRequestPem(request, HashAlgorithmName.SHA256);
        using var certificate = new CertificateRequest(new X500DistinguishedName($"CN=h1, OU={role}"), asked.PublicKey, HashAlgorithmName.SHA256)
            .Create(_authority, DateTimeOffset.UtcNow.AddHours(fromHours), DateTimeOffset.UtcNow.AddHours(untilHours), RandomNumberGenerator.GetBytes(8));
        return certificate.ExportCertificatePem();
    }
}
