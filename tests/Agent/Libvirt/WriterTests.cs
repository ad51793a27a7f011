using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Tests.Agent.Libvirt;

/// <summary>A guest that numbers what it writes, and reads all of it back whenever it boots.</summary>
public abstract class WriterTests(HypervisorHosts hosts)
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private protected HypervisorHosts Hosts => hosts;

    private protected Guid Vm { get; } = Guid.NewGuid();

    private protected Guid Disk { get; } = Guid.NewGuid();

    private protected string Image(string name) => $"{hosts.Shared}/{Vm}/{name}/image";

    private protected async Task<RunningAgent> Begin(string image, DiskFormat format)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(image)!);
        await new QemuImages().Do(Guid.NewGuid(), new ImageJob.Create(image, format, 64L << 20), _ => { }, CancellationToken.None);
        return await hosts.StartAgent(1);
    }

    /// <returns>How many records the guest has found on its disk, none of them torn or missing.</returns>
    private protected async Task<long> Boot(
        RunningAgent agent, Follower events, long lease, string image, DiskFormat format, params VmDisk[] others)
    {
        var definition = new VmDefinition(Vm, "writer", 128L << 20)
        {
            Kernel = $"{HypervisorHosts.Guest}/vmlinuz",
            Initrd = $"{HypervisorHosts.Guest}/initrd.gz",
            Cmdline = "console=ttyS0 quiet lab.write=1",
            Disks = [new VmDisk(Disk, image, format), .. others],
        };
        Assert.IsType<AgentAnswer.Accepted>(await agent.Client.Launch(new LaunchOrder(new Stamp(1), lease, definition)));
        await events.Until(Vm, GuestState.Up);
        var boot = await Said(agent, line => line.StartsWith("disk boot last=", StringComparison.Ordinal));
        await Written(agent, long.Parse(boot["disk boot last=".Length..boot.IndexOf(" life", StringComparison.Ordinal)]) + 5);
        return long.Parse(boot["disk boot last=".Length..boot.IndexOf(" life", StringComparison.Ordinal)]);
    }

    private protected async Task End(RunningAgent agent, Follower events, long lease)
    {
        Assert.IsType<AgentAnswer.Accepted>(await agent.Client.Stop(Vm, new StopOrder(new Stamp(1), lease, StopMode.PowerOff)));
        await events.Until(Vm, GuestState.Down);
    }

    /// <returns>The number of a record that is on the disk, when it is at least this one.</returns>
    private protected async Task<long> Written(RunningAgent agent, long atLeast)
    {
        var line = await Said(agent, line => Record(line) >= Math.Max(1, atLeast));
        return Record(line);
    }

    private static long Record(string line) =>
        line.StartsWith("disk ", StringComparison.Ordinal) && long.TryParse(line["disk ".Length..], out var number) ? number : 0;

    private protected async Task<string> Said(RunningAgent agent, Func<string, bool> wanted)
    {
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(200));
        for (var left = Patience; left > TimeSpan.Zero; left -= TimeSpan.FromMilliseconds(200))
        {
            var lines = (await agent.Client.ConsoleLog(Vm, 400)).Split('\n').Select(l => l.TrimEnd('\r')).ToList();
            Assert.DoesNotContain(lines, l => l.StartsWith("disk BAD", StringComparison.Ordinal));
            if (lines.LastOrDefault(wanted) is { } line) return line;
            await pause.WaitForNextTickAsync();
        }

        throw new TimeoutException("the guest did not say it");
    }

    private protected static async Task<JobReport> Do(RunningAgent agent, ImageJob job)
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
