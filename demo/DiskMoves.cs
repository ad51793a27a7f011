using System.Globalization;
using System.Text.Json.Nodes;

namespace Orchestrator.Demo;

/// <param name="Seed">The same draws the same mishaps and moments.</param>
public sealed record DiskMoveOptions(int Rounds = 40, int Seed = 1);

/// <summary>
/// Rounds in which the disk of a running guest goes to the other of two storage domains, with a mishap at a random moment. A
/// writer in the guest numbers what it writes, and looks through all of it whenever it boots.
/// </summary>
public sealed class DiskMoves(Installation installation, DiskMoveOptions options)
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(150);
    private static readonly TimeSpan _longestWait = TimeSpan.FromMilliseconds(600);
    private readonly Verdict _verdict = new();
    private readonly List<Round> _rounds = [];

    /// <returns>Whether every promise was kept.</returns>
    public async Task<bool> Run()
    {
        if (installation.Hosts.Length < 2) throw new DemoException("A lost guest needs a second host: ./do up --hosts real:3");
        Narrator.Chapter($"{options.Rounds} moves of a running guest's disk with a mishap each, seed {options.Seed}");
        await using var guest = await WritingGuest.Create(installation, "disk");
        var second = await SecondDomain(guest.Api);
        Narrator.Say($"VM {guest.Vm.Name} ({guest.Vm.Id}) is up on host {await guest.Start()} and writes; its disk goes between shared and {second}");
        string? broken = null;
        try
        {
            for (var number = 1; number <= options.Rounds; number++)
            {
                var round = await One(guest, number, second);
                _rounds.Add(round);
                Narrator.Say(string.Create(CultureInfo.InvariantCulture,
                    $"{round.Number,3}  {round.Words,-36} {round.Cut.TotalSeconds,5:0.00} s   {round.How,-8} in {round.Took.TotalSeconds,5:0.0} s, {guest.Disk.Whole,6} records whole"));
                if (guest.Watch.Violations.Count > 0 || guest.Disk.Violations.Count > 0) break;
            }
        }
        catch (DemoException e)
        {
            broken = e.Message;
            Narrator.Say($"BROKEN {e.Message}");
        }

        await CheckImage(guest);
        _verdict.Add("every move ended, with one image left", broken ?? $"{_rounds.Count} of {options.Rounds}: {_rounds.Count(r => r.How == "moved")} moved, "
            + $"{_rounds.Count(r => r.How == "stayed")} stayed with a reason", broken is null && _rounds.Count == options.Rounds);
        _verdict.Add("a move that nothing disturbs succeeds", $"{Undisturbed(r => r.How == "moved")} of {Undisturbed(_ => true)}",
            Undisturbed(r => r.How == "moved") == Undisturbed(_ => true));
        _verdict.Add("never two running copies (checked on the hosts)",
            guest.Watch.Violations.Count > 0 ? string.Join("; ", guest.Watch.Violations) : $"{guest.Watch.Looks} looks",
            guest.Watch.Violations.Count == 0 && guest.Watch.Looks > 0);
        foreach (var wrong in guest.Disk.Violations) Narrator.Say($"the disk: {wrong}");
        _verdict.Print();
        return _verdict.Kept;

        int Undisturbed(Func<Round, bool> which) => _rounds.Count(r => r.Words == GuestMishaps.Words(GuestMishap.Undisturbed) && which(r));
    }

    private async Task<Round> One(WritingGuest guest, int number, string second)
    {
        var (api, vm) = (guest.Api, guest.Vm);
        var random = new Random(unchecked((options.Seed * 7919) + (number * 104729)));
        var kind = GuestMishaps.Of(number - 1 + options.Seed);
        var after = kind == GuestMishap.Undisturbed ? TimeSpan.Zero : _longestWait * random.NextDouble();
        var host = await vm.AwaitUp(_limit);
        var disk = $"{DemoVm.Folder}/disks/{vm.Disk}";
        var before = await Domain(api, disk);
        var main = await Id(api, "shared");
        var to = before == main ? second : main;

        var began = DateTimeOffset.UtcNow;
        var action = await api.Send(HttpMethod.Post, $"{disk}/move", new JsonObject { ["storage_domain"] = new JsonObject { ["id"] = to } });
        await Task.Delay(after);
        await GuestMishaps.Befall(kind, host, guest, installation, random);
        var job = $"{DemoVm.Folder}/jobs/{EngineApi.Text(action["job"], "id")}";
        var end = await Patience.Until($"round {number} ({GuestMishaps.Words(kind)}): the end of the move", _limit, async () =>
            await api.Find(job) is { } found && EngineApi.Text(found, "status") is var status and not "started" ? status : null);
        var took = DateTimeOffset.UtcNow - began;
        if (kind == GuestMishap.PowerOff)
        {
            await Patience.Until("the VM to be down", _limit, async () => await vm.Status() == "down" ? this : null);
            await vm.Act("start");
        }

        await new HostFleet(api).AwaitAllUp(_limit);
        await vm.AwaitUp(_limit);
        await guest.Disk.AwaitCheck(TimeSpan.FromSeconds(90));
        var there = await Domain(api, disk);
        if (there != (end == "finished" ? to : before)) throw new DemoException($"round {number}: the move {end}, and the disk is in {there}");
        await Patience.Until($"round {number} ({GuestMishaps.Words(kind)}): one image of the disk", TimeSpan.FromSeconds(90), () =>
            Task.FromResult(Images(vm.Disk) is [var only] && only.Contains(there, StringComparison.Ordinal) ? this : null));
        return new Round(number, GuestMishaps.Words(kind), after, end == "finished" ? "moved" : "stayed", took);
    }

    /// <summary>In the same folder as the first: what moves is a file to a file.</summary>
    private async Task<string> SecondDomain(EngineApi api)
    {
        if (await Id(api, "second", orNone: true) is { Length: > 0 } there) return there;
        var made = await api.Send(HttpMethod.Post, $"{DemoVm.Folder}/storagedomains", new JsonObject
        {
            ["name"] = "second",
            ["type"] = "data",
            ["host"] = new JsonObject { ["name"] = $"host{installation.Hosts[0]}" },
            ["storage"] = new JsonObject { ["type"] = "posixfs", ["path"] = Shared },
        });
        var id = EngineApi.Text(made, "id");
        await Patience.Until("the second storage domain", TimeSpan.FromSeconds(60), async () =>
            EngineApi.Text(await api.Get($"{DemoVm.Folder}/storagedomains/{id}"), "status") == "unattached" ? this : null);
        var main = await api.Get($"{DemoVm.Folder}/storagedomains/{await Id(api, "shared")}");
        var dataCenter = EngineApi.Text(EngineApi.Items(main["data_centers"]!, "data_center").First(), "id");
        await api.Send(HttpMethod.Post, $"{DemoVm.Folder}/datacenters/{dataCenter}/storagedomains", new JsonObject { ["id"] = id });
        return id;
    }

    private string Shared => Path.Combine(installation.Var, "shared");

    private static async Task<string> Id(EngineApi api, string name, bool orNone = false)
    {
        var found = EngineApi.Items(await api.Get($"{DemoVm.Folder}/storagedomains?search=name%3D{name}"), "storage_domain").FirstOrDefault();
        return found is null ? orNone ? "" : throw new DemoException($"There is no storage domain {name}.") : EngineApi.Text(found, "id");
    }

    private static async Task<string> Domain(EngineApi api, string disk) =>
        EngineApi.Text(EngineApi.Items((await api.Get(disk))["storage_domains"]!, "storage_domain").First(), "id");

    private string[] Images(Guid disk) => DiskImage.Of(disk, installation);

    /// <summary>The guest is powered off and its disk is read without it.</summary>
    private async Task CheckImage(WritingGuest guest)
    {
        var (hosts, vm, disk) = (guest.Hosts, guest.Vm, guest.Disk);
        if (vm.Disk == Guid.Empty || disk.Boots == 0) return;
        if (await vm.Status() != "down") await vm.Act("stop");
        await Patience.Until("the VM to be down", TimeSpan.FromSeconds(60), async () => await vm.Status() == "down" ? this : null);
        var (records, lives, wrong) = Images(vm.Disk) is [var image]
            ? await DiskImage.Check(hosts, installation.Hosts.First(hosts.IsOn), image, disk.Acknowledged)
            : (0, 0, $"{Images(vm.Disk).Length} images are left");
        _verdict.Add("no acknowledged record lost, torn or out of order",
            wrong ?? $"{disk.Acknowledged} acknowledged, {records} on the disk of {lives} boots, {disk.Checks} checks inside",
            wrong is null && disk.Violations.Count == 0 && disk.Checks > 0);
    }

    private sealed record Round(int Number, string Words, TimeSpan Cut, string How, TimeSpan Took);
}
