using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent.Libvirt;

/// <summary>libvirt's lock manager on both hosts, with its locks on the storage that they share: the storage itself refuses an image
/// to a second guest. All other tests here run with it, too: migrations, snapshots and moves take their locks along.</summary>
[Collection(HypervisorHosts.Shelf)]
public sealed class LockTests(HypervisorHosts hosts) : WriterTests(hosts)
{
    [SkippableFact]
    public async Task The_storage_refuses_an_image_that_another_host_has_and_frees_it_when_that_guest_is_dead()
    {
        Skip.If(Hosts.Missing is not null, Hosts.Missing);
        Skip.IfNot(File.Exists("/usr/sbin/virtlockd"), "virtlockd is not there");
        var image = Image("one");
        await using var one = await Begin(image, DiskFormat.Raw);
        await using var two = await Hosts.StartAgent(2);
        await using var source = await one.Follow();
        await using var other = await two.Follow();
        await Boot(one, source, 1, image, DiskFormat.Raw);

        // An engine that has lost its mind, and storage whose own locks do not reach from one host to the other: QEMU's finds nobody.
        await Hosts.On("apart", 2, image);
        Assert.IsType<AgentAnswer.Accepted>(await two.Client.Launch(new LaunchOrder(new Stamp(1), 2, Same(image))));
        var refused = await other.Until(Vm, GuestState.Down);
        Assert.Contains("resource busy", refused.ExitMessage, StringComparison.OrdinalIgnoreCase);
        Assert.Equal((1, 0), (await Hosts.QemuProcesses(1, Vm), await Hosts.QemuProcesses(2, Vm)));

        await Hosts.On("together", 2, image);

        // Its host lives, and so does its virtlockd: only QEMU is dead.
        await Hosts.On("kill", 1, Vm.ToString()[^8..]);
        await source.Until(Vm, GuestState.Down);
        await Boot(two, other, 3, image, DiskFormat.Raw);
        await End(two, other, 3);
    }

    private VmDefinition Same(string image) => new(Vm, "writer", 128L << 20)
    {
        Kernel = $"{HypervisorHosts.Guest}/vmlinuz",
        Initrd = $"{HypervisorHosts.Guest}/initrd.gz",
        Cmdline = "console=ttyS0 quiet lab.write=1",
        Disks = [new VmDisk(Disk, image, DiskFormat.Raw)],
    };
}
