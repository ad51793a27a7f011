using System.Net;
using System.Xml.Linq;
using Orchestrator.Actors;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Api;

/// <summary>Networks, vNIC profiles, tags, MAC pools and the other configuration that the catalogue keeps.</summary>
public sealed class CatalogueTests : IAsyncLifetime
{
    private static readonly string Vm = $"/vms/{TestApi.Vm}";
    private readonly TestApi _api = new();

    public Task InitializeAsync() => _api.InitializeAsync();

    public Task DisposeAsync() => _api.DisposeAsync();

    [Fact]
    public async Task A_data_center_has_ovirtmgmt_and_a_profile_of_it()
    {
        var network = (await _api.GetXml($"/datacenters/{TestApi.DataCenter}/networks")).Element("network")!;
        Assert.Equal(("ovirtmgmt", "ovirtmgmt"), ((string?)network.Element("name"), (string?)network.Element("vdsm_name")));
        var profile = Assert.Single((await _api.GetXml("/vnicprofiles")).Elements("vnic_profile"));
        Assert.Equal("ovirtmgmt", (string?)profile.Element("name"));
        Assert.Equal((string?)network.Attribute("id"), (string?)profile.Element("network")!.Attribute("id"));
        var here = Assert.Single((await _api.GetXml($"/clusters/{TestApi.Cluster}/networks")).Elements("network"));
        Assert.Equal("true", (string?)here.Element("required"));
        await Refused(HttpMethod.Delete, $"/networks/{(string?)network.Attribute("id")}", null, 409, "every system");
        await Refused(HttpMethod.Delete, $"/vnicprofiles/{(string?)profile.Attribute("id")}", null, 409, "every system");
    }

    [Fact]
    public async Task A_nic_is_plugged_in_by_a_profile_a_network_or_a_bridge()
    {
        var network = await Made("/networks", $"<network><name>storage-and-backup</name><vlan id='12'/><data_center id='{TestApi.DataCenter}'/></network>");
        var bridge = (string)network.Element("vdsm_name")!;
        Assert.Matches("^on[0-9a-f]{13}$", bridge);
        Assert.Equal("12", (string?)network.Element("vlan")!.Attribute("id"));
        var own = Assert.Single((await _api.GetXml($"/networks/{IdOf(network)}/vnicprofiles")).Elements("vnic_profile"));
        Assert.Equal("storage-and-backup", (string?)own.Element("name"));
        var profile = await Made($"/networks/{IdOf(network)}/vnicprofiles", "<vnic_profile><name>guarded</name><network_filter><name>clean-traffic</name></network_filter></vnic_profile>");

        await Made($"{Vm}/nics", $"<nic><name>a</name><vnic_profile id='{IdOf(profile)}'/></nic>");
        var added = _api.LastCommand<VmCommand.AddNic>().Nic;
        Assert.Equal((bridge, Guid.Parse(IdOf(profile)), "clean-traffic"), (added.Bridge, added.Profile, added.Filter));
        var shown = await Made($"{Vm}/nics", "<nic><name>b</name><network><name>storage-and-backup</name></network></nic>");
        Assert.Equal(IdOf(own), (string?)shown.Element("vnic_profile")!.Attribute("id"));
        await Made($"{Vm}/nics", "<nic><name>c</name><network><name>br7</name></network></nic>");
        Assert.Equal(("br7", (Guid?)null), (_api.LastCommand<VmCommand.AddNic>().Nic.Bridge, _api.LastCommand<VmCommand.AddNic>().Nic.Profile));
        await Refused(HttpMethod.Post, $"{Vm}/nics", $"<nic><name>d</name><vnic_profile id='{TestApi.Unknown}'/></nic>", 404, "vnic_profile");

        await Refused(HttpMethod.Delete, $"/vnicprofiles/{IdOf(profile)}", null, 409, "in use by the VM web");
        await Refused(HttpMethod.Delete, $"/networks/{IdOf(network)}", null, 409, "in use by the VM web");
        foreach (var nic in (await _api.GetXml($"{Vm}/nics")).Elements("nic"))
            await TestApi.Xml(await _api.Send(HttpMethod.Delete, $"{Vm}/nics/{IdOf(nic)}"), HttpStatusCode.OK);
        await TestApi.Xml(await _api.Send(HttpMethod.Delete, $"/networks/{IdOf(network)}"), HttpStatusCode.OK);
        Assert.Single((await _api.GetXml("/vnicprofiles")).Elements("vnic_profile"));
        await Refused(HttpMethod.Get, $"/networks/{IdOf(network)}", null, 404, "network");
    }

    [Fact]
    public async Task A_name_is_unique_where_the_object_is()
    {
        var body = $"<network><name>lan</name><data_center id='{TestApi.DataCenter}'/></network>";
        var network = await Made("/networks", body);
        await Refused(HttpMethod.Post, "/networks", body, 409, "in use by another Network");
        await Refused(HttpMethod.Post, "/networks", body.Replace("lan", "ovirtmgmt", StringComparison.Ordinal), 409, "in use by another Network");
        await Refused(HttpMethod.Put, $"/networks/{IdOf(network)}", "<network><name>ovirtmgmt</name></network>", 409, "in use by another Network");
        var renamed = await TestApi.Xml(await _api.Send(HttpMethod.Put, $"/networks/{IdOf(network)}", "<network><name>wan</name></network>"), HttpStatusCode.OK);
        Assert.Equal(("wan", "lan"), ((string?)renamed.Element("name"), (string?)renamed.Element("vdsm_name")));
        Assert.Equal("wan", (string?)(await _api.GetXml($"/datacenters/{TestApi.DataCenter}/networks/{IdOf(network)}")).Element("name"));
    }

    [Fact]
    public async Task A_cluster_carries_the_networks_that_it_is_given()
    {
        var network = await Made("/networks", $"<network><name>lan</name><data_center id='{TestApi.DataCenter}'/></network>");
        var path = $"/clusters/{TestApi.Cluster}/networks";
        await Made(path, $"<network id='{IdOf(network)}'><required>false</required></network>");
        await Refused(HttpMethod.Post, path, "<network><name>lan</name></network>", 409, "already");
        Assert.Equal("false", (string?)(await _api.GetXml($"{path}/{IdOf(network)}")).Element("required"));
        await Made($"{Vm}/nics", "<nic><name>a</name><network><name>lan</name></network></nic>");
        await Refused(HttpMethod.Delete, $"{path}/{IdOf(network)}", null, 409, "web");
        var update = await _api.Send(HttpMethod.Put, $"{path}/{IdOf(network)}", "<network><usages><usage>vm</usage><usage>migration</usage></usages></network>");
        Assert.Equal(["vm", "migration"], (await TestApi.Xml(update, HttpStatusCode.OK)).Element("usages")!.Elements().Select(usage => usage.Value));
    }

    [Fact]
    public async Task Tags_form_a_tree_and_are_stuck_on_objects()
    {
        var upper = await Made("/tags", "<tag><name>site</name></tag>");
        var lower = await Made("/tags", $"<tag><name>rack</name><parent id='{IdOf(upper)}'/></tag>");
        Assert.Equal(Guid.Empty.ToString(), (string?)upper.Element("parent")!.Attribute("id"));
        await Refused(HttpMethod.Put, $"/tags/{IdOf(upper)}", $"<tag><parent id='{IdOf(lower)}'/></tag>", 409, "below itself");
        await Made($"{Vm}/tags", "<tag><name>rack</name></tag>");
        await Made($"/hosts/{TestApi.Host}/tags", $"<tag id='{IdOf(lower)}'/>");
        Assert.Equal("rack", (string?)Assert.Single((await _api.GetXml($"{Vm}/tags")).Elements("tag")).Element("name"));
        await Refused(HttpMethod.Delete, $"/tags/{IdOf(upper)}", null, 409, "rack is below");
        await TestApi.Xml(await _api.Send(HttpMethod.Delete, $"{Vm}/tags/{IdOf(lower)}"), HttpStatusCode.OK);
        Assert.Empty((await _api.GetXml($"{Vm}/tags")).Elements("tag"));
        await TestApi.Xml(await _api.Send(HttpMethod.Delete, $"/tags/{IdOf(lower)}"), HttpStatusCode.OK);
        Assert.Empty((await _api.GetXml($"/hosts/{TestApi.Host}/tags")).Elements("tag"));
    }

    [Fact]
    public async Task Addresses_come_from_the_ranges_until_there_is_none_left()
    {
        var pool = Assert.Single((await _api.GetXml("/macpools")).Elements("mac_pool"));
        var path = $"/macpools/{IdOf(pool)}";
        const string ranges = "<mac_pool><ranges><range><from>02:00:00:00:00:01</from><to>02:00:00:00:00:02</to></range></ranges></mac_pool>";
        await TestApi.Xml(await _api.Send(HttpMethod.Put, path, ranges), HttpStatusCode.OK);
        var macs = new List<string>();
        foreach (var name in (string[])["a", "b"])
            macs.Add((string)(await Made($"{Vm}/nics", $"<nic><name>{name}</name></nic>")).Element("mac")!.Element("address")!);
        Assert.Equal(["02:00:00:00:00:01", "02:00:00:00:00:02"], macs);
        await Refused(HttpMethod.Post, $"{Vm}/nics", "<nic><name>c</name></nic>", 409, "no free address");
        await Refused(HttpMethod.Put, path, ranges.Replace("02:00:00:00:00:01", "03:00:00:00:00:01", StringComparison.Ordinal), 400, "behind");
        await Refused(HttpMethod.Put, path, ranges.Replace("<to>02:", "<to>x2:", StringComparison.Ordinal), 400, "six octets");
        await Refused(HttpMethod.Post, "/macpools", ranges.Replace("<ranges>", "<name>x</name><ranges>", StringComparison.Ordinal), 400, "does not have it yet");
    }

    [Theory]
    [InlineData("/bookmarks", "<bookmark><name>x</name><value>Vms: status=up</value></bookmark>")]
    [InlineData("/instancetypes", "<instance_type><name>x</name><memory>1073741824</memory></instance_type>")]
    [InlineData("/cpuprofiles", "<cpu_profile><name>x</name><cluster id='00000000-0000-4000-8000-0000000000c1'/></cpu_profile>")]
    [InlineData("/diskprofiles", "<disk_profile><name>x</name><storage_domain id='00000000-0000-4000-8000-0000000000e1'/></disk_profile>")]
    [InlineData("/datacenters/00000000-0000-4000-8000-0000000000d1/qoss", "<qos><name>x</name><type>network</type></qos>")]
    [InlineData("/datacenters/00000000-0000-4000-8000-0000000000d1/quotas", "<quota><name>x</name></quota>")]
    public async Task What_is_made_can_be_read_changed_and_removed(string path, string body)
    {
        var made = await Made(path, body);
        var own = ((string)made.Attribute("href")!)["/ovirt-engine/api".Length..];
        Assert.Equal($"{path}/{IdOf(made)}", own);
        var name = made.Name.LocalName;
        var changed = await _api.Send(HttpMethod.Put, own, $"<{name}><description>other</description></{name}>");
        if (name != "bookmark") Assert.Equal("other", (string?)(await TestApi.Xml(changed, HttpStatusCode.OK)).Element("description"));
        Assert.Equal("x", (string?)(await _api.GetXml(own)).Element("name"));
        Assert.Contains((await _api.GetXml(path)).Elements(), one => IdOf(one) == IdOf(made));
        await TestApi.Xml(await _api.Send(HttpMethod.Delete, own), HttpStatusCode.OK);
        await Refused(HttpMethod.Get, own, null, 404, "no");
    }

    [Fact]
    public async Task Lists_that_every_system_has_are_there()
    {
        Assert.Equal(["Large", "Medium", "Small", "Tiny", "XLarge"], (await _api.GetXml("/instancetypes")).Elements().Select(type => (string?)type.Element("name")));
        Assert.Equal("rhel_6x64", (string?)(await _api.GetXml("/operatingsystems/19")).Element("name"));
        Assert.NotEmpty(Assert.Single((await _api.GetXml("/clusterlevels")).Elements()).Element("cpu_types")!.Elements());
        Assert.Equal("100", (string?)(await _api.GetXml("/options/VmPriorityMaxValue")).Descendants("value").Last());
        Assert.Equal("Default", (string?)Assert.Single((await _api.GetXml($"/clusters/{TestApi.Cluster}/cpuprofiles")).Elements()).Element("name"));
        Assert.Single((await _api.GetXml($"/datacenters/{TestApi.DataCenter}/clusters/{TestApi.Cluster}/cpuprofiles")).Elements());
        await Refused(HttpMethod.Get, "/options/Nonsense", null, 404, "option");
        await Refused(HttpMethod.Put, $"/datacenters/{TestApi.DataCenter}", "<data_center><quota_mode>audit</quota_mode></data_center>", 400, "not enforced");
    }

    /// <summary>oVirt shows some objects at two places, and takes new ones at both.</summary>
    [Fact]
    public async Task Objects_are_found_and_made_below_what_they_belong_to()
    {
        var below = $"/datacenters/{TestApi.DataCenter}/clusters";
        await Made(below, "<cluster><name>second</name></cluster>");
        Assert.Equal(2, (await _api.GetXml(below)).Elements("cluster").Count());
        Assert.Equal("Default", (string?)(await _api.GetXml($"{below}/{TestApi.Cluster}")).Element("name"));
        await Refused(HttpMethod.Get, $"/datacenters/{TestApi.Unknown}/clusters/{TestApi.Cluster}", null, 404, "data");
        await Refused(HttpMethod.Post, $"/datacenters/{TestApi.Unknown}/clusters", "<cluster><name>third</name></cluster>", 404, "data");
        var disk = await TestApi.Xml(
            await _api.Post($"/storagedomains/{TestApi.Domain}/disks", "<disk><name>d</name><provisioned_size>1073741824</provisioned_size></disk>"), HttpStatusCode.Accepted);
        Assert.Equal("d", (string?)(await _api.GetXml($"/storagedomains/{TestApi.Domain}/disks/{IdOf(disk)}")).Element("name"));
        Assert.Equal("clean-traffic", (string?)(await _api.GetXml($"/clusters/{TestApi.Cluster}/networkfilters")).Elements().First(filter =>
            (string?)filter.Element("name") == "clean-traffic").Element("name"));
    }

    private static string IdOf(XElement element) => (string)element.Attribute("id")!;

    private async Task<XElement> Made(string path, string body) => await TestApi.Xml(await _api.Post(path, body), HttpStatusCode.Created);

    private async Task Refused(HttpMethod method, string path, string? body, int status, string says)
    {
        var before = _api.Engine.Fingerprint() + _api.Catalogue.Fingerprint();
        var detail = await TestApi.FaultOf(await _api.Send(method, path, body), (HttpStatusCode)status);
        Assert.Contains(says, detail, StringComparison.Ordinal);
        Assert.Equal(before, _api.Engine.Fingerprint() + _api.Catalogue.Fingerprint());
    }
}
