using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Tests.Simulation;
using Orchestrator.Tests.Simulation.Installation;
using Orchestrator.Tests.Simulation.World;

namespace Orchestrator.Tests.Scenarios;

/// <summary>Plays one script on a simulated installation, and writes down what an operator would have seen.</summary>
public sealed partial class Stage : IDisposable
{
    /// <summary>The installation is set up by then, and its VMs are up.</summary>
    private static readonly TimeSpan _created = TimeSpan.FromSeconds(80), _zero = TimeSpan.FromSeconds(120);

    private readonly Script _script;
    private readonly Simulation.Simulation _simulation;
    private readonly Dictionary<string, Guid> _vms = [];
    private readonly StringBuilder _told = new();

    /// <summary>Steps that wait for a line do so one after the other.</summary>
    private readonly Queue<Step> _waiting;

    /// <summary>Answers other than the script says.</summary>
    private readonly List<string> _surprises = [];
    private Step? _doing;
    private Action? _restore;

    public Stage(Script script)
    {
        _script = script;
        _simulation = new Simulation.Simulation(
            new Options
            {
                Seed = 1,
                Nodes = script.Nodes,
                Hosts = script.Hosts,
                Vms = 0,
                Time = _zero + script.End,
                FaultEvery = TimeSpan.FromDays(10),
                CommandEvery = TimeSpan.FromDays(10),
                Keep = int.MaxValue,
                SoftFencing = script.SoftFencing,
                Kdump = script.Kdump,
                Certificates = script.Certificates,
                Hocon = script.Certificates ? "orchestrator.hosts.certificate-look-every = 10 s" : "",
            }, Hear);
        foreach (var host in _simulation.World.Hosts) host.HasWatchdog = script.Watchdogs;
        Cast = new Cast(_simulation, _vms);
        Transfers = new Transfers(this);
        Archive = new Archive(this);
        Snapshots = new Snapshots(this);
        _waiting = new Queue<Step>(script.Steps.Where(s => s.After is not null));
    }

    /// <summary>Finds whom a script means.</summary>
    public Cast Cast { get; }

    public Archive Archive { get; }

    public Transfers Transfers { get; }

    public Snapshots Snapshots { get; }

    public Simulation.Simulation Simulation => _simulation;

    /// <returns>The timeline.</returns>
    public string Play()
    {
        _simulation.After(_created, () => _ = Furnish());
        _simulation.After(_zero, () => Assert.All(
            _script.Vms, vm => Assert.Equal(vm.Down ? "down" : "up", Cast.View(vm.Name).Status)));
        foreach (var step in _script.Steps.Where(s => s.After is null)) _simulation.After(_zero + step.Time, () => Do(step));
        var outcome = _simulation.Run();
        Assert.Empty(outcome.Violations);
        Assert.Empty(_surprises);
        Assert.True(_waiting.Count == 0, $"this never came: {_waiting.FirstOrDefault()?.After}");
        foreach (var vm in _vms.Keys) Say($"at the end: {Cast.Story(vm)}", _script.End);
        foreach (var vm in _vms.Keys)
            if (Cast.Machine(vm) is { } machine) Say($"at the end: {machine}", _script.End);
        return _told.ToString();
    }

    public void Say(string what)
    {
        Say(what, _simulation.Thread.Elapsed - _zero);
        if (_waiting.TryPeek(out var step) && what.Contains(step.After!, StringComparison.Ordinal))
            _simulation.After(_waiting.Dequeue().Time, () => Do(step));
    }

    public async Task Ask(string kind, Guid id, string what, Func<Origin, object> make)
    {
        var expected = _doing?.IsRefused ?? false;
        Say($"admin: {what}");
        var reply = await _simulation.Clients.Ask(kind, id, what, make);
        if (reply is Reply.Refused != expected) _surprises.Add($"{what}: {reply}");
        Say(reply switch
        {
            Reply.Refused refused => $"refused: {what}: {refused.Fault}{(refused.Detail is null ? "" : $" ({refused.Detail})")}",
            Reply.AlreadyDone => $"already so: {what}",
            Reply.Accepted => $"accepted: {what}",
            _ => $"no answer: {what}",
        });
    }

    public void TakeBackup()
    {
        Say("a backup of the database is taken");
        _restore = _simulation.Database.Backup();
    }

    /// <summary>As an operator does it: all nodes are stopped first, and started when it is done.</summary>
    public void RestoreBackup()
    {
        Say("all nodes are stopped, and the database is restored from the backup");
        foreach (var node in _simulation.Nodes) node.Kill(kernelLives: true);
        _simulation.After(TimeSpan.FromSeconds(1), () =>
        {
            _restore!();
            Say("all nodes are started");
            foreach (var node in _simulation.Nodes) node.Start();
        });
    }

    /// <summary>A VM that the script did not begin with.</summary>
    public async Task Add(string vm)
    {
        var id = _vms[vm] = _simulation.Clients.NewId();
        var cluster = new ClusterId(_simulation.Database.Read.Of(Kinds.Cluster).Single().Document.Id);
        await Ask(Kinds.Vm, id, $"create {vm}", o => new VmCommand.Create(o, new VmConfig { Name = vm, Cluster = cluster, Memory = 1L << 30 }));
        await Ask(Kinds.Vm, id, $"start {vm}", o => new VmCommand.Start(o));
    }

    public void Dispose() => _simulation.Dispose();

    private async Task Furnish()
    {
        var cluster = new ClusterId(_simulation.Database.Read.Of(Kinds.Cluster).Single().Document.Id);
        if (_script.Rules is { } policy)
            await _simulation.Clients.Ask(Kinds.Cluster, cluster.Value, "set the policy", o => new ClusterCommand.Update(o, policy));
        foreach (var vm in _script.Vms)
        {
            var id = _vms[vm.Name] = _simulation.Clients.NewId();
            await _simulation.Clients.Ask(Kinds.Vm, id, $"create {vm.Name}", o => new VmCommand.Create(o, new VmConfig
            {
                Name = vm.Name,
                Cluster = cluster,
                HighlyAvailable = vm.HighlyAvailable,
                Priority = vm.Priority,
                Memory = vm.Memory,
                PreferredHosts = vm.On is { } host ? [new HostId(Cast.HostId(host))] : [],
                Affinity = vm.Pinned ? VmAffinity.Pinned : vm.ByUsersOnly ? VmAffinity.UserMigratable : VmAffinity.Migratable,
                Stateless = vm.Stateless,
                OnStorageError = vm.OnStorageError,
                Watchdog = vm.Watchdog is { } action ? new Watchdog("i6300esb", action switch { "resets" => "reset", "pauses" => "pause", _ => action }) : null,
            }));
            if (vm.Disk) await Plug(vm.Name);
            if (!vm.Down) await _simulation.Clients.Ask(Kinds.Vm, id, $"start {vm.Name}", o => new VmCommand.Start(o));
        }
    }

    /// <summary>A disk besides the one that it has, attached when its image is made.</summary>
    public Task PlugMore(string words, string vm, string bus)
    {
        Say($"admin: {words}");
        return Plug(vm, words, bus);
    }

    private async Task Plug(string vm, string? words = null, string bus = "virtio")
    {
        var expected = _doing?.IsRefused ?? false;
        var (clients, read) = (_simulation.Clients, _simulation.Database.Read);
        var (disk, host) = (new DiskId(clients.NewId()), new HostId(Cast.HostId("host-1")));
        var domain = new StorageDomainId(read.Of(Kinds.StorageDomain).Single().Document.Id);
        await clients.Ask(Kinds.Disk, disk.Value, $"create the disk of {vm}", o => new DiskCommand.Create(
            o, new DiskConfig { Name = vm, StorageDomain = domain, ProvisionedSize = 1L << 30 }, $"/data/{disk}", host, "", ""));
        while (ReadTables.Text(read.Find(Kinds.Disk, disk.Value)!, "status") != "ok") await clients.Pause(TimeSpan.FromMilliseconds(100));
        var reply = await clients.Ask(Kinds.Vm, Cast.Vm(vm), $"attach the disk of {vm}", o => new VmCommand.AttachDisk(
            o, new DiskAttachment(disk, bus, Bootable: words is null, Active: true, ReadOnly: false)));
        if (words is null) return;
        if (reply is Reply.Refused != expected) _surprises.Add($"{words}: {reply}");
        Say(reply is Reply.Refused refused ? $"refused: {words}: {refused.Fault}" : $"accepted: {words}");
    }

    /// <summary>Between the one storage domain that there is and one beside it.</summary>
    public async Task MoveDisk(string vm, string words)
    {
        var read = _simulation.Database.Read;
        var disk = DiskOf(vm);
        var main = new StorageDomainId(read.Of(Kinds.StorageDomain).Single().Document.Id);
        var to = disk.Config.StorageDomain == main ? new StorageDomainId(Guid.Parse("5ec0d000-0000-0000-0000-000000000000")) : main;
        await Ask(Kinds.Disk, disk.Id.Value, words, o => new DiskCommand.Move(
            o, new DiskPlace(to, $"/data/{to}/{disk.Id}/{o.Job}") { Name = to == main ? "data" : "second" }, new HostId(Cast.HostId("host-1"))));
    }

    public Task GrowDisk(string vm, string words)
    {
        var disk = DiskOf(vm);
        return Ask(Kinds.Disk, disk.Id.Value, words, o => new DiskCommand.Grow(
            o, 2 * disk.Config.ProvisionedSize, new HostId(Cast.HostId("host-1"))));
    }

    /// <summary>From cow to raw, and back.</summary>
    public Task ConvertDisk(string vm, string words)
    {
        var disk = DiskOf(vm);
        return Ask(Kinds.Disk, disk.Id.Value, words, o => new DiskCommand.Rewrite(
            o, RewriteKind.Convert, $"/data/{disk.Id}/{o.Job}", new HostId(Cast.HostId("host-1")))
        {
            Format = disk.Config.Format == "raw" ? "cow" : "raw",
        });
    }

    private DiskView DiskOf(string vm) =>
        _simulation.Database.Read.Of(Kinds.Disk).Select(d => WireJson.Read<DiskView>(d.Document.Json)).Single(d => d.Config.Name == vm);

    private void Do(Step step)
    {
        _doing = step;
        if (!Verbs.Do(this, step.Words)) throw new FormatException($"no such step: {step.Words}");
        _doing = null;
    }

    private void Hear(string line)
    {
        if (_simulation is null) return;
        var said = line[(line.IndexOf("  ", StringComparison.Ordinal) + 2)..];
        if (_simulation.Thread.Elapsed < _zero || Noise().IsMatch(said)) return;
        Say(Id().Replace(said, ""));
    }

    private void Say(string what, TimeSpan at) => _told.Append(
        CultureInfo.InvariantCulture, $"{at.TotalSeconds,7:F1} s  {what}\n");

    [GeneratedRegex("^--- |: its agent says: ")]
    private static partial Regex Noise();

    /// <summary>Identities say nothing to a reader.</summary>
    [GeneratedRegex(@" \([0-9a-f]{8}(-[0-9a-f-]+)?\)|(?<=Node) [0-9a-f]{8}")]
    private static partial Regex Id();
}
