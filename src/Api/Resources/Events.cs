using System.Globalization;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Search;

namespace Orchestrator.Api.Resources;

/// <summary>The audit log, newest first; clients add lines of their own. An event's id is its place in the log.</summary>
internal static class Events
{
    private const int LongestText = 4_000;
    private const int LongestFlood = 7 * 86_400;

    public static void Map(Router router) => router
        .Get("events", List)
        .Post("events", Add)
        .Post("events/undelete", async call =>
        {
            await call.ReadBody(Shapes.Action);
            await call.World.Records.RestoreEvents(call.Cancel);
            return Acts.Complete();
        })
        .Get("events/{number}", Get)
        .Delete("events/{number}", async call => await call.World.Records.RemoveEvent(Number(call), call.Cancel)
            ? Acts.Complete()
            : throw FaultException.Unknown("event", call.Ids[0]));

    private static async Task<Answer> List(ApiCall call)
    {
        var query = Searching.Events(call);
        if (call.WantsEvents)
            return new Answer.Live((context, mayStay) => new EventStream(
                call.World, call.Parameters.LastEvent ?? query.After, query.Only, query.Visible, Show, mayStay).Run(context));
        var rows = await call.World.Read.Events(query, call.Cancel);
        return Answer.Of(Shapes.Event, [.. rows.Select(Show)]);
    }

    private static async Task<Answer> Get(ApiCall call)
    {
        var id = Number(call);
        var rows = await call.World.Read.Events(new AuditQuery(id - 1, 1) { Direction = Direction.Ascending }, call.Cancel);
        return rows is [var row] && row.Id == id ? Answer.Of(Show(row)) : throw FaultException.Unknown("event", call.Ids[0]);
    }

    /// <summary>An event of a client's own: of its origin, and with its number if it has one.</summary>
    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Event);
        var description = Required(body, "description");
        var origin = Required(body, "origin");
        if (origin.Equals("oVirt", StringComparison.OrdinalIgnoreCase))
            throw FaultException.Bad("Event.origin is oVirt, which is the engine itself; name the program that tells the event");
        var (code, severity) = body.Text("severity") switch
        {
            "normal" => (9801, Severity.Normal),
            "warning" => (9802, Severity.Warning),
            "error" => (9803, Severity.Error),
            "alert" => (9804, Severity.Alert),
            _ => throw FaultException.Missing("Event", "severity", "add"),
        };
        if (body.Integer("custom_id") is null) throw FaultException.Missing("Event", "customId", "add");
        if (body.Integer("flood_rate") is < 0 or > LongestFlood)
            throw FaultException.Bad($"Event.flood_rate is in seconds, from 0 to {LongestFlood}");
        var row = await call.World.Records.Tell(new AuditLine(
            code, severity, description, call.World.Clock.GetUtcNow(), call.Parameters.Correlation, call.User.Name,
            Vm: await Refs.Resolve(call, Kinds.Vm, body.One("vm")),
            Host: await Refs.Resolve(call, Kinds.Host, body.One("host")),
            Cluster: await Refs.Resolve(call, Kinds.Cluster, body.One("cluster")),
            DataCenter: await Refs.Resolve(call, Kinds.DataCenter, body.One("data_center")),
            StorageDomain: await Refs.Resolve(call, Kinds.StorageDomain, body.One("storage_domain")),
            Template: await Refs.Resolve(call, Kinds.Template, body.One("template")),
            Disk: await Refs.Resolve(call, Kinds.Disk, body.One("disk")))
        {
            Origin = origin,
            CustomId = body.Integer("custom_id"),
            FloodRate = body.Integer("flood_rate"),
        }, call.Cancel);
        return Answer.Created(Show(row));
    }

    private static string Required(Element body, string field)
    {
        if (body.Text(field) is not { Length: > 0 } text || string.IsNullOrWhiteSpace(text)) throw FaultException.Missing("Event", field, "add");
        if (text.Length > LongestText) throw FaultException.Bad($"Event.{field} has {text.Length} characters; {LongestText} are the most");
        if (text.Contains('\0', StringComparison.Ordinal)) throw FaultException.Bad($"Event.{field} contains a control character");
        return text;
    }

    private static long Number(ApiCall call) => long.Parse(call.Ids[0], CultureInfo.InvariantCulture);

    private static Element Show(AuditRow row)
    {
        var line = row.Line;
        var shown = Shapes.Event.New(row.Id.ToString(CultureInfo.InvariantCulture), Hrefs.Event(row.Id))
            .With("description", line.Description)
            .With("code", line.Code)
            .With("correlation_id", line.Correlation)
            .With("custom_id", line.CustomId ?? -1L)
            .With("flood_rate", line.FloodRate)
            .With("index", row.Id)
            .With("origin", line.Origin ?? "oVirt")
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
