using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent.Libvirt;

/// <summary>Scripts at the life of a real guest.</summary>
[Collection(HypervisorHosts.Shelf)]
public sealed class HookedGuestTests(HypervisorHosts hosts) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("orchestrator-hooks-").FullName;
    private readonly Guid _vm = Guid.NewGuid();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public async Task Hooks_change_a_guest_see_it_pause_and_end_and_may_forbid_its_start()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        Script("before_vm_start", "sed -i 's/131072/163840/g' $_hook_domxml");
        Script("before_vm_pause", $"if [ -e {_folder}/no-pause ]; then echo not now; exit 1; fi");
        foreach (var point in (string[])["after_vm_start", "after_vm_pause", "after_vm_cont", "after_vm_destroy"])
            Script(point, $"echo {point} $vmId >> {_folder}/story");
        await using var agent = await hosts.StartAgent(1, hooks: _folder);
        await using var events = await agent.Follow();
        Assert.Contains((await agent.Client.Observe()).Hooks, h => h is { Point: "before_vm_start", Name: "10-test" });

        Accepted(await agent.Client.Launch(Launch(1)));
        var up = await events.Until(_vm, GuestState.Up);
        Assert.Equal(160L << 20, up.MemoryBytes);
        await File.WriteAllTextAsync($"{_folder}/no-pause", "");
        Accepted(await agent.Client.Pause(_vm, new GuestOrder(new Stamp(1), 1)));
        await Task.Delay(TimeSpan.FromSeconds(1));
        Assert.Equal(GuestState.Up, (await agent.Client.Report()).Guests.Single(g => g.Vm == _vm).State);
        File.Delete($"{_folder}/no-pause");
        Accepted(await agent.Client.Pause(_vm, new GuestOrder(new Stamp(1), 1)));
        await events.Until(_vm, GuestState.Paused);
        Accepted(await agent.Client.Resume(_vm, new GuestOrder(new Stamp(1), 1)));
        await events.Until(_vm, GuestState.Up);
        Accepted(await agent.Client.Stop(_vm, new StopOrder(new Stamp(1), 1, StopMode.PowerOff)));
        await events.Until(_vm, GuestState.Down);
        string[] story = ["after_vm_start", "after_vm_pause", "after_vm_cont", "after_vm_destroy"];
        for (var left = 50; left > 0 && !(await Story()).SequenceEqual(story); left--) await Task.Delay(100);
        Assert.Equal(story, await Story());

        Script("before_vm_start", "echo no licence for $vmId; exit 2");
        Accepted(await agent.Client.Launch(Launch(2)));
        var refused = await events.Until(_vm, GuestState.Down);
        Assert.Equal(GuestExit.Error, refused.Exit);
        Assert.Contains($"hook before_vm_start/10-test failed with 2: no licence for {_vm}", refused.ExitMessage, StringComparison.Ordinal);
        Assert.Equal(0, await hosts.QemuProcesses(1, _vm));
    }

    private async Task<string[]> Story() => [.. (await File.ReadAllLinesAsync($"{_folder}/story")).Select(l => l.Split(' ')[0])];

    private LaunchOrder Launch(long lease) => new(new Stamp(1), lease, new VmDefinition(_vm, "hooked", 128L << 20)
    {
        Kernel = $"{HypervisorHosts.Guest}/vmlinuz",
        Initrd = $"{HypervisorHosts.Guest}/initrd.gz",
        Cmdline = "console=ttyS0 quiet",
    });

    private void Script(string point, string text)
    {
        var path = Path.Combine(_folder, point, "10-test");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!, (UnixFileMode)0b111_101_101);
        File.WriteAllText(path, $"#!/bin/sh\n{text}\n");
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
    }

    private static void Accepted(AgentAnswer answer) => Assert.IsType<AgentAnswer.Accepted>(answer);
}
