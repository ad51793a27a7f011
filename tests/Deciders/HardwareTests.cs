using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Vm;
using Orchestrator.Agent.Protocol;
using static Orchestrator.Actors.Vm.VmCommand;

namespace Orchestrator.Tests.Deciders;

/// <summary>What of a machine makes no sense, what the agent is told of the rest, and what a guest is told at its first start.</summary>
public sealed class HardwareTests
{
    private static readonly DateTimeOffset _at = Making.Start;
    private static readonly HostId _host = new(Making.Id(0));
    private static readonly VmId _id = new(Making.Id(1));
    private static readonly NumaNode _first = new(Making.Id(0), 0, 256, "0,1", "", "interleave"), _second = new(Making.Id(1), 1, 256, "2-3", "", "strict");

    private static readonly VmConfig _plain = new()
    {
        Name = "web",
        Cluster = new ClusterId(Making.Id(0)),
        Memory = 1L << 30,
        Sockets = 2,
        Cores = 2,
        PreferredHosts = [_host],
        Nics = [new Nic(Making.Id(3), "nic1", "virtio", "00:1a:4a:00:00:01", "br0", true, true)],
    };

    public static TheoryData<VmHardware, string?> Machines => new()
    {
        { new VmHardware(), null },
        { new VmHardware { Tpm = true }, "tpm_enabled" },
        { new VmHardware { Tpm = true, StateFolder = "/data" }, null },
        { new VmHardware { CpuMode = "custom" }, "cpu.mode" },
        { new VmHardware { CpuMode = "custom", CpuModel = "EPYC-Rome" }, null },
        { new VmHardware { CpuMode = "host_model", CpuModel = "EPYC" }, "custom_cpu_model" },
        { new VmHardware { CpuModel = "EPYC'/>" }, "custom_cpu_model" },
        { new VmHardware { EmulatedMachine = "pc q35" }, "custom_emulated_machine" },
        { new VmHardware { CpuShares = 1 }, "cpu_shares" },
        { new VmHardware { CpuShares = -5 }, "cpu_shares" },
        { new VmHardware { CpuShares = 262_145 }, "cpu_shares" },
        { new VmHardware { CpuShares = 2 }, null },
        { new VmHardware { IoThreads = 17 }, "io.threads" },
        { new VmHardware { ScsiQueues = -2 }, "virtio_scsi_multi_queues" },
        { new VmHardware { HugePagesKib = 4 }, "custom_properties" },
        { new VmHardware { HugePagesKib = 2048 }, null },
        { new VmHardware { RngBytes = -1 }, "rng_device" },
        { new VmHardware { RngPeriodMs = 1000 }, "rng_device" },
        { new VmHardware { SerialPolicy = "custom" }, "serial_number" },
        { new VmHardware { SerialPolicy = "custom", Serial = "a\nb" }, "serial_number" },
        { new VmHardware { SerialPolicy = "custom", Serial = new string('x', 65) }, "serial_number" },
        { new VmHardware { TimeZone = "Mars/Base" }, "time_zone" },
        { new VmHardware { TimeZone = "Asia/Tokyo" }, null },
        { new VmHardware { Pins = [new VcpuPin(0, "0"), new VcpuPin(3, "1-3,^2")] }, null },
        { new VmHardware { Pins = [new VcpuPin(0, "0"), new VcpuPin(0, "1")] }, "cpu.cpu_tune" },
        { new VmHardware { Pins = [new VcpuPin(4, "0")] }, "cpu.cpu_tune" },
        { new VmHardware { Pins = [new VcpuPin(0, "^0")] }, "cpu.cpu_tune" },
        { new VmHardware { Pins = [new VcpuPin(0, "3-1")] }, "cpu.cpu_tune" },
        { new VmHardware { NumaNodes = [_first, _second] }, null },
        { new VmHardware { NumaNodes = [_second] }, "numa_nodes" },
        { new VmHardware { NumaNodes = [_first, _second with { Index = 0 }] }, "numa_nodes" },
        { new VmHardware { NumaNodes = [_first with { MemoryMib = 0 }] }, "numa_nodes" },
        { new VmHardware { NumaNodes = [_first with { MemoryMib = 1025 }] }, "numa_nodes" },
        { new VmHardware { NumaNodes = [_first with { Cpus = "0,x" }] }, "numa_nodes" },
        { new VmHardware { NumaNodes = [_first with { Cpus = "4" }] }, "numa_nodes" },
        { new VmHardware { NumaNodes = [_first, _second with { Cpus = "1" }] }, "numa_nodes" },
        { new VmHardware { NumaNodes = [_first with { HostNodes = "0-" }] }, "numa_nodes" },
    };

    [Theory]
    [MemberData(nameof(Machines))]
    public void A_machine_that_makes_no_sense_is_refused_with_the_field(VmHardware hardware, string? field)
    {
        var wrong = HardwareRules.Wrong(_plain with { Hardware = hardware });
        if (field is null) Assert.Null(wrong);
        else Assert.StartsWith(field, wrong, StringComparison.Ordinal);
        var vm = VmTable.Phases.Single(p => p.Name == "Absent").State;
        var decision = VmDecider.Decide(vm, new Create(By(1), _plain with { Hardware = hardware }));
        Assert.Equal(field is null, decision is Decision<VmEvent, VmEffect>.Accept);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("3", "3")]
    [InlineData("0-3,^2", "0 1 3")]
    [InlineData("7, 1-2", "1 2 7")]
    [InlineData("a", null)]
    [InlineData("1-", null)]
    [InlineData("-1", null)]
    [InlineData("1-2-3", null)]
    [InlineData("0-4096", null)]
    public void A_set_of_cpus_is_as_libvirt_writes_it(string set, string? numbers) =>
        Assert.Equal(numbers, HardwareRules.Numbers(set) is { } found ? string.Join(' ', found) : null);

    /// <summary>Pins are of certain hosts' CPUs; without those hosts they mean nothing.</summary>
    [Fact]
    public void Pins_need_hosts()
    {
        foreach (var hardware in new[]
        {
            new VmHardware { Pins = [new VcpuPin(0, "0")] }, new VmHardware { NumaNodes = [_first with { HostNodes = "1" }] },
        })
        {
            Assert.Null(HardwareRules.Wrong(_plain with { Hardware = hardware }));
            Assert.Contains("placement_policy.hosts", HardwareRules.Wrong(_plain with { Hardware = hardware, PreferredHosts = [] }), StringComparison.Ordinal);
        }
    }

    /// <summary>Of any machine the rules say yes or no, and of one that they accept, the agent is told without an exception.</summary>
    [Fact]
    public void Of_any_machine_at_all_there_is_an_opinion() => Seeds.Each(2000, (random, history) =>
    {
        var config = new Making(random).One<VmConfig>() with { Name = "web", Memory = 1L << 30, Sockets = 1, Cores = 2, Threads = 1 };
        history.Add($"{config.Hardware}");
        if (HardwareRules.Wrong(config) is { } wrong) Assert.NotEmpty(wrong);
        else _ = AgentWords.Definition(_id, config, new Dictionary<DiskId, (string, string)>(), "AMD EPYC");
    });

    [Fact]
    public void The_agent_is_told_of_the_whole_machine()
    {
        var told = Told(new VmHardware
        {
            Tpm = true,
            StateFolder = "/data/images",
            BootMenu = true,
            CpuModel = "EPYC-Rome",
            CpuShares = 512,
            Pins = [new VcpuPin(1, "0-3")],
            NumaNodes = [_second, _first],
            HugePagesKib = 2048,
            IoThreads = 2,
            NicQueues = true,
            ScsiQueues = -1,
            Sound = true,
            Usb = true,
            RngSource = "hwrng",
            RngBytes = 10,
            RngPeriodMs = 20,
            Ballooning = false,
            SerialPolicy = "custom",
            Serial = "rack-7",
            TimeZone = "Asia/Tokyo",
            EmulatedMachine = "pc-q35-7.2",
            Properties = [new CustomProperty("rack", "7")],
        });
        var h = told.Hardware!;
        Assert.Equal("pc-q35-7.2", told.Machine);
        Assert.Equal(new GuestCpu("custom", "EPYC-Rome"), h.Cpu);
        Assert.Equal([new CpuPin(1, "0-3")], h.Pins.ToArray());
        Assert.Equal([new GuestNode(0, 256 << 20, "0,1", "", "interleave"), new GuestNode(1, 256 << 20, "2-3", "", "strict")], h.Nodes.ToArray());
        Assert.Equal((true, $"/data/images/{_id}", true, 512, 2048), (h.Tpm, h.StateFolder, h.BootMenu, h.CpuShares, h.HugePagesKib));
        Assert.Equal((2, 4, 4, true, true), (h.IoThreads, h.NicQueues, h.ScsiQueues, h.Sound, h.Usb));
        Assert.Equal(("/dev/hwrng", 10, 20, true), (h.RngDevice, h.RngBytes, h.RngPeriodMs, h.NoBalloon));
        Assert.Equal(("rack-7", "Asia/Tokyo"), (h.Serial, h.TimeZone));
        Assert.Equal(["hugepages=2048", "rack=7"], h.Properties.OrderBy(p => p.Key).Select(p => $"{p.Key}={p.Value}"));
    }

    [Theory]
    [InlineData("", "", "Intel Westmere Family", "custom Westmere")]
    [InlineData("", "", "Some Other Family", "")]
    [InlineData("", "", "", "")]
    [InlineData("", "EPYC", "Intel Westmere Family", "custom EPYC")]
    [InlineData("host_model", "", "Intel Westmere Family", "host-model ")]
    [InlineData("host_passthrough", "", "Intel Westmere Family", "host-passthrough ")]
    public void The_clusters_cpu_is_for_who_says_nothing(string mode, string model, string cluster, string cpu)
    {
        var told = Told(new VmHardware { CpuMode = mode, CpuModel = model }, cluster).Hardware!.Cpu;
        Assert.Equal(cpu, told is null ? "" : $"{told.Mode} {told.Model}");
    }

    [Theory]
    [InlineData("host", null)]
    [InlineData("none", "")]
    [InlineData("custom", "mine")]
    [InlineData("vm", "00000002-0000-0000-0000-000000000001")]
    public void A_serial_number_is_somebodys(string policy, string? serial) =>
        Assert.Equal(serial, Told(new VmHardware { SerialPolicy = policy, Serial = "mine" }).Hardware!.Serial);

    [Fact]
    public void Limits_and_filters_are_told()
    {
        var disk = new DiskAttachment(new DiskId(Making.Id(2)), "virtio", true, true, false) { PassDiscard = false, Qos = new DiskQos(1, 0, 0, 0, 2, 3) };
        var told = AgentWords.Definition(
            _id, _plain with { Disks = [disk], Nics = [_plain.Nics[0] with { Filter = "clean-traffic", Qos = new NicQos(1, 2, 3, 4, 5, 6) }] },
            new Dictionary<DiskId, (string, string)> { [disk.Disk] = ("/data/x", "raw") });
        Assert.Equal((true, new DiskLimits(1, 0, 0, 0, 2, 3)), (told.Disks[0].KeepDiscarded, told.Disks[0].Limits));
        Assert.Equal(("clean-traffic", new NicLimits(1, 2, 3, 4, 5, 6)), (told.Nics[0].Filter, told.Nics[0].Limits));
    }

    [Fact]
    public void A_limit_and_shares_are_changed_while_the_guest_runs_and_the_rest_waits()
    {
        var vm = VmTable.Phases.Single(p => p.Name == "Up").State;
        vm = vm with { Core = vm.Core with { Running = vm.Core.Config! } };
        var shared = Take(vm, new Update(By(1), new VmPatch { Hardware = new VmHardware { CpuShares = 512, Sound = true } }));
        Assert.True(shared.Core.Reshape!.Definition.Hardware is { CpuShares: 512, Sound: false });
        Assert.True(shared.Core.HasNextRun);
        Assert.Null(Take(vm, new Update(By(1), new VmPatch { Hardware = new VmHardware { Sound = true } })).Core.Reshape);

        var limited = Take(vm, new UpdateDisk(By(1), vm.Core.Config!.Disks[0] with { Qos = new DiskQos(1 << 20, 0, 0, 0, 0, 0) }));
        Assert.Equal(1 << 20, limited.Core.Reshape!.Definition.Disks[0].Qos!.Bytes);
        var filtered = Take(vm, new UpdateNic(By(1), vm.Core.Config!.Nics[0] with { Filter = "clean-traffic" }));
        Assert.Equal("clean-traffic", filtered.Core.Reshape!.Definition.Nics[0].Filter);
        var discard = VmDecider.Decide(vm, new UpdateDisk(By(1), vm.Core.Config!.Disks[0] with { PassDiscard = false }));
        Assert.Equal(Fault.VmDiskPlugged, Assert.IsType<Decision<VmEvent, VmEffect>.Refuse>(discard).Fault);
    }

    /// <summary>Told once: at the first start, at each of a stateless guest, and whenever somebody asks for it.</summary>
    [Fact]
    public void A_guest_is_told_at_its_first_start()
    {
        var down = VmTable.Phases.Single(p => p.Name == "Down").State;
        var told = new Initialization { HostName = "web-1" };
        var vm = Take(down, new Update(By(1), new VmPatch { Initialization = told }));
        Assert.True(vm.Core.ToRun!.Initialization!.Given);
        Assert.False(vm.Core.Config!.Initialization!.Given);
        var later = vm with { Core = vm.Core with { StartedAt = _at } };
        Assert.False(later.Core.ToRun!.Initialization!.Given);
        Assert.True((later with { Core = later.Core with { Config = later.Core.Config! with { Stateless = true } } }).Core.ToRun!.Initialization!.Given);
        var once = later.Core with { Once = new RunOnce(new VmPatch { Initialization = told with { Given = true } }, null) };
        Assert.True(once.ToRun!.Initialization!.Given);
        // Nobody who runs has a next run because of it.
        Assert.False((later.Core with { Running = later.Core.Config! with { Initialization = null } }).HasNextRun);
    }

    [Fact]
    public void What_firmware_and_tpm_keep_goes_with_the_vm()
    {
        var down = VmTable.Phases.Single(p => p.Name == "Down").State;
        down = down with { Core = down.Core with { Config = down.Core.Config! with { Hardware = new VmHardware { Tpm = true, StateFolder = "/data" } } } };
        var gone = Take(down, new Remove(By(1)));
        Assert.Equal([$"/data/{down.Core.Id}/nvram.fd", $"/data/{down.Core.Id}/tpm2-00.permall"], gone.Core.Leftovers.ToArray());
    }

    [Fact]
    public void Cloud_init_reads_what_it_is_told()
    {
        var told = new Initialization
        {
            HostName = "web-1.example.com",
            UserName = "ada",
            AuthorizedKeys = "ssh-ed25519 AAAA\n\nssh-rsa BBBB\n",
            TimeZone = "Europe/Vienna",
            NewHostKeys = true,
            DnsServers = "10.0.0.1",
            DnsSearch = "example.com",
            Script = "#cloud-config\nruncmd:\n  - ls\n",
            Nics =
            [
                new NicSetup("eth0", true, "static", "10.0.0.5", "255.255.255.0", "10.0.0.1", "static", "2001:db8::5", 64, ""),
                new NicSetup("eth1", true, "dhcp", "", "", "", "none", "", 0, ""),
            ],
        };
        var seed = CloudInit.Seed(_id, _plain, told, "pass\"word: x");
        var files = seed.Files.ToDictionary(f => f.Path, f => f.Text);
        Assert.Equal("config-2", seed.Label);
        Assert.Equal(
            """
            #cloud-config
            disable_root: false
            user: "ada"
            ssh_pwauth: true
            password: "pass\"word: x"
            chpasswd:
              expire: false
            fqdn: "web-1.example.com"
            manage_etc_hosts: true
            timezone: "Europe/Vienna"
            ssh_deletekeys: true
            ssh_authorized_keys:
              - "ssh-ed25519 AAAA"
              - "ssh-rsa BBBB"
            manage_resolv_conf: true
            resolv_conf:
              searchdomains:
                - "example.com"
            runcmd:
              - ls

            """, files["openstack/latest/user_data"]);
        var meta = JsonNode.Parse(files["openstack/latest/meta_data.json"])!;
        Assert.Equal((_id.ToString(), "web-1.example.com", "ssh-rsa BBBB"), ((string?)meta["uuid"], (string?)meta["hostname"], (string?)meta["public_keys"]!["1"]));
        var network = JsonNode.Parse(files["openstack/latest/network_data.json"])!;
        Assert.Equal("00:1a:4a:00:00:01", (string?)network["links"]![0]!["ethernet_mac_address"]);
        // Of a second NIC that the VM does not have there is nothing to say.
        Assert.Equal(["ipv4", "ipv6"], network["networks"]!.AsArray().Select(n => (string?)n!["type"]));
        Assert.Equal("ffff:ffff:ffff:ffff::", (string?)network["networks"]![1]!["netmask"]);
        Assert.Equal("10.0.0.1", (string?)network["services"]![0]!["address"]);
        Assert.DoesNotContain("word", $"{seed} {seed.Files[1]} {told}", StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_that_is_said_becomes_something_else()
    {
        var told = new Initialization { UserName = "x\"\npassword: y", AuthorizedKeys = "a\"\\: b" };
        var text = CloudInit.Seed(_id, _plain, told, null).Files[1].Text;
        Assert.Contains("""user: "x\"\npassword: y""", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\npassword", text, StringComparison.Ordinal);
        Assert.Equal(2, CloudInit.Seed(_id, _plain, told, null).Files.Length);
    }

    [Fact]
    public void Ignition_gets_its_own_configuration_with_name_and_keys()
    {
        var told = new Initialization { HostName = "core-1", UserName = "core", AuthorizedKeys = "ssh-rsa A", Script = """{"ignition":{"version":"3.0.0"},"storage":{"files":[{"path":"/a"}]}}""" };
        var ignition = JsonNode.Parse(CloudInit.Seed(_id, _plain, told, "unused").Files[1].Text)!;
        Assert.Equal("3.0.0", (string?)ignition["ignition"]!["version"]);
        Assert.Equal(["/a", "/etc/hostname"], ignition["storage"]!["files"]!.AsArray().Select(f => (string?)f!["path"]));
        Assert.Equal("data:,core-1", (string?)ignition["storage"]!["files"]![1]!["contents"]!["source"]);
        Assert.Equal("ssh-rsa A", (string?)ignition["passwd"]!["users"]![0]!["sshAuthorizedKeys"]![0]);
        Assert.Null(CloudInit.IgnitionOf("""{"a":1}"""));
        Assert.Null(CloudInit.IgnitionOf("{"));
        Assert.Null(CloudInit.IgnitionOf("runcmd: []"));
    }

    private static VmDefinition Told(VmHardware hardware, string cluster = "") => AgentWords.Definition(
        _id, _plain with { Hardware = hardware }, ImmutableDictionary<DiskId, (string, string)>.Empty, cluster);

    private static VmState Take(VmState vm, VmCommand command)
    {
        var accept = Assert.IsType<Decision<VmEvent, VmEffect>.Accept>(VmDecider.Decide(vm, command));
        return accept.Facts.Aggregate(vm, VmDecider.Evolve);
    }

    private static Origin By(int job) => new(new JobId(Making.Id(job)), null, "admin@internal", _at);
}
