using System.Collections.Immutable;
using System.Globalization;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.DataCenter;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;
using Orchestrator.Api.Search;

namespace Orchestrator.Api.Resources;

internal static class Hosts
{
    private static readonly string[] _actions = ["activate", "approve", "deactivate", "fence"];

    /// <summary>Of the agent that an upgrade brings.</summary>
    private static readonly string _version = typeof(Hosts).Assembly.GetName().Version?.ToString(3) ?? "";

    public static void Map(Router router) => router
        .Get("hosts", List)
        .Post("hosts", Add)
        .Get("hosts/{id}", Get)
        .Put("hosts/{id}", Update)
        .Delete("hosts/{id}", Remove)
        .Post("hosts/{id}/activate", call => Act(call, (origin, _) => new HostCommand.Activate(origin)))
        .Post("hosts/{id}/deactivate", Deactivate)
        .Post("hosts/{id}/fence", Fence)
        .Post("hosts/{id}/approve", Approve);

    public static Task<HostView> Read(ApiCall call) => call.Get<HostView>(Kinds.Host, call.Id());

    private static async Task<Answer> List(ApiCall call)
    {
        var views = await Searching.List<HostView>(call, Kinds.Host);
        return Answer.Of(Shapes.Host, [.. views.Select(view => Show(view))]);
    }

    private static async Task<Answer> Get(ApiCall call)
    {
        var view = await Read(call);
        var guests = await call.World.Read.VmsOn(view.Id, call.Cancel);
        return Answer.Of(Show(view).With("summary", Shapes.GuestSummary.New().With("total", guests.Count)));
    }

    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Host);
        var name = Names.Required(body, "Host");
        if (body.Text("address") is not { Length: > 0 } given) throw FaultException.Missing("Host", "address", "add");
        var (address, port) = AddressOf(call, body, given);
        var cluster = await Refs.Resolve(call, Kinds.Cluster, body.One("cluster"))
            ?? await Refs.ByName(call, Kinds.Cluster, call.World.Options.DefaultCluster)
            ?? throw FaultException.Missing("Host", "cluster.name|id", "add");
        await RequireRoom(call, cluster);
        var id = Names.NewId(body);
        var power = body.One("power_management");
        var agents = new List<FenceAgent>();
        foreach (var agent in power?.Many("agents") ?? [])
            agents.Add(await FenceAgents.Accept(call, new HostId(id), agent, agents.Count + 1));
        var login = HostInstalls.Wanted(body, null);
        var config = new HostConfig
        {
            Ssh = login?.Access,
            Name = name,
            Cluster = new ClusterId(cluster),
            Address = address,
            Port = port,
            PathPrefix = PathPrefix(body.Text("path_prefix") ?? ""),
            Comment = body.Text("comment") ?? "",
            Description = body.Text("description") ?? "",
            PowerManagementEnabled = power?.Flag("enabled") ?? agents.Count > 0,
            FenceAgents = [.. agents],
            KdumpDetection = power?.Flag("kdump_detection") ?? true,
            PmProxies = PmProxies(power) ?? [],
        };
        var view = await Names.Claiming(call, Kinds.Host, name, id, async () =>
        {
            if (login is not null) await HostInstalls.Keep(call, new HostId(id), login);
            return await HostInstalls.Undone(call, new HostId(id), login, () => call.Ask<HostView>(
                Kinds.Host, id, new HostCommand.Register(call.NewOrigin(), config)
                {
                    Install = login is null ? null : new FirstInstall(login.Password is not null, call.Parameters.Flag("activate") ?? true),
                }));
        });
        return Answer.Created(Show(view));
    }

    /// <summary>Local storage is one host's, so its data center is, too.</summary>
    private static async Task RequireRoom(ApiCall call, Guid cluster, HostId? but = null)
    {
        if (await call.Find(Kinds.Cluster, cluster) is not { } document) return;
        var center = WireJson.Read<ClusterView>(document.Json).Config.DataCenter;
        if (await call.Find(Kinds.DataCenter, center.Value) is not { } found || !WireJson.Read<DataCenterView>(found.Json).Config.Local) return;
        foreach (var one in await call.List<ClusterView>(new ReadQuery(
            Kinds.Cluster, new Dictionary<string, string> { ["config.dataCenter"] = center.ToString() })))
            foreach (var host in await call.List<HostView>(new ReadQuery(
                Kinds.Host, new Dictionary<string, string> { ["config.cluster"] = one.Id.ToString() })))
                if (host.Id != but) throw FaultTable.Refusal(Fault.DataCenterIsLocal, host.Config.Name);
    }

    private static async Task<Answer> Update(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Host);
        var present = await Read(call);
        var name = Names.Changed(body, "Host", present.Config.Name);
        var cluster = await Refs.Resolve(call, Kinds.Cluster, body.One("cluster"));
        if (cluster is { } other && other != present.Config.Cluster.Value) await RequireRoom(call, other, but: present.Id);
        var patch = new HostPatch
        {
            Name = name,
            Comment = body.Text("comment"),
            Description = body.Text("description"),
            Address = NewAddress(call, body, present),
            Cluster = cluster is { } id && id != present.Config.Cluster.Value ? new ClusterId(id) : null,
            PowerManagementEnabled = body.One("power_management")?.Flag("enabled"),
            KdumpDetection = body.One("power_management")?.Flag("kdump_detection"),
            PmProxies = PmProxies(body.One("power_management")),
        };
        var view = await Names.Renaming(call, Kinds.Host, name, present.Config.Name, call.Id(), () =>
            call.Ask<HostView>(Kinds.Host, call.Id(), new HostCommand.Update(call.NewOrigin(), patch)));
        return Answer.Of(Show(view));
    }

    private static async Task<Answer> Remove(ApiCall call)
    {
        var view = await call.Find(Kinds.Host, call.Id()) is { } document
            ? WireJson.Read<HostView>(document.Json)
            : null;
        var answer = await Acts.Send(call, Kinds.Host, call.Id(), origin => new HostCommand.Remove(origin));
        if (view?.Config.Ssh is not null) await call.World.Secrets.Remove(HostDeploying.SecretOf(view.Id), call.Cancel);
        foreach (var agent in view?.Config.FenceAgents ?? [])
        {
            await call.World.Secrets.Remove(agent.Secret, call.Cancel);
            if (agent.EncryptOptions) await call.World.Secrets.Remove(agent.OptionsSecret, call.Cancel);
        }

        return answer;
    }

    private static async Task<Answer> Act(ApiCall call, Func<Origin, Element, HostCommand> command)
    {
        var action = await call.ReadBody(Shapes.Action);
        return await Acts.Send(call, Kinds.Host, call.Id(), origin => command(origin, action));
    }

    private static async Task<Answer> Deactivate(ApiCall call)
    {
        var action = await call.ReadBody(Shapes.Action);
        var host = await Read(call);
        if (host.Status == "non_responsive" && (await call.World.Read.VmsOn(host.Id, call.Cancel)).Count > 0)
            throw FaultTable.Refusal(Fault.HostSilentWithVms, null);
        return await Acts.Send(call, Kinds.Host, call.Id(), origin => new HostCommand.Deactivate(origin, action.Text("reason") ?? ""));
    }

    private static async Task<Answer> Fence(ApiCall call)
    {
        var action = await call.ReadBody(Shapes.Action);
        var origin = call.NewOrigin();
        var command = Fence(origin, action);
        await call.Ask(Kinds.Host, call.Id(), command);
        return command is HostCommand.Fence { Action: PowerAction.Status } ? await PowerStatus(call, origin.Job) : Acts.Accepted(call, origin);
    }

    /// <summary>Waits for what the power device says, as oVirt does: what went wrong is told in an action that failed.</summary>
    private static async Task<Answer> PowerStatus(ApiCall call, JobId question)
    {
        var began = call.World.Clock.GetTimestamp();
        PowerAnswer? answer = null;
        while (answer is null && call.World.Clock.GetElapsedTime(began) < PowerAnswersWithin)
        {
            answer = (await Read(call)).Power is { } told && told.Question == question ? told : null;
            if (answer is null) await Task.Delay(PowerLookedAtEvery, call.World.Clock, call.Cancel);
        }

        return Answer.Of(answer is { Ok: true }
            ? Shapes.Action.New().With("status", "complete").With("power_management", Shapes.PowerManagement.New()
                .With("status", answer.Power.ToString().ToLowerInvariant()))
            : Shapes.Action.New().With("status", "failed").With("fault", Shapes.Fault.New()
                .With("reason", answer?.Message ?? $"no answer in {PowerAnswersWithin.TotalSeconds} s")));
    }

    /// <summary>A fence program has 30 s for its answer.</summary>
    private static readonly TimeSpan PowerAnswersWithin = TimeSpan.FromSeconds(35);

    private static readonly TimeSpan PowerLookedAtEvery = TimeSpan.FromMilliseconds(250);

    private static HostCommand Fence(Origin origin, Element action) => action.Text("fence_type")?.ToLowerInvariant() switch
    {
        "start" => new HostCommand.Fence(origin, PowerAction.On),
        "stop" => new HostCommand.Fence(origin, PowerAction.Off),
        "restart" => new HostCommand.Fence(origin, PowerAction.Restart),
        "status" => new HostCommand.Fence(origin, PowerAction.Status),
        "manual" => new HostCommand.ConfirmRebooted(origin),
        null or "" => throw FaultException.Missing("Action", "fenceType", "fence"),
        var other => throw new FaultException(400, "Invalid Enum value",
            $"action.fence_type is '{other}', which is not one of manual, restart, start, status, stop"),
    };

    /// <summary>Hosts are approved by being added; asking for it again is no error and changes nothing.</summary>
    private static async Task<Answer> Approve(ApiCall call)
    {
        await call.ReadBody(Shapes.Action);
        await Read(call);
        return Acts.Complete();
    }

    /// <summary>"name", "name:port", "[v6]:port"; the element port wins.</summary>
    private static (string Address, int Port) AddressOf(ApiCall call, Element body, string given)
    {
        var address = given;
        var port = call.World.Options.DefaultAgentPort;
        var colon = given.LastIndexOf(':');
        if (colon > 0 && (given.IndexOf(':', StringComparison.Ordinal) == colon || given[colon - 1] == ']'))
        {
            address = given[..colon];
            if (!int.TryParse(given.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port))
                throw FaultException.Bad($"Host.address is '{given}'; what follows the colon is not a port");
        }

        port = body.Integer("port") ?? port;
        if (port is < 1 or > 65535) throw FaultException.Bad($"Host.port is {port}; a port is from 1 to 65535");
        address = address.Trim('[', ']');
        return Uri.CheckHostName(address) == UriHostNameType.Unknown
            ? throw FaultException.Bad($"Host.address is '{given}', which is neither a name nor an IP address")
            : (address, port);
    }

    /// <summary>A host's port cannot change while it is known to the engine, so an address may repeat it at
    /// most.</summary>
    private static string? NewAddress(ApiCall call, Element body, HostView present)
    {
        if (body.Text("address") is not { Length: > 0 } given) return null;
        var (address, port) = AddressOf(call, body, given);
        if (port != present.Config.Port && (body.Has("port") || address != given))
            throw FaultException.Bad("The agent's port cannot be changed; remove the host and add it again");
        return address == present.Config.Address ? null : address;
    }

    private static ImmutableArray<string>? PmProxies(Element? power) =>
        power?.Many("pm_proxies") is { } proxies
            ? [.. proxies.Select(p => p.Text("type") ?? throw FaultException.Bad("power_management.pm_proxies: a pm_proxy has no type"))]
            : null;

    private static string PathPrefix(string given) =>
        given.Length == 0 || (given[0] == '/' && given.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '/' or '-' or '_'))
            ? given
            : throw FaultException.Bad("Host.path_prefix must begin with a slash and hold letters, digits, - and _ only");

    private static Element Power(HostConfig config)
    {
        var power = Shapes.PowerManagement.New().With("enabled", config.PowerManagementEnabled)
            .With("kdump_detection", config.KdumpDetection);
        if (!config.PmProxies.IsEmpty)
            power.With("pm_proxies", config.PmProxies.Select(place => Shapes.PmProxy.New().With("type", place)).ToList());
        return power;
    }

    private static Element Show(HostView view)
    {
        var config = view.Config;
        var href = Hrefs.Host(view.Id.Value);
        var host = Shapes.Host.New(view.Id.Value, href)
            .With("name", config.Name)
            .With("description", config.Description)
            .With("comment", config.Comment)
            .With("address", config.Address)
            .With("port", config.Port)
            .With("status", view.Status)
            .With("type", "rhel")
            .With("kdump_status", view.Facts?.CrashKernel switch { true => "enabled", false => "disabled", null => "unknown" })
            .With("power_management", Power(config))
            .With("cluster", Refs.To(config.Cluster))
            .WithLink("fenceagents", $"{href}/fenceagents")
            .WithLink("hooks", $"{href}/hooks")
            .WithLink("statistics", $"{href}/statistics");
        if (HostInstalls.Show(config.Ssh) is { } ssh) host.With("ssh", ssh);
        if (config.PathPrefix.Length > 0) host.With("path_prefix", config.PathPrefix);
        if (view.StatusDetail.Length > 0) host.With("status_detail", view.StatusDetail);
        if (view.Facts is { } facts)
        {
            host.With("memory", facts.Memory)
                .With("cpu", Shapes.Cpu.New().With("name", facts.CpuModel)
                    .With("topology", Shapes.Topology.New().With("cores", facts.Cpus).With("sockets", 1L).With("threads", 1L)))
                .With("hardware_information", Shapes.HardwareInformation.New().With("uuid", facts.HostUuid))
                .With("version", Shapes.Version.New().With("full_version", facts.Version))
                .With("update_available", facts.Version != _version);
        }

        foreach (var action in _actions.Concat(HostInstalls.Actions)) host.WithAction(action, $"{href}/{action}");
        return host;
    }
}
