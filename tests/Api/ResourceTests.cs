using System.Net;
using System.Xml.Linq;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.DataCenter;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Template;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Api;

/// <summary>What clients ask for becomes the right command, and what the entities say becomes the right document.</summary>
public sealed class ResourceTests : IAsyncLifetime
{
    private readonly TestApi _api = new();

    public Task InitializeAsync() => _api.InitializeAsync();

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [Fact]
    public async Task The_entry_point_tells_the_product_and_counts_what_is_there()
    {
        var api = await _api.GetXml("");
        Assert.Equal("4", (string?)api.Element("product_info")!.Element("version")!.Element("major"));
        Assert.Equal(_api.Options.InstanceId.ToString(), (string?)api.Element("product_info")!.Element("instance_id"));
        Assert.Equal("1", (string?)api.Element("summary")!.Element("vms")!.Element("total"));
        Assert.Equal("0", (string?)api.Element("summary")!.Element("vms")!.Element("active"));
        Assert.Equal("1", (string?)api.Element("summary")!.Element("hosts")!.Element("active"));
        Assert.Contains(api.Elements("link"), link => (string?)link.Attribute("rel") == "vms/search");
        Assert.Equal(new string('0', 8), ((string?)api.Element("special_objects")!.Element("blank_template")!.Attribute("id"))![..8]);
    }

    [Fact]
    public async Task Every_link_of_the_entry_point_leads_somewhere()
    {
        foreach (var link in (await _api.GetXml("")).Elements("link"))
        {
            var href = ((string)link.Attribute("href")!).Replace("{query}", "", StringComparison.Ordinal);
            await _api.GetXml(href["/ovirt-engine/api".Length..]);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("/v4")]
    public async Task Head_of_the_entry_point_carries_the_links(string path)
    {
        var response = await _api.Send(HttpMethod.Head, path);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains("</ovirt-engine/api/vms>; rel=vms", response.Headers.GetValues("Link").Single(), StringComparison.Ordinal);
        Assert.Empty(await response.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task The_correlation_id_and_the_user_go_into_the_command()
    {
        await _api.Post($"/vms/{TestApi.Vm}/start?correlation_id=abc-1", "<action/>");
        var start = _api.LastCommand<VmCommand.Start>();
        Assert.Equal(("abc-1", TestApi.User, _api.Clock.Now), (start.Origin.Correlation, start.Origin.User, start.Origin.At));
        var response = await _api.Send(HttpMethod.Post, $"/vms/{TestApi.Vm}/stop", "<action/>",
            headers: ("Correlation-Id", "abc-2"));
        Assert.Equal("abc-2", _api.LastCommand<VmCommand.Stop>().Origin.Correlation);
        Assert.Equal("abc-2", response.Headers.GetValues("Correlation-Id").Single());
        Assert.NotEqual(start.Origin.Job, _api.LastCommand<VmCommand.Stop>().Origin.Job);
    }

    [Fact]
    public async Task An_action_is_answered_with_its_job_and_async_with_202()
    {
        var action = await TestApi.Xml(await _api.Post($"/vms/{TestApi.Vm}/start", "<action/>"), HttpStatusCode.OK);
        Assert.Equal("complete", (string?)action.Element("status"));
        var job = _api.LastCommand<VmCommand.Start>().Origin.Job.ToString();
        Assert.Equal(job, (string?)action.Element("job")!.Attribute("id"));
        Assert.Equal($"/ovirt-engine/api/jobs/{job}", (string?)action.Element("job")!.Attribute("href"));
        var later = await _api.Post($"/vms/{TestApi.Vm}/stop;async=true", "<action/>");
        Assert.Equal("in_progress", (string?)(await TestApi.Xml(later, HttpStatusCode.Accepted)).Element("status"));
        var expected = await _api.Send(HttpMethod.Post, $"/vms/{TestApi.Vm}/start", "<action/>", headers: ("Expect", "202-accepted"));
        await TestApi.Xml(expected, HttpStatusCode.Accepted);
    }

    [Fact]
    public async Task The_memory_of_a_vm_is_saved_on_an_active_domain_that_has_room_for_it()
    {
        var domain = _api.Engine.View<StorageDomainView>(Kinds.StorageDomain, TestApi.Domain);
        _api.Engine.Put(Kinds.StorageDomain, TestApi.Domain, domain with { Status = "active", DataCenter = new(TestApi.DataCenter), Available = 1L << 40 });
        await TestApi.Xml(await _api.Post($"/vms/{TestApi.Vm}/suspend", "<action/>"), HttpStatusCode.OK);
        var suspend = _api.LastCommand<VmCommand.Suspend>();
        Assert.Equal($"{domain.Config.Path}/{domain.Id}/images/{TestApi.Vm}/{suspend.Origin.Job}.memory", suspend.Path);

        _api.Engine.Put(Kinds.StorageDomain, TestApi.Domain, domain with { Status = "active", DataCenter = new(TestApi.DataCenter), Available = 1 });
        await _api.Post($"/vms/{TestApi.Vm}/suspend", "<action/>");
        Assert.Equal("", _api.LastCommand<VmCommand.Suspend>().Path);
    }

    [Fact]
    public async Task A_vm_has_one_watchdog_or_none()
    {
        var path = $"/vms/{TestApi.Vm}/watchdogs";
        Assert.Empty((await _api.GetXml(path)).Elements());
        var missing = await _api.Post(path, "<watchdog><model>i6300esb</model></watchdog>");
        Assert.Equal(HttpStatusCode.BadRequest, missing.StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await _api.Post(path, "<watchdog><model>i6300esb</model><action>bark</action></watchdog>")).StatusCode);
        var made = await TestApi.Xml(
            await _api.Post(path, "<watchdog><model>i6300esb</model><action>reset</action></watchdog>"), HttpStatusCode.Created);
        Assert.Equal(("reset", "i6300esb"), ((string?)made.Element("action"), (string?)made.Element("model")));
        Assert.Equal(HttpStatusCode.Conflict, (await _api.Post(path, "<watchdog><model>i6300esb</model><action>reset</action></watchdog>")).StatusCode);

        await TestApi.Xml(await _api.Send(HttpMethod.Put, $"{path}/{TestApi.Vm}", "<watchdog><action>pause</action></watchdog>"), HttpStatusCode.OK);
        Assert.Equal("pause", (string?)(await _api.GetXml(path)).Element("watchdog")!.Element("action"));
        await _api.Send(HttpMethod.Delete, $"{path}/{TestApi.Vm}");
        Assert.Empty((await _api.GetXml(path)).Elements());
        Assert.Equal(HttpStatusCode.NotFound, (await _api.Send(HttpMethod.Delete, $"{path}/{TestApi.Vm}")).StatusCode);
    }

    [Fact]
    public async Task What_a_failed_disk_does_to_a_vm_is_asked_when_it_is_made()
    {
        await _api.Post("/vms", "<vm><name>a</name><cluster><name>Default</name></cluster><template><name>Blank</name></template></vm>");
        Assert.Equal(StorageErrorResume.AutoResume, _api.LastCommand<VmCommand.Create>().Config.OnStorageError);
        var made = await TestApi.Xml(await _api.Post("/vms", """
            <vm><name>b</name><cluster><name>Default</name></cluster><template><name>Blank</name></template>
            <storage_error_resume_behaviour>kill</storage_error_resume_behaviour></vm>
            """), HttpStatusCode.Created);
        Assert.Equal("kill", (string?)made.Element("storage_error_resume_behaviour"));
        Assert.Equal(StorageErrorResume.Kill, _api.LastCommand<VmCommand.Create>().Config.OnStorageError);
    }

    [Fact]
    public async Task A_start_takes_settings_for_one_run()
    {
        await TestApi.Xml(await _api.Post($"/vms/{TestApi.Vm}/start", """
            <action><pause>true</pause><vm><os><boot><devices><device>network</device></devices></boot><kernel>/boot/k</kernel></os>
            <memory>1048576</memory><stateless>true</stateless>
            <placement_policy><hosts><host><name>host-1</name></host></hosts></placement_policy></vm></action>
            """), HttpStatusCode.OK);
        var once = _api.LastCommand<VmCommand.Start>().Once!;
        Assert.Equal(new HostId(TestApi.Host), once.Host);
        Assert.Equal((true, true, "/boot/k"), (once.Patch.StartPaused, once.Patch.Stateless, once.Patch.Kernel));
        Assert.Equal("network", Assert.Single(once.Patch.BootDevices!.Value));
        Assert.Null(once.Patch.Memory);

        await _api.Post($"/vms/{TestApi.Vm}/stop", "<action/>");
        await _api.Post($"/vms/{TestApi.Vm}/start", "<action/>");
        Assert.Null(_api.LastCommand<VmCommand.Start>().Once);
        var refused = await _api.Post($"/vms/{TestApi.Vm}/start", "<action><use_sysprep>true</use_sysprep></action>");
        Assert.Contains("use_sysprep", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.False(refused.IsSuccessStatusCode);
    }

    [Fact]
    public async Task A_running_vm_shows_what_it_runs_with_and_on_request_what_its_next_run_has()
    {
        var view = _api.Engine.View<VmView>(Kinds.Vm, TestApi.Vm);
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, view with
        {
            Status = "up",
            Running = view.Config with { Memory = 1L << 29 },
            NextRunExists = true,
            RunOnce = true,
        });
        var now = await _api.GetXml($"/vms/{TestApi.Vm}");
        Assert.Equal(("536870912", "true", "true"), (
            (string?)now.Element("memory"), (string?)now.Element("next_run_configuration_exists"), (string?)now.Element("run_once")));
        foreach (var next in (string[])["?next_run=true", ";next_run"])
            Assert.Equal(view.Config.Memory.ToString(), (string?)(await _api.GetXml($"/vms/{TestApi.Vm}{next}")).Element("memory"));
    }

    [Fact]
    public async Task A_vm_is_made_from_a_body_in_either_form()
    {
        var made = await TestApi.Xml(await _api.Post("/vms", """
            <vm><name>db</name><cluster><name>Default</name></cluster><template><name>Blank</name></template>
            <memory>536870912</memory><memory_policy><guaranteed>268435456</guaranteed></memory_policy>
            <cpu><topology><cores>2</cores><sockets>2</sockets><threads>1</threads></topology></cpu>
            <high_availability><enabled>true</enabled><priority>50</priority></high_availability>
            <os><type>other_linux</type><boot><devices><device>network</device><device>hd</device></devices></boot>
            <kernel>/boot/k</kernel><cmdline>quiet</cmdline></os><bios><type>q35_ovmf</type></bios>
            <placement_policy><affinity>pinned</affinity><hosts><host><name>host-1</name></host></hosts></placement_policy>
            <delete_protected>1</delete_protected><flavour>unknown</flavour>
            <nics><nic><name>nic1</name></nic><nic><name>nic2</name><mac><address>56:6F:00:00:00:AA</address></mac></nic></nics>
            </vm>
            """), HttpStatusCode.Created);
        var config = _api.LastCommand<VmCommand.Create>().Config;
        Assert.Equal((536870912L, 268435456L, 2147483648L), (config.Memory, config.GuaranteedMemory, config.MaxMemory));
        Assert.Equal((2, 2, 1), (config.Sockets, config.Cores, config.Threads));
        Assert.Equal((true, 50, "q35_ovmf", true), (config.HighlyAvailable, config.Priority, config.BiosType, config.DeleteProtected));
        Assert.Equal("network,hd", string.Join(',', config.BootDevices));
        Assert.Equal(new HostId(TestApi.Host), Assert.Single(config.PreferredHosts));
        Assert.Equal((VmAffinity.Pinned, "/boot/k", "quiet"), (config.Affinity, config.Kernel, config.Cmdline));
        Assert.StartsWith("56:6f:", config.Nics[0].Mac, StringComparison.Ordinal);
        Assert.Equal(("56:6f:00:00:00:aa", "ovirtmgmt"), (config.Nics[1].Mac, config.Nics[1].Bridge));
        Assert.Equal("down", (string?)made.Element("status"));

        var json = await _api.Post("/vms", """
            {"name":"json","cluster":{"id":"00000000-0000-4000-8000-0000000000c1"},"memory":1073741824,"stateless":true,
             "delete_protected":"false","os":{"boot":{"devices":{"device":["hd"]}}}}
            """, "application/json");
        Assert.Equal(HttpStatusCode.Created, json.StatusCode);
        Assert.StartsWith("/ovirt-engine/api/vms/", json.Headers.Location!.AbsolutePath, StringComparison.Ordinal);
        config = _api.LastCommand<VmCommand.Create>().Config;
        Assert.Equal((1L << 30, true, false), (config.Memory, config.Stateless, config.DeleteProtected));
    }

    [Fact]
    public async Task A_templates_disks_are_cloned_for_a_new_vm_and_go_with_it()
    {
        var disk = await TestApi.Xml(await _api.Post("/disks", $"""
            <disk><alias>golden</alias><provisioned_size>1073741824</provisioned_size><format>cow</format>
            <storage_domains><storage_domain id="{TestApi.Domain}"/></storage_domains></disk>
            """), HttpStatusCode.Accepted);
        var source = Guid.Parse((string)disk.Attribute("id")!);
        var create = _api.LastCommand<DiskCommand.Create>();
        Assert.Equal($"/shared/data/{TestApi.Domain}/images/{source}/{source}", create.Path);
        Assert.Equal((new HostId(TestApi.Host), ""), (create.Host, create.Source));

        var locked = await _api.Post("/vms", """<vm><name>early</name><cluster><name>Default</name></cluster></vm>""");
        Assert.Equal(HttpStatusCode.Created, locked.StatusCode);
        Unlock(source);
        await TestApi.Xml(await _api.Post($"/vms/{TestApi.Vm}/diskattachments",
            $"""<disk_attachment><disk id="{source}"/><bootable>true</bootable><interface>sata</interface></disk_attachment>"""),
            HttpStatusCode.Created);
        var template = await TestApi.Xml(await _api.Post("/templates",
            $"""<template><name>tpl</name><vm id="{TestApi.Vm}"/></template>"""), HttpStatusCode.Accepted);
        var copy = Assert.Single(_api.LastCommand<TemplateCommand.Create>().Copies);
        Assert.Equal("in_progress", (string?)template.Element("creation_status"));

        var early = await _api.Post("/vms", """<vm><name>v2</name><cluster><name>Default</name></cluster><template><name>tpl</name></template></vm>""");
        Assert.Contains("locked", await TestApi.FaultOf(early, HttpStatusCode.Conflict), StringComparison.Ordinal);
        Unlock(copy.Value);
        var id = Guid.Parse((string)template.Attribute("id")!);
        _api.Engine.Put(Kinds.Template, id, _api.Engine.View<TemplateView>(Kinds.Template, id) with { Status = "ok" });

        var vm = await TestApi.Xml(await _api.Post("/vms",
            """<vm><name>v2</name><cluster><name>Default</name></cluster><template><name>tpl</name></template></vm>"""),
            HttpStatusCode.Created);
        var clone = Assert.Single(_api.LastCommand<VmCommand.Create>().Config.Disks);
        Assert.Equal((true, "sata"), (clone.Bootable, clone.Interface));
        Assert.NotEqual(copy, clone.Disk);
        Assert.Equal(_api.Engine.View<DiskView>(Kinds.Disk, copy.Value).Path, _api.LastCommand<DiskCommand.Create>().Source);

        Unlock(clone.Disk.Value);
        var gone = await _api.Send(HttpMethod.Delete, $"/vms/{(string)vm.Attribute("id")!}");
        Assert.Equal(HttpStatusCode.OK, gone.StatusCode);
        Assert.False(_api.Engine.Has(Kinds.Disk, clone.Disk.Value));
        Assert.True(_api.Engine.Has(Kinds.Disk, source));
    }

    [Fact]
    public async Task Detach_only_leaves_the_disks()
    {
        var disk = await AttachedDisk();
        await _api.Send(HttpMethod.Delete, $"/vms/{TestApi.Vm}?detach_only=true");
        Assert.False(_api.Engine.Has(Kinds.Vm, TestApi.Vm));
        Assert.True(_api.Engine.Has(Kinds.Disk, disk));
    }

    [Fact]
    public async Task A_disk_needs_an_active_attached_domain_and_a_host_that_is_up()
    {
        var body = $"""<disk><name>d</name><provisioned_size>1048576</provisioned_size><storage_domains><storage_domain id="{TestApi.Domain}"/></storage_domains></disk>""";
        var host = _api.Engine.View<HostView>(Kinds.Host, TestApi.Host);
        _api.Engine.Put(Kinds.Host, TestApi.Host, host with { Status = "maintenance" });
        Assert.Contains("up", await TestApi.FaultOf(await _api.Post("/disks", body), HttpStatusCode.Conflict), StringComparison.Ordinal);
        var domain = _api.Engine.View<StorageDomainView>(Kinds.StorageDomain, TestApi.Domain);
        _api.Engine.Put(Kinds.StorageDomain, TestApi.Domain, domain with { Status = "maintenance" });
        Assert.Contains("not active", await TestApi.FaultOf(await _api.Post("/disks", body), HttpStatusCode.Conflict), StringComparison.Ordinal);
        Assert.Empty(_api.Engine.Commands);
    }

    [Fact]
    public async Task A_host_is_added_and_its_fence_password_goes_into_the_secrets_only()
    {
        var host = await TestApi.Xml(await _api.Post("/hosts", """
            <host><name>h2</name><address>10.77.0.2:8443</address>
            <power_management><enabled>true</enabled><agents><agent><type>ipmilan</type><address>10.77.0.102</address>
            <username>admin</username><password>bmc-secret</password><options><option><name>lanplus</name><value>1</value></option></options>
            </agent></agents></power_management></host>
            """), HttpStatusCode.Created);
        var config = _api.LastCommand<HostCommand.Register>().Config;
        Assert.Equal(("10.77.0.2", 8443, new ClusterId(TestApi.Cluster)), (config.Address, config.Port, config.Cluster));
        var agent = Assert.Single(config.FenceAgents);
        Assert.Equal("bmc-secret", _api.Secrets.Values[agent.Secret]);
        var journal = WireJson.Write(_api.LastCommand<HostCommand.Register>());
        Assert.DoesNotContain("bmc-secret", journal, StringComparison.Ordinal);

        var href = ((string)host.Attribute("href")!)["/ovirt-engine/api".Length..];
        var agents = await _api.GetXml($"{href}/fenceagents");
        Assert.Equal("ipmilan", (string?)agents.Element("agent")!.Element("type"));
        Assert.DoesNotContain("bmc-secret", agents.ToString(), StringComparison.Ordinal);
        await _api.Post($"{href}/fence", "<action><fence_type>restart</fence_type></action>");
        Assert.Equal(PowerAction.Restart, _api.LastCommand<HostCommand.Fence>().Action);
        await _api.Post($"{href}/fence", "<action><fence_type>manual</fence_type></action>");
        Assert.NotNull(_api.LastCommand<HostCommand.ConfirmRebooted>());
        await TestApi.FaultOf(await _api.Post($"{href}/fence", "<action/>"), HttpStatusCode.BadRequest, "Incomplete parameters");
        await _api.Send(HttpMethod.Delete, $"{href}/fenceagents/{agent.Id}");
        Assert.Empty(_api.Secrets.Values);
    }

    [Fact]
    public async Task A_fence_agent_may_share_its_order_and_hide_its_options()
    {
        var href = $"/hosts/{TestApi.Host}/fenceagents";
        var made = await TestApi.Xml(await _api.Post(href, """
            <agent><type>apc</type><address>10.77.0.103</address><order>2</order><concurrent>true</concurrent>
            <encrypt_options>true</encrypt_options><options><option><name>slot</name><value>7</value></option></options></agent>
            """), HttpStatusCode.Created);
        var agent = _api.LastCommand<HostCommand.AddFenceAgent>().Agent;
        Assert.Equal((2, true, true), (agent.Order, agent.Concurrent, agent.EncryptOptions));
        Assert.Equal("slot=7\n", _api.Secrets.Values[agent.OptionsSecret]);
        Assert.Equal(KeyValuePair.Create("slot", "7"), Assert.Single(AgentWords.Options(_api.Secrets.Values[agent.OptionsSecret])));
        Assert.DoesNotContain("\"7\"", WireJson.Write(agent), StringComparison.Ordinal);
        Assert.Equal(("true", "true"), ((string?)made.Element("concurrent"), (string?)made.Element("encrypt_options")));
        Assert.Equal(("slot", null), (
            (string?)made.Element("options")!.Element("option")!.Element("name"), (string?)made.Element("options")!.Element("option")!.Element("value")));

        Assert.Contains("sent again", await TestApi.FaultOf(await _api.Send(
            HttpMethod.Put, $"{href}/{agent.Id}", "<agent><encrypt_options>false</encrypt_options></agent>"),
            HttpStatusCode.BadRequest), StringComparison.Ordinal);
        await _api.Send(HttpMethod.Put, $"{href}/{agent.Id}", "<agent><order>3</order></agent>");
        Assert.Equal((3, true, "slot=7\n"), (
            _api.LastCommand<HostCommand.UpdateFenceAgent>().Agent.Order, _api.LastCommand<HostCommand.UpdateFenceAgent>().Agent.Concurrent,
            _api.Secrets.Values[agent.OptionsSecret]));
        await _api.Send(HttpMethod.Delete, $"{href}/{agent.Id}");
        Assert.Empty(_api.Secrets.Values);
    }

    [Fact]
    public async Task The_power_of_a_host_is_asked_for_and_told()
    {
        const string body = "<action><fence_type>status</fence_type></action>";
        var told = await TestApi.Xml(await _api.Post($"/hosts/{TestApi.Host}/fence", body), HttpStatusCode.OK);
        Assert.Equal(("complete", "on"), (
            (string?)told.Element("status"), (string?)told.Element("power_management")!.Element("status")));
        _api.Engine.PowerSays = new PowerAnswer(default, false, PowerState.Unknown, "fence_ipmilan ended with 1");
        var failed = await TestApi.Xml(await _api.Post($"/hosts/{TestApi.Host}/fence", body), HttpStatusCode.OK);
        Assert.Equal(("failed", "fence_ipmilan ended with 1"), (
            (string?)failed.Element("status"), (string?)failed.Element("fault")!.Element("reason")));
    }

    [Fact]
    public async Task A_host_says_where_its_fence_proxies_are_looked_for()
    {
        var host = await TestApi.Xml(await _api.Send(HttpMethod.Put, $"/hosts/{TestApi.Host}", """
            <host><power_management><pm_proxies><pm_proxy><type>dc</type></pm_proxy><pm_proxy><type>cluster</type></pm_proxy></pm_proxies></power_management></host>
            """), HttpStatusCode.OK);
        Assert.Equal(["dc", "cluster"], host.Element("power_management")!.Element("pm_proxies")!.Elements("pm_proxy").Select(p => (string)p.Element("type")!));
        await TestApi.FaultOf(await _api.Send(HttpMethod.Put, $"/hosts/{TestApi.Host}", """
            <host><power_management><pm_proxies><pm_proxy><type>moon</type></pm_proxy></pm_proxies></power_management></host>
            """), HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_silent_host_with_vms_does_not_go_to_maintenance()
    {
        var host = _api.Engine.View<HostView>(Kinds.Host, TestApi.Host);
        _api.Engine.Put(Kinds.Host, TestApi.Host, host with { Status = "non_responsive" });
        var vm = _api.Engine.View<VmView>(Kinds.Vm, TestApi.Vm);
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, vm with { Host = new(TestApi.Host) });
        Assert.Contains("may run VMs", await TestApi.FaultOf(
            await _api.Post($"/hosts/{TestApi.Host}/deactivate", "<action/>"), HttpStatusCode.Conflict), StringComparison.Ordinal);
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, vm with { Host = null });
        await _api.Post($"/hosts/{TestApi.Host}/deactivate", "<action><reason>gone</reason></action>");
        Assert.Equal("gone", _api.LastCommand<HostCommand.Deactivate>().Reason);
    }

    [Fact]
    public async Task A_host_that_is_not_operational_says_why_as_ovirt_does()
    {
        var host = _api.Engine.View<HostView>(Kinds.Host, TestApi.Host);
        _api.Engine.Put(Kinds.Host, TestApi.Host, host with { Status = "non_operational", StatusDetail = "storage_domain_unreachable" });
        var shown = await _api.GetXml($"/hosts/{TestApi.Host}");
        Assert.Equal("non_operational", (string?)shown.Element("status"));
        Assert.Equal("storage_domain_unreachable", (string?)shown.Element("status_detail"));
    }

    [Theory]
    [InlineData("migrate_highly_available")]
    [InlineData("do_not_migrate")]
    [InlineData("migrate")]
    public async Task A_cluster_says_whose_guests_leave_a_host_that_is_not_operational(string onError)
    {
        var shown = await TestApi.Xml(await _api.Send(HttpMethod.Put, $"/clusters/{TestApi.Cluster}",
            $"<cluster><error_handling><on_error>{onError}</on_error></error_handling></cluster>"), HttpStatusCode.OK);
        Assert.Equal(onError, (string?)shown.Element("error_handling")!.Element("on_error"));
        await TestApi.FaultOf(await _api.Send(HttpMethod.Put, $"/clusters/{TestApi.Cluster}",
            "<cluster><error_handling><on_error>panic</on_error></error_handling></cluster>"), HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_cluster_is_to_survive_the_loss_of_a_host()
    {
        Assert.Equal("false", (string?)(await _api.GetXml($"/clusters/{TestApi.Cluster}")).Element("ha_reservation"));
        var shown = await TestApi.Xml(await _api.Send(
            HttpMethod.Put, $"/clusters/{TestApi.Cluster}", "<cluster><ha_reservation>true</ha_reservation></cluster>"), HttpStatusCode.OK);
        Assert.Equal("true", (string?)shown.Element("ha_reservation"));
        Assert.True(_api.LastCommand<ClusterCommand.Update>().Patch.HaReservation);
    }

    [Theory]
    [InlineData("passwd_script", "/bin/sh")]
    [InlineData("action", "off")]
    [InlineData("lanplus", "1\npasswd_script=/bin/sh")]
    public async Task A_fence_option_cannot_smuggle_in_a_program(string name, string value)
    {
        var body = new XElement("agent", new XElement("type", "ipmilan"), new XElement("address", "a"),
            new XElement("options", new XElement("option", new XElement("name", name), new XElement("value", value))));
        await TestApi.FaultOf(
            await _api.Post($"/hosts/{TestApi.Host}/fenceagents", body.ToString()), HttpStatusCode.BadRequest);
        Assert.Empty(_api.Engine.Commands);
    }

    [Fact]
    public async Task A_storage_domain_is_made_attached_and_activated()
    {
        var made = await TestApi.Xml(await _api.Post("/storagedomains", """
            <storage_domain><name>data-2</name><type>data</type><host><name>host-1</name></host>
            <storage><type>posixfs</type><path>/shared/two/</path><vfs_type>nfs4</vfs_type></storage></storage_domain>
            """), HttpStatusCode.Created);
        Assert.Equal("/shared/two", _api.LastCommand<StorageDomainCommand.Create>().Config.Path);
        var id = (string)made.Attribute("id")!;
        var attached = await TestApi.Xml(await _api.Post(
            $"/datacenters/{TestApi.DataCenter}/storagedomains", $"<storage_domain id='{id}'/>"), HttpStatusCode.Created);
        Assert.Equal("active", (string?)attached.Element("status"));
        await _api.Post($"/datacenters/{TestApi.DataCenter}/storagedomains/{id}/deactivate", "<action/>");
        var list = await _api.GetXml($"/datacenters/{TestApi.DataCenter}/storagedomains");
        Assert.Equal(["active", "maintenance"], list.Elements().Select(domain => (string)domain.Element("status")!));
        Assert.Equal("up", (string?)(await _api.GetXml($"/datacenters/{TestApi.DataCenter}")).Element("status"));
        await _api.Send(HttpMethod.Delete, $"/datacenters/{TestApi.DataCenter}/storagedomains/{id}");
        Assert.Equal("unattached", (string?)(await _api.GetXml($"/storagedomains/{id}")).Element("status"));
        var escape = "<storage_domain><name>x</name><host><name>host-1</name></host><storage><type>posixfs</type><path>/a/../etc</path></storage></storage_domain>";
        await TestApi.FaultOf(await _api.Post("/storagedomains", escape), HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Updates_change_what_was_sent_and_a_new_name_is_claimed()
    {
        var vm = await TestApi.Xml(await _api.Send(HttpMethod.Put, $"/vms/{TestApi.Vm}",
            "<vm><name>web2</name><description>front</description></vm>"), HttpStatusCode.OK);
        Assert.Equal("web2", (string?)vm.Element("name"));
        var patch = _api.LastCommand<VmCommand.Update>().Patch;
        Assert.Equal(("web2", "front", (long?)null), (patch.Name, patch.Description, patch.Memory));
        var other = "<vm><name>web2</name><cluster><name>Default</name></cluster></vm>";
        await TestApi.FaultOf(await _api.Post("/vms", other), HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task Searches_find_by_name_status_and_cluster()
    {
        foreach (var name in new[] { "db-1", "db-2", "DB-3", "db_4" })
            await _api.Post("/vms", $"<vm><name>{name}</name><cluster><name>Default</name></cluster></vm>");
        Assert.Equal(["DB-3", "db-1", "db-2", "db_4"], await Found("name=db*"));
        Assert.Equal(["db-1", "db-2", "db_4"], await Found("name=db*", "&case_sensitive=true"));
        Assert.Equal(["db_4"], await Found("name=db_*"));
        Assert.Equal(["db_4", "db-2"], await Found("name=db* sortby name desc", "&max=2"));
        Assert.Equal(["db-2", "db_4"], await Found("name=db* and cluster=Default page 2", "&max=2"));
        Assert.Equal(["web"], await Found("name=web and status=down"));
        Assert.Empty(await Found("status=up"));
        Assert.Empty(await Found("cluster=nowhere"));
        Assert.Equal(2, (await _api.GetXml("/vms;max=2")).Elements().Count());
    }

    [Fact]
    public async Task Follow_puts_the_linked_objects_into_the_answer()
    {
        await _api.Post($"/vms/{TestApi.Vm}/nics", "<nic><name>nic1</name></nic>");
        await AttachedDisk();
        var vm = await _api.GetXml($"/vms/{TestApi.Vm}?follow=nics,disk_attachments.disk,cluster");
        Assert.Equal("nic1", (string?)vm.Element("nics")!.Element("nic")!.Element("name"));
        Assert.Equal("1048576", (string?)vm.Element("disk_attachments")!.Element("disk_attachment")!.Element("disk")!.Element("provisioned_size"));
        Assert.Equal("Default", (string?)vm.Element("cluster")!.Element("name"));
        Assert.DoesNotContain(vm.Elements("link"), link => (string?)link.Attribute("rel") == "nics");
        var list = await _api.GetJson("/vms?follow=nics");
        Assert.Equal("nic1", (string?)list["vm"]![0]!["nics"]!["nic"]![0]!["name"]);
        await TestApi.FaultOf(await _api.Client.GetAsync("/ovirt-engine/api/vms?follow=colour"), HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task Events_are_newest_first_and_can_be_followed_by_number()
    {
        for (var id = 1; id <= 3; id++)
            _api.Engine.Audit.Add(new AuditRow(id, new AuditLine(
                153, Severity.Warning, $"line {id}", _api.Clock.Now, id == 2 ? "corr" : null, TestApi.User, Vm: TestApi.Vm)));
        Assert.Equal(["3", "2", "1"], (await _api.GetXml("/events")).Elements().Select(line => (string)line.Attribute("id")!));
        Assert.Equal(["3"], (await _api.GetXml("/events?from=2")).Elements().Select(line => (string)line.Attribute("id")!));
        Assert.Equal("line 2", (string?)(await _api.GetXml("/events?search=correlation_id%3Dcorr")).Element("event")!.Element("description"));
        Assert.Equal("warning", (string?)(await _api.GetXml("/events/2")).Element("severity"));
    }

    [Fact]
    public async Task Expect_201_waits_until_the_disk_is_unlocked()
    {
        var waiting = _api.Send(HttpMethod.Post, "/disks",
            $"""<disk><name>d</name><provisioned_size>1048576</provisioned_size><storage_domains><storage_domain id="{TestApi.Domain}"/></storage_domains></disk>""",
            headers: ("X-Ovirt-Expect", "201-created"));
        while (!_api.Engine.Commands.Any(sent => sent.Command is DiskCommand.Create)) await Task.Delay(10);
        Assert.False(waiting.IsCompleted);
        Unlock(_api.Engine.Commands.Single(sent => sent.Command is DiskCommand.Create).Id);
        var disk = await TestApi.Xml(await waiting, HttpStatusCode.Created);
        Assert.Equal("ok", (string?)disk.Element("status"));
    }

    [Fact]
    public async Task Answers_are_packed_for_those_who_ask()
    {
        var response = await _api.Send(HttpMethod.Get, "", headers: ("Accept-Encoding", "gzip"));
        Assert.Equal("gzip", response.Content.Headers.ContentEncoding.Single());
    }

    [Fact]
    public async Task An_empty_collection_is_an_empty_object_or_element()
    {
        Assert.Equal("{}", (await _api.GetJson("/vmpools")).ToJsonString());
        Assert.Empty((await _api.GetXml("/disks")).Elements());
        Assert.Equal("disks", (await _api.GetXml("/disks?accept=application/xml")).Name.LocalName);
    }

    [Fact]
    public async Task Operators_see_health_owners_and_the_ca()
    {
        Assert.Equal("DB Up!Welcome to Health Status!", await _api.Stranger.GetStringAsync("/ovirt-engine/services/health"));
        var ca = await _api.Stranger.GetStringAsync(
            "/ovirt-engine/services/pki-resource?resource=ca-certificate&format=X509-PEM-CA");
        Assert.StartsWith("-----BEGIN", ca, StringComparison.Ordinal);
        Assert.Equal("""{"node":"node1","address":"127.0.0.1:2551","epoch":7,"pid":4711}""",
            await _api.Client.GetStringAsync($"/orchestrator/owner?type=vm&id={TestApi.Vm}"));
        Assert.Contains("\"vm\":12", await _api.Client.GetStringAsync("/orchestrator/status"), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _api.Stranger.GetAsync("/orchestrator/status")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await _api.Client.GetAsync("/orchestrator/owner?type=vm")).StatusCode);
    }

    [Fact]
    public async Task A_cluster_says_when_its_hosts_are_not_fenced()
    {
        Task<HttpResponseMessage> Put(string policy) => _api.Send(HttpMethod.Put, $"/clusters/{TestApi.Cluster}",
            $"<cluster><fencing_policy>{policy}</fencing_policy></cluster>");
        var shown = (await TestApi.Xml(await Put(
            "<skip_if_connectivity_broken><enabled>true</enabled><threshold>40</threshold></skip_if_connectivity_broken>"), HttpStatusCode.OK))
            .Element("fencing_policy")!;
        Assert.Equal("true", (string?)shown.Element("enabled"));
        Assert.Equal("true", (string?)shown.Element("skip_if_connectivity_broken")!.Element("enabled"));
        Assert.Equal("40", (string?)shown.Element("skip_if_connectivity_broken")!.Element("threshold"));
        Assert.Equal("false", (string?)shown.Element("skip_if_sd_active")!.Element("enabled"));

        Assert.Contains("from 1 to 100", await TestApi.FaultOf(await Put(
            "<skip_if_connectivity_broken><threshold>0</threshold></skip_if_connectivity_broken>"), HttpStatusCode.BadRequest), StringComparison.Ordinal);
        var spared = (await TestApi.Xml(await Put(
            "<skip_if_sd_active><enabled>true</enabled></skip_if_sd_active>"), HttpStatusCode.OK)).Element("fencing_policy")!;
        Assert.Equal("true", (string?)spared.Element("skip_if_sd_active")!.Element("enabled"));
        Assert.Equal("true", (string?)spared.Element("skip_if_connectivity_broken")!.Element("enabled"));
        Assert.Contains("does not have it yet", await TestApi.FaultOf(await Put(
            "<skip_if_gluster_bricks_up>true</skip_if_gluster_bricks_up>"), HttpStatusCode.BadRequest), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disk_has_one_vm_until_that_gives_it_back()
    {
        var disk = await AttachedDisk();
        Unlock(disk);
        var other = await TestApi.Xml(await _api.Post("/vms", """<vm><name>other</name><cluster><name>Default</name></cluster></vm>"""),
            HttpStatusCode.Created);
        var attach = $"/vms/{(string)other.Attribute("id")!}/diskattachments";
        var body = $"""<disk_attachment><disk id="{disk}"/></disk_attachment>""";

        Assert.Contains("attached", await TestApi.FaultOf(await _api.Post(attach, body), HttpStatusCode.Conflict), StringComparison.Ordinal);
        Assert.Contains("attached", await TestApi.FaultOf(await _api.Send(HttpMethod.Delete, $"/disks/{disk}"), HttpStatusCode.Conflict), StringComparison.Ordinal);
        var inline = $"""<vm><name>third</name><cluster><name>Default</name></cluster><disk_attachments>{body}</disk_attachments></vm>""";
        Assert.Contains("attached", await TestApi.FaultOf(await _api.Post("/vms", inline), HttpStatusCode.Conflict), StringComparison.Ordinal);
        Assert.Equal([TestApi.Vm], _api.Engine.View<DiskView>(Kinds.Disk, disk).Vms.Select(v => v.Value));

        (await _api.Send(HttpMethod.Delete, $"/vms/{TestApi.Vm}/diskattachments/{disk}")).EnsureSuccessStatusCode();
        Assert.Empty(_api.Engine.View<DiskView>(Kinds.Disk, disk).Vms);
        await TestApi.Xml(await _api.Post(attach, body), HttpStatusCode.Created);
        (await _api.Send(HttpMethod.Delete, $"/vms/{(string)other.Attribute("id")!}?detach_only=true")).EnsureSuccessStatusCode();
        Assert.Empty(_api.Engine.View<DiskView>(Kinds.Disk, disk).Vms);
    }

    [Fact]
    public async Task What_others_belong_to_is_not_removed()
    {
        await AttachedDisk();
        Assert.Contains("clusters or storage domains", await TestApi.FaultOf(
            await _api.Send(HttpMethod.Delete, $"/datacenters/{TestApi.DataCenter}"), HttpStatusCode.Conflict), StringComparison.Ordinal);
        Assert.Contains("still holds disks", await TestApi.FaultOf(
            await _api.Send(HttpMethod.Delete, $"/storagedomains/{TestApi.Domain}"), HttpStatusCode.Conflict), StringComparison.Ordinal);
        Assert.Contains("still has hosts, VMs", await TestApi.FaultOf(
            await _api.Send(HttpMethod.Delete, $"/clusters/{TestApi.Cluster}"), HttpStatusCode.Conflict), StringComparison.Ordinal);
        Assert.DoesNotContain(_api.Engine.Commands, c =>
            c.Command is DataCenterCommand.Remove or StorageDomainCommand.Remove or ClusterCommand.Remove);
        (await _api.Send(HttpMethod.Delete, $"/storagedomains/{TestApi.Domain}?destroy=true")).EnsureSuccessStatusCode();
    }

    [Fact]
    public async Task A_shareable_disk_is_raw_unless_it_is_said_otherwise()
    {
        (await _api.Post("/disks", $"""
            <disk><name>both</name><provisioned_size>1048576</provisioned_size><shareable>true</shareable>
            <storage_domains><storage_domain id="{TestApi.Domain}"/></storage_domains></disk>
            """)).EnsureSuccessStatusCode();
        Assert.Equal("raw", _api.LastCommand<DiskCommand.Create>().Config.Format);
    }

    /// <summary>An engine that died between two commands leaves such disks behind.</summary>
    [Fact]
    public async Task A_disk_held_by_a_vm_that_does_not_list_it_is_free()
    {
        var disk = await AttachedDisk();
        var view = _api.Engine.View<DiskView>(Kinds.Disk, disk);
        _api.Engine.Put(Kinds.Disk, disk, view with { Status = "ok", Vms = [new VmId(Guid.NewGuid())] });
        (await _api.Send(HttpMethod.Delete, $"/disks/{disk}")).EnsureSuccessStatusCode();
    }

    private async Task<IEnumerable<string>> Found(string search, string more = "") =>
        (await _api.GetXml($"/vms?search={Uri.EscapeDataString(search)}{more}")).Elements()
        .Select(vm => (string)vm.Element("name")!).ToList();

    private async Task<Guid> AttachedDisk()
    {
        var attachment = await TestApi.Xml(await _api.Post($"/vms/{TestApi.Vm}/diskattachments", $"""
            <disk_attachment><disk><provisioned_size>1048576</provisioned_size><format>raw</format>
            <storage_domains><storage_domain><name>data-1</name></storage_domain></storage_domains></disk></disk_attachment>
            """), HttpStatusCode.Created);
        var id = Guid.Parse((string)attachment.Attribute("id")!);
        Assert.Equal("web_Disk1", _api.LastCommand<DiskCommand.Create>().Config.Name);
        return id;
    }

    private void Unlock(Guid disk) =>
        _api.Engine.Put(Kinds.Disk, disk, _api.Engine.View<DiskView>(Kinds.Disk, disk) with { Status = "ok" });
}
