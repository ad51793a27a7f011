using System.Security.Cryptography.X509Certificates;

namespace Orchestrator.Demo;

/// <summary>Where the running installation keeps its things: what `./do up` left in the var folder.</summary>
public sealed class Installation
{
    private readonly Dictionary<string, string> _choices;

    private Installation(string root, string var)
    {
        Root = root;
        Var = var;
        _choices = File.ReadLines(Path.Combine(var, "lab.env"))
            .Select(line => line.Split('=', 2))
            .Where(pair => pair.Length == 2)
            .ToDictionary(pair => pair[0], pair => pair[1]);
    }

    public string Root { get; }
    public string Var { get; }
    public string Guest => Path.Combine(Var, "guest");

    /// <summary>Numbers of the engine nodes, from 1.</summary>
    public int[] Nodes => Numbers("nodes");

    /// <summary>Numbers of the hosts, from 1.</summary>
    public int[] Hosts => Numbers("hosts");

    public string Password => File.ReadAllText(Path.Combine(Var, "secrets", "admin-password")).Trim();

    public X509Certificate2 Authority => X509CertificateLoader.LoadCertificateFromFile(Path.Combine(Var, "pki", "ca.crt"));

    /// <exception cref="DemoException">No installation is up.</exception>
    public static Installation Find()
    {
        var root = AppContext.BaseDirectory;
        while (root is not null && !File.Exists(Path.Combine(root, "lab", "here.sh"))) root = Path.GetDirectoryName(root);
        root = Environment.GetEnvironmentVariable("ORCHESTRATOR_ROOT") ?? root
            ?? throw new DemoException("The repository is not around this program; set ORCHESTRATOR_ROOT.");
        var var = Environment.GetEnvironmentVariable("ORCHESTRATOR_VAR") ?? Path.Combine(root, "var");
        return File.Exists(Path.Combine(var, "lab.env"))
            ? new Installation(root, var)
            : throw new DemoException($"Nothing is up in {var}. Start it first: ./do up");
    }

    public Uri NodeAddress(int number) => new($"https://{_choices["LAB_LOOP"]}.{10 + number}:8443/");

    public string HostAddress(int number) => $"{_choices["LAB_NET"]}.{number}";

    private int[] Numbers(string folder) =>
    [
        .. Directory.GetDirectories(Path.Combine(Var, folder))
            .Select(path => int.TryParse(Path.GetFileName(path), out var number) ? number : 0)
            .Where(number => number > 0)
            .Order(),
    ];
}
