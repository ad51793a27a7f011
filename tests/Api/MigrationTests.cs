using System.Net;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Api;

/// <summary>The migration options of clusters and VMs, and how far a migration is.</summary>
public sealed class MigrationTests : IAsyncLifetime
{
    private const string PostCopy = "a7aeedb2-8d66-4e51-bb22-32595027ce71";
    private readonly TestApi _api = new();

    public Task InitializeAsync() => _api.InitializeAsync();

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [Fact]
    public async Task A_cluster_takes_what_it_is_given_and_keeps_the_rest()
    {
        await Put($"/clusters/{TestApi.Cluster}", $"<cluster><migration><encrypted>true</encrypted><policy id='{PostCopy}'/></migration></cluster>");
        var shown = (await Put($"/clusters/{TestApi.Cluster}",
            "<cluster><migration><bandwidth><assignment_method>custom</assignment_method><custom_value>800</custom_value></bandwidth></migration></cluster>"))
            .Element("migration")!;
        Assert.Equal("true", (string?)shown.Element("encrypted"));
        Assert.Equal(PostCopy, (string?)shown.Element("policy")!.Attribute("id"));
        Assert.Equal(("custom", "800"),
            ((string?)shown.Element("bandwidth")!.Element("assignment_method"), (string?)shown.Element("bandwidth")!.Element("custom_value")));
        Assert.Equal("inherit", (string?)shown.Element("auto_converge"));
    }

    [Theory]
    [InlineData("<policy id='99999999-0000-4000-8000-000000000000'/>", "migration.policy.id")]
    [InlineData("<policy id='fast'/>", "not a UUID")]
    [InlineData("<parallel_migrations_policy>custom</parallel_migrations_policy>", "custom_parallel_migrations")]
    [InlineData("<parallel_migrations_policy>many</parallel_migrations_policy>", "auto_parallel")]
    [InlineData("<bandwidth><assignment_method>custom</assignment_method></bandwidth>", "custom_value")]
    [InlineData("<auto_converge>perhaps</auto_converge>", "inherit")]
    public async Task What_is_not_possible_is_refused_and_changes_nothing(string migration, string says)
    {
        foreach (var (path, type) in new[] { ($"/clusters/{TestApi.Cluster}", "cluster"), ($"/vms/{TestApi.Vm}", "vm") })
        {
            var response = await _api.Send(HttpMethod.Put, path, $"<{type}><migration>{migration}</migration></{type}>");
            Assert.Contains(says, await TestApi.FaultOf(response, HttpStatusCode.BadRequest), StringComparison.Ordinal);
        }

        Assert.DoesNotContain(_api.Engine.Commands, c => c.Command is ClusterCommand.Update or VmCommand.Update);
    }

    [Fact]
    public async Task A_cluster_names_a_network_for_migrations_and_gives_it_up_again()
    {
        var path = $"/clusters/{TestApi.Cluster}";
        Assert.Null((await _api.GetXml(path)).Element("migration")!.Element("network_cidr"));
        var shown = await Put(path, "<cluster><migration><network_cidr> FD00:78:0::/64 </network_cidr></migration></cluster>");
        Assert.Equal("fd00:78::/64", (string?)shown.Element("migration")!.Element("network_cidr"));
        shown = await Put(path, "<cluster><comment>x</comment><migration><encrypted>true</encrypted></migration></cluster>");
        Assert.Equal("fd00:78::/64", (string?)shown.Element("migration")!.Element("network_cidr"));
        shown = await Put(path, "<cluster><migration><network_cidr/></migration></cluster>");
        Assert.Null(shown.Element("migration")!.Element("network_cidr"));
        Assert.Equal("true", (string?)shown.Element("migration")!.Element("encrypted"));
    }

    [Fact]
    public async Task A_network_of_migrations_can_be_given_up_in_json()
    {
        var path = $"/clusters/{TestApi.Cluster}";
        await Put(path, "<cluster><migration><network_cidr>10.78.0.0/24</network_cidr></migration></cluster>");
        var response = await _api.Send(HttpMethod.Put, path, "{\"migration\":{\"network_cidr\":\"\"}}", "application/json");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Null((await _api.GetXml(path)).Element("migration")!.Element("network_cidr"));
    }

    [Theory]
    [InlineData("10.78.0.1/24")]
    [InlineData("10.78.0.0")]
    [InlineData("migration")]
    public async Task What_is_no_network_is_refused(string network)
    {
        var body = $"<cluster><migration><network_cidr>{network}</network_cidr></migration></cluster>";
        var said = await TestApi.FaultOf(await _api.Send(HttpMethod.Put, $"/clusters/{TestApi.Cluster}", body), HttpStatusCode.BadRequest);
        Assert.Contains($"migration.network_cidr is '{network}'; it must be a network as 10.78.0.0/24", said, StringComparison.Ordinal);
        Assert.DoesNotContain(_api.Engine.Commands, c => c.Command is ClusterCommand.Update);
    }

    [Fact]
    public async Task A_vm_has_no_network_of_its_own()
    {
        var response = await _api.Send(HttpMethod.Put, $"/vms/{TestApi.Vm}",
            "<vm><migration><network_cidr>10.78.0.0/24</network_cidr></migration></vm>");
        Assert.Contains("named by a cluster", await TestApi.FaultOf(response, HttpStatusCode.BadRequest), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_vm_has_options_of_its_own_and_gives_them_up_again()
    {
        var vm = await Put($"/vms/{TestApi.Vm}",
            $"<vm><migration><auto_converge>false</auto_converge><policy id='{PostCopy}'/></migration><migration_downtime>750</migration_downtime></vm>");
        Assert.Equal(("false", PostCopy, "750"), ((string?)vm.Element("migration")!.Element("auto_converge"),
            (string?)vm.Element("migration")!.Element("policy")!.Attribute("id"), (string?)vm.Element("migration_downtime")));
        vm = await Put($"/vms/{TestApi.Vm}", "<vm><migration><policy/></migration><migration_downtime>-1</migration_downtime></vm>");
        Assert.Null(vm.Element("migration")!.Element("policy"));
        Assert.Equal(("false", "-1"),
            ((string?)vm.Element("migration")!.Element("auto_converge"), (string?)vm.Element("migration_downtime")));
        Assert.Contains("migration_downtime", await TestApi.FaultOf(
            await _api.Send(HttpMethod.Put, $"/vms/{TestApi.Vm}", "<vm><migration_downtime>0</migration_downtime></vm>"), HttpStatusCode.BadRequest),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_migration_under_way_says_how_far_it_is()
    {
        var job = new JobId(Guid.NewGuid());
        var view = _api.Engine.View<VmView>(Kinds.Vm, TestApi.Vm);
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, view with
        {
            Status = "migrating",
            TaskState = "migrating",
            Job = job,
            Migration = new MigrationProgress(43, 1 << 29, 1 << 26, 2, 9000, false),
        });
        _api.Engine.Put(Kinds.Job, job.Value, new JobView
        {
            Id = job,
            Description = "Migrating VM web",
            Status = "started",
            StartedAt = _api.Clock.Now,
            User = TestApi.User,
            EntityKind = Kinds.Vm,
            EntityId = TestApi.Vm,
        });
        var statistic = (await _api.GetXml($"/vms/{TestApi.Vm}/statistics")).Elements("statistic")
            .Single(s => (string?)s.Element("name") == "migration.progress");
        Assert.Equal(("43", "percent"), ((string?)statistic.Element("values")!.Element("value")!.Element("datum"), (string?)statistic.Element("unit")));
        var one = await _api.GetXml(((string)statistic.Attribute("href")!)["/ovirt-engine/api".Length..]);
        Assert.Equal("migration.progress", (string?)one.Element("name"));
        Assert.Equal("43", (string?)(await _api.GetXml($"/jobs/{job}/steps")).Element("step")!.Element("progress"));
    }

    [Fact]
    public async Task A_vm_that_stays_has_no_progress()
    {
        Assert.Equal("0", (string?)(await _api.GetXml($"/vms/{TestApi.Vm}/statistics")).Elements("statistic")
            .Single(s => (string?)s.Element("name") == "migration.progress").Element("values")!.Element("value")!.Element("datum"));
        Assert.Equal(HttpStatusCode.NotFound, (await _api.Send(HttpMethod.Get, $"/vms/{TestApi.Vm}/statistics/{TestApi.Unknown}")).StatusCode);
    }

    private async Task<System.Xml.Linq.XElement> Put(string path, string body) =>
        await TestApi.Xml(await _api.Send(HttpMethod.Put, path, body), HttpStatusCode.OK);
}
