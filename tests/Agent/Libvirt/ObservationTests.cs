using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent.Libvirt;

/// <summary>What is seen of a real guest, from outside and by its own agent.</summary>
[Collection(HypervisorHosts.Shelf)]
public sealed class ObservationTests(HypervisorHosts hosts)
{
    private readonly Guid _vm = Guid.NewGuid(), _disk = Guid.NewGuid();

    [SkippableFact]
    public async Task A_guest_is_seen_at_work_and_tells_who_it_is()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        var image = $"{hosts.Shared}/{_vm}.raw";
        Directory.CreateDirectory(hosts.Shared);
        await using (var file = File.Create(image)) file.SetLength(64L << 20);
        await using var agent = await hosts.StartAgent(1);
        await using var events = await agent.Follow();
        Assert.Empty((await agent.Client.Observe()).Guests);
        Assert.IsType<AgentAnswer.Accepted>(await agent.Client.Launch(new LaunchOrder(new Stamp(1), 1, new VmDefinition(_vm, "seen", 128L << 20)
        {
            Kernel = $"{HypervisorHosts.Guest}/vmlinuz",
            Initrd = $"{HypervisorHosts.Guest}/initrd.gz",
            Cmdline = "console=ttyS0 quiet lab.write=1 lab.ip=10.0.0.9/24",
            Disks = [new VmDisk(_disk, image, DiskFormat.Raw)],
            Nics = [new VmNic(Guid.NewGuid(), "52:54:00:77:00:01", "vmbr0")],
        })));
        await events.Until(_vm, GuestState.Up);

        GuestObservation? seen = null;
        var began = DateTime.UtcNow;
        while (seen is not { Facts.Interfaces.Length: > 0, CpuPercent: > 0, Disks: [{ WrittenBytesPerSecond: > 0 }, ..] })
        {
            Assert.True(DateTime.UtcNow - began < TimeSpan.FromSeconds(45), $"seen: {seen?.CpuPercent} {seen?.Facts?.Interfaces.Length} {string.Join(",", seen?.Disks ?? [])} {string.Join(",", seen?.Nics ?? [])}");
            await Task.Delay(TimeSpan.FromSeconds(2));
            seen = (await agent.Client.Observe()).Guests.SingleOrDefault();
        }

        Assert.Equal((_vm, 1, 128L << 20), (seen.Vm, seen.Lease, seen.MemoryBytes));
        Assert.InRange(seen.CpuPercent!.Value, 0.1, 100);
        Assert.InRange(seen.MemoryUnusedBytes ?? 0, 1, 128L << 20);
        Assert.Equal(_disk, seen.Disks.Single().Disk);
        Assert.True(seen.Disks.Single() is { WrittenBytes: > 0, WriteLatency: > 0 });
        var nic = Assert.Single(seen.Nics);
        Assert.Equal("52:54:00:77:00:01", nic.Mac);
        Assert.NotNull(nic.SentBytesPerSecond);
        var line = Assert.Single(seen.Facts.Interfaces);
        Assert.Equal(("eth0", nic.Mac, "10.0.0.9"), (line.Name, line.Mac, line.Addresses.Single()));
        Assert.NotEqual("", seen.Facts.System!.Kernel);

        // By the agent in the guest.
        Assert.IsType<AgentAnswer.Accepted>(await agent.Client.FileSystems(_vm, Order(FileSystemsAct.Freeze)));
        Assert.IsType<AgentAnswer.Refused>(await agent.Client.FileSystems(_vm, Order(FileSystemsAct.Freeze) with { Lease = 2 }));
        Assert.IsType<AgentAnswer.Refused>(await agent.Client.FileSystems(_vm, Order(FileSystemsAct.Thaw) with { Stamp = new Stamp(0) }));
        Assert.IsType<AgentAnswer.Accepted>(await agent.Client.FileSystems(_vm, Order(FileSystemsAct.Thaw)));

        // A guest that stood still is told the time.
        Assert.IsType<AgentAnswer.Accepted>(await agent.Client.Pause(_vm, new GuestOrder(new Stamp(1), 1)));
        await events.Until(_vm, GuestState.Paused);
        await Task.Delay(TimeSpan.FromSeconds(8));
        Assert.IsType<AgentAnswer.Accepted>(await agent.Client.Resume(_vm, new GuestOrder(new Stamp(1), 1)));
        await events.Until(_vm, GuestState.Up);
        var behind = 8.0;
        for (began = DateTime.UtcNow; behind > 3; behind = (DateTime.UtcNow - await TimeOf()).TotalSeconds)
        {
            Assert.True(DateTime.UtcNow - began < TimeSpan.FromSeconds(30), $"the guest is {behind:F1} s behind");
            await Task.Delay(TimeSpan.FromMilliseconds(500));
        }

        Assert.IsType<AgentAnswer.Accepted>(await agent.Client.Stop(_vm, new StopOrder(new Stamp(1), 1, StopMode.PowerOff)));
        await events.Until(_vm, GuestState.Down);
        Assert.Empty((await agent.Client.Observe()).Guests);
        Assert.IsType<AgentAnswer.Refused>(await agent.Client.FileSystems(_vm, Order(FileSystemsAct.Freeze)));
    }

    private static FileSystemsOrder Order(FileSystemsAct act) => new(new Stamp(1), 1, act);

    private async Task<DateTime> TimeOf() =>
        DateTime.UnixEpoch.AddSeconds(long.Parse((await hosts.On("time", 1, $"{_vm}")).Split(':')[^1].Trim()));
}
