using System.Globalization;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Search;

namespace Orchestrator.Api.Resources;

/// <summary>The audit log, newest first. An event's id is its place in the log.</summary>
internal static class Events
{
    public static void Map(Router router) => router
        .Get("events", List)
        .Get("events/{number}", Get);

    private static async Task<Answer> List(ApiCall call)
    {
        var rows = await call.World.Read.Events(Searching.Events(call), call.Cancel);
        return Answer.Of(Shapes.Event, [.. rows.Select(Show)]);
    }

    private static async Task<Answer> Get(ApiCall call)
    {
        var id = long.Parse(call.Ids[0], CultureInfo.InvariantCulture);
        var rows = await call.World.Read.Events(new AuditQuery(After: id - 1, Max: 1) { Direction = Direction.Ascending }, call.Cancel);
        return rows.FirstOrDefault(row => row.Id == id) is { } row
            ? Answer.Of(Show(row))
            : throw FaultException.Unknown("event", call.Ids[0]);
    }

    private static Element Show(AuditRow row)
    {
        var line = row.Line;
        var shown = Shapes.Event.New(row.Id.ToString(CultureInfo.InvariantCulture), Hrefs.Event(row.Id))
            .With("description", line.Description)
            .With("code", line.Code)
            .With("correlation_id", line.Correlation)
            .With("custom_id", -1L)
            .With("index", row.Id)
            .With("origin", "oVirt")
            .With("severity", SeverityOf(line.Severity))
            .With("time", line.At)
            .With("user", Shapes.User.New().With("name", line.User));
        if (line.Vm is { } vm) shown.With("vm", Refs.To(new VmId(vm)));
        if (line.Host is { } host) shown.With("host", Refs.To(new HostId(host)));
        if (line.Cluster is { } cluster) shown.With("cluster", Refs.To(new ClusterId(cluster)));
        if (line.DataCenter is { } dataCenter) shown.With("data_center", Refs.To(new DataCenterId(dataCenter)));
        if (line.StorageDomain is { } domain) shown.With("storage_domain", Refs.To(new StorageDomainId(domain)));
        if (line.Template is { } template) shown.With("template", Refs.To(new TemplateId(template)));
        if (line.Disk is { } disk) shown.With("disk", Refs.To(new DiskId(disk)));
        return shown;
    }

    private static string SeverityOf(Severity severity) => severity switch
    {
        Severity.Warning => "warning",
        Severity.Error => "error",
        Severity.Alert => "alert",
        _ => "normal",
    };
}
