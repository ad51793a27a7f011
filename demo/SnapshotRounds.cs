using System.Globalization;
using System.Text.Json.Nodes;

namespace Orchestrator.Demo;

/// <param name="Seed">The same draws the same mishaps and moments.</param>
public sealed record SnapshotOptions(int Rounds = 100, int Seed = 1);

/// <summary>
/// Rounds in which a snapshot of a running guest is taken, and one is removed, each with a mishap at a random moment: mostly
/// while images are merged. A writer in the guest numbers what it writes, and looks through all of it whenever it boots; now and
/// then what a snapshot holds is read from outside.
/// </summary>
public sealed class SnapshotRounds(Installation installation, SnapshotOptions options)
{
    private const int LookEvery = 8;
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(150);
    private static readonly TimeSpan _longestWait = TimeSpan.FromMilliseconds(500);
    private readonly Verdict _verdict = new();
    private readonly List<Round> _rounds = [];

    /// <summary>The snapshots that are there, and between which records each was taken.</summary>
    private readonly List<Taken> _taken = [];
    private int _looks;

    /// <returns>Whether every promise was kept.</returns>
    public async Task<bool> Run()
    {
        if (installation.Hosts.Length < 2) throw new DemoException("A lost guest needs a second host: ./do up --hosts real:3");
        Narrator.Chapter($"{options.Rounds} rounds of snapshots taken and removed under a running guest with a mishap each, seed {options.Seed}");
        await using var guest = await WritingGuest.Create(installation, "snapshots");
        Narrator.Say($"VM {guest.Vm.Name} ({guest.Vm.Id}) is up on host {await guest.Start()} and writes");
        string? broken = null;
        try
        {
            for (var number = 1; number <= options.Rounds; number++)
            {
                var round = await One(guest, number);
                _rounds.Add(round);
                Narrator.Say(string.Create(CultureInfo.InvariantCulture,
                    $"{round.Number,3}  {round.What,-6}  {round.Words,-36} {round.Cut.TotalSeconds,5:0.00} s   {round.End,-8} in {round.Took.TotalSeconds,5:0.0} s, {_taken.Count} snapshots, {guest.Disk.Whole,6} records whole"));
                if (guest.Watch.Violations.Count > 0 || guest.Disk.Violations.Count > 0) break;
                if (number % LookEvery == 0 && _taken.Count > 0) await Look(guest);
            }

            await RemoveAll(guest);
        }
        catch (DemoException e)
        {
            broken = e.Message;
            Narrator.Say($"BROKEN {e.Message}");
        }

        await CheckImage(guest);
        _verdict.Add("every request ended in a stated result", broken ?? $"{_rounds.Count} of {options.Rounds}: {_rounds.Count(r => r.End == "finished")} finished, "
            + $"{_rounds.Count(r => r.End == "failed")} failed with a reason", broken is null && _rounds.Count == options.Rounds);
        _verdict.Add("what nothing disturbs succeeds", $"{Undisturbed(r => r.End == "finished")} of {Undisturbed(_ => true)}",
            Undisturbed(r => r.End == "finished") == Undisturbed(_ => true));
        _verdict.Add("a snapshot holds the moment at which it was taken", $"{_looks} were read", broken is null && (_looks > 0 || options.Rounds < LookEvery));
        _verdict.Add("never two running copies (checked on the hosts)",
            guest.Watch.Violations.Count > 0 ? string.Join("; ", guest.Watch.Violations) : $"{guest.Watch.Looks} looks",
            guest.Watch.Violations.Count == 0 && guest.Watch.Looks > 0);
        foreach (var wrong in guest.Disk.Violations) Narrator.Say($"the disk: {wrong}");
        _verdict.Print();
        return _verdict.Kept;

        int Undisturbed(Func<Round, bool> which) => _rounds.Count(r => r.Words == GuestMishaps.Words(GuestMishap.Undisturbed) && which(r));
    }

    /// <summary>With fewer than two there is nothing to merge under a guest, so one is taken first, undisturbed but every third time.</summary>
    private async Task<Round> One(WritingGuest guest, int number)
    {
        var random = new Random(unchecked((options.Seed * 7919) + (number * 104729)));
        var kind = GuestMishaps.Of(number - 1 + options.Seed);
        var takes = _taken.Count < 2 && number % 3 == 0;
        while (!takes && _taken.Count < 2)
            if (await Take(guest, _ => Task.CompletedTask) is not "finished") throw new DemoException($"round {number}: a snapshot that nothing disturbs failed");
        var after = kind == GuestMishap.Undisturbed ? TimeSpan.Zero : _longestWait * random.NextDouble();
        var began = DateTimeOffset.UtcNow;
        async Task Mishap(int host)
        {
            await Task.Delay(after);
            await GuestMishaps.Befall(kind, host, guest, installation, random);
        }

        var end = takes ? await Take(guest, Mishap) : await Remove(guest, random.Next(_taken.Count), Mishap);
        var took = DateTimeOffset.UtcNow - began;
        if (kind == GuestMishap.PowerOff)
        {
            await Patience.Until("the VM to be down", _limit, async () => await guest.Vm.Status() == "down" ? this : null);
            await guest.Vm.Act("start");
        }

        await new HostFleet(guest.Api).AwaitAllUp(_limit);
        await guest.Vm.AwaitUp(_limit);
        await guest.Disk.AwaitCheck(TimeSpan.FromSeconds(90));
        await Agreed(guest, $"round {number} ({GuestMishaps.Words(kind)})");
        return new Round(number, takes ? "take" : "remove", GuestMishaps.Words(kind), after, end, took);
    }

    private async Task<string> Take(WritingGuest guest, Func<int, Task> mishap)
    {
        var host = await guest.Vm.AwaitUp(_limit);
        var before = guest.Disk.Acknowledged;
        var made = await guest.Api.Send(HttpMethod.Post, $"{guest.Vm.Path}/snapshots", new JsonObject
        {
            ["description"] = $"after record {before}",
            ["persist_memorystate"] = "false",
        });
        var id = EngineApi.Text(made, "id");
        await mishap(host);
        var end = await End(guest, id);
        // A guest that was off meanwhile is in it to its end; what it wrote after that is not.
        await Task.Delay(TimeSpan.FromMilliseconds(300));
        if (end == "finished") _taken.Add(new Taken(id, before, guest.Disk.Acknowledged));
        return end;
    }

    private async Task<string> Remove(WritingGuest guest, int which, Func<int, Task> mishap)
    {
        var host = await guest.Vm.AwaitUp(_limit);
        var action = await guest.Api.Send(HttpMethod.Delete, $"{guest.Vm.Path}/snapshots/{_taken[which].Id}");
        await mishap(host);
        var end = await End(guest, EngineApi.Text(action["job"], "id"));
        if (end == "finished") _taken.RemoveAt(which);
        return end;
    }

    private static Task<string> End(WritingGuest guest, string job) => Patience.Until("the end of work on a snapshot", _limit, async () =>
        await guest.Api.Find($"{DemoVm.Folder}/jobs/{job}") is { } found && EngineApi.Text(found, "status") is var status and not "started" ? status : null);

    /// <summary>The engine lists those that were taken, and the storage has an image of each, the disk's own, and one more at most.</summary>
    private async Task Agreed(WritingGuest guest, string where)
    {
        await Patience.Until($"{where}: snapshots that nobody works on", TimeSpan.FromSeconds(90), async () =>
        {
            var listed = EngineApi.Items(await guest.Api.Get($"{guest.Vm.Path}/snapshots"), "snapshot")
                .Where(s => EngineApi.Text(s, "snapshot_type") == "regular").ToList();
            if (listed.Any(s => EngineApi.Text(s, "snapshot_status") != "ok")) return null;
            var ids = listed.Select(s => EngineApi.Text(s, "id")).ToHashSet();
            if (!ids.SetEquals(_taken.Select(t => t.Id)))
                throw new DemoException($"{where}: the engine lists {ids.Count} snapshots, and {_taken.Count} were taken and not removed");
            return this;
        });
        await Patience.Until($"{where}: images of {_taken.Count} snapshots", TimeSpan.FromSeconds(90), () =>
            Task.FromResult(DiskImage.Of(guest.Vm.Disk, installation).Length is var there && there > _taken.Count && there <= _taken.Count + 2 ? this : null));
    }

    /// <summary>What one of them holds is read without the guest, and the look at it is undone.</summary>
    private async Task Look(WritingGuest guest)
    {
        var (vm, taken) = (guest.Vm, _taken[_looks % _taken.Count]);
        await vm.Act("stop");
        await Patience.Until("the VM to be down", _limit, async () => await vm.Status() == "down" ? this : null);
        var before = DiskImage.Of(vm.Disk, installation).ToHashSet();
        var preview = await vm.Act("previewsnapshot", new JsonObject { ["snapshot"] = new JsonObject { ["id"] = taken.Id } });
        if (await End(guest, EngineApi.Text(preview["job"], "id")) is var end and not "finished") throw new DemoException($"A look at a snapshot {end}.");
        var image = DiskImage.Of(vm.Disk, installation).Single(path => !before.Contains(path));
        var (records, _, wrong) = await DiskImage.Check(guest.Hosts, installation.Hosts.First(guest.Hosts.IsOn), image, taken.Before);
        if (wrong is null && records > taken.After) wrong = $"it has record {records}, which was written after it";
        if (wrong is not null) throw new DemoException($"The snapshot after record {taken.Before}: {wrong}.");
        _looks++;
        Narrator.Say(string.Create(CultureInfo.InvariantCulture, $"     the snapshot after record {taken.Before} holds {records} whole ones"));
        var undo = await vm.Act("undosnapshot");
        if (await End(guest, EngineApi.Text(undo["job"], "id")) is var undone and not "finished") throw new DemoException($"The end of a look {undone}.");
        await vm.Act("start");
        await vm.AwaitUp(_limit);
        await guest.Disk.AwaitCheck(TimeSpan.FromSeconds(90));
    }

    private async Task RemoveAll(WritingGuest guest)
    {
        await guest.Vm.Act("stop");
        await Patience.Until("the VM to be down", _limit, async () => await guest.Vm.Status() == "down" ? this : null);
        while (_taken.Count > 0)
        {
            var action = await guest.Api.Send(HttpMethod.Delete, $"{guest.Vm.Path}/snapshots/{_taken[0].Id}");
            if (await End(guest, EngineApi.Text(action["job"], "id")) is var end and not "finished") throw new DemoException($"The last removals {end}.");
            _taken.RemoveAt(0);
        }

        await Patience.Until("one image of the disk", TimeSpan.FromSeconds(90), () =>
            Task.FromResult(DiskImage.Of(guest.Vm.Disk, installation).Length == 1 ? this : null));
    }

    /// <summary>The disk is read without the guest, when all snapshots are gone.</summary>
    private async Task CheckImage(WritingGuest guest)
    {
        var disk = guest.Disk;
        if (guest.Vm.Disk == Guid.Empty || disk.Boots == 0) return;
        var images = DiskImage.Of(guest.Vm.Disk, installation);
        var (records, lives, wrong) = images is [var image]
            ? await DiskImage.Check(guest.Hosts, installation.Hosts.First(guest.Hosts.IsOn), image, disk.Acknowledged)
            : (0, 0, $"{images.Length} images are left");
        _verdict.Add("no acknowledged record lost, torn or out of order",
            wrong ?? $"{disk.Acknowledged} acknowledged, {records} on the disk of {lives} boots, {disk.Checks} checks inside",
            wrong is null && disk.Violations.Count == 0 && disk.Checks > 0);
    }

    private sealed record Taken(string Id, long Before, long After);

    private sealed record Round(int Number, string What, string Words, TimeSpan Cut, string End, TimeSpan Took);
}
