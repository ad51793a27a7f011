using System.Globalization;

namespace Orchestrator.Demo;

/// <param name="Seed">The same draws the same mishaps, hosts and moments; the machine's own pace is not in it.</param>
/// <param name="Only">One kind of mishap alone; null: all in turn, shuffled.</param>
/// <param name="Encrypted">Over TLS, with the hosts' certificates.</param>
public sealed record MigrationOptions(int Rounds = 100, int Seed = 1, MishapKind? Only = null, bool Encrypted = false);

/// <summary>
/// Rounds of live migration with a mishap at a random moment. A writer in the guest numbers what it writes; a watch looks
/// five times a second, on the hosts, whether two copies run.
/// </summary>
public sealed class Migrations(Installation installation, MigrationOptions options)
{
    private const double WithoutLimit = 30;
    private readonly Verdict _verdict = new();
    private readonly List<RoundFigures> _rounds = [];
    private readonly List<string> _broken = [];

    /// <returns>Whether every promise was kept.</returns>
    public async Task<bool> Run()
    {
        if (installation.Hosts.Length < 2) throw new DemoException("A migration needs two hosts: ./do up --hosts real:3");
        Narrator.Chapter($"{options.Rounds} {(options.Encrypted ? "encrypted " : "")}migrations with a mishap each, seed {options.Seed}, hosts {string.Join(' ', installation.Hosts)}");
        await using var guest = await WritingGuest.Create(installation, "moving", options.Encrypted);
        try
        {
            Narrator.Say($"VM {guest.Vm.Name} ({guest.Vm.Id}) is up on host {await guest.Start()} and writes");
            await Rounds(guest);
        }
        finally
        {
            await CheckImage(guest);
        }

        Judge(guest);
        return _verdict.Kept;
    }

    private async Task Rounds(WritingGuest guest)
    {
        var kinds = Kinds().GetEnumerator();
        for (var number = 1; number <= options.Rounds; number++)
        {
            kinds.MoveNext();
            var began = DateTimeOffset.UtcNow;
            try
            {
                var figures = await new MigrationRound(guest.Api, guest.Hosts, installation, guest.Vm, guest.Disk)
                    .Run(number, new Random(HashCode(options.Seed, number)), kinds.Current);
                _rounds.Add(figures);
                Tell(figures, guest.Disk, DateTimeOffset.UtcNow - began);
            }
            catch (DemoException e)
            {
                Narrator.Say($"BROKEN {e.Message}");
                _broken.Add(e.Message);
                if (!await Mend(guest)) return;
            }

            if (guest.Watch.Violations.Count > 0 || guest.Disk.Violations.Count > 0) return;
        }
    }

    /// <summary>A round that did not come right by itself is counted as such; the rest goes on where it can.</summary>
    private static async Task<bool> Mend(WritingGuest guest)
    {
        var (hosts, vm) = (guest.Hosts, guest.Vm);
        try
        {
            if (await vm.Status() == "down") await vm.Act("start");
            await Patience.Until("one copy, where the engine says", TimeSpan.FromSeconds(60), async () =>
                hosts.Processes(vm.Id) is [var copy] && await vm.AwaitUp(TimeSpan.FromSeconds(60)) == copy.Host ? vm : null);
            return true;
        }
        catch (DemoException e)
        {
            Narrator.Say($"it cannot go on: {e.Message}");
            return false;
        }
    }

    /// <summary>Each kind comes once before any comes again.</summary>
    private IEnumerable<MishapKind> Kinds()
    {
        var random = new Random(options.Seed);
        while (true)
        {
            MishapKind[] all = options.Only is { } one ? [one] : Enum.GetValues<MishapKind>();
            random.Shuffle(all);
            foreach (var kind in all) yield return kind;
        }
    }

    private static int HashCode(int seed, int round) => unchecked((seed * 7919) + (round * 104729));

    private static void Tell(RoundFigures f, DiskWitness disk, TimeSpan took) => Narrator.Say(string.Create(
        CultureInfo.InvariantCulture,
        $"{f.Number,3}  {f.From}→{f.To}  {f.Mishap.Words,-46} {f.Cut.TotalSeconds,5:0.00} s, {f.Seen,-20} "
        + $"without a copy for {f.Without.TotalSeconds,5:0.00} s, {f.How,-9} on {f.At}, {disk.Whole,6} records whole, "
        + $"{took.TotalSeconds,3:0} s"));

    /// <summary>The guest is powered off and its disk is read without it.</summary>
    private async Task CheckImage(WritingGuest guest)
    {
        var (hosts, vm, disk) = (guest.Hosts, guest.Vm, guest.Disk);
        if (vm.Disk == Guid.Empty || disk.Boots == 0) return;
        if (await vm.Status() != "down") await vm.Act("stop");
        await Patience.Until("the VM to be down", TimeSpan.FromSeconds(60), async () => await vm.Status() == "down" ? this : null);
        var image = DiskImage.Of(vm.Disk, installation).FirstOrDefault()
            ?? throw new DemoException($"The image of disk {vm.Disk} is not in the shared folder.");
        var host = installation.Hosts.First(hosts.IsOn);
        var (records, lives, wrong) = await DiskImage.Check(hosts, host, image, disk.Acknowledged);
        _verdict.Add("no acknowledged record lost, torn or out of order",
            wrong ?? $"{disk.Acknowledged} acknowledged, {records} on the disk of {lives} boots, {disk.Checks} checks inside",
            wrong is null && disk.Violations.Count == 0 && disk.Checks > 0);
    }

    private void Judge(WritingGuest guest)
    {
        var (watch, disk) = (guest.Watch, guest.Disk);
        Narrator.Chapter("By kind                                rounds   stayed    moved  restarted   longest without one copy");
        foreach (var kind in _rounds.GroupBy(r => r.Mishap.Kind).OrderBy(g => g.Key))
        {
            int Count(string how) => kind.Count(r => r.How == how);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  {kind.Key,-36} {kind.Count(),6} {Count("stayed"),8} {Count("moved"),8} {Count("restarted"),10}   "
                + $"{kind.Max(r => r.Without.TotalSeconds),10:0.00} s"));
        }

        var worst = _rounds.MaxBy(r => r.Without);
        _verdict.Add($"one running copy again within {WithoutLimit:0} s, after each cut",
            worst is null ? "no round came to its end" : string.Create(CultureInfo.InvariantCulture,
                $"{_rounds.Count} rounds, worst {worst.Without.TotalSeconds:0.00} s (round {worst.Number})"),
            worst is not null && worst.Without.TotalSeconds <= WithoutLimit);
        _verdict.Add("never two running copies (checked on the hosts)",
            watch.Violations.Count > 0
                ? string.Join("; ", watch.Violations)
                : $"{watch.Looks} looks, {watch.HandOvers} hand-overs, QEMU asked in {watch.Questions}",
            watch.Violations.Count == 0 && watch.Looks > 0 && watch.HandOvers > 0);
        _verdict.Add("every round came right by itself",
            string.Join("; ", _broken.Prepend($"{_rounds.Count} of {options.Rounds}")), _rounds.Count == options.Rounds);
        foreach (var wrong in disk.Violations) Narrator.Say($"the disk: {wrong}");
        _verdict.Print();
    }
}
