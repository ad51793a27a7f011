namespace Orchestrator.Api;

/// <summary>What composition tells the API; hocon/api.conf explains each key. The same on all nodes of a
/// cluster.</summary>
public sealed record ApiOptions
{
    /// <summary>Names this installation in the entry point; made once and kept.</summary>
    public required Guid InstanceId { get; init; }

    /// <summary>Signs tokens (HMAC-SHA256). At least 32 random bytes, the same on all nodes: a token that one node
    /// gave is good on every other. Changing it ends all sessions.</summary>
    public required ReadOnlyMemory<byte> TokenKey { get; init; }

    /// <summary>Images are to be had at /images of this server, too.</summary>
    public bool ProxiesImages { get; init; }

    public string ProductName { get; init; } = "Orchestrator";

    public string Vendor { get; init; } = "Orchestrator";

    /// <summary>The API level that clients negotiate by: oVirt's major and minor version.</summary>
    public int Major { get; init; } = 4;

    public int Minor { get; init; } = 5;

    public int Build { get; init; }

    public int Revision { get; init; }

    /// <summary>Free text: the engine's own version.</summary>
    public string FullVersion { get; init; } = "4.5.0-orchestrator-0.1.0";

    /// <summary>How long a token is good. There is no refresh: clients log in again.</summary>
    public TimeSpan TokenLife { get; init; } = TimeSpan.FromHours(12);

    /// <summary>How long a verified user and password may be used again without the slow hash.</summary>
    public TimeSpan BasicCacheLife { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Wrong passwords in a row, of one user from one address, after which both are made to wait.</summary>
    public int MaxFailures { get; init; } = 5;

    /// <summary>The first wait; it doubles with each further failure, up to sixteen times this.</summary>
    public TimeSpan LockOut { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Wrong passwords in a row, from whatever addresses, after which an account is locked.</summary>
    public int AccountFailures { get; init; } = 20;

    /// <summary>How long it stays so, unless an administrator enables it before.</summary>
    public TimeSpan AccountLockOut { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Programs that send browsers here to log in.</summary>
    public IReadOnlyList<Sso.OAuthClient> Clients { get; init; } = [];

    /// <summary>How long a session of "Prefer: persistent-auth" lives without a request, unless the client says another time.</summary>
    public TimeSpan SessionLife { get; init; } = TimeSpan.FromMinutes(30);

    public int MaxBodyBytes { get; init; } = 1 << 20;

    /// <summary>Levels of nesting in a body.</summary>
    public int MaxDepth { get; init; } = 32;

    /// <summary>After this long without an answer of the entities or the store, the client gets 503.</summary>
    public TimeSpan RequestLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Told to clients with a 503 whose cause does not say better.</summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Upper bound of what one GET with follow may read.</summary>
    public int MaxFollowed { get; init; } = 10_000;

    /// <summary>Cluster of a host that is added without one.</summary>
    public string DefaultCluster { get; init; } = "Default";

    /// <summary>Bridge on the hosts that a NIC without a network is plugged into.</summary>
    public string DefaultBridge { get; init; } = "ovirtmgmt";

    /// <summary>Where all hosts mount storage domains, each below it.</summary>
    public string StorageFolder { get; init; } = "/var/lib/orchestrator/storage";

    public CustomProperties CustomProperties { get; init; } = CustomProperties.None;

    public int DefaultAgentPort { get; init; } = 54321;

    /// <summary>The certificates in PEM of the engine's CA, which anyone may fetch; two while it moves from one to the
    /// next.</summary>
    public Func<string> CaCertificates { get; init; } = static () => "";
}
