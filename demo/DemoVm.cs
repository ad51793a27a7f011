using System.Globalization;
using System.Text.Json.Nodes;

namespace Orchestrator.Demo;

/// <summary>What is not the same for each of the demo's VMs.</summary>
/// <param name="MemoryMiB">At least 96, or the test kernel has no room for its initrd, and boots for ever.</param>
/// <param name="KernelArguments">What the test guest does, see lab/guest.sh.</param>
/// <param name="Bridge">The hosts' bridge that its network card is on; null: it has no card.</param>
/// <param name="Encrypted">Whether it is migrated over TLS.</param>
public sealed record GuestShape(
    int MemoryMiB = 256, string KernelArguments = "", bool HasDisk = true, string? Bridge = null, bool Encrypted = false);

/// <summary>The demo's VM as a user of the REST API sees it.</summary>
public sealed class DemoVm(EngineApi api, LabHosts hosts, string name)
{
    public const string Folder = "ovirt-engine/api";

    /// <summary>No bounce buffers: 64 MiB of them, which a guest that may get more memory has, are too much for a small one.</summary>
    private const string Kernel = "console=ttyS0 quiet panic=-1 swiotlb=noforce";

    public string Name => name;
    public Guid Id { get; private set; }

    /// <summary>Its disk's id; empty when it has none.</summary>
    public Guid Disk { get; private set; }
    public string Path => $"{Folder}/vms/{Id}";

    /// <summary>Highly available, booted straight from the test kernel, with a disk on the shared storage.</summary>
    public async Task Create(Installation installation, GuestShape? shape = null)
    {
        shape ??= new GuestShape();
        var definition = new JsonObject
        {
            ["name"] = name,
            ["cluster"] = new JsonObject { ["name"] = "Default" },
            ["template"] = new JsonObject { ["name"] = "Blank" },
            ["memory"] = ((long)shape.MemoryMiB << 20).ToString(CultureInfo.InvariantCulture),
            ["high_availability"] = new JsonObject { ["enabled"] = "true", ["priority"] = "50" },
            ["os"] = new JsonObject
            {
                ["type"] = "other_linux",
                ["kernel"] = System.IO.Path.Combine(installation.Guest, "vmlinuz"),
                ["initrd"] = System.IO.Path.Combine(installation.Guest, "initrd.gz"),
                ["cmdline"] = $"{Kernel} lab.host={name} {shape.KernelArguments}".TrimEnd(),
            },
        };
        if (shape.Encrypted) definition["migration"] = new JsonObject { ["encrypted"] = "true" };
        if (shape.Bridge is { } bridge)
            definition["nics"] = new JsonObject
            {
                ["nic"] = new JsonArray(new JsonObject
                {
                    ["name"] = "nic1",
                    ["interface"] = "virtio",
                    ["network"] = new JsonObject { ["name"] = bridge },
                }),
            };
        var vm = await api.Send(HttpMethod.Post, $"{Folder}/vms", definition);
        Id = Guid.Parse(EngineApi.Text(vm, "id"));
        if (shape.HasDisk) await AttachDisk();
    }

    private async Task AttachDisk()
    {
        var attachment = await api.Send(HttpMethod.Post, $"{Path}/diskattachments", new JsonObject
        {
            ["interface"] = "virtio",
            ["bootable"] = "false",
            ["active"] = "true",
            ["disk"] = new JsonObject
            {
                ["name"] = $"{name}-disk",
                ["provisioned_size"] = (1L << 30).ToString(CultureInfo.InvariantCulture),
                ["format"] = "cow",
                ["storage_domains"] = new JsonObject
                {
                    ["storage_domain"] = new JsonArray(new JsonObject { ["name"] = "shared" }),
                },
            },
        });
        var disk = EngineApi.Text(attachment["disk"] ?? attachment, "id");
        Disk = Guid.Parse(disk);
        await Patience.Until("the disk", TimeSpan.FromSeconds(60), async () =>
            EngineApi.Text(await api.Get($"{Folder}/disks/{disk}"), "status") == "ok" ? disk : null);
    }

    public Task<JsonNode> Act(string action, JsonObject? body = null) =>
        api.Send(HttpMethod.Post, $"{Path}/{action}", body ?? []);

    public async Task<string> Status() => EngineApi.Text(await api.Get(Path), "status");

    /// <summary>Waits until the engine says that it is up; returns the number of its host.</summary>
    public async Task<int> AwaitUp(TimeSpan limit, int otherThan = 0)
    {
        var host = await Patience.Until($"VM {name} to be up", limit, async () =>
        {
            var vm = await api.Get(Path);
            if (EngineApi.Text(vm, "status") != "up" || vm["host"]?["id"]?.ToString() is not { } id) return null;
            var number = await HostNumber(id);
            return number == otherThan ? null : new Box(number);
        });
        return host.Number;
    }

    /// <summary>Asks for a migration and does not wait for it.</summary>
    public Task<JsonNode> AskToMigrate(int to) =>
        Act("migrate", new JsonObject { ["host"] = new JsonObject { ["name"] = $"host{to}" } });

    /// <summary>Asks for a migration and waits for its end on the other host.</summary>
    public async Task Migrate(int from, int to)
    {
        var action = await AskToMigrate(to);
        var job = $"{Folder}/jobs/{EngineApi.Text(action["job"], "id")}";
        await Patience.Until("the migration's end", TimeSpan.FromSeconds(90), async () =>
            EngineApi.Text(await api.Get(job), "status") switch
            {
                "started" => null,
                "finished" => this,
                var other => throw new DemoException($"The migration {other}: {await LastWords()}"),
            });
        await AwaitUp(TimeSpan.FromSeconds(30), otherThan: from);
    }

    /// <summary>The marker line that the guest itself wrote on its serial console, the newest.</summary>
    public string? Marker(int host) => hosts.Console(host, "LABUP", $"host={name} ").LastOrDefault();

    /// <summary>Stops and removes it; what is already gone is fine.</summary>
    public async Task Remove()
    {
        if (Id == Guid.Empty || await api.Find(Path) is not { } vm) return;
        if (EngineApi.Text(vm, "status") != "down") await Act("stop");
        await Patience.Until("the VM to be down", TimeSpan.FromSeconds(30), async () =>
            await Status() == "down" ? this : null);
        await api.Send(HttpMethod.Delete, Path);
    }

    private async Task<string> LastWords() =>
        EngineApi.Items(await api.Get($"{Folder}/events?max=1"), "event").FirstOrDefault()?["description"]?.ToString() ?? "";

    private async Task<int> HostNumber(string id)
    {
        var host = EngineApi.Text(await api.Get($"{Folder}/hosts/{id}"), "name");
        return int.Parse(host.AsSpan("host".Length), CultureInfo.InvariantCulture);
    }

    private sealed record Box(int Number);
}
