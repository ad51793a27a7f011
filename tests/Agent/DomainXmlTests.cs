using Orchestrator.Agent;
using Orchestrator.Agent.Libvirt;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent;

/// <summary>Golden files; GOLDEN=write renews them in the source tree, the diff is reviewed as code.</summary>
public sealed class DomainXmlTests
{
    private static readonly Guid Vm = Guid.Parse("11111111-0000-4000-8000-000000000001");

    public static TheoryData<string> Names => ["tiny", "everything"];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_definition_becomes_this_domain(string name)
    {
        var xml = DomainXml.Build(Definition(name), 7, "tcg", "/log/x.console.log", "127.0.0.1", 1_700_000_000_000) + "\n";
        var path = Path.Combine(AppContext.BaseDirectory, "Golden", name + ".xml");
        if (Environment.GetEnvironmentVariable("GOLDEN") == "write")
        {
            var source = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../Golden"));
            Directory.CreateDirectory(source);
            File.WriteAllText(Path.Combine(source, name + ".xml"), xml);
            return;
        }

        Assert.Equal(File.ReadAllText(path), xml);
    }

    [Fact]
    public void A_domain_says_whose_and_which_life_it_is()
    {
        var xml = DomainXml.Build(Definition("tiny"), 7, "kvm", "/log", "127.0.0.1", 5);
        Assert.Equal((new GuestKey(Vm, 7), 5), DomainXml.Owner(xml));
        Assert.Equal((new GuestKey(Vm, 8), 5), DomainXml.Owner(DomainXml.WithLease(xml, 8)));
        Assert.Equal(OnStorageError.LeavePaused, DomainXml.OnStorageError(xml));
        Assert.Null(DomainXml.OnStorageError(xml.Replace("onstorageerror", "other", StringComparison.Ordinal)));
        Assert.Null(DomainXml.Owner("<domain><metadata><other/></metadata></domain>"));
        Assert.Contains("<domain type=\"kvm\">", xml, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_of_users_cannot_break_out_of_the_xml()
    {
        var vm = Definition("tiny") with { Name = "a</name><x/>\u0001", Cmdline = "quiet</cmdline><y/>" };
        var xml = DomainXml.Build(vm, 7, "tcg", "/log", "127.0.0.1", 5);
        Assert.DoesNotContain("<x/>", xml, StringComparison.Ordinal);
        Assert.DoesNotContain("<y/>", xml, StringComparison.Ordinal);
        Assert.NotNull(DomainXml.Owner(xml));
    }

    private static VmDefinition Definition(string name) => name == "tiny"
        ? new VmDefinition(Vm, "tiny", 128L << 20) { Kernel = "/boot/vmlinuz", Initrd = "/initrd", Cmdline = "console=ttyS0" }
        : new VmDefinition(Vm, "every thing/with <all>", 4L << 30)
        {
            MaxMemoryBytes = 16L << 30,
            Sockets = 2,
            Cores = 2,
            OnStorageError = OnStorageError.Kill,
            Watchdog = new VmWatchdog("i6300esb", WatchdogAction.Reset),
            Cdrom = new VmCdrom("/sd/install.iso"),
            Firmware = Firmware.UefiSecureBoot,
            BootDevices = [BootDevice.Cdrom, BootDevice.Hd, BootDevice.Network],
            Disks =
            [
                new VmDisk(Id(1), "/sd/a", DiskFormat.Qcow2, DiskInterface.Virtio, Bootable: true),
                new VmDisk(Id(2), "/dev/vg/b", DiskFormat.Raw, DiskInterface.VirtioScsi),
                new VmDisk(Id(3), "/iso/c.iso", DiskFormat.Raw, DiskInterface.Sata, ReadOnly: true),
            ],
            Nics =
            [
                new VmNic(Id(4), "52:54:00:00:00:01", "ovirtmgmt"),
                new VmNic(Id(5), "52:54:00:00:00:02", null, NicModel.E1000e),
            ],
        };

    private static Guid Id(int n) => new(n, 0, 0, [0x80, 0, 0, 0, 0, 0, 0, 0]);
}
