using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent.Libvirt;

/// <summary>What a guest's machine is made of, as the guest and libvirt see it. Few guests, of which much is asked.</summary>
[Collection(HypervisorHosts.Shelf)]
public sealed class HardwareTests(HypervisorHosts hosts)
{
    private static readonly GuestSeed _seed = new("config-2",
    [
        new SeedFile("openstack/latest/meta_data.json", "{\"hostname\":\"web-1\"}"),
        new SeedFile("openstack/latest/user_data", "#cloud-config\npassword: \"secret\"\n"),
    ]);

    private readonly Guid _vm = Guid.NewGuid();

    [SkippableFact]
    public async Task A_guest_has_the_cpu_nodes_limits_and_first_words_that_it_was_given_and_gets_others_while_it_runs()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        Directory.CreateDirectory(hosts.Shared);
        var path = $"{hosts.Shared}/{_vm}.raw";
        await using (var image = File.Create(path)) image.SetLength(16 << 20);
        await using var one = await hosts.StartAgent(1);
        await using var two = await hosts.StartAgent(2);
        await using var first = await one.Follow();
        await using var second = await two.Follow();
        var disk = new VmDisk(Guid.NewGuid(), path) { KeepDiscarded = true, Limits = new DiskLimits(0, 1 << 20, 2 << 20, 100, 0, 0) };
        var nic = new VmNic(Guid.NewGuid(), "52:54:00:00:00:21", "vmbr0");
        var given = new VmDefinition(_vm, "furnished", 256L << 20)
        {
            Machine = "pc",
            Sockets = 2,
            Kernel = $"{HypervisorHosts.Guest}/vmlinuz",
            Initrd = $"{HypervisorHosts.Guest}/initrd.gz",
            Cmdline = "console=ttyS0 quiet lab.facts=1 lab.ip=10.0.0.21/24",
            Disks = [disk],
            Nics = [nic],
            Seed = _seed,
            Cdrom = new VmCdrom(""),
            Hardware = new GuestHardware
            {
                Cpu = new GuestCpu("custom", "Nehalem"),
                CpuShares = 512,
                Pins = [new CpuPin(0, "0")],
                Nodes = [new GuestNode(0, 128 << 20, "0", "", "interleave"), new GuestNode(1, 128 << 20, "1", "0", "strict")],
                IoThreads = 1,
                NicQueues = 2,
                BootMenu = true,
                Sound = true,
                Usb = true,
                RngDevice = "/dev/random",
                RngBytes = 4096,
                RngPeriodMs = 1000,
                Serial = "rack-7",
                TimeZone = "Europe/Vienna",
            },
        };
        Taken(await one.Client.Launch(new LaunchOrder(new Stamp(1), 1, given)));
        await first.Until(_vm, GuestState.Up);

        var console = await one.Client.ConsoleLog(_vm, 200);
        foreach (var fact in (string[])
        [
            "FACT serial rack-7", "FACT maker Orchestrator", "FACT cpu  Intel Core i7 9xx (Nehalem", "FACT nodes 2 cpus of the second 1", "FACT rng virtio_rng", "FACT queues 2",
            "FILE ./openstack/latest/meta_data.json {\"hostname\":\"web-1\"}", "FILE ./openstack/latest/user_data #cloud-config|password: \"secret\"|",
        ])
            Assert.True(console.Contains(fact, StringComparison.Ordinal), $"not '{fact}': {console}");
        var xml = await Xml(1);
        foreach (var part in (string[])
        [
            "<shares>512</shares>", "<vcpupin vcpu='0' cpuset='0'/>", "<memnode cellid='1' mode='strict' nodeset='0'/>", "<iothreads>1</iothreads>", "iothread='1'",
            "discard='ignore'", "<read_bytes_sec>1048576</read_bytes_sec>", "<total_iops_sec>100</total_iops_sec>", "<bootmenu enable='yes' timeout='10000'/>",
            "<rate bytes='4096' period='1000'/>", "<sound model='ich6'>", "model='qemu-xhci'", "<input type='tablet' bus='usb'>",
        ])
            Assert.True(xml.Contains(part, StringComparison.Ordinal), $"not {part}: {xml}");
        Assert.Matches("<clock offset='variable' adjustment='(3600|7200)' basis='utc'>", xml);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(hosts.SeedOf(_vm)));

        var wanted = given with
        {
            Seed = null,
            Disks = [disk with { Limits = new DiskLimits(4 << 20, 0, 0, 0, 0, 0) }],
            Hardware = given.Hardware with { CpuShares = 256 },
        };
        Taken(await one.Client.Reshape(_vm, new ReshapeOrder(new Stamp(1), 1, 1, wanted)));
        Assert.Null((await first.Until(_vm, GuestState.Up, g => g.Reshape == 1 && (g.Reshaped == true || g.ReshapeError is not null))).ReshapeError);
        xml = await Xml(1);
        Assert.Contains("<total_bytes_sec>4194304</total_bytes_sec>", xml, StringComparison.Ordinal);
        Assert.DoesNotContain("read_bytes_sec", xml, StringComparison.Ordinal);
        Assert.DoesNotContain("iops_sec", xml, StringComparison.Ordinal);
        Assert.Contains("<shares>256</shares>", xml, StringComparison.Ordinal);

        // Its CD is made at the other end, too, and goes with it.
        Taken(await two.Client.PrepareIncoming(new IncomingOrder(new Stamp(1), 2, given)));
        Taken(await one.Client.Migrate(_vm, new MigrateOrder(new Stamp(1), 1, (await two.Client.Describe()).MigrationUri, 2, MaxDowntimeMs: 500)));
        Assert.Equal(2, (await second.Until(_vm, GuestState.Up)).Lease);
        await first.Until(_vm, GuestState.Down);
        Taken(await two.Client.Stop(_vm, new StopOrder(new Stamp(1), 2, StopMode.PowerOff)));
        await second.Until(_vm, GuestState.Down);
        Assert.False(File.Exists(hosts.SeedOf(_vm)));
    }

    /// <summary>What a TPM keeps outlives its host: the guest that starts on another one finds what the first one had.</summary>
    [SkippableFact]
    public async Task Firmware_and_tpm_remember_on_every_host()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        foreach (var file in (string[])["/usr/bin/swtpm", "/usr/bin/swtpm_setup", "/usr/share/OVMF/OVMF_CODE_4M.fd"]) Skip.IfNot(File.Exists(file), $"no {file}");
        Directory.CreateDirectory(hosts.Shared);
        await using var one = await hosts.StartAgent(1);
        await using var two = await hosts.StartAgent(2);
        await using var first = await one.Follow();
        await using var second = await two.Follow();
        var folder = $"{hosts.Shared}/{_vm}";
        var nic = new VmNic(Guid.NewGuid(), "52:54:00:00:00:22", "vmbr0") { Filter = "vdsm-no-mac-spoofing" };
        var given = new VmDefinition(_vm, "trusted", 256L << 20)
        {
            Firmware = Firmware.Uefi,
            Kernel = $"{HypervisorHosts.Guest}/vmlinuz",
            Initrd = $"{HypervisorHosts.Guest}/initrd.gz",
            Cmdline = "console=ttyS0 quiet lab.facts=1",
            Headless = true,
            Nics = [nic],
            Hardware = new GuestHardware { Tpm = true, StateFolder = folder, NoBalloon = true },
        };
        Taken(await one.Client.Launch(new LaunchOrder(new Stamp(1), 1, given)));
        await first.Until(_vm, GuestState.Up);
        var console = await one.Client.ConsoleLog(_vm, 200);
        Assert.True(console.Contains("FACT tpm tpm0", StringComparison.Ordinal) && console.Contains("FACT efi yes", StringComparison.Ordinal), console);
        var xml = await hosts.On("xml", 1, _vm.ToString());
        Assert.Contains("<filterref filter='vdsm-no-mac-spoofing'/>", xml, StringComparison.Ordinal);
        Assert.Contains("<memballoon model='none'/>", xml, StringComparison.Ordinal);

        var wanted = given with { Nics = [nic with { Filter = null }] };
        Taken(await one.Client.Reshape(_vm, new ReshapeOrder(new Stamp(1), 1, 1, wanted)));
        Assert.Null((await first.Until(_vm, GuestState.Up, g => g.Reshape == 1 && (g.Reshaped == true || g.ReshapeError is not null))).ReshapeError);
        Assert.DoesNotContain("<filterref", await hosts.On("xml", 1, _vm.ToString()), StringComparison.Ordinal);

        // Both go with a guest that is moved.
        Taken(await two.Client.PrepareIncoming(new IncomingOrder(new Stamp(1), 2, wanted)));
        Taken(await one.Client.Migrate(_vm, new MigrateOrder(new Stamp(1), 1, (await two.Client.Describe()).MigrationUri, 2, MaxDowntimeMs: 500)));
        await second.Until(_vm, GuestState.Up);
        await first.Until(_vm, GuestState.Down);
        Taken(await two.Client.Stop(_vm, new StopOrder(new Stamp(1), 2, StopMode.PowerOff)));
        await second.Until(_vm, GuestState.Down);
        var kept = await File.ReadAllBytesAsync($"{folder}/tpm2-00.permall");
        Assert.True(new FileInfo($"{folder}/nvram.fd").Length > 100_000);

        Taken(await one.Client.Launch(new LaunchOrder(new Stamp(1), 3, given with { StartPaused = true })));
        await first.Until(_vm, GuestState.Paused, g => g.Lease == 3);
        Assert.Equal(kept, await File.ReadAllBytesAsync(hosts.TpmOf(1, _vm)));
        Taken(await one.Client.Stop(_vm, new StopOrder(new Stamp(1), 3, StopMode.PowerOff)));
        await first.Until(_vm, GuestState.Down, g => g.Lease == 3);

        // Secure boot is another firmware, with keys in it.
        var secure = given with { Id = Guid.NewGuid(), Name = "secure", Firmware = Firmware.UefiSecureBoot, StartPaused = true, Kernel = null, Initrd = null, Cmdline = null };
        secure = secure with { Hardware = secure.Hardware! with { StateFolder = $"{hosts.Shared}/{secure.Id}" } };
        Taken(await one.Client.Launch(new LaunchOrder(new Stamp(1), 1, secure)));
        await first.Until(secure.Id, GuestState.Paused);
        xml = await hosts.On("xml", 1, secure.Id.ToString());
        Assert.Matches("<loader readonly='yes' secure='yes' type='pflash'[^>]*>/usr/share/OVMF/OVMF_CODE_4M.(ms|secboot).fd", xml);
        Assert.Contains("template='/usr/share/OVMF/OVMF_VARS_4M.ms.fd'", xml, StringComparison.Ordinal);
        Taken(await one.Client.Stop(secure.Id, new StopOrder(new Stamp(1), 1, StopMode.PowerOff)));
        await first.Until(secure.Id, GuestState.Down);
    }

    private Task<string> Xml(int host) => hosts.On("xml", host, _vm.ToString());

    private static GuestReport? Taken(AgentAnswer answer) => answer is AgentAnswer.Accepted accepted
        ? accepted.Receipt.Guest
        : throw new InvalidOperationException($"not accepted: {answer}");
}
