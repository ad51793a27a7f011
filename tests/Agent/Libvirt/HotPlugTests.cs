using System.Collections.Immutable;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent.Libvirt;

/// <summary>Devices, CPUs and memory of guests that run, in QEMU.</summary>
[Collection(HypervisorHosts.Shelf)]
public sealed class HotPlugTests(HypervisorHosts hosts)
{
    private readonly Guid _vm = Guid.NewGuid();
    private readonly VmDisk _first = new(Guid.NewGuid(), ""), _second = new(Guid.NewGuid(), "", Interface: DiskInterface.VirtioScsi);
    private readonly VmNic _nic = new(Guid.NewGuid(), "52:54:00:00:00:08", "vmbr0"), _more = new(Guid.NewGuid(), "52:54:00:00:00:09", "vmbr0");

    [SkippableFact]
    public async Task A_guest_gets_disks_nics_cpus_and_memory_while_it_runs_and_lets_devices_go()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var agent = await hosts.StartAgent(1);
        await using var events = await agent.Follow();
        await Boot(agent, events);

        var more = Definition() with { Disks = [Image(_first), Image(_second)], Nics = [_nic, _more], Sockets = 2, MemoryBytes = 512L << 20 };
        Taken(await agent.Client.Reshape(_vm, Order(10, more)));
        var grown = await Over(events, 10);
        Assert.Null(grown.ReshapeError);
        Assert.Equal(Devices(_first.Id, _second.Id, _nic.Mac, _more.Mac), grown.Devices!.Value.Order());
        Assert.Equal((2, 512L << 20), (grown.VirtualCpus, grown.MemoryBytes));

        // Said again, also by an engine that has not heard how it ended: nothing is done twice.
        Assert.True(Taken(await agent.Client.Reshape(_vm, Order(10, more)))!.Reshaped);
        Assert.Equal(RefusalCode.StaleOrder, Refused(await agent.Client.Reshape(_vm, Order(9, Definition()))).Code);

        var cut = more with { Nics = [_nic with { Linked = false }, _more] };
        Taken(await agent.Client.Reshape(_vm, Order(11, cut)));
        Assert.Null((await Over(events, 11)).ReshapeError);
        Assert.Contains("link state='down'", await Xml(), StringComparison.Ordinal);

        Taken(await agent.Client.Reshape(_vm, Order(12, cut with { Disks = [Image(_second)], Nics = [_nic] })));
        var shrunk = await Over(events, 12);
        Assert.Null(shrunk.ReshapeError);
        Assert.Equal(Devices(_second.Id, _nic.Mac), shrunk.Devices!.Value.Order());
        await End(agent, events);
    }

    [SkippableFact]
    public async Task What_cannot_be_plugged_in_is_told_and_the_rest_is_plugged_in()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var agent = await hosts.StartAgent(1);
        await using var events = await agent.Follow();
        await Boot(agent, events);
        Taken(await agent.Client.Reshape(_vm, Order(1, Definition() with { Disks = [_first with { Path = "/nowhere/disk" }, Image(_second)] })));
        var over = await Over(events, 1);
        Assert.Contains("/nowhere/disk", over.ReshapeError, StringComparison.Ordinal);
        Assert.Equal(Devices(_second.Id, _nic.Mac), over.Devices!.Value.Order());
        Assert.Equal(over.ReshapeError, Taken(await agent.Client.Reshape(_vm, Order(1, Definition())))!.ReshapeError);
        await End(agent, events);
    }

    /// <summary>A paused guest lets nothing go; when it runs again it does so, long after nobody waited any more.</summary>
    [SkippableFact]
    public async Task A_guest_that_does_not_let_a_disk_go_keeps_it_and_its_late_leave_is_told()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var agent = await hosts.StartAgent(1, unplug: TimeSpan.FromSeconds(2));
        await using var events = await agent.Follow();
        await Boot(agent, events);
        Taken(await agent.Client.Reshape(_vm, Order(1, Definition() with { Disks = [Image(_first)] })));
        Assert.Null((await Over(events, 1)).ReshapeError);
        Taken(await agent.Client.Pause(_vm, new GuestOrder(new Stamp(1), 1)));
        await events.Until(_vm, GuestState.Paused);

        Taken(await agent.Client.Reshape(_vm, Order(2, Definition())));
        var kept = await events.Until(_vm, GuestState.Paused, g => g is { Reshape: 2, ReshapeError: not null });
        Assert.Contains("did not let disk", kept.ReshapeError, StringComparison.Ordinal);
        Assert.Equal(Devices(_first.Id, _nic.Mac), kept.Devices!.Value.Order());

        Taken(await agent.Client.Resume(_vm, new GuestOrder(new Stamp(1), 1)));
        var left = await events.Until(_vm, GuestState.Up, g => g.Devices is { Length: 1 });
        Assert.Equal(2, left.Reshape);
        Assert.Equal(_nic.Mac, Assert.Single(left.Devices!.Value));
        await End(agent, events);
    }

    [SkippableFact]
    public async Task An_agent_that_dies_in_the_middle_goes_on_where_it_was_when_it_is_told_again()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        var without = Definition() with { Disks = [Image(_first)] };
        await using (var agent = await hosts.StartAgent(1))
        {
            await using var events = await agent.Follow();
            await Boot(agent, events);
            Taken(await agent.Client.Reshape(_vm, Order(1, Definition() with { Disks = [Image(_first), Image(_second)] })));
            Assert.Null((await Over(events, 1)).ReshapeError);
            Taken(await agent.Client.Pause(_vm, new GuestOrder(new Stamp(1), 1)));
            await events.Until(_vm, GuestState.Paused);
            // Waits for the guest, which stands still.
            Assert.Null(Taken(await agent.Client.Reshape(_vm, Order(2, without)))!.Reshaped);
        }

        await using (var agent = await hosts.StartAgent(1))
        {
            await using var events = await agent.Follow();
            var found = (await agent.Client.Report()).Guests.Single(g => g.Vm == _vm);
            Assert.Equal((2, null, null), (found.Reshape, found.Reshaped, found.ReshapeError));
            Taken(await agent.Client.Reshape(_vm, Order(2, without)));
            Taken(await agent.Client.Resume(_vm, new GuestOrder(new Stamp(1), 1)));
            var over = await Over(events, 2);
            Assert.Null(over.ReshapeError);
            Assert.Equal(Devices(_first.Id, _nic.Mac), over.Devices!.Value.Order());
            await End(agent, events);
        }
    }

    [SkippableFact]
    public async Task A_guest_with_devices_plugged_in_takes_them_along()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var one = await hosts.StartAgent(1);
        await using var two = await hosts.StartAgent(2);
        await using var source = await one.Follow();
        await using var destination = await two.Follow();
        await Boot(one, source);
        var more = Definition() with { Nics = [_nic, _more], Sockets = 2, MemoryBytes = 512L << 20 };
        Taken(await one.Client.Reshape(_vm, Order(1, more)));
        Assert.Null((await Over(source, 1)).ReshapeError);
        Taken(await two.Client.PrepareIncoming(new IncomingOrder(new Stamp(1), 2, more)));
        Taken(await one.Client.Migrate(_vm, new MigrateOrder(new Stamp(1), 1, (await two.Client.Describe()).MigrationUri, 2, MaxDowntimeMs: 500)));
        var there = await destination.Until(_vm, GuestState.Up);
        Assert.Equal(Devices(_nic.Mac, _more.Mac), there.Devices!.Value.Order());
        Assert.Equal((2, 512L << 20), (there.VirtualCpus, there.MemoryBytes));
        Taken(await two.Client.Reshape(_vm, Order(2, more with { Nics = [_nic] }) with { Lease = 2 }));
        Assert.Null((await Over(destination, 2)).ReshapeError);
        Taken(await two.Client.Stop(_vm, new StopOrder(new Stamp(1), 2, StopMode.PowerOff)));
        await destination.Until(_vm, GuestState.Down);
    }

    private async Task Boot(RunningAgent agent, Follower events)
    {
        Taken(await agent.Client.Launch(new LaunchOrder(new Stamp(1), 1, Definition())));
        await events.Until(_vm, GuestState.Up, g => g.Ips.Length > 0);
    }

    private async Task End(RunningAgent agent, Follower events)
    {
        Taken(await agent.Client.Stop(_vm, new StopOrder(new Stamp(1), 1, StopMode.PowerOff)));
        await events.Until(_vm, GuestState.Down);
    }

    private Task<GuestReport> Over(Follower events, long number) =>
        events.Until(_vm, GuestState.Up, g => g.Reshape == number && (g.Reshaped == true || g.ReshapeError is not null));

    private Task<string> Xml() => hosts.On("xml", 1, _vm.ToString());

    private VmDisk Image(VmDisk disk)
    {
        var path = $"{hosts.Shared}/{disk.Id}";
        Directory.CreateDirectory(hosts.Shared);
        if (!File.Exists(path)) File.WriteAllBytes(path, new byte[1 << 20]);
        return disk with { Path = path };
    }

    private static ReshapeOrder Order(long number, VmDefinition definition) => new(new Stamp(1), 1, number, definition);

    private VmDefinition Definition() => new(_vm, "tiny", 256L << 20)
    {
        MaxMemoryBytes = 1L << 30,
        Kernel = $"{HypervisorHosts.Guest}/vmlinuz",
        Initrd = $"{HypervisorHosts.Guest}/initrd.gz",
        Cmdline = "console=ttyS0 quiet lab.ip=10.0.0.7/24",
        Nics = [_nic],
    };

    private static IEnumerable<string> Devices(params object[] devices) => devices.Select(d => d.ToString()!).Order();

    private static GuestReport? Taken(AgentAnswer answer) => answer is AgentAnswer.Accepted accepted
        ? accepted.Receipt.Guest
        : throw new InvalidOperationException($"not accepted: {answer}");

    private static AgentRefusal Refused(AgentAnswer answer) => Assert.IsType<AgentAnswer.Refused>(answer).Refusal;
}
