using System.Net;
using System.Xml.Linq;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Template;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Api;

/// <summary>Versions of templates: their names and numbers, the latest one, and who is removed last.</summary>
public sealed class TemplateVersionTests : IAsyncLifetime
{
    private readonly TestApi _api = new();

    public Task InitializeAsync() => _api.InitializeAsync();

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [Fact]
    public async Task Versions_have_the_name_of_their_base_template_and_count_from_it()
    {
        var first = await Add($"<template><name>web</name><vm id='{TestApi.Vm}'/></template>");
        Assert.Equal(("1", "base version", Id(first)), Shown(first));
        var second = await Add(Version("<name>web</name>", "<version_name>v2</version_name>"));
        var third = await Add(Version("<name>whatever</name>", ""));
        Assert.Equal(("2", "v2", Id(first)), Shown(second));
        Assert.Equal(("3", "", Id(first)), Shown(third));
        Assert.Equal("web", (string?)third.Element("name"));
        Assert.Equal(["1", "2", "3"], (await _api.GetXml("/templates")).Elements("template").Where(t => (string?)t.Element("name") == "web")
            .Select(t => (string?)t.Element("version")!.Element("version_number")));

        // Of a version there are none, nor of Blank, nor of what is not there.
        await Refused($"<template><name>x</name><vm id='{TestApi.Vm}'/><version><base_template id='{TemplateId.Blank}'/></version></template>", HttpStatusCode.Conflict);
        await Refused($"<template><name>x</name><vm id='{TestApi.Vm}'/><version><base_template id='{TestApi.Unknown}'/></version></template>", HttpStatusCode.NotFound);
        await TestApi.FaultOf(await _api.Post("/templates?seal=true", $"<template><name>y</name><os><type>windows_2022</type></os><vm id='{TestApi.Vm}'/></template>"), HttpStatusCode.Conflict);

        // By its name the base template is meant, and the latest version where that is asked.
        Assert.Equal(Id(first), await Made(""));
        Assert.Equal(Id(third), await Made("<use_latest_template_version>true</use_latest_template_version>"));
        _api.Engine.Put(Kinds.Template, Guid.Parse(Id(third)), _api.Engine.View<TemplateView>(Kinds.Template, Guid.Parse(Id(third))) with { Status = "locked" });
        Assert.Equal(Id(second), await Made("<use_latest_template_version>true</use_latest_template_version>"));

        // They change their name together.
        await TestApi.FaultOf(await _api.Send(HttpMethod.Put, $"/templates/{Id(second)}", "<template><name>shop</name></template>"), HttpStatusCode.Conflict);
        await TestApi.Xml(await _api.Send(HttpMethod.Put, $"/templates/{Id(first)}", "<template><name>shop</name></template>"), HttpStatusCode.OK);
        Assert.Equal("shop", (string?)(await _api.GetXml($"/templates/{Id(second)}")).Element("name"));

        await TestApi.FaultOf(await _api.Send(HttpMethod.Delete, $"/templates/{Id(first)}"), HttpStatusCode.Conflict);
        Assert.True(_api.Engine.Has(Kinds.Template, Guid.Parse(Id(first))));
    }

    [Fact]
    public async Task A_number_is_given_back_when_no_version_comes_of_it()
    {
        var first = await Add($"<template><name>web</name><vm id='{TestApi.Vm}'/></template>");
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, _api.Engine.View<VmView>(Kinds.Vm, TestApi.Vm) with
        {
            Config = _api.Engine.View<VmView>(Kinds.Vm, TestApi.Vm).Config with { Disks = [new DiskAttachment(new(TestApi.Unknown), "virtio", true, true, false)] },
        });
        await Refused(Version("<name>web</name>", ""), HttpStatusCode.NotFound);
        Assert.Empty(_api.Engine.View<TemplateView>(Kinds.Template, Guid.Parse(Id(first))).Versions);
        Assert.Equal(HttpStatusCode.OK, (await _api.Send(HttpMethod.Delete, $"/templates/{Id(first)}")).StatusCode);
    }

    private static string Version(string name, string version) =>
        $"<template>{name}<vm id='{TestApi.Vm}'/><version><base_template><name>web</name></base_template>{version}</version></template>";

    private async Task<XElement> Add(string body) => await TestApi.Xml(await _api.Post("/templates", body), HttpStatusCode.Created);

    private async Task Refused(string body, HttpStatusCode status) => await TestApi.FaultOf(await _api.Post("/templates", body), status);

    private int _vms;

    private async Task<string> Made(string more)
    {
        await TestApi.Xml(await _api.Post("/vms", $"<vm><name>of-{++_vms}</name><cluster><name>Default</name></cluster><template><name>web</name></template>{more}</vm>"), HttpStatusCode.Created);
        return _api.LastCommand<VmCommand.Create>().Config.Template.ToString();
    }

    private static string Id(XElement template) => (string)template.Attribute("id")!;

    private static (string?, string?, string?) Shown(XElement template) => (
        (string?)template.Element("version")!.Element("version_number"), (string?)template.Element("version")!.Element("version_name"),
        (string?)template.Element("version")!.Element("base_template")!.Attribute("id"));
}
