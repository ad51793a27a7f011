using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Orchestrator.Actors.Host;
using Orchestrator.Agent.Protocol;
using Orchestrator.Host.Node;

namespace Orchestrator.Tests.Simulation;

/// <summary>What an engine node has to install hosts and to sign for them, without a host.</summary>
public sealed class HostSoftwareTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("host-software-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_package_has_another_name_when_anything_in_it_is_another()
    {
        var package = new AgentPackage(_folder);
        Assert.Contains("hosts.install.package", Assert.Throws<IOException>(() => package.Release("1.2.3")).Message, StringComparison.Ordinal);
        File.WriteAllText($"{_folder}/orchestrator", "a");
        var first = package.Release("1.2.3");
        Assert.StartsWith("1.2.3-", first, StringComparison.Ordinal);
        Assert.Equal(first, package.Release("1.2.3"));
        File.WriteAllText($"{_folder}/more", "");
        Assert.NotEqual(first, package.Release("1.2.3"));
        Assert.False(package.HasRuntime);
    }

    [Fact]
    public void Keys_that_a_host_shows_have_the_fingerprints_that_ssh_keygen_tells()
    {
        var shown = SshHostKey.Parse("""
            # 10.0.0.1:22 SSH-2.0-OpenSSH_9.2
            10.0.0.1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl
            nonsense

            """);
        Assert.Equal("SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU", Assert.Single(shown).Fingerprint);
    }

    [Fact]
    public void A_password_that_a_killed_node_has_left_is_swept_away_and_that_of_a_living_one_is_not()
    {
        var dead = Directory.CreateDirectory($"{_folder}/orchestrator-ssh-4194999-ab").FullName;
        var living = Directory.CreateDirectory($"{_folder}/orchestrator-ssh-{Environment.ProcessId}-cd").FullName;
        File.WriteAllText($"{dead}/password", "secret");
        SshLogin.Sweep(_folder);
        Assert.False(Directory.Exists(dead));
        Assert.True(Directory.Exists(living));
    }

    [Fact]
    public void A_word_for_the_shell_of_a_host_stays_one_word() =>
        Assert.Equal("""'it'\''s; rm -rf "$HOME"'""", SshLogin.Quoted("""it's; rm -rf "$HOME" """.Trim()));

    [Fact]
    public void The_authority_gives_a_host_its_role_whatever_it_asks_for()
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var root = new CertificateRequest("CN=engine CA", authorityKey, HashAlgorithmName.SHA256);
        root.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        root.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(root.PublicKey, false));
        using var ca = root.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(900));
        File.WriteAllText($"{_folder}/ca.crt", ca.ExportCertificatePem());
        File.WriteAllText($"{_folder}/ca.key", authorityKey.ExportPkcs8PrivateKeyPem());
        File.WriteAllText($"{_folder}/other.key", ECDsa.Create(ECCurve.NamedCurves.nistP256).ExportPkcs8PrivateKeyPem());
        var credentials = new LiveCredentials(new AgentCredentials(ca, X509CertificateLoader.LoadCertificate(ca.RawData)));

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var wish = new CertificateRequest("CN=evil, OU=engine", key, HashAlgorithmName.SHA256);
        wish.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var signed = new EngineAuthority(credentials, $"{_folder}/ca.key", TimeSpan.FromDays(398))
            .Sign(wish.CreateSigningRequestPem(), "h1", ["10.0.0.1", "h1.example.org"]);

        using var certificate = X509Certificate2.CreateFromPem(signed);
        Assert.Null(PeerCertificate.Refuse(certificate, [ca], PeerCertificate.AgentRole));
        Assert.NotNull(PeerCertificate.Refuse(certificate, [ca], PeerCertificate.EngineRole));
        Assert.False(certificate.Extensions.OfType<X509BasicConstraintsExtension>().Single().CertificateAuthority);
        Assert.True(certificate.MatchesHostname("10.0.0.1") && certificate.MatchesHostname("h1.example.org"));
        Assert.InRange(certificate.NotAfter, DateTime.Now.AddDays(397), DateTime.Now.AddDays(399));

        Assert.Equal(NotSigned.NoKey, Refusal("", wish.CreateSigningRequestPem()));
        Assert.Equal(NotSigned.NoKey, Refusal($"{_folder}/nothing", wish.CreateSigningRequestPem()));
        Assert.Equal(NotSigned.NoKey, Refusal($"{_folder}/other.key", wish.CreateSigningRequestPem()));
        Assert.Equal(NotSigned.BadRequest, Refusal($"{_folder}/ca.key", "nonsense"));
        using var weak = RSA.Create(1024);
        Assert.Equal(NotSigned.BadRequest, Refusal($"{_folder}/ca.key",
            new CertificateRequest("CN=x", weak, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequestPem()));

        NotSigned Refusal(string keyFile, string request) => Assert.Throws<NotSignedException>(
            () => new EngineAuthority(credentials, keyFile, TimeSpan.FromDays(1)).Sign(request, "h1", [])).Why;
    }
}
