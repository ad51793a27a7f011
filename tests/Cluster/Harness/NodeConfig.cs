using System.Text;

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

    public required string PasswordFile { get; init; }

    /// <summary>Off only in the test that shows what the fence is for.</summary>
    public bool WriteFence { get; init; } = true;

    public Uri Api => new($"https://{Address}:{ApiPort}/");

    public string Write(string folder)
    {
        var path = Path.Combine(folder, $"{Name}.conf");
        File.WriteAllText(path, $$"""
            orchestrator {
              node {
                name = "{{Name}}"
                roles = [engine, api]
                address = "{{Address}}"
                cluster-port = {{ClusterPort}}
                api-port = {{ApiPort}}
              }
              store.connection-string = "{{ConnectionString}}"
              cluster.id = "{{ClusterId}}"
              pki {
                ca = "{{Pki.Ca}}"
                certificate = "{{Pki.Certificate}}"
                key = "{{Pki.Key}}"
              }
              sso.admin-password-file = "{{PasswordFile}}"
              testing.write-fence = {{(WriteFence ? "on" : "off")}}
            }
            """, Encoding.UTF8);
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

    /// <summary>From the order until the guest runs.</summary>
    public required TimeSpan Boot { get; init; }

    public required PkiFiles Pki { get; init; }

    public required string Folder { get; init; }

    public string Write(string folder)
    {
        var path = Path.Combine(folder, "fleet.conf");
        File.WriteAllText(path, $$"""
            orchestrator {
              node {
                name = "fleet"
                roles = [fleet]
                address = "{{Address}}"
              }
              pki {
                ca = "{{Pki.Ca}}"
                certificate = "{{Pki.Certificate}}"
                key = "{{Pki.Key}}"
              }
              fleet {
                hosts = {{Hosts}}
                port = {{Port}}
                control-port = {{ControlPort}}
                boot-time = {{(int)Boot.TotalMilliseconds}}ms
                state = "{{Folder}}"
              }
            }
            """, Encoding.UTF8);
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

    public static IReadOnlyList<string> Run(string configFile) => [Path, "--config", configFile];

    /// <summary>Makes a certificate authority in a folder.</summary>
    public static Task<string> MakeCa(string folder) =>
        ChildProcess.Run("dotnet", Path, "pki", "init", "--folder", folder);

    /// <summary>Makes a certificate for one process and answers its files.</summary>
    public static async Task<PkiFiles> MakeCertificate(string folder, string name, string address)
    {
        await ChildProcess.Run("dotnet", Path, "pki", "issue", "--folder", folder, "--name", name, "--address", address);
        return new PkiFiles(
            System.IO.Path.Combine(folder, "ca.pem"), System.IO.Path.Combine(folder, $"{name}.pem"),
            System.IO.Path.Combine(folder, $"{name}.key"));
    }
}
