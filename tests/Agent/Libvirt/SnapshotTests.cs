using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent.Libvirt;

/// <summary>Images on top of others under a guest that numbers what it writes, and reads all of it back whenever it boots.</summary>
[Collection(HypervisorHosts.Shelf)]
public sealed class SnapshotTests(HypervisorHosts hosts) : WriterTests(hosts)
{
    private readonly Guid _second = Guid.NewGuid();

    private string Base => Image("base");

    [SkippableFact]
    public async Task A_snapshot_is_one_moment_and_its_removal_loses_nothing()
    {
        Skip.If(Hosts.Missing is not null, Hosts.Missing);
        await using var agent = await Begin(Base, DiskFormat.Raw);
        await using var events = await agent.Follow();
        await On(agent, Image("other"), null);
        await Boot(agent, events, 1, Base, DiskFormat.Raw, new VmDisk(_second, Image("other"), DiskFormat.Qcow2));

        // Both disks at once, or none: an image that is not there keeps both where they are.
        await On(agent, Image("1"), Base, DiskFormat.Raw);
        var first = new ImageJob.TakeSnapshot(Vm, 1, [new GuestLayer(Disk, Image("1")), new GuestLayer(_second, Image("other-1"))]);
        Assert.Equal(JobState.Failed, (await Do(agent, first)).State);
        Assert.Equal(JobState.Lost, (await Do(agent, first with { Lease = 7 })).State);
        await On(agent, Image("other-1"), Image("other"));
        var before = await Written(agent, 0);
        Assert.Equal(JobState.Done, (await Do(agent, first)).State);
        Assert.Equal(JobState.Done, (await Do(agent, first)).State);
        var after = await Written(agent, (await Written(agent, 0)) + 20);

        // A second one of one disk, and the first is removed under the guest.
        await On(agent, Image("2"), Image("1"));
        Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.TakeSnapshot(Vm, 1, [new GuestLayer(Disk, Image("2"))]))).State);
        await Written(agent, (await Written(agent, 0)) + 20);
        await On(agent, Image("look"), Base, DiskFormat.Raw);
        var merge = new ImageJob.MergeUnderGuest(Vm, 1, Disk, Image("1"), Base);
        Assert.Equal(JobState.Failed, (await Do(agent, merge with { Path = Image("2"), Base = Image("1") })).State);
        Assert.Equal(JobState.Lost, (await Do(agent, merge with { Lease = 7 })).State);

        // What was looked at is the moment of the first snapshot, before it is merged away.
        await End(agent, events, 1);
        Assert.InRange(await Boot(agent, events, 2, Image("look"), DiskFormat.Qcow2), before, after - 10);
        await End(agent, events, 2);
        File.Delete(Image("look"));

        Assert.True(await Boot(agent, events, 3, Image("2"), DiskFormat.Qcow2) >= after);
        // Another disk is made from a snapshot under the guest, and from what it writes none.
        Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.Copy(Image("1"), DiskFormat.Qcow2, Image("copy-1"), DiskFormat.Qcow2))).State);
        Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.Copy(Base, DiskFormat.Raw, Image("copy-0"), DiskFormat.Qcow2))).State);
        Assert.Equal(JobState.Failed, (await Do(agent, new ImageJob.Copy(Image("2"), DiskFormat.Qcow2, Image("copy-2"), DiskFormat.Qcow2))).State);
        Assert.Equal(JobState.Failed, (await Do(agent, new ImageJob.Rewrite(Image("2"), DiskFormat.Qcow2, Image("copy-2"), DiskFormat.Raw))).State);
        merge = merge with { Lease = 3 };
        Assert.Equal(JobState.Done, (await Do(agent, merge)).State);
        Assert.Equal(JobState.Done, (await Do(agent, merge)).State);
        File.Delete(Image("1"));
        var last = await Written(agent, (await Written(agent, 0)) + 20);
        await End(agent, events, 3);

        // Nobody runs: the topmost image goes into the lowest.
        var rest = new ImageJob.Merge(Image("2"), Base, DiskFormat.Raw, null);
        Assert.Equal(JobState.Done, (await Do(agent, rest)).State);
        Assert.Equal(JobState.Done, (await Do(agent, rest)).State);
        File.Delete(Image("2"));
        Assert.True(await Boot(agent, events, 4, Base, DiskFormat.Raw) >= last);
        await End(agent, events, 4);
    }

    private static async Task On(RunningAgent agent, string image, string? below, DiskFormat format = DiskFormat.Qcow2)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(image)!);
        var made = await Do(agent, new ImageJob.Create(image, DiskFormat.Qcow2, 64L << 20, below, below is null ? null : format));
        Assert.Equal((JobState.Done, 64L << 20), (made.State, made.Image?.VirtualBytes ?? 0));
    }
}
