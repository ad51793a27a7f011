using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent.Libvirt;

/// <summary>A guest that numbers what it writes, and reads all of it back whenever it boots, while its image goes elsewhere.</summary>
[Collection(HypervisorHosts.Shelf)]
public sealed class DiskMoveTests(HypervisorHosts hosts) : WriterTests(hosts)
{
    private string Old => Image("old");

    private string New => Image("new");

    private Task<RunningAgent> Begin(DiskFormat format = DiskFormat.Raw) => Begin(Old, format);

    [SkippableFact]
    public async Task The_guest_writes_on_and_has_all_of_it_in_the_new_image()
    {
        Skip.If(Hosts.Missing is not null, Hosts.Missing);
        await using var agent = await Begin();
        await using var events = await agent.Follow();
        await Boot(agent, events, 1, Old, DiskFormat.Raw);

        // Before anything is copied there is nothing to switch to, and nothing to turn back from.
        Assert.Equal(JobState.Failed, (await Do(agent, new ImageJob.Switch(Vm, 1, Disk, New))).State);
        Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.TurnBack(Vm, 1, Disk, New))).State);
        Assert.Equal(JobState.Lost, (await Do(agent, new ImageJob.Mirror(Vm, 7, Disk, New, DiskFormat.Qcow2))).State);
        Assert.False(File.Exists(New));

        Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.Mirror(Vm, 1, Disk, New, DiskFormat.Qcow2))).State);
        Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.Mirror(Vm, 1, Disk, New, DiskFormat.Qcow2))).State);
        await Written(agent, (await Written(agent, 0)) + 20);
        Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.Switch(Vm, 1, Disk, New))).State);
        Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.Switch(Vm, 1, Disk, New))).State);
        Assert.Equal(JobState.Failed, (await Do(agent, new ImageJob.TurnBack(Vm, 1, Disk, New))).State);

        File.Delete(Old);
        var last = await Written(agent, (await Written(agent, 0)) + 20);
        await End(agent, events, 1);
        Assert.True(await Boot(agent, events, 2, New, DiskFormat.Qcow2) >= last);
        await End(agent, events, 2);
    }

    [SkippableFact]
    public async Task An_agent_that_is_started_anew_goes_on_with_the_copy_and_a_guest_that_dies_leaves_it_in_both()
    {
        Skip.If(Hosts.Missing is not null, Hosts.Missing);
        var mirror = new ImageJob.Mirror(Vm, 1, Disk, New, DiskFormat.Raw);
        long last;
        await using (var agent = await Begin())
        {
            await using var events = await agent.Follow();
            await Boot(agent, events, 1, Old, DiskFormat.Raw);
            // Its end is not awaited by this agent.
            _ = await agent.Client.Run(Guid.NewGuid(), new JobOrder(new Stamp(1), mirror));
        }

        await using (var agent = await Hosts.StartAgent(1))
        {
            await using var events = await agent.Follow();
            Assert.Equal(JobState.Done, (await Do(agent, mirror)).State);
            Assert.Equal(JobState.Failed, (await Do(agent, mirror with { Destination = New + ".other" })).State);
            last = await Written(agent, (await Written(agent, 0)) + 20);
            // As a power cut does: QEMU gets no word before it dies.
            await End(agent, events, 1);
            Assert.Equal(JobState.Lost, (await Do(agent, new ImageJob.Switch(Vm, 1, Disk, New))).State);
            Assert.True(await Boot(agent, events, 2, New, DiskFormat.Raw) >= last, "the copy");
            await End(agent, events, 2);
            Assert.True(await Boot(agent, events, 3, Old, DiskFormat.Raw) >= last, "the image that it was copied from");
            await End(agent, events, 3);
        }
    }

    [SkippableFact]
    public async Task A_guest_that_is_turned_back_writes_its_old_image_alone()
    {
        Skip.If(Hosts.Missing is not null, Hosts.Missing);
        await using var agent = await Begin();
        await using var events = await agent.Follow();
        await Boot(agent, events, 1, Old, DiskFormat.Raw);
        Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.Mirror(Vm, 1, Disk, New, DiskFormat.Qcow2))).State);
        Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.TurnBack(Vm, 1, Disk, New))).State);
        Assert.Equal(JobState.Failed, (await Do(agent, new ImageJob.Switch(Vm, 1, Disk, New))).State);
        File.Delete(New);
        var last = await Written(agent, (await Written(agent, 0)) + 20);
        await End(agent, events, 1);
        Assert.True(await Boot(agent, events, 2, Old, DiskFormat.Raw) >= last);
        await End(agent, events, 2);
    }

    [SkippableTheory]
    [InlineData(DiskFormat.Raw)]
    [InlineData(DiskFormat.Qcow2)]
    public async Task ADisk_grows_under_its_guest_which_hears_of_it(DiskFormat format)
    {
        Skip.If(Hosts.Missing is not null, Hosts.Missing);
        await using var agent = await Begin(format);
        await using var events = await agent.Follow();
        await Boot(agent, events, 1, Old, format);
        await Said(agent, line => line == $"size {(64L << 20) / 512}");
        var grow = new ImageJob.GrowUnderGuest(Vm, 1, Disk, 96L << 20);
        Assert.Equal(JobState.Lost, (await Do(agent, grow with { Lease = 7 })).State);
        Assert.Equal(JobState.Failed, (await Do(agent, new ImageJob.Grow(Old, format, 96L << 20))).State);
        Assert.Equal(JobState.Done, (await Do(agent, grow)).State);
        Assert.Equal(JobState.Done, (await Do(agent, grow)).State);
        Assert.Equal(JobState.Done, (await Do(agent, grow with { SizeBytes = 80L << 20 })).State);
        await Said(agent, line => line == $"size {(96L << 20) / 512}");
        var last = await Written(agent, (await Written(agent, 0)) + 20);
        await End(agent, events, 1);
        Assert.Equal(JobState.Lost, (await Do(agent, grow)).State);
        Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.Grow(Old, format, 128L << 20))).State);
        Assert.True(await Boot(agent, events, 2, Old, format) >= last);
        await Said(agent, line => line == $"size {(128L << 20) / 512}");
        await End(agent, events, 2);
    }
}
