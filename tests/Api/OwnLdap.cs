using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Orchestrator.Api.Sso.Ldap;

namespace Orchestrator.Tests.Api;

/// <summary>A slapd of the test's own, on loopback, in its own folder, with a certificate of its own CA.</summary>
public sealed class OwnLdap : IAsyncLifetime
{
    public const string Missing = "needs root and Debian's slapd";
    private const string People = """
        dn: dc=example
        objectClass: dcObject
        objectClass: organization
        o: example
        dc: example

        dn: ou=people,dc=example
        objectClass: organizationalUnit
        ou: people

        dn: ou=groups,dc=example
        objectClass: organizationalUnit
        ou: groups

        dn: uid=alice,ou=people,dc=example
        objectClass: inetOrgPerson
        uid: alice
        cn: Alice
        givenName: Alice
        sn: Liddell
        mail: alice@example
        userPassword: wonderland

        dn: uid=bob,ou=people,dc=example
        objectClass: inetOrgPerson
        uid: bob
        cn: Bob
        sn: Builder
        userPassword: canwefixit

        dn: uid=odd(name)*,ou=people,dc=example
        objectClass: inetOrgPerson
        uid: odd(name)*
        cn: Odd
        sn: Odd
        userPassword: oddpassword

        dn: cn=devs,ou=groups,dc=example
        objectClass: groupOfNames
        cn: devs
        member: uid=alice,ou=people,dc=example
        member: cn=staff,ou=groups,dc=example

        dn: cn=staff,ou=groups,dc=example
        objectClass: groupOfNames
        cn: staff
        member: cn=devs,ou=groups,dc=example

        dn: cn=everybody,ou=groups,dc=example
        objectClass: groupOfUniqueNames
        cn: everybody
        uniqueMember: cn=staff,ou=groups,dc=example
        uniqueMember: uid=bob,ou=people,dc=example

        dn: cn=others,ou=groups,dc=example
        objectClass: groupOfNames
        cn: others
        member: uid=bob,ou=people,dc=example

        """;

    private readonly string _folder = Path.Combine("/tmp", $"api-ldap-{Guid.NewGuid():N}");
    private Process? _slapd;

    public bool IsHere => _slapd is not null;

    public int Port { get; } = FreePort();

    public int TlsPort { get; } = FreePort();

    public X509Certificate2Collection Authorities { get; } = [];

    public async Task InitializeAsync()
    {
        if (!File.Exists("/usr/sbin/slapd") || Environment.UserName != "root") return;
        Directory.CreateDirectory(Path.Combine(_folder, "db"));
        WriteCertificates();
        await File.WriteAllTextAsync($"{_folder}/slapd.conf", $"""
            include /etc/ldap/schema/core.schema
            include /etc/ldap/schema/cosine.schema
            include /etc/ldap/schema/inetorgperson.schema
            modulepath /usr/lib/ldap
            moduleload back_mdb
            pidfile {_folder}/pid
            TLSCACertificateFile {_folder}/ca.pem
            TLSCertificateFile {_folder}/server.pem
            TLSCertificateKeyFile {_folder}/key.pem
            database mdb
            suffix "dc=example"
            rootdn "cn=admin,dc=example"
            rootpw secret
            directory {_folder}/db
            """);
        await File.WriteAllTextAsync($"{_folder}/people.ldif", People);
        using (var add = Start("/usr/sbin/slapadd", "-f", $"{_folder}/slapd.conf", "-l", $"{_folder}/people.ldif"))
        {
            await add.WaitForExitAsync();
            Assert.Equal(0, add.ExitCode);
        }

        _slapd = Start("/usr/sbin/slapd", "-f", $"{_folder}/slapd.conf", "-d", "0", "-h", $"ldap://127.0.0.1:{Port} ldaps://127.0.0.1:{TlsPort}");
        var limit = Stopwatch.StartNew();
        while (!Answers())
        {
            Assert.True(!_slapd.HasExited && limit.Elapsed < TimeSpan.FromSeconds(20), "slapd did not come up");
            await Task.Delay(50);
        }
    }

    public async Task DisposeAsync()
    {
        if (_slapd is null) return;
        _slapd.Kill();
        await _slapd.WaitForExitAsync();
        _slapd.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    public LdapProfile Profile(params string[] servers) => new()
    {
        Name = "corp",
        Servers = [.. (servers.Length == 0 ? [$"ldap://localhost:{Port}"] : servers).Select(server => new Uri(server))],
        Authorities = Authorities,
        BindName = "cn=admin,dc=example",
        BindPassword = "secret",
        UsersBelow = "ou=people,dc=example",
        GroupsBelow = "ou=groups,dc=example",
    };

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private bool Answers()
    {
        try
        {
            using var client = new TcpClient("127.0.0.1", TlsPort);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void WriteCertificates()
    {
        var now = DateTimeOffset.UtcNow;
        using var authorityKey = RSA.Create(2048);
        var authority = new CertificateRequest("CN=directory CA", authorityKey, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var root = authority.CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
        using var key = RSA.Create(2048);
        var server = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        server.CertificateExtensions.Add(names.Build());
        using var certificate = server.Create(root, now.AddDays(-1), now.AddDays(20), [1, 2, 3, 4]);
        File.WriteAllText($"{_folder}/ca.pem", root.ExportCertificatePem());
        File.WriteAllText($"{_folder}/server.pem", certificate.ExportCertificatePem());
        File.WriteAllText($"{_folder}/key.pem", key.ExportPkcs8PrivateKeyPem());
        Authorities.Add(X509CertificateLoader.LoadCertificate(root.RawData));
    }

    private static Process Start(string program, params string[] arguments) =>
        Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "exec \"$0\" \"$@\" >/dev/null 2>&1", program, .. arguments]))!;
}
