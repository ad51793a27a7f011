using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>
/// hosts/{id}/fenceagents. Passwords go into <see cref="ISecrets"/> and are never shown. What clients send here
/// becomes input lines of a fence program, so line breaks and options that run programs are refused.
/// </summary>
internal static class FenceAgents
{
    public static void Map(Router router) => router
        .Get("hosts/{id}/fenceagents", async call =>
        {
            var host = await Hosts.Read(call);
            return Answer.Of(Shapes.Agent, [.. host.Config.FenceAgents.OrderBy(agent => agent.Order)
                .Take(call.Parameters.Max ?? int.MaxValue).Select(agent => Show(host.Id, agent))]);
        })
        .Post("hosts/{id}/fenceagents", Add)
        .Get("hosts/{id}/fenceagents/{id}", async call => Answer.Of(Show(new HostId(call.Id()), await Find(call))))
        .Put("hosts/{id}/fenceagents/{id}", Update)
        .Delete("hosts/{id}/fenceagents/{id}", Remove);

    /// <summary>Checks an agent that a client sent and puts its password away.</summary>
    public static async Task<FenceAgent> Accept(ApiCall call, HostId host, Element body, int order)
    {
        if (body.Text("type") is not { Length: > 0 } type) throw FaultException.Missing("Agent", "type", "add");
        if (body.Text("address") is not { Length: > 0 } address)
            throw FaultException.Missing("Agent", "address", "add");
        var id = Names.NewId(body);
        var agent = Checked(new FenceAgent(
            id, type, address, body.Integer("port"), body.Text("username") ?? "", SecretOf(host, id),
            body.Integer("order") ?? order, Options(body) ?? [])
        {
            Concurrent = body.Flag("concurrent") ?? false,
            EncryptOptions = body.Flag("encrypt_options") ?? false,
        });
        await PutPassword(call, agent, body);
        return await Sealed(call, agent);
    }

    private static async Task<Answer> Add(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Agent);
        var host = await Hosts.Read(call);
        var agent = await Accept(call, host.Id, body, host.Config.FenceAgents.Length + 1);
        await call.Ask(Kinds.Host, host.Id.Value, new HostCommand.AddFenceAgent(call.NewOrigin(), agent));
        return Answer.Created(Show(host.Id, agent));
    }

    private static async Task<Answer> Update(ApiCall call)
    {
        var body = await call.ReadBody(Shapes.Agent);
        var present = await Find(call);
        var agent = Checked(present with
        {
            Type = body.Text("type") ?? present.Type,
            Address = body.Text("address") ?? present.Address,
            Port = body.Integer("port") ?? present.Port,
            Username = body.Text("username") ?? present.Username,
            Order = body.Integer("order") ?? present.Order,
            Options = Options(body) ?? present.Options,
            Concurrent = body.Flag("concurrent") ?? present.Concurrent,
            EncryptOptions = body.Flag("encrypt_options") ?? present.EncryptOptions,
        });
        var given = body.Many("options") is not null;
        if (present is { EncryptOptions: true, Options.IsEmpty: false } && !agent.EncryptOptions && !given)
            throw FaultException.Bad("Agent.options must be sent again to keep them unencrypted: the engine does not show what is encrypted");
        await PutPassword(call, agent, body);
        if (given || !present.EncryptOptions) agent = await Sealed(call, agent);
        await call.Ask(Kinds.Host, call.Id(), new HostCommand.UpdateFenceAgent(call.NewOrigin(), agent));
        return Answer.Of(Show(new HostId(call.Id()), agent));
    }

    private static async Task<Answer> Remove(ApiCall call)
    {
        var agent = await Find(call);
        var answer = await Acts.Send(
            call, Kinds.Host, call.Id(), origin => new HostCommand.RemoveFenceAgent(origin, agent.Id));
        await call.World.Secrets.Remove(agent.Secret, call.Cancel);
        if (agent.EncryptOptions) await call.World.Secrets.Remove(agent.OptionsSecret, call.Cancel);
        return answer;
    }

    private static async Task<FenceAgent> Find(ApiCall call)
    {
        var host = await Hosts.Read(call);
        return host.Config.FenceAgents.FirstOrDefault(agent => agent.Id == call.Id(1))
            ?? throw FaultException.Unknown("fence agent", call.Ids[1]);
    }

    private static FenceAgent Checked(FenceAgent agent)
    {
        if (!agent.Type.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-'))
            throw FaultException.Bad($"Agent.type is '{agent.Type}'; it is the name of a fence program such as ipmilan");
        if (agent.Port is < 1 or > 65535)
            throw FaultException.Bad($"Agent.port is {agent.Port}; a port is from 1 to 65535");
        RefuseLines("address", agent.Address);
        RefuseLines("username", agent.Username);
        foreach (var (name, value) in agent.Options)
        {
            RefuseLines("options", value);
            if (name.Length == 0 || !name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '_' or '-')
                || name.Contains("script", StringComparison.OrdinalIgnoreCase)
                || name.Contains("passw", StringComparison.OrdinalIgnoreCase)
                || name.Equals("action", StringComparison.OrdinalIgnoreCase))
                throw FaultException.Bad($"Agent.options: '{name}' is not possible as an option; a password belongs into "
                    + "the element password, and options that run programs are not taken");
        }

        return agent;
    }

    private static async Task PutPassword(ApiCall call, FenceAgent agent, Element body)
    {
        if (body.Text("password") is not { } password) return;
        RefuseLines("password", password);
        await call.World.Secrets.Put(agent.Secret, password, call.Cancel);
    }

    /// <summary>Puts options that are to be encrypted away; their names only stay with the agent.</summary>
    private static async Task<FenceAgent> Sealed(ApiCall call, FenceAgent agent)
    {
        if (!agent.EncryptOptions) return agent;
        await call.World.Secrets.Put(agent.OptionsSecret, AgentWords.Lines(agent.Options), call.Cancel);
        return agent with { Options = [.. agent.Options.Select(option => KeyValuePair.Create(option.Key, ""))] };
    }

    private static void RefuseLines(string name, string text)
    {
        if (text.Any(char.IsControl))
            throw FaultException.Bad($"Agent.{name} must be one line without control characters");
    }

    private static ImmutableArray<KeyValuePair<string, string>>? Options(Element body) =>
        body.Many("options") is { } options
            ? [.. options.Select(option =>
                KeyValuePair.Create(option.Text("name") ?? "", option.Text("value") ?? ""))]
            : null;

    private static string SecretOf(HostId host, Guid agent) => $"fence/{host}/{agent}";

    private static Element Show(HostId host, FenceAgent agent)
    {
        var element = Shapes.Agent.New(agent.Id, $"{Hrefs.Host(host.Value)}/fenceagents/{agent.Id}")
            .With("address", agent.Address)
            .With("type", agent.Type)
            .With("username", agent.Username)
            .With("order", agent.Order)
            .With("port", agent.Port)
            .With("concurrent", agent.Concurrent)
            .With("encrypt_options", agent.EncryptOptions)
            .With("host", Refs.To(host));
        if (agent.Options.Length > 0)
            element.With("options", agent.Options.Select(option =>
                agent.EncryptOptions
                    ? Shapes.Option.New().With("name", option.Key)
                    : Shapes.Option.New().With("name", option.Key).With("value", option.Value)).ToList());
        return element;
    }
}
