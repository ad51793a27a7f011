using System.Collections.Immutable;
using Orchestrator.Agent;
using Orchestrator.Agent.Libvirt;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent;

/// <summary>Golden files; GOLDEN=write renews them in the source tree, the diff is reviewed as code.</summary>
public sealed class DomainXmlTests
{
    private static readonly Guid Vm = Guid.Parse("11111111-0000-4000-8000-000000000001");

    public static TheoryData<string> Names => ["tiny", "everything", "furnished"];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_definition_becomes_this_domain(string name)
    {
        var xml = DomainXml.Build(Definition(name), 7, "tcg", "/log/x.console.log", "127.0.0.1", 1_700_000_000_000, "host-uuid", "/run/seed.iso") + "\n";
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

    [Fact]
    public void Text_of_users_in_a_machine_cannot_break_out_either()
    {
        const string evil = "a'/><x/>\"";
        var vm = Definition("furnished");
        vm = vm with
        {
            Nics = [vm.Nics[0] with { Filter = evil }],
            Hardware = vm.Hardware! with
            {
                Cpu = new GuestCpu("custom", evil),
                Serial = evil,
                RngDevice = evil,
                StateFolder = evil,
                Pins = [new CpuPin(0, evil)],
                Properties = new Dictionary<string, string> { ["a"] = evil }.ToImmutableDictionary(),
            },
        };
        var xml = DomainXml.Build(vm, 7, "tcg", "/log", "127.0.0.1", 5, evil, evil);
        Assert.DoesNotContain("<x", xml, StringComparison.Ordinal);
        Assert.Equal(evil, DomainXml.Properties(xml)["a"]);
        Assert.Equal(evil, DomainXml.StateFolder(xml));
    }

    private static VmDefinition Definition(string name) => name switch
    {
        "tiny" => new VmDefinition(Vm, "tiny", 128L << 20) { Kernel = "/boot/vmlinuz", Initrd = "/initrd", Cmdline = "console=ttyS0" },
        "furnished" => Furnished(),
        _ => new VmDefinition(Vm, "every thing/with <all>", 4L << 30)
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
        },
    };

    private static VmDefinition Furnished() => new(Vm, "furnished", 4L << 30)
    {
        Machine = "pc-q35-7.2",
        Sockets = 4,
        Firmware = Firmware.Uefi,
        Seed = new GuestSeed("config-2", [new SeedFile("openstack/latest/user_data", "#cloud-config")]),
        Disks =
        [
            new VmDisk(Id(1), "/sd/a", DiskFormat.Qcow2) { KeepDiscarded = true, Limits = new DiskLimits(0, 1, 2, 3, 0, 0) },
            new VmDisk(Id(2), "/sd/b", DiskFormat.Qcow2), new VmDisk(Id(3), "/sd/c", DiskFormat.Qcow2, DiskInterface.VirtioScsi),
        ],
        Nics = [new VmNic(Id(4), "52:54:00:00:00:01", "ovirtmgmt") { Filter = "clean-traffic", Limits = new NicLimits(8000, 16000, 1024, 800, 0, 0) }],
        Hardware = new GuestHardware
        {
            Cpu = new GuestCpu("custom", "EPYC-Rome"),
            CpuShares = 512,
            Pins = [new CpuPin(0, "0-1"), new CpuPin(1, "2,^3")],
            Nodes = [new GuestNode(0, 1L << 30, "0-1", "0", "strict"), new GuestNode(1, 2L << 30, "2-3", "", "interleave")],
            HugePagesKib = 2048,
            IoThreads = 2,
            NicQueues = 4,
            ScsiQueues = 4,
            Tpm = true,
            StateFolder = "/sd/images/x",
            BootMenu = true,
            Sound = true,
            Usb = true,
            RngDevice = "/dev/hwrng",
            RngBytes = 1024,
            RngPeriodMs = 500,
            NoBalloon = true,
            TimeZone = "Asia/Tokyo",
            Properties = new Dictionary<string, string> { ["rack"] = "7" }.ToImmutableDictionary(),
        },
    };

    private static Guid Id(int n) => new(n, 0, 0, [0x80, 0, 0, 0, 0, 0, 0, 0]);
}
