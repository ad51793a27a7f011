using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent.Libvirt;

/// <summary>
/// Two hypervisor hosts, each a set of namespaces with a libvirtd of its own, and agents for them. Needs root, libvirt,
/// QEMU and a kernel; where one is missing <see cref="Missing"/> says so and the tests are skipped.
/// </summary>
public sealed class HypervisorHosts : IAsyncLifetime
{
    /// <summary>Tests of one class after the other: they share the two hosts.</summary>
    public const string Shelf = "hypervisor hosts";

    public static readonly TimeSpan BootTime = TimeSpan.FromMinutes(2);
    private static readonly string Scripts = Path.Combine(AppContext.BaseDirectory, "Libvirt");
    private readonly string _base = $"/tmp/agent-hosts-{Environment.ProcessId}";
    private readonly string _prefix = $"ag{Environment.ProcessId % 10_000}h";

    public TestAuthority Authority { get; } = new();

    public string? Missing { get; private set; }

    /// <summary>A folder that both hosts see.</summary>
    public string Shared => $"{_base}/shared";

    /// <summary>The CD for a guest's first start.</summary>
    public string SeedOf(Guid vm) => $"{_base}/seeds/{vm}.iso";

    /// <summary>What a TPM keeps on its host.</summary>
    public string TpmOf(int host, Guid vm) => $"{_base}/{host}/lib/swtpm/{vm}/tpm2/tpm2-00.permall";

    /// <summary>Built once for these scripts.</summary>
    public static string Guest { get; } = "/tmp/agent-guest-" + Convert.ToHexStringLower(SHA256.HashData(
        [.. File.ReadAllBytes(Path.Combine(Scripts, "guest.sh")), .. File.ReadAllBytes(Path.Combine(Scripts, "guest-writer.sh"))]))[..12];

    public async Task InitializeAsync()
    {
        Missing = WhatIsMissing();
        if (Missing is not null) return;
        if (!File.Exists($"{Guest}/initrd.gz")) await Script("guest.sh", Guest);
        await On("up", 1);
        await On("up", 2);
    }

    public async Task DisposeAsync()
    {
        if (Missing is null)
        {
            await On("down", 1);
            await On("down", 2);
            Directory.Delete(_base, recursive: true);
        }

        Authority.Dispose();
    }

    public Task<string> On(string verb, int host, string more = "") =>
        Script("host.sh", verb, _base, _prefix, host.ToString(), more);

    public async Task<int> QemuProcesses(int host, Guid vm) =>
        int.Parse((await On("qemu", host, vm.ToString()[^8..])).Trim());

    /// <summary>Bytes that have come in by one of its lines, eth0 or eth1.</summary>
    public async Task<long> Came(int host, string line) => long.Parse((await On("came", host, line)).Trim());

    /// <summary>Starts the agent of a host; its folders outlive it.</summary>
    /// <param name="look">How often a migration that does not get on is looked at; null: as in production.</param>
    /// <param name="addresses">Where it should not have both of its lines: those that it has. The agent itself is not in the
    /// host's namespace.</param>
    /// <param name="unplug">How long a guest is waited for that lets no device go; null: as in production.</param>
    public async Task<RunningAgent> StartAgent(int host, TimeSpan? look = null, ImmutableArray<NetworkAddress>? addresses = null, TimeSpan? unplug = null, string hooks = "")
    {
        var folder = Path.Combine(_base, $"agent-{host}");
        Directory.CreateDirectory($"{folder}/console");
        var app = AgentServer.Build(new AgentConfig
        {
            Credentials = Authority.Credentials("agent"),
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Images = new IPEndPoint(IPAddress.Loopback, 0),
            StateFolder = $"{folder}/state",
            RunFolder = $"{folder}/run",
            LibvirtUri = $"qemu+unix:///system?socket={_base}/{host}/run/libvirt/libvirt-sock",
            MigrationAddress = $"10.79.0.{host}",
            Addresses = () => addresses
                ?? [new NetworkAddress("eth0", $"10.79.0.{host}/24", 0), new NetworkAddress("eth1", $"10.78.0.{host}/24", 10_000)],
            Accelerator = "tcg",
            MigrationLook = look ?? Convergence.LookEvery,
            UnplugPatience = unplug ?? TimeSpan.FromSeconds(30),
            ConsoleLogFolder = $"{folder}/console",
            SeedFolder = $"{_base}/seeds",
            SwtpmFolder = $"{_base}/{host}/lib/swtpm",
            HooksFolder = hooks,
        }, logging => logging.SetMinimumLevel(LogLevel.Debug).AddProvider(new FileLog(Environment.GetEnvironmentVariable("AGENT_TEST_LOG"))));
        await app.StartAsync();
        return new RunningAgent(app, Authority);
    }

    private static string? WhatIsMissing()
    {
        if (Environment.UserName != "root") return "libvirt tests need root";
        foreach (var program in (string[])["/usr/sbin/libvirtd", "/usr/bin/qemu-system-x86_64", "/usr/sbin/qemu-ga", "/bin/busybox"])
            if (!File.Exists(program)) return $"libvirt tests need {program}";
        return Directory.GetFiles("/boot", "vmlinuz-*-cloud-amd64").Length == 0 ? "libvirt tests need a cloud kernel" : null;
    }

    private static async Task<string> Script(string script, params string[] words)
    {
        using var process = Process.Start(new ProcessStartInfo("bash", [Path.Combine(Scripts, script), .. words])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{script} {string.Join(' ', words)}: {await errors}");
        return await output;
    }
}

[CollectionDefinition(HypervisorHosts.Shelf)]
public sealed class HypervisorShelf : ICollectionFixture<HypervisorHosts>;

/// <summary>One agent process's worth of agent, and an engine's client to it.</summary>
public sealed class RunningAgent : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly AgentTransport _transport;

    public RunningAgent(WebApplication app, TestAuthority authority)
    {
        _app = app;
        _transport = new AgentTransport(authority.Credentials("engine"));
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Client = new AgentClient(_transport, new Uri(address), TimeSpan.FromSeconds(30));
    }

    public AgentClient Client { get; }

    /// <summary>Claims the host once the agent has found its hypervisor.</summary>
    public async Task<Follower> Follow(long epoch = 1)
    {
        for (var attempt = 0; ; attempt++)
        {
            var follower = new Follower(Client.Events(epoch, Guid.Empty), HypervisorHosts.BootTime);
            try
            {
                await follower.Next();
                return follower;
            }
            catch (AgentRefusedException e) when (e.Refusal.Code == RefusalCode.NotReady && attempt < 200)
            {
                await follower.DisposeAsync();
                using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
                await pause.WaitForNextTickAsync();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _transport.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
