using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Configuration;
using Npgsql;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Host.Node;

/// <summary>A node's configuration file over the reference files in hocon/, with --set on top.</summary>
internal sealed record NodeConfig(Config Hocon)
{
    /// <exception cref="UsageException">The file is missing or not HOCON; the message names line and column.</exception>
    public static NodeConfig Read(string file, IReadOnlyList<string> settings)
    {
        if (!File.Exists(file)) throw new UsageException($"{file}: no such file; copy one from hocon/");
        var config = ConfigurationFactory.ParseString(File.ReadAllText(file));
        for (var i = 0; i < settings.Count; i += 2)
        {
            if (settings[i] != "--set" || i + 1 >= settings.Count || !settings[i + 1].Contains('='))
                throw new UsageException($"'{settings[i]}' is not understood; it is --set KEY=VALUE");
            config = ConfigurationFactory.ParseString(settings[i + 1]).WithFallback(config);
        }

        return Over(config);
    }

    /// <summary>The given configuration over the reference files.</summary>
    public static NodeConfig Over(Config config) => new(config.WithFallback(Reference()));

    public string Name => Text("name");

    public ImmutableArray<string> Roles => [.. Hocon.GetStringList("orchestrator.roles")];

    public AgentCredentialFiles CredentialFiles => new(Text("tls.certificate"), Text("tls.key"), Text("tls.ca"));

    /// <summary>What others expect in this process's certificate.</summary>
    public string CertificateRole => Roles.Contains("agent") || Roles.Contains("fleet")
        ? PeerCertificate.AgentRole
        : PeerCertificate.EngineRole;

    public NameRule NameRule => Text("cluster.certificate-names") switch
    {
        "enforce" => NameRule.Enforce,
        "warn" => NameRule.Warn,
        var other => throw new UsageException($"orchestrator.cluster.certificate-names is enforce or warn, not '{other}'"),
    };

    /// <summary>Which cluster a database belongs to: what was set, or else what the CA says.</summary>
    public string ClusterId => Text("cluster.id") is { Length: > 0 } id ? id : ClusterIdentity.Of(Authorities);

    private X509Certificate2Collection Authorities
    {
        get
        {
            var bundle = new X509Certificate2Collection();
            bundle.ImportFromPemFile(Text("tls.ca"));
            return bundle;
        }
    }

    public string ConnectionString
    {
        get
        {
            if (Text("database.connection-string") is { Length: > 0 } text) return text;
            var builder = new NpgsqlConnectionStringBuilder
            {
                Host = Text("database.host"),
                Port = Number("database.port"),
                Database = Text("database.database"),
                Username = Text("database.user"),
            };
            if (Text("database.password-file") is { Length: > 0 } file)
                builder.Password = File.ReadAllText(file).Trim();
            return builder.ConnectionString;
        }
    }

    public string Text(string key) => Hocon.GetString($"orchestrator.{key}", "") ?? "";

    public int Number(string key) => Hocon.GetInt($"orchestrator.{key}");

    public TimeSpan Time(string key) => Hocon.GetTimeSpan($"orchestrator.{key}");

    public bool Is(string key) => Hocon.GetBoolean($"orchestrator.{key}");

    /// <summary>A secret that all nodes share, made by the installer.</summary>
    public byte[] TokenKey
    {
        get
        {
            var text = File.ReadAllText(Text("api.token-key-file")).Trim();
            return text.Length >= 24
                ? SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text))
                : throw new UsageException($"{Text("api.token-key-file")}: must hold at least 24 random characters");
        }
    }

    private static Config Reference()
    {
        var assembly = typeof(NodeConfig).Assembly;
        var config = ConfigurationFactory.Empty;
        foreach (var name in assembly.GetManifestResourceNames().Where(n => n.StartsWith("hocon/", StringComparison.Ordinal)))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            config = config.WithFallback(ConfigurationFactory.ParseString(reader.ReadToEnd()));
        }

        return config;
    }
}
