using System.Security.Cryptography.X509Certificates;
using Npgsql;
using Orchestrator.Engine;
using Orchestrator.Tests.Engine;
using Orchestrator.Engine.Postgres;
using Orchestrator.Host.Node;
using Orchestrator.Tests.Cluster.Harness;

namespace Orchestrator.Bench.Engine;

/// <summary>A private PostgreSQL with its default durability, certificates, and nodes as processes of this machine.</summary>
internal sealed class Installation : IAsyncDisposable
{
    private readonly string _folder;
    private readonly string _clusterId = Guid.NewGuid().ToString();
    private readonly int _port = Ports.Free();
    private readonly List<Member> _members = [];

    private Installation(string folder, PrivatePostgres postgres) => (_folder, Postgres) = (folder, postgres);

    public PrivatePostgres Postgres { get; }

    public string Pki => Path.Combine(_folder, "pki");

    /// <summary>The certificate that no node has, for the echo.</summary>
    public static RemoteIdentity Identity(string pki)
    {
        using var pem = X509Certificate2.CreateFromPemFile(Path.Combine(pki, "n0.crt"), Path.Combine(pki, "n0.key"));
        return new FixedIdentity(
            X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null),
            X509CertificateLoader.LoadCertificateFromFile(Path.Combine(pki, "ca.crt")));
    }

    public static async Task<Installation> Start()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"orchestrator-bench-{Environment.ProcessId}")).FullName;
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        var postgres = await PrivatePostgres.Start(new RunLog(), Path.Combine(folder, "pg"), durable: true);
        var installation = new Installation(folder, postgres);
        Host.Node.Pki.MakeAuthority(installation.Pki);
        for (var n = 0; n <= 3; n++) Host.Node.Pki.Issue(installation.Pki, $"n{n}", "engine", [Address(n)], Host.Node.Pki.Life);
        return installation;
    }

    public static string Address(int number) => $"127.0.0.{number + 10}";

    public async Task<Member> Node(int number)
    {
        var file = Path.Combine(_folder, $"n{number}.conf");
        await File.WriteAllTextAsync(file, $$"""
            orchestrator {
              name = "n{{number}}"
              log.level = warning
              tls { ca = "{{Pki}}/ca.crt", certificate = "{{Pki}}/n{{number}}.crt", key = "{{Pki}}/n{{number}}.key" }
              database.connection-string = "{{Postgres.ConnectionString}}"
              cluster { id = "{{_clusterId}}", address = "{{Address(number)}}", port = {{_port}} }
              # Resident is what is measured.
              entities.passivate-after = 1h
            }
            """);
        var member = await Member.Start("node", file);
        _members.Add(member);
        return member;
    }

    /// <summary>A second database with the engine's schema, for PostgreSQL alone.</summary>
    public async Task<string> Bare()
    {
        await Postgres.Execute("DROP DATABASE IF EXISTS bare");
        await Postgres.Execute("CREATE DATABASE bare");
        var connection = Postgres.ConnectionString.Replace("Database=orchestrator", "Database=bare", StringComparison.Ordinal);
        await using var store = new PostgresEngineStore(new PostgresSettings(connection));
        await store.PrepareAsync("bare", CancellationToken.None);
        return connection;
    }

    /// <summary>Ends the nodes and leaves an empty database behind.</summary>
    public async Task Empty()
    {
        foreach (var member in _members) await member.DisposeAsync();
        _members.Clear();
        NpgsqlConnection.ClearAllPools();
        await using var admin = new NpgsqlConnection(Postgres.ConnectionString.Replace(
            "Database=orchestrator", "Database=postgres", StringComparison.Ordinal) + ";Pooling=false");
        await admin.OpenAsync();
        foreach (var sql in new[] { "DROP DATABASE orchestrator WITH (FORCE)", "CREATE DATABASE orchestrator", "CHECKPOINT" })
        {
            await using var command = new NpgsqlCommand(sql, admin);
            await command.ExecuteNonQueryAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var member in _members) await member.DisposeAsync();
        await Postgres.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
