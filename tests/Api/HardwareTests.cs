using System.Net;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api;

namespace Orchestrator.Tests.Api;

/// <summary>What a machine is made of: taken, shown back as it was said, and refused where it makes no sense.</summary>
public sealed class HardwareTests : IAsyncLifetime
{
    private static readonly Guid _nic = new("00000000-0000-4000-8000-0000000000b1");
    private static readonly Guid _disk = new("00000000-0000-4000-8000-0000000000b2");
    private readonly TestApi _api = new();

    private static string Vm => $"/vms/{TestApi.Vm}";

    public async Task InitializeAsync()
    {
        _api.Options = _api.Options with { CustomProperties = CustomProperties.Of(["backup=daily|weekly", "rack=[0-9]+"]) };
        await _api.InitializeAsync();
        var view = _api.Engine.View<VmView>(Kinds.Vm, TestApi.Vm);
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, view with
        {
            Config = view.Config with
            {
                Nics = [new Nic(_nic, "nic1", "virtio", "56:6f:00:00:00:01", "br0", Linked: true, Plugged: true)],
                Disks = [new DiskAttachment(new(_disk), "virtio", Bootable: true, Active: true, ReadOnly: false)],
            },
        });
        _api.Engine.Put(Kinds.Disk, _disk, new DiskView
        {
            Id = new(_disk),
            Status = "ok",
            Path = "/shared/data/x",
            CreatedAt = _api.Clock.Now,
            Vms = [new(TestApi.Vm)],
            Config = new DiskConfig { Name = "x", StorageDomain = new(TestApi.Domain), ProvisionedSize = 1 << 20, Format = "raw" },
        });
    }

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [Theory]
    [InlineData("<tpm_enabled>true</tpm_enabled>")]
    [InlineData("<bios><boot_menu><enabled>true</enabled></boot_menu></bios>")]
    [InlineData("<cpu><mode>host_passthrough</mode></cpu>")]
    [InlineData("<cpu><mode>host_model</mode></cpu>")]
    [InlineData("<custom_cpu_model>Skylake-Server</custom_cpu_model>")]
    [InlineData("<cpu_shares>512</cpu_shares>")]
    [InlineData("<cpu><cpu_tune><vcpu_pins><vcpu_pin><cpu_set>0-3,^2</cpu_set><vcpu>0</vcpu></vcpu_pin></vcpu_pins></cpu_tune></cpu><cpu_pinning_policy>manual</cpu_pinning_policy>", true)]
    [InlineData("<io><threads>2</threads></io>")]
    [InlineData("<multi_queues_enabled>true</multi_queues_enabled>")]
    [InlineData("<virtio_scsi_multi_queues_enabled>true</virtio_scsi_multi_queues_enabled>")]
    [InlineData("<virtio_scsi_multi_queues>4</virtio_scsi_multi_queues>")]
    [InlineData("<soundcard_enabled>true</soundcard_enabled>")]
    [InlineData("<usb><enabled>true</enabled></usb>")]
    [InlineData("<rng_device><rate><bytes>4096</bytes><period>1000</period></rate><source>hwrng</source></rng_device>")]
    [InlineData("<memory_policy><ballooning>false</ballooning></memory_policy>")]
    [InlineData("<serial_number><policy>custom</policy><value>rack-7</value></serial_number>")]
    [InlineData("<serial_number><policy>vm</policy></serial_number>")]
    [InlineData("<time_zone><name>Europe/Vienna</name></time_zone>")]
    [InlineData("<custom_emulated_machine>pc-q35-7.2</custom_emulated_machine>")]
    [InlineData("<custom_properties><custom_property><name>hugepages</name><value>2048</value></custom_property><custom_property><name>backup</name><value>daily</value></custom_property></custom_properties>")]
    [InlineData("<migration_downtime>300</migration_downtime>")]
    [InlineData("<os><boot><devices><device>network</device><device>hd</device></devices></boot><cmdline>quiet</cmdline><initrd>/boot/initrd</initrd><kernel>/boot/vmlinuz</kernel></os>")]
    [InlineData("<initialization><authorized_ssh_keys>ssh-ed25519 AAAA one</authorized_ssh_keys><custom_script>runcmd: [ls]</custom_script><dns_search>example.com</dns_search><dns_servers>10.0.0.1 10.0.0.2</dns_servers><host_name>web-1.example.com</host_name><regenerate_ssh_keys>true</regenerate_ssh_keys><timezone>Europe/Vienna</timezone><user_name>ada</user_name></initialization>")]
    [InlineData("<initialization><nic_configurations><nic_configuration><name>eth0</name><boot_protocol>static</boot_protocol><ip><address>10.0.0.5</address><gateway>10.0.0.1</gateway><netmask>255.255.255.0</netmask></ip><ipv6><address>2001:db8::5</address><netmask>64</netmask></ipv6><ipv6_boot_protocol>static</ipv6_boot_protocol><on_boot>true</on_boot></nic_configuration></nic_configurations></initialization>")]
    public async Task What_is_said_is_shown_back(string said, bool pinned = false)
    {
        if (pinned) said += $"<placement_policy><hosts><host id='{TestApi.Host}'/></hosts></placement_policy>";
        var body = $"<vm>{said}</vm>";
        Contains(XElement.Parse(body), await TestApi.Xml(await _api.Send(HttpMethod.Put, Vm, body), HttpStatusCode.OK));
        Contains(XElement.Parse(body), await _api.GetXml(Vm));
        Assert.NotNull(_api.LastCommand<VmCommand.Update>());

        // What nobody speaks of stays; and a VM that is made has the same.
        Contains(XElement.Parse(body), await TestApi.Xml(await _api.Send(HttpMethod.Put, Vm, "<vm><comment>x</comment></vm>"), HttpStatusCode.OK));
        Contains(XElement.Parse(body), await TestApi.Xml(
            await _api.Post("/vms", $"<vm><name>new</name><cluster><name>Default</name></cluster>{said}</vm>"), HttpStatusCode.Created));
    }

    [Theory]
    [InlineData("<bios><type>i440fx_sea_bios</type></bios><tpm_enabled>true</tpm_enabled>", "tpm_enabled")]
    [InlineData("<cpu><mode>custom</mode></cpu>", "custom_cpu_model")]
    [InlineData("<cpu><mode>quantum</mode></cpu>", "cpu.mode")]
    [InlineData("<cpu><mode>host_model</mode></cpu><custom_cpu_model>EPYC</custom_cpu_model>", "exclude each other")]
    [InlineData("<custom_cpu_model>a b</custom_cpu_model>", "custom_cpu_model")]
    [InlineData("<custom_emulated_machine>pc,x=y</custom_emulated_machine>", "custom_emulated_machine")]
    [InlineData("<cpu_shares>-1</cpu_shares>", "cpu_shares")]
    [InlineData("<cpu_shares>many</cpu_shares>", "cpu_shares")]
    [InlineData("<cpu><cpu_tune><vcpu_pins><vcpu_pin><cpu_set>0</cpu_set><vcpu>0</vcpu></vcpu_pin></vcpu_pins></cpu_tune></cpu>", "placement_policy.hosts")]
    [InlineData("<cpu><cpu_tune><vcpu_pins><vcpu_pin><vcpu>0</vcpu></vcpu_pin></vcpu_pins></cpu_tune></cpu>", "cpu_set")]
    [InlineData("<cpu><cpu_tune><vcpu_pins><vcpu_pin><cpu_set>0</cpu_set></vcpu_pin></vcpu_pins></cpu_tune></cpu>", "vcpu")]
    [InlineData("<cpu><cpu_tune><vcpu_pins><vcpu_pin><cpu_set>0</cpu_set><vcpu>0</vcpu></vcpu_pin></vcpu_pins></cpu_tune></cpu><cpu_pinning_policy>none</cpu_pinning_policy>", "cpu_pinning_policy")]
    [InlineData("<cpu_pinning_policy>dedicated</cpu_pinning_policy>", "cpu_pinning_policy")]
    [InlineData("<cpu_pinning_policy>glue</cpu_pinning_policy>", "cpu_pinning_policy")]
    [InlineData("<io><threads>99</threads></io>", "io.threads")]
    [InlineData("<virtio_scsi_multi_queues>999</virtio_scsi_multi_queues>", "virtio_scsi_multi_queues")]
    [InlineData("<rng_device><source>dice</source></rng_device>", "rng_device.source")]
    [InlineData("<rng_device><rate><period>5</period></rate></rng_device>", "rng_device.rate")]
    [InlineData("<serial_number><policy>custom</policy></serial_number>", "serial_number")]
    [InlineData("<time_zone><name>Mars/Base</name></time_zone>", "time_zone")]
    [InlineData("<custom_properties><custom_property><name>hugepages</name><value>4</value></custom_property></custom_properties>", "hugepages")]
    [InlineData("<custom_properties><custom_property><name>hugepages</name><value>x</value></custom_property></custom_properties>", "hugepages")]
    [InlineData("<custom_properties><custom_property><name>backup</name><value>never</value></custom_property></custom_properties>", "daily|weekly")]
    [InlineData("<custom_properties><custom_property><name>PATH</name><value>/tmp</value></custom_property></custom_properties>", "no property PATH")]
    [InlineData("<custom_properties><custom_property><name>rack</name><value>1</value></custom_property><custom_property><name>rack</name><value>2</value></custom_property></custom_properties>", "twice")]
    [InlineData("<initialization><domain>example.com</domain></initialization>", "domain")]
    [InlineData("<initialization><host_name>a b</host_name></initialization>", "host_name")]
    [InlineData("<initialization><user_name>a&#10;b</user_name></initialization>", "user_name")]
    [InlineData("<initialization><root_password>a&#10;b</root_password></initialization>", "root_password")]
    [InlineData("<initialization><dns_servers>here</dns_servers></initialization>", "dns_servers")]
    [InlineData("<initialization><custom_script>{\"a\":1}</custom_script></initialization>", "Ignition")]
    [InlineData("<initialization><nic_configurations><nic_configuration><boot_protocol>dhcp</boot_protocol></nic_configuration></nic_configurations></initialization>", "name")]
    [InlineData("<initialization><nic_configurations><nic_configuration><name>eth0</name><boot_protocol>static</boot_protocol></nic_configuration></nic_configurations></initialization>", "ip.address")]
    [InlineData("<initialization><nic_configurations><nic_configuration><name>eth0</name><ipv6_boot_protocol>static</ipv6_boot_protocol></nic_configuration></nic_configurations></initialization>", "ipv6.netmask")]
    public async Task What_makes_no_sense_is_refused_and_changes_nothing(string said, string names)
    {
        var detail = await TestApi.FaultOf(await _api.Send(HttpMethod.Put, Vm, $"<vm>{said}</vm>"), HttpStatusCode.BadRequest);
        Assert.Contains(names, detail, StringComparison.Ordinal);
        detail = await TestApi.FaultOf(await _api.Post("/vms", $"<vm><name>new</name><cluster><name>Default</name></cluster>{said}</vm>"), HttpStatusCode.BadRequest);
        Assert.Contains(names, detail, StringComparison.Ordinal);
        Assert.DoesNotContain(_api.Engine.Commands, c => c.Command is VmCommand.Update or VmCommand.Create);
        Assert.Empty(_api.Secrets.Values);
    }

    [Fact]
    public async Task A_machine_is_told_in_json_as_well()
    {
        const string body = """{"cpu_shares":"300","usb":{"enabled":"true"},"io":{"threads":1},"custom_properties":{"custom_property":[{"name":"rack","value":"7"}]}}""";
        Assert.Equal(HttpStatusCode.OK, (await _api.Send(HttpMethod.Put, Vm, body, "application/json")).StatusCode);
        var vm = await _api.GetJson(Vm);
        Assert.Equal("300", (string?)vm["cpu_shares"]);
        Assert.Equal("true", (string?)vm["usb"]!["enabled"]);
        Assert.Equal("7", (string?)vm["custom_properties"]!["custom_property"]![0]!["value"]);
    }

    /// <summary>A model makes the mode custom; a mode of the host takes the model away, as does an empty one.</summary>
    [Fact]
    public async Task A_model_and_the_hosts_own_take_turns()
    {
        await _api.Send(HttpMethod.Put, Vm, "<vm><custom_cpu_model>EPYC</custom_cpu_model></vm>");
        Assert.Equal("custom", (string?)(await _api.GetXml(Vm)).Element("cpu")!.Element("mode"));
        await _api.Send(HttpMethod.Put, Vm, "<vm><cpu><mode>host_model</mode></cpu></vm>");
        Assert.Null((await _api.GetXml(Vm)).Element("custom_cpu_model"));
        await _api.Send(HttpMethod.Put, Vm, "<vm><cpu><mode>custom</mode></cpu><custom_cpu_model>EPYC</custom_cpu_model></vm>");
        await _api.Send(HttpMethod.Put, Vm, "<vm><custom_cpu_model/></vm>");
        Assert.Null(_api.Engine.View<VmView>(Kinds.Vm, TestApi.Vm).Config.Hardware);
    }

    /// <summary>What firmware and TPM keep is on storage that every host has, and where there is none, a TPM is refused.</summary>
    [Fact]
    public async Task A_tpm_gets_a_folder_and_is_refused_where_there_is_none()
    {
        await _api.Send(HttpMethod.Put, Vm, "<vm><tpm_enabled>true</tpm_enabled></vm>");
        Assert.Equal($"/shared/data/{TestApi.Domain}/images", _api.LastCommand<VmCommand.Update>().Patch.Hardware!.StateFolder);
        await _api.Post("/vms", "<vm><name>efi</name><cluster><name>Default</name></cluster><bios><type>q35_ovmf</type></bios></vm>");
        Assert.Equal($"/shared/data/{TestApi.Domain}/images", _api.LastCommand<VmCommand.Create>().Config.Hardware!.StateFolder);

        await _api.Post($"/datacenters/{TestApi.DataCenter}/storagedomains/{TestApi.Domain}/deactivate", "<action/>");
        var detail = await TestApi.FaultOf(
            await _api.Post("/vms", "<vm><name>t</name><cluster><name>Default</name></cluster><tpm_enabled>true</tpm_enabled></vm>"), HttpStatusCode.BadRequest);
        Assert.Contains("active storage domain", detail, StringComparison.Ordinal);
        await TestApi.Xml(await _api.Post("/vms", "<vm><name>e</name><cluster><name>Default</name></cluster><bios><type>q35_ovmf</type></bios></vm>"), HttpStatusCode.Created);
        Assert.Null(_api.LastCommand<VmCommand.Create>().Config.Hardware);
    }

    [Fact]
    public async Task A_password_is_shown_to_nobody_and_goes_with_the_vm()
    {
        const string told = "<initialization><user_name>ada</user_name><root_password>open sesame</root_password></initialization>";
        var made = await TestApi.Xml(await _api.Post("/vms", $"<vm><name>new</name><cluster><name>Default</name></cluster>{told}</vm>"), HttpStatusCode.Created);
        var id = (string)made.Attribute("id")!;
        await _api.Send(HttpMethod.Put, Vm, $"<vm>{told}</vm>");
        Assert.Equal(["open sesame", "open sesame"], _api.Secrets.Values.Values);
        Assert.Equal($"initialization/{id}", _api.LastCommand<VmCommand.Create>().Config.Initialization!.Secret);
        Assert.DoesNotContain("sesame", made.ToString() + await _api.GetXml(Vm) + await _api.GetXml("/vms") + await _api.GetJson(Vm), StringComparison.Ordinal);
        Assert.DoesNotContain(_api.Engine.Commands, c => WireJson.Write(c.Command).Contains("sesame", StringComparison.Ordinal));

        await _api.Send(HttpMethod.Put, $"/vms/{id}", "<vm><initialization><root_password/></initialization></vm>");
        Assert.Equal("", _api.LastCommand<VmCommand.Update>().Patch.Initialization!.Secret);
        Assert.Equal("ada", _api.LastCommand<VmCommand.Update>().Patch.Initialization!.UserName);
        Assert.Single(_api.Secrets.Values);
        Assert.Equal(HttpStatusCode.OK, (await _api.Send(HttpMethod.Delete, Vm)).StatusCode);
        Assert.Empty(_api.Secrets.Values);
    }

    [Fact]
    public async Task A_run_once_tells_the_guest_anew_or_something_else()
    {
        await _api.Send(HttpMethod.Put, Vm, "<vm><initialization><host_name>web-1</host_name></initialization></vm>");
        await _api.Post($"{Vm}/start", "<action><use_cloud_init>true</use_cloud_init></action>");
        Assert.True(_api.LastCommand<VmCommand.Start>().Once!.Patch.Initialization is { Given: true, HostName: "web-1" });
        await _api.Post($"{Vm}/stop", "<action/>");
        await _api.Post($"{Vm}/start", "<action><use_initialization>true</use_initialization><vm><custom_cpu_model>EPYC</custom_cpu_model><cpu_shares>7</cpu_shares>"
            + "<initialization><host_name>web-2</host_name><root_password>once only</root_password></initialization></vm></action>");
        var once = _api.LastCommand<VmCommand.Start>().Once!.Patch;
        Assert.True(once.Initialization is { Given: true, HostName: "web-2" } told && told.Secret == $"initialization/{TestApi.Vm}/once");
        Assert.True(once.Hardware is { CpuModel: "EPYC", CpuShares: 0 });
        Assert.Equal("once only", _api.Secrets.Values[$"initialization/{TestApi.Vm}/once"]);
        await TestApi.FaultOf(await _api.Post($"{Vm}/start", "<action><use_sysprep>true</use_sysprep></action>"), HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Numa_nodes_are_added_changed_and_removed()
    {
        await _api.Send(HttpMethod.Put, Vm, $"<vm><cpu><topology><sockets>4</sockets></topology></cpu><placement_policy><hosts><host id='{TestApi.Host}'/></hosts></placement_policy></vm>");
        var made = await TestApi.Xml(await _api.Post($"{Vm}/numanodes", Node(0, 256, "0", "1") + ""), HttpStatusCode.Created);
        Contains(XElement.Parse(Node(0, 256, "0", "1")), made);
        await TestApi.Xml(await _api.Post($"{Vm}/numanodes", Node(1, 512, "2", null)), HttpStatusCode.Created);
        var node = $"{Vm}/numanodes/{(string)made.Attribute("id")!}";
        Assert.Equal(2, (await _api.GetXml($"{Vm}/numanodes")).Elements("vm_numa_node").Count());
        Contains(XElement.Parse(Node(0, 256, "0", "1")), await _api.GetXml(node));

        var changed = await TestApi.Xml(await _api.Send(HttpMethod.Put, node, "<vm_numa_node><memory>300</memory><numa_tune_mode>strict</numa_tune_mode></vm_numa_node>"), HttpStatusCode.OK);
        Assert.Equal(("300", "strict"), ((string?)changed.Element("memory"), (string?)changed.Element("numa_tune_mode")));

        foreach (var (wrong, names) in new[]
        {
            (Node(1, 256, "1", null), "indexes"), (Node(2, 9999, "1", null), "MiB"), (Node(2, 0, "1", null), "no memory"), (Node(2, 64, "9", null), "has not"),
            (Node(2, 64, "0", null), "another node"), ("<vm_numa_node><index>2</index></vm_numa_node>", "memory"), ("<vm_numa_node><memory>2</memory></vm_numa_node>", "index"),
            ("<vm_numa_node><index>2</index><memory>2</memory><numa_tune_mode>loose</numa_tune_mode></vm_numa_node>", "numa_tune_mode"),
        })
            Assert.Contains(names, await TestApi.FaultOf(await _api.Post($"{Vm}/numanodes", wrong), HttpStatusCode.BadRequest), StringComparison.Ordinal);
        await TestApi.FaultOf(await _api.Send(HttpMethod.Get, $"{Vm}/numanodes/{TestApi.Unknown}"), HttpStatusCode.NotFound);
        await TestApi.FaultOf(await _api.Send(HttpMethod.Get, $"/vms/{TestApi.Unknown}/numanodes"), HttpStatusCode.NotFound);
        // The first of two cannot go: the second would be the first.
        await TestApi.FaultOf(await _api.Send(HttpMethod.Delete, node), HttpStatusCode.BadRequest);
        var second = (string)(await _api.GetXml($"{Vm}/numanodes")).Elements("vm_numa_node").Last().Attribute("id")!;
        foreach (var each in new[] { $"{Vm}/numanodes/{second}", node })
            Assert.Equal(HttpStatusCode.OK, (await _api.Send(HttpMethod.Delete, each)).StatusCode);
        Assert.Empty((await _api.GetXml($"{Vm}/numanodes")).Elements());
    }

    [Theory]
    [InlineData("<qos><max_throughput>100</max_throughput><max_iops>500</max_iops></qos>")]
    [InlineData("<qos><max_read_throughput>10</max_read_throughput><max_write_throughput>20</max_write_throughput></qos>")]
    [InlineData("<pass_discard>false</pass_discard>")]
    public async Task A_disk_has_limits_and_says_what_becomes_of_discards(string said)
    {
        var body = $"<disk_attachment>{said}</disk_attachment>";
        var path = $"{Vm}/diskattachments/{_disk}";
        Contains(XElement.Parse(body), await TestApi.Xml(await _api.Send(HttpMethod.Put, path, body), HttpStatusCode.OK));
        var wanted = _api.LastCommand<VmCommand.UpdateDisk>().Disk;
        Assert.True(wanted.Qos is null != wanted.PassDiscard);
        // The whole of the limits is what the body says.
        await _api.Send(HttpMethod.Put, path, "<disk_attachment><pass_discard>false</pass_discard><qos/></disk_attachment>");
        Assert.Null(_api.LastCommand<VmCommand.UpdateDisk>().Disk.Qos);
    }

    [Theory]
    [InlineData("<qos><max_throughput>-1</max_throughput></qos>", "max_throughput")]
    [InlineData("<qos><max_throughput>1</max_throughput><max_read_throughput>1</max_read_throughput></qos>", "exclude")]
    [InlineData("<qos><max_iops>1</max_iops><max_write_iops>1</max_write_iops></qos>", "exclude")]
    [InlineData("<qos><max_iops>some</max_iops></qos>", "max_iops")]
    public async Task A_disks_limits_must_make_sense(string said, string names) => Assert.Contains(
        names,
        await TestApi.FaultOf(await _api.Send(HttpMethod.Put, $"{Vm}/diskattachments/{_disk}", $"<disk_attachment>{said}</disk_attachment>"), HttpStatusCode.BadRequest),
        StringComparison.Ordinal);

    [Theory]
    [InlineData("<network_filter><name>vdsm-no-mac-spoofing</name></network_filter>")]
    [InlineData("<qos><inbound_average>100</inbound_average><inbound_burst>10</inbound_burst><inbound_peak>200</inbound_peak><outbound_average>50</outbound_average></qos>")]
    public async Task A_nic_has_a_filter_and_limits(string said)
    {
        var body = $"<nic>{said}</nic>";
        Contains(XElement.Parse(body), await TestApi.Xml(await _api.Send(HttpMethod.Put, $"{Vm}/nics/{_nic}", body), HttpStatusCode.OK));
        Contains(XElement.Parse(body), await TestApi.Xml(await _api.Post($"{Vm}/nics", $"<nic><name>nic2</name>{said}</nic>"), HttpStatusCode.Created));
        await _api.Send(HttpMethod.Put, $"{Vm}/nics/{_nic}", "<nic><linked>false</linked><network_filter/><qos/></nic>");
        Assert.True(_api.LastCommand<VmCommand.UpdateNic>().Nic is { Filter: "", Qos: null });
    }

    [Fact]
    public async Task The_filters_are_listed_and_a_nic_takes_one_by_its_id()
    {
        var filters = (await _api.GetXml("/networkfilters")).Elements("network_filter").ToList();
        Assert.Equal(18, filters.Count);
        var own = filters.Single(f => (string?)f.Element("name") == "vdsm-no-mac-spoofing");
        var id = (string)own.Attribute("id")!;
        Assert.Equal("vdsm-no-mac-spoofing", (string?)(await _api.GetXml($"/networkfilters/{id}")).Element("name"));
        await TestApi.FaultOf(await _api.Send(HttpMethod.Get, $"/networkfilters/{TestApi.Unknown}"), HttpStatusCode.NotFound);
        var nic = await TestApi.Xml(await _api.Send(HttpMethod.Put, $"{Vm}/nics/{_nic}", $"<nic><network_filter id='{id}'/></nic>"), HttpStatusCode.OK);
        Assert.Equal(id, (string?)nic.Element("network_filter")!.Attribute("id"));
        await TestApi.FaultOf(await _api.Send(HttpMethod.Put, $"{Vm}/nics/{_nic}", $"<nic><network_filter id='{TestApi.Unknown}'/></nic>"), HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("<network_filter><name>a/b</name></network_filter>", "network_filter")]
    [InlineData("<qos><inbound_average>-1</inbound_average></qos>", "inbound_average")]
    [InlineData("<qos><inbound_peak>10</inbound_peak></qos>", "inbound_average")]
    [InlineData("<qos><outbound_burst>10</outbound_burst></qos>", "outbound_average")]
    [InlineData("<qos><outbound_average>9999999</outbound_average></qos>", "outbound_average")]
    public async Task A_nics_filter_and_limits_must_make_sense(string said, string names)
    {
        foreach (var response in new[]
        {
            await _api.Send(HttpMethod.Put, $"{Vm}/nics/{_nic}", $"<nic>{said}</nic>"), await _api.Post($"{Vm}/nics", $"<nic><name>nic2</name>{said}</nic>"),
        })
            Assert.Contains(names, await TestApi.FaultOf(response, HttpStatusCode.BadRequest), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no pattern")]
    [InlineData("=x")]
    [InlineData("7up=x")]
    [InlineData("a-b=x")]
    [InlineData("a=(")]
    [InlineData("a=(?=b)b")]
    public void A_list_of_custom_properties_that_is_none_says_so(string line) =>
        Assert.Throws<FormatException>(() => CustomProperties.Of([line]));

    private static string Node(int index, int memory, string cpu, string? host) =>
        $"<vm_numa_node><index>{index}</index><memory>{memory}</memory><cpu><cores><core><index>{cpu}</index></core></cores></cpu>"
        + (host is null ? "" : $"<numa_node_pins><numa_node_pin><index>{host}</index></numa_node_pin></numa_node_pins>") + "</vm_numa_node>";

    /// <summary>Everything that was said is in what is shown, in the same place.</summary>
    private static void Contains(XElement said, XElement shown)
    {
        if (!said.HasElements && said.Value.Length > 0) Assert.Equal(said.Value, shown.Value);
        foreach (var group in said.Elements().GroupBy(e => e.Name.LocalName))
        {
            var found = shown.Elements(group.Key).ToList();
            Assert.True(found.Count >= group.Count(), $"{group.Key} is missing in {shown}");
            foreach (var (one, other) in group.Zip(found)) Contains(one, other);
        }
    }
}
