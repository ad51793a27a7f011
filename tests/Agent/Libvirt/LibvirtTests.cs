using System.Collections.Immutable;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent.Libvirt;

/// <summary>The real thing: guests in QEMU, libvirt in between, the agent over HTTPS.</summary>
[Collection(HypervisorHosts.Shelf)]
public sealed class LibvirtTests(HypervisorHosts hosts)
{
    private readonly Guid _vm = Guid.NewGuid();

    [SkippableFact]
    public async Task A_guest_boots_once_survives_its_agent_and_ends_for_good()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        ImmutableArray<string> ips;
        long lastSequence;
        await using (var agent = await hosts.StartAgent(1))
        {
            var about = await agent.Client.Describe();
            await using var events = await agent.Follow();
            Taken(await agent.Client.Launch(Launch(1)));
            var starting = await events.Until(_vm, GuestState.PoweringUp);
            Assert.True(starting.Console is { Port: >= 5900 });
            await events.Until(_vm, GuestState.Up);
            ips = (await events.Until(_vm, GuestState.Up, g => g.Ips.Length > 0)).Ips;
            Assert.Contains("LABUP", await agent.Client.ConsoleLog(_vm), StringComparison.Ordinal);

            Assert.Equal(GuestState.Up, Taken(await agent.Client.Launch(Launch(1)))!.State);
            Assert.Equal(1, await hosts.QemuProcesses(1, _vm));
            lastSequence = (await agent.Client.Report()).Sequence;
        }

        Assert.Equal(1, await hosts.QemuProcesses(1, _vm));
        await using (var agent = await hosts.StartAgent(1))
        {
            await using var events = await agent.Follow();
            var report = await agent.Client.Report();
            var guest = report.Guests.Single(g => g.Vm == _vm);
            Assert.Equal((1, GuestState.Up), (guest.Lease, guest.State));
            Assert.True(report.Sequence > lastSequence);
            Assert.Equal("10.0.0.7", ips.Single());

            Taken(await agent.Client.Pause(_vm, new GuestOrder(new Stamp(1), 1)));
            Assert.Equal("user", (await events.Until(_vm, GuestState.Paused)).PauseReason);
            Taken(await agent.Client.Resume(_vm, new GuestOrder(new Stamp(1), 1)));
            await events.Until(_vm, GuestState.Up);

            Taken(await agent.Client.Stop(_vm, new StopOrder(new Stamp(1), 1, StopMode.PowerOff)));
            Assert.Equal(GuestExit.Destroyed, (await events.Until(_vm, GuestState.Down)).Exit);
            Assert.Equal(0, await hosts.QemuProcesses(1, _vm));
            Assert.Equal(RefusalCode.LeaseEnded, Refused(await agent.Client.Launch(Launch(1))).Code);
        }
    }

    [SkippableFact]
    public async Task A_guest_runs_on_when_libvirtd_dies_and_shuts_down_when_asked()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var agent = await hosts.StartAgent(1);
        await using var events = await agent.Follow();
        Taken(await agent.Client.Launch(Launch(1)));
        await events.Until(_vm, GuestState.Up);

        // A reset that could not be carried out yet is not answered as taken, and is not done twice when it is said again.
        var reset = new StopOrder(new Stamp(1), 1, StopMode.Reset) { Id = Guid.NewGuid() };
        await hosts.On("frozen", 1);
        Assert.Equal(RefusalCode.NotReady, Refused(await agent.Client.Stop(_vm, reset)).Code);
        await hosts.On("libvirtd", 1);
        await Until("the reset to be carried out", async () => await agent.Client.Stop(_vm, reset) is AgentAnswer.Accepted);
        await Until("the guest to boot again", async () => (await agent.Client.ConsoleLog(_vm)).Split("LABUP").Length == 3);
        await events.Until(_vm, GuestState.Up);
        Assert.Equal(1, await hosts.QemuProcesses(1, _vm));
        Taken(await agent.Client.Stop(_vm, new StopOrder(new Stamp(1), 1, StopMode.Shutdown)));
        Assert.Equal(GuestExit.Normal, (await events.Until(_vm, GuestState.Down)).Exit);
    }

    [SkippableFact]
    public async Task A_guest_that_cannot_start_is_down_with_qemus_reason()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var agent = await hosts.StartAgent(2);
        await using var events = await agent.Follow();
        var definition = Definition() with { Disks = [new VmDisk(Guid.NewGuid(), "/nowhere/disk.img")] };
        Taken(await agent.Client.Launch(new LaunchOrder(new Stamp(1), 1, definition)));
        var down = await events.Until(_vm, GuestState.Down);
        Assert.Equal(GuestExit.Error, down.Exit);
        Assert.Contains("/nowhere/disk.img", down.ExitMessage, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_live_migration_takes_the_guest_to_the_other_host_under_the_higher_lease()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var one = await hosts.StartAgent(1);
        await using var two = await hosts.StartAgent(2);
        await using var source = await one.Follow();
        await using var destination = await two.Follow();
        Taken(await one.Client.Launch(Launch(1)));
        await source.Until(_vm, GuestState.Up);

        var uri = (await two.Client.Describe()).MigrationUri;
        Taken(await two.Client.PrepareIncoming(new IncomingOrder(new Stamp(1), 2, Definition())));
        Taken(await one.Client.Migrate(_vm, new MigrateOrder(new Stamp(1), 1, uri, 2, MaxDowntimeMs: 500)));
        var there = await destination.Until(_vm, GuestState.Up);
        var left = await source.Until(_vm, GuestState.Down);
        Assert.Equal(2, there.Lease);
        Assert.Equal(GuestExit.Migrated, left.Exit);
        Assert.True(left.Migration is { DowntimeMs: >= 0, TotalMs: > 0, Percent: 100 }, $"statistics: {left.Migration}");
        Assert.Equal((0, 1), (await hosts.QemuProcesses(1, _vm), await hosts.QemuProcesses(2, _vm)));

        Taken(await two.Client.Stop(_vm, new StopOrder(new Stamp(1), 2, StopMode.PowerOff)));
        Assert.Equal(GuestExit.Destroyed, (await destination.Until(_vm, GuestState.Down)).Exit);
    }

    [SkippableFact]
    public async Task The_memory_goes_by_the_network_that_the_order_names()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var one = await hosts.StartAgent(1);
        await using var two = await hosts.StartAgent(2);
        await using var source = await one.Follow();
        await using var destination = await two.Follow();
        Taken(await one.Client.Launch(Launch(1)));
        await source.Until(_vm, GuestState.Up);

        var about = await two.Client.Describe();
        Assert.Equal(["10.79.0.2/24", "10.78.0.2/24"], about.Addresses.Select(a => a.Address));
        var (known, own) = (await hosts.Came(2, "eth0"), await hosts.Came(2, "eth1"));
        Taken(await two.Client.PrepareIncoming(new IncomingOrder(new Stamp(1), 2, Definition())));
        Taken(await one.Client.Migrate(_vm, new MigrateOrder(new Stamp(1), 1, about.MigrationUri, 2, MaxDowntimeMs: 500)
        {
            MemoryAddress = "10.78.0.2",
            MemoryNetwork = "10.78.0.0/24",
        }));
        Assert.Equal(2, (await destination.Until(_vm, GuestState.Up)).Lease);
        await source.Until(_vm, GuestState.Down);
        (known, own) = (await hosts.Came(2, "eth0") - known, await hosts.Came(2, "eth1") - own);
        Assert.True(own > 4 << 20 && known < 1 << 20, $"{own} bytes came by the line for migrations, {known} by the other one");
        Taken(await two.Client.Stop(_vm, new StopOrder(new Stamp(1), 2, StopMode.PowerOff)));
        await destination.Until(_vm, GuestState.Down);
    }

    [SkippableFact]
    public async Task A_source_without_an_address_in_the_network_of_migrations_sends_nothing()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var one = await hosts.StartAgent(1, addresses: [new NetworkAddress("eth0", "10.79.0.1/24", 0)]);
        await using var source = await one.Follow();
        Taken(await one.Client.Launch(Launch(1)));
        await source.Until(_vm, GuestState.Up);
        Taken(await one.Client.Migrate(_vm, new MigrateOrder(new Stamp(1), 1, "qemu+tcp://10.79.0.2/system", 2)
        {
            MemoryAddress = "10.78.0.2",
            MemoryNetwork = "10.78.0.0/24",
        }));
        var stays = await source.Until(_vm, GuestState.Up, g => g.MigrationError is not null);
        Assert.Equal("this host has no address in the migration network 10.78.0.0/24 any more", stays.MigrationError);
        Taken(await one.Client.Stop(_vm, new StopOrder(new Stamp(1), 1, StopMode.PowerOff)));
        await source.Until(_vm, GuestState.Down);
    }

    [SkippableFact]
    public async Task A_migration_to_a_host_that_is_not_there_leaves_the_guest_running()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var agent = await hosts.StartAgent(1);
        await using var events = await agent.Follow();
        Taken(await agent.Client.Launch(Launch(1)));
        await events.Until(_vm, GuestState.Up);
        Taken(await agent.Client.Migrate(_vm, new MigrateOrder(new Stamp(1), 1, "qemu+tcp://10.79.0.1:1/system", 2)));
        await events.Until(_vm, GuestState.MigratingOut);
        var stays = await events.Until(_vm, GuestState.Up);
        Assert.NotNull(stays.MigrationError);
        Taken(await agent.Client.Stop(_vm, new StopOrder(new Stamp(1), 1, StopMode.PowerOff)));
        await events.Until(_vm, GuestState.Down);
    }

    /// <summary>A guest that writes 16 MiB again and again, and a link of 8 MiB/s.</summary>
    [SkippableFact]
    public async Task A_guest_that_writes_faster_than_it_is_copied_stays_and_says_why()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var one = await hosts.StartAgent(1, TimeSpan.FromSeconds(1));
        await using var two = await hosts.StartAgent(2);
        await using var source = await one.Follow();
        await MoveBusyGuest(one, two, source, [new(1, ConvergenceAction.SetDowntime, 20), new(-1, ConvergenceAction.Abort)]);
        var stays = await source.Until(_vm, GuestState.Up, g => g.MigrationError is not null);
        Assert.True(stays.MigrationHopeless, stays.MigrationError);
        Assert.Contains("faster than it is copied", stays.MigrationError, StringComparison.Ordinal);
        Assert.Equal((1, 0), (await hosts.QemuProcesses(1, _vm), await hosts.QemuProcesses(2, _vm)));
        Taken(await one.Client.Stop(_vm, new StopOrder(new Stamp(1), 1, StopMode.PowerOff)));
        await source.Until(_vm, GuestState.Down);
    }

    [SkippableFact]
    public async Task Post_copy_takes_the_same_guest_over_at_once()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var one = await hosts.StartAgent(1, TimeSpan.FromSeconds(1));
        await using var two = await hosts.StartAgent(2);
        await using var source = await one.Follow();
        await using var destination = await two.Follow();
        await MoveBusyGuest(one, two, source, [new(-1, ConvergenceAction.PostCopy), new(-1, ConvergenceAction.Abort)]);
        Assert.Equal(2, (await destination.Until(_vm, GuestState.Up)).Lease);
        Assert.Equal(GuestExit.Migrated, (await source.Until(_vm, GuestState.Down)).Exit);
        Assert.Equal((0, 1), (await hosts.QemuProcesses(1, _vm), await hosts.QemuProcesses(2, _vm)));
        Taken(await two.Client.Stop(_vm, new StopOrder(new Stamp(1), 2, StopMode.PowerOff)));
        await destination.Until(_vm, GuestState.Down);
    }

    /// <summary>These hypervisors have no certificates: what was to be secret is not sent in the clear.</summary>
    [SkippableFact]
    public async Task An_encrypted_migration_never_goes_in_the_clear()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var one = await hosts.StartAgent(1);
        await using var two = await hosts.StartAgent(2);
        await using var source = await one.Follow();
        Taken(await one.Client.Launch(Launch(1)));
        await source.Until(_vm, GuestState.Up);
        Taken(await two.Client.PrepareIncoming(new IncomingOrder(new Stamp(1), 2, Definition())));
        Taken(await one.Client.Migrate(_vm, new MigrateOrder(new Stamp(1), 1, (await two.Client.Describe()).MigrationUri, 2) { Encrypted = true }));
        var stays = await source.Until(_vm, GuestState.Up, g => g.MigrationError is not null);
        // QEMU is told to make its TLS credentials, and has none to make them from.
        Assert.Contains("unable to execute QEMU", stays.MigrationError, StringComparison.Ordinal);
        Assert.Equal(1, await hosts.QemuProcesses(1, _vm));
        Assert.False(stays.MigrationHopeless);
        Taken(await one.Client.Stop(_vm, new StopOrder(new Stamp(1), 1, StopMode.PowerOff)));
        await source.Until(_vm, GuestState.Down);
    }

    private async Task MoveBusyGuest(RunningAgent one, RunningAgent two, Follower source, ImmutableArray<ConvergenceStep> steps)
    {
        var busy = Definition() with { Cmdline = Definition().Cmdline + " lab.dirty=16" };
        Taken(await one.Client.Launch(new LaunchOrder(new Stamp(1), 1, busy)));
        await source.Until(_vm, GuestState.Up);
        var uri = (await two.Client.Describe()).MigrationUri;
        Taken(await two.Client.PrepareIncoming(new IncomingOrder(new Stamp(1), 2, busy)));
        Taken(await one.Client.Migrate(_vm, new MigrateOrder(
            new Stamp(1), 1, uri, 2, MaxDowntimeMs: 10, BandwidthMiB: 8, AutoConverge: false, PostCopy: true)
        {
            Convergence = steps,
        }));
        await source.Until(_vm, GuestState.MigratingOut, g => g.Migration is { Percent: < 100, TotalBytes: > 0 });
    }

    [SkippableFact]
    public async Task A_suspended_guest_goes_on_at_the_other_host_and_from_one_memory_only_once()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var one = await hosts.StartAgent(1);
        await using var two = await hosts.StartAgent(2);
        await using var first = await one.Follow();
        await using var second = await two.Follow();
        Taken(await one.Client.Launch(Launch(1)));
        await first.Until(_vm, GuestState.Up, g => g.Ips.Length > 0);

        var nowhere = new SaveOrder(new Stamp(1), 1, Guid.NewGuid(), "/proc/nowhere/tiny.memory");
        Taken(await one.Client.Save(_vm, nowhere));
        var stays = await first.Until(_vm, GuestState.Up, g => g.SaveError is not null);
        Assert.Equal(nowhere.Id, stays.Save);
        Assert.Equal(1, await hosts.QemuProcesses(1, _vm));

        var memory = $"{hosts.Shared}/{_vm}/tiny.memory";
        Taken(await one.Client.Save(_vm, new SaveOrder(new Stamp(1), 1, Guid.NewGuid(), memory)));
        Assert.Equal(GuestExit.Saved, (await first.Until(_vm, GuestState.Down)).Exit);
        Assert.Equal(0, await hosts.QemuProcesses(1, _vm));
        Assert.True(new FileInfo(memory).Length > 1 << 20);

        Taken(await two.Client.Restore(new RestoreOrder(new Stamp(1), 2, Definition(), memory)));
        Assert.Equal(2, (await second.Until(_vm, GuestState.Up)).Lease);
        Assert.False(File.Exists(memory));
        Assert.Equal(1, await hosts.QemuProcesses(2, _vm));
        // Not by its power button: on a busy machine the guest may have been saved before anything in it listened to that.
        Taken(await two.Client.Stop(_vm, new StopOrder(new Stamp(1), 2, StopMode.PowerOff)));
        Assert.Equal(GuestExit.Destroyed, (await second.Until(_vm, GuestState.Down)).Exit);

        Taken(await one.Client.Restore(new RestoreOrder(new Stamp(1), 3, Definition(), memory)));
        Assert.True((await first.Until(_vm, GuestState.Down, g => g.Lease == 3)).MemoryGone);
    }

    [SkippableFact]
    public async Task A_guest_that_is_saved_while_its_agent_is_away_was_saved()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        var memory = $"{hosts.Shared}/{_vm}/away.memory";
        var one = await hosts.StartAgent(1);
        await using (var before = await one.Follow())
        {
            Taken(await one.Client.Launch(Launch(1)));
            await before.Until(_vm, GuestState.Up, g => g.Ips.Length > 0);
            Taken(await one.Client.Save(_vm, new SaveOrder(new Stamp(1), 1, Guid.NewGuid(), memory)));
            await Until("the memory to be written", () => Task.FromResult(File.Exists(memory)));
        }

        await one.DisposeAsync();
        await Until("the guest to be gone", async () => await hosts.QemuProcesses(1, _vm) == 0);
        await using var again = await hosts.StartAgent(1);
        await using var after = await again.Follow();
        Assert.Equal(GuestExit.Saved, (await again.Client.Report()).Guests.Single(g => g.Vm == _vm).Exit);

        Taken(await again.Client.Restore(new RestoreOrder(new Stamp(1), 2, Definition(), memory)));
        await after.Until(_vm, GuestState.Up, g => g.Lease == 2);
        Taken(await again.Client.Stop(_vm, new StopOrder(new Stamp(1), 2, StopMode.PowerOff)));
        await after.Until(_vm, GuestState.Down, g => g.Lease == 2);
    }

    [SkippableFact]
    public async Task A_stateless_guest_writes_to_an_overlay_that_goes_with_it()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        var disk = $"{hosts.Shared}/{_vm}/disk";
        Directory.CreateDirectory(Path.GetDirectoryName(disk)!);
        await File.WriteAllBytesAsync(disk, new byte[1 << 20]);
        await File.WriteAllTextAsync($"{disk}.run-1", "left behind by a host that died");
        await using var agent = await hosts.StartAgent(1);
        await using var events = await agent.Follow();
        var definition = Definition() with
        {
            StartPaused = true,
            Watchdog = new VmWatchdog("i6300esb", WatchdogAction.Reset),
            OnStorageError = OnStorageError.AutoResume,
            Disks = [new VmDisk(Guid.NewGuid(), $"{disk}.run-2", DiskFormat.Qcow2) { Backing = new VmBacking(disk, DiskFormat.Raw) }],
        };
        Taken(await agent.Client.Launch(new LaunchOrder(new Stamp(1), 2, definition)));
        var paused = await events.Until(_vm, GuestState.Paused);
        Assert.Equal(("user", OnStorageError.AutoResume), (paused.PauseReason, paused.OnStorageError));
        Assert.Equal([disk, $"{disk}.run-2"], Directory.GetFiles(Path.GetDirectoryName(disk)!).Order(StringComparer.Ordinal));
        Taken(await agent.Client.Resume(_vm, new GuestOrder(new Stamp(1), 2)));
        await events.Until(_vm, GuestState.Up);
        Taken(await agent.Client.Stop(_vm, new StopOrder(new Stamp(1), 2, StopMode.PowerOff)));
        await events.Until(_vm, GuestState.Down);
        Assert.Equal([disk], Directory.GetFiles(Path.GetDirectoryName(disk)!));
    }

    private LaunchOrder Launch(long lease) => new(new Stamp(1), lease, Definition());

    private VmDefinition Definition() => new(_vm, "tiny", 128L << 20)
    {
        Kernel = $"{HypervisorHosts.Guest}/vmlinuz",
        Initrd = $"{HypervisorHosts.Guest}/initrd.gz",
        Cmdline = "console=ttyS0 quiet lab.ip=10.0.0.7/24",
        Nics = [new VmNic(Guid.Empty, "52:54:00:00:00:07", "vmbr0")],
    };

    private static async Task Until(string what, Func<Task<bool>> so)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!await so())
        {
            Assert.False(limit.IsCancellationRequested, $"waited 60 s in vain for {what}");
            await Task.Delay(200);
        }
    }

    private static GuestReport? Taken(AgentAnswer answer) => answer is AgentAnswer.Accepted accepted
        ? accepted.Receipt.Guest
        : throw new InvalidOperationException($"not accepted: {answer}");

    private static AgentRefusal Refused(AgentAnswer answer) => Assert.IsType<AgentAnswer.Refused>(answer).Refusal;
}
