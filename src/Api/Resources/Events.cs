using System.Globalization;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Access;
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
        string? correlation = null;
        int? severity = null;
        if (call.Parameters.Text("search") is { Length: > 0 } text)
        {
            var search = SearchQuery.Parse(text);
            if (search.Page is > 1) throw SearchQuery.Refused(text, "events have no pages yet; use from and max");
            foreach (var condition in search.Conditions)
            {
                if (condition.Field == "correlation_id") correlation = condition.Value;
                else if (condition.Field == "severity"
                    && Enum.TryParse<Severity>(condition.Value, true, out var known) && Enum.IsDefined(known))
                    severity = (int)known;
                else
                    throw SearchQuery.Refused(text, "events can be searched by correlation_id and by severity "
                        + "(normal, warning, error, alert) only yet");
            }
        }

        var rows = await call.World.Read.Events(
            new AuditQuery(call.Parameters.Number("from"), call.Access.Filtered ? null : call.Parameters.Max, correlation, severity), call.Cancel);
        if (!call.Access.Filtered) return Answer.Of(Shapes.Event, [.. rows.Select(Show)]);
        var seen = new List<Element>();
        foreach (var row in rows)
            if (seen.Count < (call.Parameters.Max ?? int.MaxValue) && await IsOwn(call, row.Line))
                seen.Add(Show(row));
        return Answer.Of(Shapes.Event, seen);
    }

    private static async Task<Answer> Get(ApiCall call)
    {
        var id = long.Parse(call.Ids[0], CultureInfo.InvariantCulture);
        var rows = await call.World.Read.Events(new AuditQuery(After: id - 1), call.Cancel);
        return rows.FirstOrDefault(row => row.Id == id) is { } row && (!call.Access.Filtered || await IsOwn(call, row.Line))
            ? Answer.Of(Show(row))
            : throw FaultException.Unknown("event", call.Ids[0]);
    }

    /// <summary>What he did himself, and what happened to a VM, template or disk that he sees.</summary>
    private static async Task<bool> IsOwn(ApiCall call, AuditLine line)
    {
        if (line.User == call.User.Name) return true;
        foreach (var (kind, id) in new[] { (Kinds.Vm, line.Vm), (Kinds.Template, line.Template), (Kinds.Disk, line.Disk) })
            if (id is { } seen && await call.Access.Sees(call, new ObjectRef(kind, seen)))
                return true;
        return false;
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
