using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Tests.Agent.Libvirt;

/// <summary>A guest that numbers what it writes, and reads all of it back whenever it boots, while its image goes elsewhere.</summary>
[Collection(HypervisorHosts.Shelf)]
public sealed class DiskMoveTests(HypervisorHosts hosts)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly Guid _vm = Guid.NewGuid(), _disk = Guid.NewGuid();

    private string Old => $"{hosts.Shared}/{_vm}/old/image";

    private string New => $"{hosts.Shared}/{_vm}/new/image";

    [SkippableFact]
    public async Task The_guest_writes_on_and_has_all_of_it_in_the_new_image()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var agent = await Begin();
        await using var events = await agent.Follow();
        await Boot(agent, events, 1, Old, DiskFormat.Raw);

        // Before anything is copied there is nothing to switch to, and nothing to turn back from.
        Assert.Equal(JobState.Failed, (await Do(agent, new ImageJob.Switch(_vm, 1, _disk, New))).State);
        Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.TurnBack(_vm, 1, _disk, New))).State);
        Assert.Equal(JobState.Lost, (await Do(agent, new ImageJob.Mirror(_vm, 7, _disk, New, DiskFormat.Qcow2))).State);
        Assert.False(File.Exists(New));

        Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.Mirror(_vm, 1, _disk, New, DiskFormat.Qcow2))).State);
        Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.Mirror(_vm, 1, _disk, New, DiskFormat.Qcow2))).State);
        await Written(agent, (await Written(agent, 0)) + 20);
        Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.Switch(_vm, 1, _disk, New))).State);
        Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.Switch(_vm, 1, _disk, New))).State);
        Assert.Equal(JobState.Failed, (await Do(agent, new ImageJob.TurnBack(_vm, 1, _disk, New))).State);

        File.Delete(Old);
        var last = await Written(agent, (await Written(agent, 0)) + 20);
        await End(agent, events, 1);
        Assert.True(await Boot(agent, events, 2, New, DiskFormat.Qcow2) >= last);
        await End(agent, events, 2);
    }

    [SkippableFact]
    public async Task An_agent_that_is_started_anew_goes_on_with_the_copy_and_a_guest_that_dies_leaves_it_in_both()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        var mirror = new ImageJob.Mirror(_vm, 1, _disk, New, DiskFormat.Raw);
        long last;
        await using (var agent = await Begin())
        {
            await using var events = await agent.Follow();
            await Boot(agent, events, 1, Old, DiskFormat.Raw);
            // Its end is not awaited by this agent.
            _ = await agent.Client.Run(Guid.NewGuid(), new JobOrder(new Stamp(1), mirror));
        }

        await using (var agent = await hosts.StartAgent(1))
        {
            await using var events = await agent.Follow();
            Assert.Equal(JobState.Done, (await Do(agent, mirror)).State);
            Assert.Equal(JobState.Failed, (await Do(agent, mirror with { Destination = New + ".other" })).State);
            last = await Written(agent, (await Written(agent, 0)) + 20);
            // As a power cut does: QEMU gets no word before it dies.
            await End(agent, events, 1);
            Assert.Equal(JobState.Lost, (await Do(agent, new ImageJob.Switch(_vm, 1, _disk, New))).State);
            Assert.True(await Boot(agent, events, 2, New, DiskFormat.Raw) >= last, "the copy");
            await End(agent, events, 2);
            Assert.True(await Boot(agent, events, 3, Old, DiskFormat.Raw) >= last, "the image that it was copied from");
            await End(agent, events, 3);
        }
    }

    [SkippableFact]
    public async Task A_guest_that_is_turned_back_writes_its_old_image_alone()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var agent = await Begin();
        await using var events = await agent.Follow();
        await Boot(agent, events, 1, Old, DiskFormat.Raw);
        Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.Mirror(_vm, 1, _disk, New, DiskFormat.Qcow2))).State);
        Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.TurnBack(_vm, 1, _disk, New))).State);
        Assert.Equal(JobState.Failed, (await Do(agent, new ImageJob.Switch(_vm, 1, _disk, New))).State);
        File.Delete(New);
        var last = await Written(agent, (await Written(agent, 0)) + 20);
        await End(agent, events, 1);
        Assert.True(await Boot(agent, events, 2, Old, DiskFormat.Raw) >= last);
        await End(agent, events, 2);
    }

    [SkippableTheory]
    [InlineData(DiskFormat.Raw)]
    [InlineData(DiskFormat.Qcow2)]
    public async Task A_disk_grows_under_its_guest_which_hears_of_it(DiskFormat format)
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var agent = await Begin(format);
        await using var events = await agent.Follow();
        await Boot(agent, events, 1, Old, format);
        await Said(agent, line => line == $"size {(64L << 20) / 512}");
        var grow = new ImageJob.GrowUnderGuest(_vm, 1, _disk, 96L << 20);
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

    private async Task<RunningAgent> Begin(DiskFormat format = DiskFormat.Raw)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Old)!);
        await new QemuImages().Do(Guid.NewGuid(), new ImageJob.Create(Old, format, 64L << 20), _ => { }, CancellationToken.None);
        return await hosts.StartAgent(1);
    }

    /// <returns>How many records the guest has found on its disk, none of them torn or missing.</returns>
    private async Task<long> Boot(RunningAgent agent, Follower events, long lease, string image, DiskFormat format)
    {
        var definition = new VmDefinition(_vm, "writer", 128L << 20)
        {
            Kernel = $"{HypervisorHosts.Guest}/vmlinuz",
            Initrd = $"{HypervisorHosts.Guest}/initrd.gz",
            Cmdline = "console=ttyS0 quiet lab.write=1",
            Disks = [new VmDisk(_disk, image, format)],
        };
        Assert.IsType<AgentAnswer.Accepted>(await agent.Client.Launch(new LaunchOrder(new Stamp(1), lease, definition)));
        await events.Until(_vm, GuestState.Up);
        var boot = await Said(agent, line => line.StartsWith("disk boot last=", StringComparison.Ordinal));
        await Written(agent, long.Parse(boot["disk boot last=".Length..boot.IndexOf(" life", StringComparison.Ordinal)]) + 5);
        return long.Parse(boot["disk boot last=".Length..boot.IndexOf(" life", StringComparison.Ordinal)]);
    }

    private async Task End(RunningAgent agent, Follower events, long lease)
    {
        Assert.IsType<AgentAnswer.Accepted>(await agent.Client.Stop(_vm, new StopOrder(new Stamp(1), lease, StopMode.PowerOff)));
        await events.Until(_vm, GuestState.Down);
    }

    /// <returns>The number of a record that is on the disk, when it is at least this one.</returns>
    private async Task<long> Written(RunningAgent agent, long atLeast)
    {
        var line = await Said(agent, line => Record(line) >= Math.Max(1, atLeast));
        return Record(line);
    }

    private static long Record(string line) =>
        line.StartsWith("disk ", StringComparison.Ordinal) && long.TryParse(line["disk ".Length..], out var number) ? number : 0;

    private async Task<string> Said(RunningAgent agent, Func<string, bool> wanted)
    {
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        for (var left = Patience; left > TimeSpan.Zero; left -= TimeSpan.FromMilliseconds(200))
        {
            var lines = (await agent.Client.ConsoleLog(_vm, 400)).Split('\n').Select(l => l.TrimEnd('\r')).ToList();
            Assert.DoesNotContain(lines, l => l.StartsWith("disk BAD", StringComparison.Ordinal));
            if (lines.LastOrDefault(wanted) is { } line) return line;
            await pause.WaitForNextTickAsync();
        }

        throw new TimeoutException("the guest did not say it");
    }

    private static async Task<JobReport> Do(RunningAgent agent, ImageJob job)
    {
        var id = Guid.NewGuid();
        var report = await agent.Client.Run(id, new JobOrder(new Stamp(1), job));
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        for (var left = Patience; report.State == JobState.Running && left > TimeSpan.Zero; left -= TimeSpan.FromMilliseconds(100))
        {
            await pause.WaitForNextTickAsync();
            report = await agent.Client.Job(id);
        }

        return report;
    }
}
