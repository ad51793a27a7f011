using System.Text.Json.Nodes;

namespace Orchestrator.Demo;

/// <summary>The hosts as the REST API shows them: their status, and what an operator does with them.</summary>
public sealed class HostFleet(EngineApi api)
{
    public async Task<string> Status(int host) => EngineApi.Text(await Find(host), "status");

    public async Task AwaitAllUp(TimeSpan limit) => await Patience.Until("all hosts to be up", limit, async () =>
        (await All()).All(h => h["status"]?.ToString() == "up") ? this : null, 200);

    public async Task ToMaintenance(int host, TimeSpan limit)
    {
        if (await Status(host) != "maintenance") await Act(host, "deactivate");
        await Patience.Until($"host {host} to be in maintenance", limit, async () =>
            await Status(host) == "maintenance" ? this : null, 200);
    }

    /// <summary>All but the first go to maintenance: what is started is started there.</summary>
    public async Task LeaveFirst(Installation installation)
    {
        foreach (var other in installation.Hosts.Skip(1)) await ToMaintenance(other, TimeSpan.FromSeconds(60));
    }

    public async Task ActivateAll(Installation installation)
    {
        foreach (var host in installation.Hosts) await Activate(host);
    }

    /// <summary>One that is up stays so.</summary>
    public async Task Activate(int host)
    {
        if (await Status(host) == "up") return;
        await Act(host, "activate");
        await Patience.Until($"host {host} to be up", TimeSpan.FromSeconds(60), async () =>
            await Status(host) == "up" ? this : null, 200);
    }

    private async Task Act(int host, string action) => await api.Send(
        HttpMethod.Post, $"{DemoVm.Folder}/hosts/{EngineApi.Text(await Find(host), "id")}/{action}", new JsonObject());

    private async Task<JsonNode> Find(int host) => (await All()).FirstOrDefault(h => h["name"]?.ToString() == $"host{host}")
        ?? throw new DemoException($"The engine knows no host{host}.");

    /// <summary>A host that loses its power again and again is put into quarantine: the operator who does it ends that.</summary>
    private async Task<IEnumerable<JsonNode>> All()
    {
        var all = EngineApi.Items(await api.Get($"{DemoVm.Folder}/hosts"), "host").ToList();
        foreach (var host in all.Where(h => h["status"]?.ToString() == "non_operational"))
            try
            {
                await api.Send(HttpMethod.Post, $"{DemoVm.Folder}/hosts/{EngineApi.Text(host, "id")}/activate", new JsonObject());
            }
            catch (DemoException)
            {
                // It is up already, or silent again: the next look tells.
            }

        return all;
    }
}
