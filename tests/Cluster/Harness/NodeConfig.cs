namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>All that the tests assume of the node's configuration keys and command line is in this file.</summary>
public sealed record NodeConfig
{
    public required string Name { get; init; }

    public required string Address { get; init; }

    public required int ClusterPort { get; init; }

    public required int ApiPort { get; init; }

    public required string ConnectionString { get; init; }

    public required string ClusterId { get; init; }

    public required PkiFiles Pki { get; init; }

    /// <summary>The secret under which all nodes sign tokens.</summary>
    public required string TokenKeyFile { get; init; }

    public required string InstanceIdFile { get; init; }

    /// <summary>Further HOCON lines, which stand above all others.</summary>
    public string More { get; init; } = "";

    /// <summary>Further lines of HOCON under orchestrator.</summary>
    public string Extra { get; init; } = "";

    /// <summary>orchestrator.dll of another version than the one under test, or null.</summary>
    public string? Program { get; init; }

    public Uri Api => new($"https://{Address}:{ApiPort}/");

    public string Write(string folder)
    {
        var path = Path.Combine(folder, $"{Name}.conf");
        File.WriteAllText(path, $$"""
            orchestrator {
              name = "{{Name}}"
              roles = ["engine", "api"]
              tls {
                ca = "{{Pki.Ca}}"
                certificate = "{{Pki.Certificate}}"
                key = "{{Pki.Key}}"
                ca-key = "{{System.IO.Path.ChangeExtension(Pki.Ca, "key")}}"
              }
              database.connection-string = "{{ConnectionString}}"
              database.term-file = "{{folder}}/{{Name}}.term"
              cluster {
                id = "{{ClusterId}}"
                address = "{{Address}}"
                port = {{ClusterPort}}
              }
              api {
                address = "{{Address}}"
                port = {{ApiPort}}
                token-key-file = "{{TokenKeyFile}}"
                instance-id-file = "{{InstanceIdFile}}"
              }
              {{Extra}}
            }
            {{More}}

            """);
        return path;
    }
}

/// <summary>PEM files of one process.</summary>
public sealed record PkiFiles(string Ca, string Certificate, string Key);

/// <summary>The process that plays many hypervisor hosts.</summary>
public sealed record FleetConfig
{
    public required string Address { get; init; }

    public required int Port { get; init; }

    /// <summary>Plain HTTP, for the test alone.</summary>
    public required int ControlPort { get; init; }

    public required int Hosts { get; init; }

    /// <summary>From the order until a guest's process runs.</summary>
    public required TimeSpan Launch { get; init; }

    /// <summary>From there until it is up.</summary>
    public required TimeSpan Boot { get; init; }

    public required TimeSpan Migration { get; init; }

    public required PkiFiles Pki { get; init; }

    /// <summary>Further lines of HOCON under orchestrator.</summary>
    public string Extra { get; init; } = "";


    public string Write(string folder)
    {
        var path = Path.Combine(folder, "fleet.conf");
        File.WriteAllText(path, $$"""
            orchestrator {
              name = "fleet"
              roles = ["fleet"]
              tls {
                ca = "{{Pki.Ca}}"
                certificate = "{{Pki.Certificate}}"
                key = "{{Pki.Key}}"
              }
              fleet {
                address = "{{Address}}"
                port = {{Port}}
                control-port = {{ControlPort}}
                hosts = {{Hosts}}
                launch-time = {{(int)Launch.TotalMilliseconds}} ms
                boot-time = {{(int)Boot.TotalMilliseconds}} ms
                migration-time = {{(int)Migration.TotalMilliseconds}} ms
              }
              {{Extra}}
            }

            """);
        return path;
    }
}

/// <summary>The executable under test.</summary>
public static class NodeExecutable
{
    /// <summary>Path of orchestrator.dll: ORCHESTRATOR_DLL, or what this build made.</summary>
    public static string Path { get; } = Environment.GetEnvironmentVariable("ORCHESTRATOR_DLL")
        ?? typeof(NodeExecutable).Assembly
            .GetCustomAttributes(typeof(System.Reflection.AssemblyMetadataAttribute), inherit: false)
            .Cast<System.Reflection.AssemblyMetadataAttribute>()
            .Single(a => a.Key == "NodeExecutable").Value!;

    public static IReadOnlyList<string> Run(string configFile, string? program = null) =>
        [program ?? Path, "--config", configFile];

    /// <summary>Makes a certificate authority in a folder.</summary>
    public static Task<string> MakeCa(string folder) => ChildProcess.Run("dotnet", Path, "pki", "ca", "--dir", folder);

    /// <summary>Makes a certificate for one process and answers its files.</summary>
    /// <param name="role">engine or agent.</param>
    public static async Task<PkiFiles> MakeCertificate(string folder, string name, string role, string address)
    {
        await ChildProcess.Run("dotnet", Path, "pki", "issue", "--dir", folder, "--name", name, "--role", role,
            "--address", address);
        return new PkiFiles(
            CaFile(folder), System.IO.Path.Combine(folder, $"{name}.crt"), System.IO.Path.Combine(folder, $"{name}.key"));
    }

    public static string CaFile(string folder) => System.IO.Path.Combine(folder, "ca.crt");

    /// <summary>Makes the first administrator, straight in the database.</summary>
    public static Task<string> SetPassword(
        string configFile, string user, string passwordFile, string? program = null) => ChildProcess.Run(
        "dotnet", program ?? Path, "admin", "set-password", "--config", configFile, "--user", user, "--password-file", passwordFile);
}
