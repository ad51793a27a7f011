using Microsoft.Extensions.Logging;
using Orchestrator.Agent;
using Orchestrator.Agent.Ledgers;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Simulated;
using Orchestrator.Agent.Storage;
using Orchestrator.Agent.Survival;

namespace Orchestrator.Tests.Agent;

/// <summary>What a host is bound by, on real files and a real pipe.</summary>
public sealed class SurvivalTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("survival").FullName;
    private readonly Guid _host = Guid.NewGuid();
    private readonly FolderLeases _leases = new();

    private string File => Path.Combine(_folder, "host-leases", _host.ToString());

    [Fact]
    public async Task A_lease_on_the_storage_is_read_as_it_was_renewed_last()
    {
        Assert.Null(await _leases.Read(_folder, _host));
        await _leases.Begin(_folder, new StorageLease(_host, "boot-1", 7));
        Assert.Equal(new StorageLease(_host, "boot-1", 7), await _leases.Read(_folder, _host));
        await _leases.Renew(_folder, new StorageLease(_host, "boot-1", 123_456_789_012));
        Assert.Equal(new StorageLease(_host, "boot-1", 123_456_789_012), await _leases.Read(_folder, _host));
    }

    [Fact]
    public async Task Storage_that_is_not_mounted_takes_no_lease()
    {
        var gone = Path.Combine(_folder, "gone");
        var e = await Assert.ThrowsAsync<IOException>(() => _leases.Begin(gone, new StorageLease(_host, "boot-1", 1)));
        Assert.Contains("is the storage mounted?", e.Message, StringComparison.Ordinal);
        // Nor does it when it is unmounted later: the folder below its mount point has no such file.
        await Assert.ThrowsAsync<IOException>(() => _leases.Renew(_folder, new StorageLease(_host, "boot-1", 2)));
        Assert.False(Path.Exists(File));
    }

    [Theory]
    [InlineData("")]
    [InlineData("something else")]
    [InlineData("orchestrator host lease 1\nno-guid\nboot-1\n7\n")]
    [InlineData("orchestrator host lease 1\n11111111-1111-1111-1111-111111111111\n\n7\n")]
    [InlineData("orchestrator host lease 1\n11111111-1111-1111-1111-111111111111\nboot-1\nmany\n")]
    public async Task What_is_not_a_lease_is_none(string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        await System.IO.File.WriteAllTextAsync(File, text);
        Assert.Null(await _leases.Read(_folder, _host));
    }

    [Theory]
    [InlineData("")]
    [InlineData("1 2 3")]
    [InlineData("1 2 x 11111111-1111-1111-1111-111111111111 /data")]
    public void A_note_of_the_lease_that_cannot_be_read_is_none(string text) => Assert.Null(HostLease.FromText(text));

    [Fact]
    public void The_next_agent_of_a_boot_finds_the_lease_and_the_next_boot_does_not()
    {
        BootIdentity.TakeUp(_folder, () => "boot-1");
        var memory = new RunMemory(_folder, () => "boot-2");
        Assert.Null(memory.Lease);
        var lease = new HostLease(_host, "/data/with a space", 5, 6, 7);
        memory.Lease = lease.ToText();
        Assert.Equal(lease, HostLease.FromText(new RunMemory(_folder, () => "").Lease!));

        Assert.Equal("boot-2", memory.BeginAnew());
        Assert.Null(memory.Lease);
        Assert.Equal(new BootIdentity("boot-2", 2), BootIdentity.TakeUp(_folder, () => "boot-3"));
    }

    [Fact]
    public void An_agent_that_dies_before_it_has_another_boot_leaves_the_ended_lease_to_the_next()
    {
        BootIdentity.TakeUp(_folder, () => "boot-1");
        var dying = new RunMemory(_folder, () => throw new OperationCanceledException("kill -9"))
        {
            Lease = new HostLease(_host, "/data", 5, 6, 7).ToText(),
        };
        Assert.Throws<OperationCanceledException>(() => dying.BeginAnew());
        Assert.NotNull(dying.Lease);
    }

    /// <summary>The disk of its boot id fails at first: to give up there would leave a host that neither serves nor says why.</summary>
    [Fact]
    public async Task A_host_that_has_lost_its_lease_goes_on_ending_it_whatever_fails()
    {
        var memory = new FailingMemory { Lease = new HostLease(_host, "/data", 0, 0, 7).ToText() };
        var log = new FileLog(Path.Combine(_folder, "log")).CreateLogger("agent");
        var time = TimeProvider.System;
        var hypervisor = new SimulatedHypervisor(
            1, "boot-1", new SimulatedProfile(), () => new HostFaults(), new GuestTruth(time), new SimulatedImages(time), 1, _ => null, time);
        var guard = new HostGuard("boot-1", TimeSpan.FromSeconds(1), _leases, null, memory, time, log);
        await using var agent = new HostAgent(
            new AgentDescription("host", "boot-1", "0.2.0", 1) { Driver = "simulated", Accelerator = "simulated" }, new BootIdentity("boot-1", 0),
            new LeaseLedger(new MemoryLog()), hypervisor, new ImageJobs(new MemoryLog(), new SimulatedImages(time), log),
            TimeSpan.FromSeconds(30), time, log, guard);
        await agent.Open(CancellationToken.None);
        for (var left = 200; agent.Describe().BootId != "boot-2" && left > 0; left--) await Task.Delay(50);
        Assert.Equal("boot-2", agent.Describe().BootId);
        Assert.Equal(3, memory.Attempts);
        var said = await System.IO.File.ReadAllLinesAsync(Path.Combine(_folder, "log"));
        Assert.Single(said, l => l.Contains("tried again: no space left on device", StringComparison.Ordinal));
    }

    private sealed class FailingMemory : IBootMemory
    {
        public string? Lease { get; set; }

        public int Attempts { get; private set; }

        public string BeginAnew() => ++Attempts < 3 ? throw new IOException("no space left on device") : "boot-2";
    }

    [Fact]
    public async Task A_watchdog_is_petted_and_disarmed_by_what_is_written_to_it()
    {
        var pipe = Path.Combine(_folder, "watchdog");
        using (var made = System.Diagnostics.Process.Start("mkfifo", pipe)) await made.WaitForExitAsync();
        var watchdog = new WatchdogDevice(pipe, TimeSpan.FromSeconds(15));
        Assert.Throws<IOException>(() => watchdog.Arm());

        using var listener = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("cat", pipe) { RedirectStandardOutput = true })!;
        TimeSpan? granted = null;
        for (var left = 200; granted is null && left > 0; left--)
            try
            {
                granted = watchdog.Arm();
            }
            catch (IOException)
            {
                await Task.Delay(50);
            }

        Assert.Equal(TimeSpan.FromSeconds(15), granted);
        watchdog.Pet();
        watchdog.Pet();
        watchdog.Disarm();
        Assert.Equal("..V", await listener.StandardOutput.ReadToEndAsync());
        await listener.WaitForExitAsync();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
