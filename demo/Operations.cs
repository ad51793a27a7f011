using System.Globalization;
using System.Text.Json.Nodes;

namespace Orchestrator.Demo;

/// <param name="Seed">The same draws the same operations, victims and moments.</param>
public sealed record OperationOptions(int Operations = 200, int Seed = 1);

/// <summary>
/// One operation after the other on a guest that runs and writes, and during each the agent or libvirtd of its host is killed
/// (SIGKILL) at a random moment. The guest must run through all of it, and each operation must end in a stated result.
/// </summary>
public sealed class Operations(Installation installation, OperationOptions options)
{
    private const int Size = 1 << 30;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(150);
    private static readonly TimeSpan _longestWait = TimeSpan.FromMilliseconds(700);
    private readonly Verdict _verdict = new();
    private readonly Dictionary<string, (int Done, int Refused)> _ends = [];
    private readonly Random _random = new(options.Seed);

    /// <summary>Boots that were asked for.</summary>
    private int _boots = 1;
    private long _grown = Size;
    private int _nics;

    private enum What { TakeSnapshot, RemoveSnapshot, GrowDisk, PlugNic, UnplugNic, Migrate, Suspend, Reboot, PlugDisk, UnplugDisk, Sockets, ConsoleTicket }

    /// <returns>Whether every promise was kept.</returns>
    public async Task<bool> Run()
    {
        if (installation.Hosts.Length < 2) throw new DemoException("A migration needs a second host: ./do up --hosts real:3");
        Narrator.Chapter($"{options.Operations} operations on a running guest, each with kill -9 of its host's agent or libvirtd, seed {options.Seed}");
        await using var guest = await WritingGuest.Create(installation, "operations");
        Narrator.Say($"VM {guest.Vm.Name} ({guest.Vm.Id}) is up on host {await guest.Start()} and writes");
        string? broken = null;
        var done = 0;
        try
        {
            for (var number = 1; number <= options.Operations; number++)
            {
                await One(guest, number);
                done++;
                if (guest.Watch.Violations.Count > 0 || guest.Disk.Violations.Count > 0) break;
            }
        }
        catch (Exception e) when (e is DemoException or OperationCanceledException)
        {
            broken = e.Message;
            Narrator.Say($"BROKEN {e.Message}");
        }

        await CheckImages(guest);
        foreach (var (what, (well, refused)) in _ends.OrderBy(e => e.Key)) Narrator.Say($"{what,-22} {well,3} done, {refused,3} failed or refused with a reason");
        _verdict.Add("every operation ended in a stated result", broken ?? $"{done} of {options.Operations}", broken is null && done == options.Operations);
        var crashes = installation.Hosts.Sum(host => guest.Hosts.QemuCrashes(host, guest.Vm.Name));
        _verdict.Add("the guest was not lost by these deaths", $"{guest.Disk.Boots} boots, {_boots} of them asked for; QEMU itself crashed {crashes} times",
            guest.Disk.Boots >= _boots && guest.Disk.Boots <= _boots + crashes);
        _verdict.Add("never two running copies (checked on the hosts)",
            guest.Watch.Violations.Count > 0 ? string.Join("; ", guest.Watch.Violations) : $"{guest.Watch.Looks} looks",
            guest.Watch.Violations.Count == 0 && guest.Watch.Looks > 0);
        foreach (var wrong in guest.Disk.Violations) Narrator.Say($"the disk: {wrong}");
        _verdict.Print();
        return _verdict.Kept;
    }

    private async Task One(WritingGuest guest, int number)
    {
        var what = (What)_random.Next(Enum.GetValues<What>().Length);
        var victim = _random.Next(2) == 0 ? "agent" : "libvirt";
        var after = _longestWait * _random.NextDouble();
        var host = await guest.Vm.AwaitUp(_limit);
        var began = DateTimeOffset.UtcNow;
        var operation = Ended(Do(guest, what, host));
        await Task.Delay(after);
        await guest.Hosts.Act(host, victim, "kill");
        var end = await operation;
        var took = DateTimeOffset.UtcNow - began;
        var (well, refused) = _ends.GetValueOrDefault($"{what}");
        _ends[$"{what}"] = end is null ? (well + 1, refused) : (well, refused + 1);
        await new HostFleet(guest.Api).AwaitAllUp(_limit);
        if (await guest.Vm.Status() == "suspended") await Ended(guest.Vm.Act("start"));
        await guest.Vm.AwaitUp(_limit);
        await guest.Disk.AwaitCheck(TimeSpan.FromSeconds(90));
        Narrator.Say(string.Create(CultureInfo.InvariantCulture,
            $"{number,3}  {what,-14} {victim,-7} killed after {after.TotalSeconds:0.00} s   {(end is null ? "done" : "not done"),-8} in {took.TotalSeconds,5:0.0} s, {guest.Disk.Whole,6} records whole{(end is null ? "" : $"\n     {end}")}"));
    }

    /// <returns>Why it was not done; null: it was.</returns>
    private static async Task<string?> Ended(Task operation)
    {
        try
        {
            await operation;
            return null;
        }
        catch (DemoException e) when (!e.Message.StartsWith("Waited", StringComparison.Ordinal))
        {
            return e.Message.Length > 300 ? e.Message[..300] : e.Message;
        }
    }

    private async Task Do(WritingGuest guest, What what, int host)
    {
        var (api, vm) = (guest.Api, guest.Vm);
        switch (what)
        {
            case What.TakeSnapshot:
                var made = await api.Send(HttpMethod.Post, $"{vm.Path}/snapshots", new JsonObject { ["persist_memorystate"] = "false" });
                await Finished(guest, EngineApi.Text(made, "id"));
                break;
            case What.RemoveSnapshot:
                var snapshots = EngineApi.Items(await api.Get($"{vm.Path}/snapshots"), "snapshot")
                    .Where(s => EngineApi.Text(s, "snapshot_type") == "regular").ToArray();
                if (snapshots.Length == 0) goto case What.TakeSnapshot;
                await Job(guest, await api.Send(HttpMethod.Delete, $"{vm.Path}/snapshots/{EngineApi.Text(snapshots[_random.Next(snapshots.Length)], "id")}"));
                break;
            case What.GrowDisk:
                var disk = $"{DemoVm.Folder}/disks/{vm.Disk}";
                await api.Send(HttpMethod.Put, disk, new JsonObject { ["provisioned_size"] = $"{_grown += 1 << 20}" });
                await Patience.Until("the disk to be ok", _limit, async () => EngineApi.Text(await api.Get(disk), "status") == "ok" ? this : null);
                break;
            case What.PlugNic:
                await api.Send(HttpMethod.Post, $"{vm.Path}/nics", new JsonObject { ["name"] = $"nic{++_nics}", ["interface"] = "virtio" });
                break;
            case What.UnplugNic:
                var nics = EngineApi.Items(await api.Get($"{vm.Path}/nics"), "nic").ToArray();
                if (nics.Length == 0) goto case What.PlugNic;
                await api.Send(HttpMethod.Delete, $"{vm.Path}/nics/{EngineApi.Text(nics[0], "id")}");
                break;
            case What.Migrate:
                await Job(guest, await vm.AskToMigrate(installation.Hosts.First(h => h != host)));
                break;
            case What.Suspend:
                await Job(guest, await vm.Act("suspend"));
                break;
            case What.Reboot:
                _boots++;
                await Job(guest, await vm.Act("reboot", new JsonObject { ["force"] = $"{_random.Next(2) == 0}" }));
                await Patience.Until("the guest to boot", TimeSpan.FromSeconds(90), () => Task.FromResult(guest.Disk.Boots >= _boots ? this : null));
                break;
            case What.PlugDisk:
                var attachment = await api.Send(HttpMethod.Post, $"{vm.Path}/diskattachments", new JsonObject
                {
                    ["interface"] = "virtio",
                    ["active"] = "true",
                    ["disk"] = new JsonObject
                    {
                        ["name"] = $"{vm.Name}-other",
                        ["provisioned_size"] = $"{1 << 24}",
                        ["format"] = "cow",
                        ["storage_domains"] = new JsonObject { ["storage_domain"] = new JsonArray(new JsonObject { ["name"] = "shared" }) },
                    },
                });
                var id = EngineApi.Text(attachment, "id");
                await Patience.Until("the other disk to be ok", _limit, async () =>
                    EngineApi.Text(await api.Get($"{DemoVm.Folder}/disks/{id}"), "status") != "locked" ? this : null);
                break;
            case What.UnplugDisk:
                var others = EngineApi.Items(await api.Get($"{vm.Path}/diskattachments"), "disk_attachment")
                    .Where(a => EngineApi.Text(a, "id") != vm.Disk.ToString()).ToArray();
                if (others.Length == 0) goto case What.PlugDisk;
                await api.Send(HttpMethod.Delete, $"{vm.Path}/diskattachments/{EngineApi.Text(others[0], "id")}?detach_only=false");
                break;
            case What.Sockets:
                await api.Send(HttpMethod.Put, vm.Path, new JsonObject
                {
                    ["cpu"] = new JsonObject { ["topology"] = new JsonObject { ["sockets"] = $"{1 + _random.Next(2)}", ["cores"] = "1", ["threads"] = "1" } },
                });
                break;
            default:
                var consoles = EngineApi.Items(await api.Get($"{vm.Path}/graphicsconsoles"), "graphics_console").ToArray();
                if (consoles.Length == 0) throw new DemoException("The VM has no console.");
                await api.Send(HttpMethod.Post, $"{vm.Path}/graphicsconsoles/{EngineApi.Text(consoles[0], "id")}/ticket", new JsonObject());
                break;
        }
    }

    private static Task Job(WritingGuest guest, JsonNode action) => Finished(guest, EngineApi.Text(action["job"], "id"));

    private static async Task Finished(WritingGuest guest, string job)
    {
        var end = await Patience.Until($"the end of job {job}", _limit, async () =>
            await guest.Api.Find($"{DemoVm.Folder}/jobs/{job}") is { } found && EngineApi.Text(found, "status") is var status and not "started" ? status : null);
        if (end != "finished")
            throw new DemoException($"The job {end}: {EngineApi.Items(await guest.Api.Get($"{DemoVm.Folder}/events?max=1"), "event").FirstOrDefault()?["description"]}");
    }

    /// <summary>The guest is powered off, and its disk is read without it.</summary>
    private async Task CheckImages(WritingGuest guest)
    {
        var (hosts, vm, disk) = (guest.Hosts, guest.Vm, guest.Disk);
        if (vm.Disk == Guid.Empty || disk.Boots == 0) return;
        if (await vm.Status() != "down") await vm.Act("stop");
        await Patience.Until("the VM to be down", TimeSpan.FromSeconds(60), async () => await vm.Status() == "down" ? this : null);
        var host = installation.Hosts.First(hosts.IsOn);
        foreach (var snapshot in EngineApi.Items(await guest.Api.Get($"{vm.Path}/snapshots"), "snapshot").Where(s => EngineApi.Text(s, "snapshot_type") == "regular"))
            await Job(guest, await guest.Api.Send(HttpMethod.Delete, $"{vm.Path}/snapshots/{EngineApi.Text(snapshot, "id")}"));
        await Patience.Until("one image of the disk", TimeSpan.FromSeconds(60), () => Task.FromResult(DiskImage.Of(vm.Disk, installation).Length == 1 ? this : null));
        var image = DiskImage.Of(vm.Disk, installation)[0];
        string? wrong = null;
        try
        {
            await hosts.Act(host, "exec", "qemu-img", "check", image);
        }
        catch (DemoException e)
        {
            wrong = e.Message;
        }

        _verdict.Add("no image is corrupted (qemu-img check)", wrong ?? "no errors", wrong is null);
        var (records, lives, lost) = await DiskImage.Check(hosts, host, image, disk.Acknowledged);
        _verdict.Add("no acknowledged record lost, torn or out of order",
            lost ?? $"{disk.Acknowledged} acknowledged, {records} on the disk of {lives} boots, {disk.Checks} checks inside",
            lost is null && disk.Violations.Count == 0 && disk.Checks > 0);
    }
}
