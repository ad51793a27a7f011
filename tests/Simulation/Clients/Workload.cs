using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.DataCenter;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Template;
using Orchestrator.Actors.Vm;
using Orchestrator.Tests.Simulation.Installation;
using Orchestrator.Tests.Simulation.World;
using Reply = Orchestrator.Actors.Reply;

namespace Orchestrator.Tests.Simulation.Clients;

/// <summary>What clients want of the installation: at first to set it up, then one thing after the other, chosen by
/// chance among what makes sense for what the lists show, and now and then among what does not.</summary>
public sealed class Workload(Simulation simulation, ApiClients clients, Random chance)
{
    private readonly List<(Guid Id, string Name)> _vms = [];
    private readonly HashSet<Guid> _busy = [];
    private readonly List<(Guid Id, WorldHost Host)> _hosts = [];
    private readonly SnapshotWork _snapshots = new(simulation, clients, chance);
    private readonly Guid _center = clients.NewId();
    private readonly ClusterId _cluster = new(clients.NewId());
    private readonly StorageDomainId _domain = new(clients.NewId());

    /// <summary>Where disks are moved to and from; nothing else is asked of it.</summary>
    private readonly StorageDomainId _second = new(Guid.Parse("5ec0d000-0000-0000-0000-000000000000"));
    private int _names;

    /// <summary>Set up: faults may begin.</summary>
    public bool IsReady { get; private set; }

    /// <summary>No new command is given while this is set.</summary>
    public bool Rests { get; set; } = true;

    private Options Options => simulation.Options;

    public async Task Live()
    {
        await SetUp();
        IsReady = true;
        simulation.Timeline.Note($"the installation is set up: {_hosts.Count} hosts, {_vms.Count} VMs");
        _ = CareForTheStubborn();
        if (Options.Vms > 0) _ = ChangeStorage();
        while (true)
        {
            await clients.Pause(Options.CommandEvery * (2 * chance.NextDouble()));
            if (!Rests) _ = OneThing();
        }
    }

    private async Task SetUp()
    {
        await clients.Ask(Kinds.DataCenter, _center, "create data center", o =>
            new DataCenterCommand.Create(o, new DataCenterConfig { Name = "Default" }));
        await clients.Ask(Kinds.Cluster, _cluster.Value, "create cluster", o =>
            new ClusterCommand.Create(o, new ClusterConfig
            {
                Name = "Default",
                DataCenter = new DataCenterId(_center),
                MigrationNetwork = Options.Seed % 2 == 0 ? "10.78.0.0/24" : "",
            }));
        await clients.Ask(Kinds.Template, TemplateId.Blank.Value, "create template Blank", o =>
            new TemplateCommand.Create(o, new VmConfig { Name = "Blank", Cluster = _cluster }, []));
        await Task.WhenAll(simulation.World.Hosts.Select(Register));
        while (simulation.Database.Read.Of(Kinds.Host).Any(h => ReadTables.Text(h, "status") != "up"))
            await clients.Pause(TimeSpan.FromMilliseconds(500));
        await clients.Ask(Kinds.StorageDomain, _domain.Value, "create storage domain", o =>
            new StorageDomainCommand.Create(
                o, new StorageDomainConfig { Name = "data", Path = "/data" }, new HostId(_hosts[0].Id)));
        while (simulation.Database.Read.Find(Kinds.StorageDomain, _domain.Value) is not { } domain
            || ReadTables.Text(domain, "status") is not "unattached") await clients.Pause(TimeSpan.FromSeconds(1));
        await clients.Ask(Kinds.StorageDomain, _domain.Value, "attach storage domain", o =>
            new StorageDomainCommand.Attach(o, new DataCenterId(_center)));
        await Task.WhenAll(Enumerable.Range(0, Options.Vms).Select(_ => CreateVm()));
        await Task.WhenAll(_vms.Where(_ => chance.NextDouble() < 0.75).ToArray().Select(vm => Start(vm.Id, vm.Name)));
        await clients.Pause(TimeSpan.FromSeconds(20));
    }

    private async Task Register(WorldHost host)
    {
        var id = clients.NewId();
        _hosts.Add((id, host));
        var fence = host.Fence;
        await clients.Ask(Kinds.Host, id, $"register {host.Name}", o => new HostCommand.Register(o, new HostConfig
        {
            Name = host.Name,
            Cluster = _cluster,
            Address = host.Address.Host,
            Port = host.Address.Port,
            Ssh = new SshAccess("root", 22, ""),
            PowerManagementEnabled = true,
            FenceAgents =
            [
                new FenceAgent(new Guid(host.Number, 0, 0, new byte[8]), fence.Type, fence.Address, fence.Port,
                    fence.Username, "secret", 1, []),
            ],
        }));
    }

    private async Task CreateVm()
    {
        var (id, name) = (clients.NewId(), $"vm-{++_names:d4}");
        var config = new VmConfig
        {
            Name = name,
            Cluster = _cluster,
            HighlyAvailable = chance.NextDouble() < 0.6,
            Memory = (1L + chance.Next(4)) << 30,
            Priority = chance.Next(100),
            OnStorageError = (StorageErrorResume)chance.Next(3),
        };
        var reply = await clients.Ask(Kinds.Vm, id, $"create {name}", o => new VmCommand.Create(o, config));
        if (reply is Reply.Accepted or Reply.AlreadyDone) _vms.Add((id, name));
    }

    private async Task OneThing()
    {
        if (_vms.Count < Options.Vms && chance.NextDouble() < 0.3)
        {
            await CreateVm();
            return;
        }

        var dice = chance.NextDouble();
        if (dice < 0.04) await HostWork();
        else if (dice < 0.10) await DiskWork();
        else if (_vms.Count > 0) await VmWork(_vms[chance.Next(_vms.Count)]);
    }

    private async Task VmWork((Guid Id, string Name) vm)
    {
        if (!_busy.Add(vm.Id)) return;
        try
        {
            var status = simulation.Database.Read.Find(Kinds.Vm, vm.Id) is { } row ? ReadTables.Text(row, "status") : null;
            var dice = chance.NextDouble();
            switch (status)
            {
                case "down" when dice < 0.12:
                    if (await clients.Ask(Kinds.Vm, vm.Id, $"remove {vm.Name}", o => new VmCommand.Remove(o))
                        is Reply.Accepted or Reply.AlreadyDone) _vms.Remove(vm);
                    break;
                case "down" when dice < 0.25:
                    await Update(vm.Id, vm.Name);
                    break;
                case "down":
                    await Start(vm.Id, vm.Name);
                    break;
                case "up" when dice < 0.55:
                    await clients.Ask(Kinds.Vm, vm.Id, $"migrate {vm.Name}", o =>
                        new VmCommand.Migrate(o, null, Force: false));
                    break;
                case "up" when dice < 0.7:
                    await Stop(vm.Id, vm.Name);
                    break;
                case "up" when dice < 0.85:
                    await ShutDown(vm.Id, vm.Name);
                    break;
                case "up" when dice < 0.88:
                    await Suspend(vm.Id, vm.Name);
                    break;
                case "suspended" when dice < 0.2:
                    await Stop(vm.Id, vm.Name);
                    break;
                case "suspended":
                    await Start(vm.Id, vm.Name);
                    break;
                case "up" when dice < 0.90:
                    await clients.Ask(Kinds.Vm, vm.Id, $"change the sockets of {vm.Name}", o =>
                        new VmCommand.Update(o, new VmPatch { Sockets = 1 + chance.Next(3) }));
                    break;
                case "up" when dice < 0.92:
                    await clients.Ask(Kinds.Vm, vm.Id, $"reboot {vm.Name}", o => new VmCommand.Reboot(o));
                    break;
                case "up":
                    await Update(vm.Id, vm.Name);
                    break;
                case "migrating" when dice < 0.3:
                    await clients.Ask(Kinds.Vm, vm.Id, $"cancel the migration of {vm.Name}", o =>
                        new VmCommand.CancelMigration(o));
                    break;
                case "paused" when dice < 0.5:
                    await Start(vm.Id, vm.Name);
                    break;
                case "paused":
                    await Stop(vm.Id, vm.Name);
                    break;
                default:
                    if (dice < 0.3) await Stop(vm.Id, vm.Name);
                    else if (dice < 0.5) await Start(vm.Id, vm.Name);
                    break;
            }
        }
        finally
        {
            _busy.Remove(vm.Id);
        }
    }

    private Task<Reply?> Start(Guid vm, string name) =>
        clients.Ask(Kinds.Vm, vm, $"start {name}", o => new VmCommand.Start(o)
        {
            Once = chance.NextDouble() < 0.05 ? new RunOnce(new VmPatch { StartPaused = true }, null) : null,
        });

    private Task Suspend(Guid vm, string name) => clients.Ask(Kinds.Vm, vm, $"suspend {name}", o =>
        new VmCommand.Suspend(o, $"/data/{_domain}/images/{vm}/{o.Job}.memory"));

    private Task Stop(Guid vm, string name) => End(vm, $"power off {name}", o => new VmCommand.Stop(o));

    /// <summary>A guest that does not hear the power button is powered off when it was seen twice.</summary>
    private Task ShutDown(Guid vm, string name) => End(vm, $"shut down {name}", o => new VmCommand.Shutdown(o));

    private async Task End(Guid vm, string what, Func<Origin, VmCommand> command)
    {
        simulation.World.ClientEnds(vm);
        // A client that gives up does not know whether its command is carried out some day.
        if (await clients.Ask(Kinds.Vm, vm, what, command) is not null) simulation.World.ClientIsAnswered(vm);
    }

    /// <summary>By a chance of its own, so that all else is as it would be without.</summary>
    private async Task ChangeStorage()
    {
        var own = new Random((int)Options.Seed);
        var life = new StorageLife(simulation, clients, own, new DataCenterId(_center), () => new HostId(_hosts[own.Next(_hosts.Count)].Id));
        while (true)
        {
            await clients.Pause(TimeSpan.FromSeconds(10 + own.Next(50)));
            if (!Rests) await life.Step();
        }
    }

    private async Task CareForTheStubborn()
    {
        var before = new HashSet<Guid>();
        while (true)
        {
            await clients.Pause(TimeSpan.FromSeconds(40));
            var now = simulation.Database.Read.Of(Kinds.Vm).Where(r => ReadTables.Text(r, "status") == "powering_down")
                .Select(r => r.Document).ToArray();
            foreach (var vm in now)
                if (before.Contains(vm.Id)) _ = Stop(vm.Id, vm.Name);
            before = [.. now.Select(d => d.Id)];
        }
    }

    private Task<Reply?> Update(Guid vm, string name) => clients.Ask(Kinds.Vm, vm, $"update {name}", o =>
        new VmCommand.Update(o, new VmPatch
        {
            Comment = $"changed {chance.Next(1000)}",
            Memory = chance.NextDouble() < 0.3 ? (1L + chance.Next(4)) << 30 : null,
        }));

    /// <summary>To maintenance and, some time later, back.</summary>
    private async Task HostWork()
    {
        var (id, host) = _hosts[chance.Next(_hosts.Count)];
        if (!_busy.Add(id)) return;
        try
        {
            var status = simulation.Database.Read.Find(Kinds.Host, id) is { } row ? ReadTables.Text(row, "status") : null;
            if (status == "install_failed")
            {
                await Install(id, host);
                return;
            }

            if (chance.NextDouble() < 0.4)
            {
                var kind = chance.NextDouble() < 0.5 ? DeployKind.Upgrade : DeployKind.Enroll;
                await clients.Ask(Kinds.Host, id, $"{kind} {host.Name}", o => new HostCommand.Deploy(o, kind));
                return;
            }

            if (await clients.Ask(Kinds.Host, id, $"{host.Name} to maintenance", o =>
                    new HostCommand.Deactivate(o, "")) is not (Reply.Accepted or Reply.AlreadyDone)) return;
            await clients.Pause(TimeSpan.FromSeconds(20 + chance.Next(100)));
            if (chance.NextDouble() < 0.5) await Install(id, host);
            else await clients.Ask(Kinds.Host, id, $"activate {host.Name}", o => new HostCommand.Activate(o));
        }
        finally
        {
            _busy.Remove(id);
        }
    }

    /// <summary>By the engine's key or by a password, which is the wrong one now and then.</summary>
    private async Task Install(Guid id, WorldHost host)
    {
        var luck = chance.NextDouble();
        if (luck < 0.6) simulation.Database.Read.Secrets[HostDeploying.SecretOf(new HostId(id))] = luck < 0.5 ? NodeInstaller.Password : "wrong";
        await clients.Ask(Kinds.Host, id, $"install {host.Name}", o => new HostCommand.Deploy(o, DeployKind.Install) { WithPassword = luck < 0.6 });
    }

    private async Task DiskWork()
    {
        var host = new HostId(_hosts[chance.Next(_hosts.Count)].Id);
        var disks = simulation.Database.Read.Of(Kinds.Disk).ToArray();
        if (disks.Length < Options.Vms / 4 || chance.NextDouble() < 0.3)
        {
            var id = clients.NewId();
            var name = $"disk-{++_names:d4}";
            await clients.Ask(Kinds.Disk, id, $"create {name}", o => new DiskCommand.Create(
                o, new DiskConfig { Name = name, StorageDomain = _domain, ProvisionedSize = 1L << 30 },
                $"/data/{_domain}/images/{id}/{id}", host, "", ""));
            return;
        }

        var disk = disks[chance.Next(disks.Length)].Document;
        if (disks.Length > 0 && chance.NextDouble() < 0.4)
        {
            await clients.Ask(Kinds.Disk, disk.Id, $"remove {disk.Name}", o => new DiskCommand.Remove(o, host));
            return;
        }

        var luck = chance.NextDouble();
        if (luck is >= 0.12 and < 0.18)
        {
            var size = WireJson.Read<DiskView>(disk.Json).Config.ProvisionedSize;
            await clients.Ask(Kinds.Disk, disk.Id, $"make {disk.Name} bigger", o => new DiskCommand.Grow(o, size + (1L << 30), host));
            return;
        }

        if (luck is >= 0.40 and < 0.48)
        {
            await clients.Ask(Kinds.Disk, disk.Id, $"write {disk.Name} anew", o => new DiskCommand.Rewrite(
                o, RewriteKind.Convert, $"/data/{_domain}/images/{disk.Id}/{o.Job}", host)
            {
                Format = WireJson.Read<DiskView>(disk.Json).Config.Format == "raw" ? "cow" : "raw",
            });
            return;
        }

        if (luck is >= 0.18 and < 0.40 && WireJson.Read<DiskView>(disk.Json).Vms is [var holder, ..])
        {
            if (!_busy.Add(holder.Value)) return;
            if (simulation.Database.Read.Find(Kinds.Vm, holder.Value) is { } shown)
                await _snapshots.One(WireJson.Read<VmView>(shown.Document.Json), host);
            _busy.Remove(holder.Value);
            return;
        }

        if (luck < 0.12)
        {
            var view = WireJson.Read<DiskView>(disk.Json);
            var to = view.Config.StorageDomain == _domain ? _second : _domain;
            await clients.Ask(Kinds.Disk, disk.Id, $"move {disk.Name} to another storage domain", o =>
                new DiskCommand.Move(o, new DiskPlace(to, $"/data/{to}/images/{disk.Id}/{o.Job}"), host));
            return;
        }

        if (_vms.Count == 0) return;
        var held = WireJson.Read<DiskView>(disk.Json).Vms;
        var (vm, vmName) = held.IsEmpty || chance.NextDouble() < 0.5 ? _vms[chance.Next(_vms.Count)] : (held[0].Value, "its VM");
        if (!_busy.Add(vm)) return;
        try
        {
            if (held.Contains(new VmId(vm))) await Take(disk, vm, vmName);
            else await Give(disk, vm, vmName);
        }
        finally
        {
            _busy.Remove(vm);
        }
    }

    private async Task Give(Document disk, Guid vm, string vmName)
    {
        // An engine of 0.1.0 asked no disk.
        var asks = chance.NextDouble() < 0.5;
        if (asks && await clients.Ask(Kinds.Disk, disk.Id, $"give {disk.Name} to {vmName}", o =>
                new DiskCommand.Attach(o, new VmId(vm))) is not Reply.Accepted) return;
        if (await clients.Ask(Kinds.Vm, vm, $"attach {disk.Name} to {vmName}", o => new VmCommand.AttachDisk(
                o, new DiskAttachment(new DiskId(disk.Id), "virtio", false, true, false))) is Reply.Refused && asks)
            await clients.Ask(Kinds.Disk, disk.Id, $"take {disk.Name} from {vmName}", o => new DiskCommand.Detach(o, new VmId(vm)));
    }

    /// <summary>As the API does: the guest may have it for as long as its VM lists it.</summary>
    private async Task<bool> LetsGo(Guid vm, Guid disk)
    {
        for (var times = 0; times < 60; times++)
        {
            if (simulation.Database.Read.Find(Kinds.Vm, vm) is not { } row
                || WireJson.Read<VmView>(row.Document.Json).Config.Disks.All(d => d.Disk.Value != disk)) return true;
            await clients.Pause(TimeSpan.FromSeconds(1));
        }

        return false;
    }

    private async Task Take(Document disk, Guid vm, string vmName)
    {
        if (await clients.Ask(Kinds.Vm, vm, $"detach {disk.Name} from {vmName}", o => new VmCommand.DetachDisk(o, new DiskId(disk.Id)))
            is Reply.Accepted or Reply.Refused { Fault: Fault.VmDiskNotAttached or Fault.Removed } && await LetsGo(vm, disk.Id))
            await clients.Ask(Kinds.Disk, disk.Id, $"take {disk.Name} from {vmName}", o => new DiskCommand.Detach(o, new VmId(vm)));
    }
}
