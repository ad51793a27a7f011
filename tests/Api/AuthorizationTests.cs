using System.Net;
using System.Xml.Linq;
using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Access;
using Orchestrator.Api.Resources;

namespace Orchestrator.Tests.Api;

/// <summary>Who may do what: the table of routes, and how roles come down the tree of objects.</summary>
public sealed class AuthorizationTests : IAsyncLifetime
{
    private const string Guest = "guest@internal";
    private static readonly Guid _disk = new("00000000-0000-4000-8000-0000000000b1");
    private readonly TestApi _api = new();
    private Guid _guest;

    public async Task InitializeAsync()
    {
        await _api.InitializeAsync();
        _api.Stranger.DefaultRequestHeaders.Authorization = TestApi.Basic(Guest, TestApi.Password);
        _guest = _api.Users.All.Single(user => user.Name == Guest).Id;
        _api.Engine.Put(Kinds.Disk, _disk, new DiskView
        {
            Id = new(_disk),
            Status = "ok",
            Path = "/p",
            CreatedAt = _api.Clock.Now,
            Vms = [new(TestApi.Vm)],
            Config = new DiskConfig { Name = "root", StorageDomain = new(TestApi.Domain), ProvisionedSize = 1L << 30 },
        });
    }

    public Task DisposeAsync() => _api.DisposeAsync();

    [Fact]
    public void Every_route_has_a_line_in_the_table()
    {
        var missing = string.Join('\n', Routes.All().Routes
            .Where(route => Guards.Find(route.Method, route.Path) is null).Select(route => $"{route.Method} {route.Path}"));
        Assert.True(missing.Length == 0, missing);
    }

    /// <summary>Lists are empty or hold what everybody sees, what is not seen is not there, and nothing is changed.</summary>
    [Fact]
    public async Task A_user_without_rights_gets_nothing_from_any_route_and_changes_nothing()
    {
        var (asked, commands) = (0, _api.Engine.Commands.Count);
        foreach (var (method, pattern, _) in Routes.All().Routes)
        {
            foreach (var id in new[] { IdFor(pattern), TestApi.Unknown })
            {
                var path = pattern.Replace("{id}", id.ToString(), StringComparison.Ordinal)
                    .Replace("{number}", "1", StringComparison.Ordinal).Replace("{word}", "766e63", StringComparison.Ordinal);
                var answer = await As(method, "/" + path, method is "GET" or "DELETE" ? null : BodyFor(pattern));
                asked++;
                var text = await answer.Content.ReadAsStringAsync();
                if (IsForEverybody(method, pattern)) continue;
                if (method == "GET" && answer.StatusCode == HttpStatusCode.OK)
                    Assert.True(!XElement.Parse(text).Elements().Any(), $"{method} {path} showed {text}");
                else
                    Assert.True(answer.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.NotFound || (method == "GET" && answer.StatusCode == HttpStatusCode.BadRequest),
                        $"{method} {path} was answered with {(int)answer.StatusCode}: {text}");
            }
        }

        Assert.True(asked > 300, $"only {asked} requests");
        Assert.Equal(commands, _api.Engine.Commands.Count);
        Assert.Empty(await _api.Access.Permissions(new PermissionQuery(Holder: _guest), default));
    }

    [Theory]
    [InlineData("system")]
    [InlineData(Kinds.DataCenter)]
    [InlineData(Kinds.Cluster)]
    [InlineData(Kinds.Vm)]
    public async Task A_role_counts_on_the_object_and_all_below_it(string kind)
    {
        Assert.Equal(HttpStatusCode.Forbidden, (await Start()).StatusCode);
        await Give(PredefinedRoles.UserRole, kind switch
        {
            "system" => ObjectRef.System,
            Kinds.DataCenter => new(kind, TestApi.DataCenter),
            Kinds.Cluster => new(kind, TestApi.Cluster),
            _ => new(kind, TestApi.Vm),
        });
        Assert.Equal(HttpStatusCode.OK, (await Start()).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await As("GET", $"/vms/{TestApi.Vm}")).StatusCode);
        Assert.Single((await List("/vms")).Elements());
        Assert.Single((await List("/clusters")).Elements());
        // The disk of a VM comes with it; its role does not say that it may be removed.
        Assert.Equal(HttpStatusCode.OK, (await As("GET", $"/disks/{_disk}")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await As("DELETE", $"/disks/{_disk}")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await As("DELETE", $"/vms/{TestApi.Vm}")).StatusCode);
    }

    [Fact]
    public async Task A_role_elsewhere_does_not_count()
    {
        await Give(PredefinedRoles.UserVmManager, new(Kinds.Vm, TestApi.Unknown));
        await Give(PredefinedRoles.ClusterAdmin, new(Kinds.Host, TestApi.Host));
        Assert.Equal(HttpStatusCode.Forbidden, (await Start()).StatusCode);
    }

    [Fact]
    public async Task Administrators_see_everything_unless_they_ask_for_their_own()
    {
        await Give(PredefinedRoles.TagManager, new(Kinds.Host, TestApi.Host));
        Assert.Single((await List("/vms")).Elements());
        Assert.Empty((await List("/vms?filter=true")).Elements());
        Assert.Equal(HttpStatusCode.NotFound, (await As("GET", $"/vms/{TestApi.Vm}?filter=true")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await Start()).StatusCode);
    }

    [Fact]
    public async Task Filter_false_opens_nothing_to_a_user()
    {
        await Give(PredefinedRoles.UserRole, new(Kinds.Vm, TestApi.Unknown));
        Assert.Empty((await List("/vms?filter=false")).Elements());
    }

    [Fact]
    public async Task What_is_followed_is_guarded_as_what_is_asked_for()
    {
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, _api.Engine.View<VmView>(Kinds.Vm, TestApi.Vm) with { Status = "up", Host = new(TestApi.Host) });
        await Give(PredefinedRoles.UserRole, new(Kinds.Vm, TestApi.Vm));
        var vm = await List($"/vms/{TestApi.Vm}?follow=host,cluster");
        Assert.Null(vm.Element("host")?.Element("address"));
        Assert.NotNull(vm.Element("cluster")?.Element("name"));
    }

    [Fact]
    public async Task The_maker_of_a_vm_owns_it_and_loses_it_when_it_was_refused()
    {
        await Give(PredefinedRoles.VmCreator, new(Kinds.Cluster, TestApi.Cluster));
        await Give(PredefinedRoles.UserTemplateBasedVm, new(Kinds.Template, TemplateId.Blank.Value));
        _api.Engine.Refuse = Fault.AlreadyExists;
        var body = $"<vm><name>mine</name><cluster id=\"{TestApi.Cluster}\"/><template><name>Blank</name></template></vm>";
        Assert.NotEqual(HttpStatusCode.Created, (await As("POST", "/vms", body)).StatusCode);
        Assert.Equal(2, (await _api.Access.Permissions(new PermissionQuery(Holder: _guest), default)).Count);
        _api.Engine.Refuse = null;
        var made = await TestApi.Xml(await As("POST", "/vms", body), HttpStatusCode.Created);
        var given = Assert.Single(await _api.Access.Permissions(new PermissionQuery(Holder: _guest, On: [new(Kinds.Vm, Guid.Parse((string)made.Attribute("id")!))]), default));
        Assert.Equal(PredefinedRoles.UserVmManager.Id, given.Role);
        Assert.Equal(HttpStatusCode.OK, (await As("POST", $"/vms/{given.Object.Id}/start", "<action/>")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await Start()).StatusCode);
        Assert.Equal("mine", (string?)Assert.Single((await List("/vms")).Elements()).Element("name"));
    }

    [Fact]
    public async Task A_superuser_needs_no_role_on_what_he_makes()
    {
        await TestApi.Xml(await _api.Post("/vms", $"<vm><name>his</name><cluster id=\"{TestApi.Cluster}\"/></vm>"), HttpStatusCode.Created);
        Assert.All(await _api.Access.Permissions(new PermissionQuery(), default), permission => Assert.Equal(ObjectRef.System, permission.Object));
    }

    [Fact]
    public async Task Custom_properties_and_places_are_for_administrators_of_the_vm()
    {
        await Give(PredefinedRoles.UserVmManager, new(Kinds.Vm, TestApi.Vm));
        Assert.Equal(HttpStatusCode.OK, (await As("PUT", $"/vms/{TestApi.Vm}", "<vm><comment>x</comment></vm>")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await As("PUT", $"/vms/{TestApi.Vm}",
            "<vm><custom_properties><custom_property><name>hugepages</name><value>2048</value></custom_property></custom_properties></vm>")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await As("PUT", $"/vms/{TestApi.Vm}",
            $"<vm><placement_policy><hosts><host id=\"{TestApi.Host}\"/></hosts></placement_policy></vm>")).StatusCode);
    }

    [Fact]
    public async Task Permissions_are_given_shown_with_where_they_come_from_and_taken()
    {
        var given = await TestApi.Xml(await _api.Post($"/clusters/{TestApi.Cluster}/permissions",
            $"<permission><role><name>UserRole</name></role><user id=\"{_guest}\"/></permission>"), HttpStatusCode.Created);
        Assert.Equal(HttpStatusCode.OK, (await Start()).StatusCode);
        var below = await _api.GetXml($"/vms/{TestApi.Vm}/permissions");
        Assert.Equal(TestApi.Cluster.ToString(), (string?)below.Elements().Single(p => (string?)p.Attribute("id") == (string?)given.Attribute("id")).Element("cluster")!.Attribute("id"));
        Assert.Single((await _api.GetXml($"/users/{_guest}/permissions")).Elements());
        var taken = await _api.Send(HttpMethod.Delete, $"/clusters/{TestApi.Cluster}/permissions/{(string)given.Attribute("id")!}");
        Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await Start()).StatusCode);
    }

    [Fact]
    public async Task Who_may_give_permissions_on_an_object_may_not_make_administrators()
    {
        await Give(PredefinedRoles.UserVmManager, new(Kinds.Vm, TestApi.Vm));
        var path = $"/vms/{TestApi.Vm}/permissions";
        Assert.Equal(HttpStatusCode.Created, (await As("POST", path, $"<permission><role><name>UserRole</name></role><group id=\"{Group.Everyone.Id}\"/></permission>")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await As("POST", path, $"<permission><role><name>ClusterAdmin</name></role><user id=\"{_guest}\"/></permission>")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await As("POST", $"/users/{_guest}/permissions", $"<permission><role><name>UserRole</name></role></permission>")).StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, (await _api.Post($"/vms/{TestApi.Vm}/permissions", $"<permission><role><name>SuperUser</name></role><group id=\"{Group.Everyone.Id}\"/></permission>")).StatusCode);
    }

    [Fact]
    public async Task The_first_administrator_and_the_last_superuser_stay()
    {
        var admin = _api.Users.All.Single(user => user.Name == TestApi.User).Id;
        var own = Assert.Single((await _api.GetXml($"/users/{admin}/permissions")).Elements());
        Assert.Equal(HttpStatusCode.Conflict, (await _api.Send(HttpMethod.Delete, $"/permissions/{(string)own.Attribute("id")!}")).StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, (await _api.Send(HttpMethod.Delete, $"/users/{admin}")).StatusCode);
        await _api.Users.SetPassword("other@internal", TestApi.Password, true, default);
        _api.Stranger.DefaultRequestHeaders.Authorization = TestApi.Basic("other@internal", TestApi.Password);
        Assert.Equal(HttpStatusCode.Conflict, (await As("DELETE", $"/users/{admin}")).StatusCode);
    }

    [Fact]
    public async Task A_role_of_ones_own_counts_as_it_is_changed()
    {
        var made = await TestApi.Xml(await _api.Post("/roles",
            "<role><name>Starter</name><administrative>false</administrative><permits><permit><name>run_vm</name></permit></permits></role>"), HttpStatusCode.Created);
        var role = (string)made.Attribute("id")!;
        await TestApi.Xml(await _api.Post($"/vms/{TestApi.Vm}/permissions", $"<permission><role id=\"{role}\"/><user id=\"{_guest}\"/></permission>"), HttpStatusCode.Created);
        Assert.Equal(HttpStatusCode.OK, (await Start()).StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, (await _api.Send(HttpMethod.Delete, $"/roles/{role}")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await _api.Send(HttpMethod.Delete, $"/roles/{role}/permits/22")).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await Start()).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await _api.Post($"/roles/{role}/permits", "<permit id=\"500\"/>")).StatusCode);
        Assert.Equal(HttpStatusCode.Conflict, (await _api.Send(HttpMethod.Delete, $"/roles/{PredefinedRoles.UserRole.Id}")).StatusCode);
    }

    [Fact]
    public async Task A_removed_or_disabled_user_is_out_at_once()
    {
        Assert.Equal(HttpStatusCode.OK, (await As("GET", "/vms")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await _api.Post($"/users/{_guest}/disable", "<action/>")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await As("GET", "/vms")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await _api.Post($"/users/{_guest}/enable", "<action/>")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await As("GET", "/vms")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await _api.Send(HttpMethod.Delete, $"/users/{_guest}")).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await As("GET", "/vms")).StatusCode);
    }

    [Fact]
    public void The_predefined_roles_have_as_many_permits_as_oVirt_gives_them()
    {
        Assert.Equal(37, PredefinedRoles.All.Count);
        Assert.Equal(488, PredefinedRoles.All.Sum(role => role.Permits.Count));
        Assert.Equal(99, Permits.All.Count);
    }

    [Fact]
    public async Task Rights_are_asked_for_twice_a_second_at_most()
    {
        var before = _api.Access.Asked;
        for (var request = 0; request < 20; request++) await As("GET", "/clusters");
        Assert.InRange(_api.Access.Asked - before, 1, 10);
    }

    [Fact]
    public async Task What_was_known_is_believed_for_minutes_while_the_database_is_away()
    {
        var clock = new ManualClock();
        var cache = new RightsCache(_api.Access, clock);
        var admin = _api.Users.All.Single(user => user.Name == TestApi.User).Id;
        Assert.True((await cache.Of(admin, default))!.IsSuperUser);
        _api.Access.Away = new TimeoutException();
        clock.Now += RightsCache.LifeWithoutDatabase - TimeSpan.FromSeconds(1);
        Assert.True((await cache.Of(admin, default))!.IsSuperUser);
        await Assert.ThrowsAsync<TimeoutException>(() => cache.Of(_guest, default));
        clock.Now += TimeSpan.FromSeconds(1);
        await Assert.ThrowsAsync<TimeoutException>(() => cache.Of(admin, default));
    }

    private static bool IsForEverybody(string method, string pattern) => method switch
    {
        "GET" => pattern.Split('/')[0] is "operatingsystems" or "icons" or "clusterlevels" or "instancetypes" or "openapi.json" or "model"
            || pattern.StartsWith("model.", StringComparison.Ordinal) || pattern is "" or "roles" or "domains" or "networkfilters" or "users" or "groups" || pattern.StartsWith("roles/", StringComparison.Ordinal)
            || pattern.StartsWith("networkfilters/", StringComparison.Ordinal) || pattern.StartsWith("domains/", StringComparison.Ordinal),
        _ => false,
    };

    private static Guid IdFor(string pattern) => pattern.Split('/')[0] switch
    {
        "datacenters" => TestApi.DataCenter,
        "clusters" => TestApi.Cluster,
        "hosts" => TestApi.Host,
        "storagedomains" => TestApi.Domain,
        "disks" => _disk,
        "vms" => TestApi.Vm,
        "roles" => PredefinedRoles.UserRole.Id,
        "users" => new Guid(1, 2, 3, [.. new byte[8]]),
        "groups" => Guid.NewGuid(),
        _ => TestApi.Vm,
    };

    private static string BodyFor(string pattern) => pattern switch
    {
        "vms" => $"<vm><name>x</name><cluster id=\"{TestApi.Cluster}\"/></vm>",
        "hosts" => $"<host><name>x</name><address>a</address><cluster id=\"{TestApi.Cluster}\"/></host>",
        "disks" => $"<disk><name>x</name><provisioned_size>1</provisioned_size><storage_domains><storage_domain id=\"{TestApi.Domain}\"/></storage_domains></disk>",
        "templates" => $"<template><name>x</name><vm id=\"{TestApi.Vm}\"/></template>",
        _ when pattern.EndsWith("/permissions", StringComparison.Ordinal) || pattern == "permissions" =>
            $"<permission><role><name>SuperUser</name></role><user id=\"{new Guid(1, 2, 3, [.. new byte[7], 1])}\"/></permission>",
        _ => "<action/>",
    };

    private async Task Give(Role role, ObjectRef on)
    {
        await _api.Access.Give(new Permission(Guid.NewGuid(), role.Id, _guest, HolderKind.User, on), default);
        _api.Forget();
    }

    private Task<HttpResponseMessage> Start() => As("POST", $"/vms/{TestApi.Vm}/start", "<action/>");

    private async Task<XElement> List(string path) => await TestApi.Xml(await As("GET", path), HttpStatusCode.OK);

    private Task<HttpResponseMessage> As(string method, string path, string? body = null)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), "/ovirt-engine/api" + path);
        if (body is not null) request.Content = new StringContent(body, new System.Net.Http.Headers.MediaTypeHeaderValue("application/xml"));
        return _api.Stranger.SendAsync(request);
    }
}
