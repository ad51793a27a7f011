using System.Collections.Immutable;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent.Libvirt;

/// <summary>The real thing: guests in QEMU, libvirt in between, the agent over HTTPS.</summary>
public sealed class LibvirtTests(HypervisorHosts hosts) : IClassFixture<HypervisorHosts>
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

        await hosts.On("libvirtd", 1);
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

    private LaunchOrder Launch(long lease) => new(new Stamp(1), lease, Definition());

    private VmDefinition Definition() => new(_vm, "tiny", 128L << 20)
    {
        Kernel = $"{HypervisorHosts.Guest}/vmlinuz",
        Initrd = $"{HypervisorHosts.Guest}/initrd.gz",
        Cmdline = "console=ttyS0 quiet lab.ip=10.0.0.7/24",
        Nics = [new VmNic(Guid.Empty, "52:54:00:00:00:07", "vmbr0")],
    };

    private static GuestReport? Taken(AgentAnswer answer) => answer is AgentAnswer.Accepted accepted
        ? accepted.Receipt.Guest
        : throw new InvalidOperationException($"not accepted: {answer}");

    private static AgentRefusal Refused(AgentAnswer answer) => Assert.IsType<AgentAnswer.Refused>(answer).Refusal;
}
