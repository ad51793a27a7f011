using System.Collections.Immutable;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Vm;
using Wire = Orchestrator.Agent.Protocol;

#pragma warning disable format // decision tables stand in columns
namespace Orchestrator.Actors.Host;

/// <summary>Between the engine's words and the agent protocol's. Pure.</summary>
public static class AgentWords
{
    public static AgentFacts Facts(Wire.AgentDescription d) => new(
        d.HostUuid, d.BootId, d.AgentVersion, d.Driver, d.Accelerator, d.Cpus, d.CpuModel, d.MemoryBytes,
        d.MigrationUri)
    {
        LinkMbps = d.LinkMbps,
        CrashKernel = d.CrashKernel,
        ImagePort = d.ImagePort,
    };

    public static ImmutableArray<HostAddress> Addresses(ImmutableArray<Wire.NetworkAddress> told) =>
        [.. told.Select(a => new HostAddress(a.Address, a.Mbps))];

    public static VmCommand Report(HostId host, string name, long incarnation, Wire.GuestReport g, DateTimeOffset at)
    {
        var state = (g.State, g.Exit) switch
        {
            (Wire.GuestState.Down, Wire.GuestExit.Migrated)                  => GuestState.HandedOver,
            (Wire.GuestState.Down, Wire.GuestExit.Saved)                     => GuestState.Saved,
            (Wire.GuestState.Up, _) when g.MigrationError is { Length: > 0 } => GuestState.MigrationFailed,
            (Wire.GuestState.WaitForLaunch, _)                               => GuestState.WaitForLaunch,
            (Wire.GuestState.PoweringUp, _)                                  => GuestState.PoweringUp,
            (Wire.GuestState.Up, _)                                          => GuestState.Up,
            (Wire.GuestState.Paused, _)                                      => GuestState.Paused,
            (Wire.GuestState.PoweringDown, _)                                => GuestState.PoweringDown,
            (Wire.GuestState.MigratingOut, _)                                => GuestState.MigratingOut,
            (Wire.GuestState.Incoming, _)                                    => GuestState.Incoming,
            _                                                                => GuestState.Down,
        };
        var exit = g.Exit switch
        {
            Wire.GuestExit.Error or Wire.GuestExit.Lost => new VmExit(VmExitKind.Error, g.ExitMessage ?? "lost"),
            Wire.GuestExit.None                         => VmExit.Never,
            _                                           => new VmExit(VmExitKind.Normal, g.ExitMessage ?? ""),
        };
        var figures = g.Migration is { TotalMs: { } total, DowntimeMs: { } down }
            ? new MigrationFigures(total, down)
            : null;
        return new VmCommand.ReportGuest(
            host, name, incarnation, new Lease(g.Lease), state, exit, g.MigrationError ?? g.PauseReason, figures, at)
        {
            Move = g.MigrationLease is { } move ? new Lease(move) : null,
            Hopeless = g.MigrationHopeless,
            Progress = g is { State: Wire.GuestState.MigratingOut, Migration: { } p }
                ? new MigrationProgress(Math.Min(99, p.Percent), p.RemainingBytes, p.BytesPerSecond, p.Iteration, p.ElapsedMs, p.PostCopy)
                : null,
            Watchdog = g.Watchdog is { } bark ? new WatchdogBark(bark.Id, Word(bark.Action)) : null,
            Save = g.Save is { } save ? new JobId(save) : null,
            SaveError = g.SaveError,
            MemoryGone = g.MemoryGone == true,
            Reshape = g.Reshape,
            Reshaped = g.Reshaped == true,
            ReshapeError = g.ReshapeError,
            Devices = g.Devices,
            VCpus = g.VirtualCpus,
            Memory = g.MemoryBytes,
        };
    }

    public static Wire.VmDefinition Definition(
        VmId id, VmConfig config, IReadOnlyDictionary<DiskId, (string Path, string Format)> images, string clusterCpu = "") =>
        HardwareWords.Furnished(new Wire.VmDefinition(id.Value, config.Name, config.Memory)
        {
            MaxMemoryBytes = config.MaxMemory,
            Sockets = config.Sockets,
            Cores = config.Cores,
            Threads = config.Threads,
            Machine = config.BiosType.StartsWith("i440fx", StringComparison.Ordinal) ? "pc" : "q35",
            Firmware = config.BiosType switch
            {
                "q35_ovmf"        => Wire.Firmware.Uefi,
                "q35_secure_boot" => Wire.Firmware.UefiSecureBoot,
                _                 => Wire.Firmware.Bios,
            },
            Kernel = config.Kernel == "" ? null : config.Kernel,
            Initrd = config.Initrd == "" ? null : config.Initrd,
            StartPaused = config.StartPaused,
            OnStorageError = config.OnStorageError switch
            {
                StorageErrorResume.AutoResume => Wire.OnStorageError.AutoResume,
                StorageErrorResume.Kill       => Wire.OnStorageError.Kill,
                _                             => Wire.OnStorageError.LeavePaused,
            },
            Headless = config.Headless,
            Cdrom = new Wire.VmCdrom(config.Cdrom is { } cd && images.TryGetValue(cd, out var iso) ? iso.Path : ""),
            Watchdog = config.Watchdog is { } watchdog ? new Wire.VmWatchdog(watchdog.Model, Action(watchdog.Action)) : null,
            Cmdline = config.Cmdline == "" ? null : config.Cmdline,
            BootDevices = [.. config.BootDevices.Select(Boot).OfType<Wire.BootDevice>()],
            Disks = [.. config.Disks.Where(d => d.Active && images.ContainsKey(d.Disk)).Select(d => Disk(d, images))],
            Nics = [.. config.Nics.Where(n => n.Plugged).Select(Card)],
        }, config, clusterCpu);

    public static Wire.MigrateOrder Order(Wire.Stamp stamp, Seat from, Seat to, string uri, MigrationTerms? terms) => terms is null
        ? new Wire.MigrateOrder(stamp, from.Lease.Number, uri, to.Lease.Number)
        : new Wire.MigrateOrder(
            stamp, from.Lease.Number, uri, to.Lease.Number, terms.FirstDowntimeMs, terms.BandwidthMiB, terms.AutoConverge,
            PostCopy: terms.Steps.Any(s => s.Action == MigrationAction.PostCopy))
        {
            Convergence = [.. terms.Steps.Select(s => new Wire.ConvergenceStep(s.After, Step(s.Action), s.DowntimeMs))],
            Compressed = terms.Compressed,
            Encrypted = terms.Encrypted,
            Connections = terms.Connections,
            ZeroCopy = terms.ZeroCopy,
            MemoryAddress = terms.Address == "" ? null : terms.Address,
            MemoryNetwork = terms.Network == "" ? null : terms.Network,
        };

    private static Wire.ConvergenceAction Step(MigrationAction action) => action switch
    {
        MigrationAction.SetDowntime => Wire.ConvergenceAction.SetDowntime,
        MigrationAction.PostCopy    => Wire.ConvergenceAction.PostCopy,
        _                           => Wire.ConvergenceAction.Abort,
    };

    /// <summary>A stateless guest writes to overlays of its own, one for each lease under which it is started; an agent that
    /// makes none does not find them, and starts nothing.</summary>
    public static Wire.VmDefinition ThrowAway(Wire.VmDefinition definition, Lease lease) => definition with
    {
        Disks =
        [
            .. definition.Disks.Select(d => d.ReadOnly
                ? d
                : d with
                {
                    Path = $"{d.Path}.run-{lease.Number}",
                    Format = Wire.DiskFormat.Qcow2,
                    Backing = new Wire.VmBacking(d.Path, d.Format),
                }),
        ],
    };

    public static Wire.StopMode Mode(StopMode mode) =>
        mode == StopMode.Shutdown ? Wire.StopMode.Shutdown : Wire.StopMode.PowerOff;

    /// <summary>Not of a resumption, which is an order of its own.</summary>
    public static Wire.StopMode Mode(GuestAction what) =>
        what == GuestAction.Reset ? Wire.StopMode.Reset : Wire.StopMode.Reboot;

    public static Wire.ImageJob Job(ImageWork work) => work.Action switch
    {
        ImageAction.PrepareDomain => new Wire.ImageJob.PrepareDomain(work.Path, work.OwnerId, "orchestrator"),
        ImageAction.StepDomain when work.Domain is { } d => new Wire.ImageJob.StepDomain(
                                         Place(work.OwnerId, d.Folder, d.Mount), Step(d.Action), d.Installation)
                                     {
                                         Name = d.Name, Role = d.Role, DataCenter = d.DataCenter?.Value, Force = d.Force,
                                     },
        ImageAction.Create        => new Wire.ImageJob.Create(work.Path, Format(work.Format), work.Size) { Preallocated = work.Preallocated },
        ImageAction.Copy          => new Wire.ImageJob.Copy(
                                         work.Source, Format(work.SourceFormat), work.Path, Format(work.Format)) { Preallocated = work.Preallocated },
        ImageAction.Seal          => new Wire.ImageJob.Seal([.. work.Images.Select(i => new Wire.SealImage(i.Path, Format(i.Format)))]),
        ImageAction.Rewrite       => new Wire.ImageJob.Rewrite(
                                         work.Source, Format(work.SourceFormat), work.Path, Format(work.Format)) { Preallocated = work.Preallocated },
        ImageAction.Mirror when work.Guest is { } g => new Wire.ImageJob.Mirror(
                                         g.Vm.Value, g.Lease.Number, g.Disk.Value, work.Path, Format(work.Format)),
        ImageAction.Switch when work.Guest is { } g => new Wire.ImageJob.Switch(
                                         g.Vm.Value, g.Lease.Number, g.Disk.Value, work.Path),
        ImageAction.TurnBack when work.Guest is { } g => new Wire.ImageJob.TurnBack(
                                         g.Vm.Value, g.Lease.Number, g.Disk.Value, work.Path),
        ImageAction.CloseUpload when work.Transfer is { } t => new Wire.ImageJob.CloseUpload(t, work.Path, Format(work.Format), work.Size),
        ImageAction.Grow when work.Guest is { } g => new Wire.ImageJob.GrowUnderGuest(g.Vm.Value, g.Lease.Number, g.Disk.Value, work.Size),
        ImageAction.Grow          => new Wire.ImageJob.Grow(work.Path, Format(work.Format), work.Size) { Preallocated = work.Preallocated },
        ImageAction.AddLayer      => new Wire.ImageJob.Create(work.Path, Wire.DiskFormat.Qcow2, work.Size, work.Source, Format(work.SourceFormat)),
        ImageAction.Merge when work.Guest is { } g => new Wire.ImageJob.MergeUnderGuest(g.Vm.Value, g.Lease.Number, g.Disk.Value, work.Path, work.Source),
        ImageAction.Merge         => new Wire.ImageJob.Merge(work.Path, work.Source, Format(work.SourceFormat), work.Above == "" ? null : work.Above),
        ImageAction.TakeSnapshot when work.Guest is { } g => new Wire.ImageJob.TakeSnapshot(
                                         g.Vm.Value, g.Lease.Number, [.. work.Layers.Select(l => new Wire.GuestLayer(l.Disk.Value, l.Path))]),
        ImageAction.Delete        => new Wire.ImageJob.Delete(work.Path),
        _                         => throw new ArgumentException($"{work.Action} is no work on an image"),
    };

    public static Wire.StoragePlace Place(Guid domain, string folder, MountWork? mount) => new(domain, folder)
    {
        Mount = mount is { } m ? new Wire.StorageMount(m.Type, m.Source) { Options = m.Options } : null,
    };

    private static Wire.DomainStep Step(DomainAction action) => action switch
    {
        DomainAction.Format => Wire.DomainStep.Format,
        DomainAction.Import => Wire.DomainStep.Import,
        DomainAction.Open   => Wire.DomainStep.Open,
        DomainAction.Close  => Wire.DomainStep.Close,
        _                   => Wire.DomainStep.Wipe,
    };

    public static Wire.FenceOrder Fence(FenceAgent agent, PowerAction action, string? password, long? epoch) => new(
        epoch is { } e ? new Wire.Stamp(e) : null, agent.Type, agent.Address,
        action switch
        {
            PowerAction.Off     => Wire.FenceAction.Off,
            PowerAction.On      => Wire.FenceAction.On,
            PowerAction.Restart => Wire.FenceAction.Reboot,
            _                   => Wire.FenceAction.Status,
        },
        agent.Port, agent.Username, password)
    {
        Options = agent.Options.ToImmutableDictionary(),
    };

    /// <summary>Options of a fence program from the lines in which they are kept.</summary>
    public static ImmutableArray<KeyValuePair<string, string>> Options(string lines) =>
    [
        .. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('=', 2))
            .Where(parts => parts.Length == 2).Select(parts => KeyValuePair.Create(parts[0], parts[1])),
    ];

    public static string Lines(ImmutableArray<KeyValuePair<string, string>> options) =>
        string.Concat(options.Select(o => $"{o.Key}={o.Value}\n"));

    public static PowerState Power(Wire.FencePower power) => power switch
    {
        Wire.FencePower.On  => PowerState.On,
        Wire.FencePower.Off => PowerState.Off,
        _                   => PowerState.Unknown,
    };

    private static Wire.WatchdogAction Action(string action) => action switch
    {
        "reset"    => Wire.WatchdogAction.Reset,
        "poweroff" => Wire.WatchdogAction.Poweroff,
        "pause"    => Wire.WatchdogAction.Pause,
        "dump"     => Wire.WatchdogAction.Dump,
        _          => Wire.WatchdogAction.None,
    };

    private static string Word(Wire.WatchdogAction action) => action.ToString().ToLowerInvariant();

    private static Wire.BootDevice? Boot(string device) => device switch
    {
        "hd"      => Wire.BootDevice.Hd,
        "cdrom"   => Wire.BootDevice.Cdrom,
        "network" => Wire.BootDevice.Network,
        _         => null,
    };

    private static Wire.VmDisk Disk(
        DiskAttachment disk, IReadOnlyDictionary<DiskId, (string Path, string Format)> images)
    {
        var (path, format) = images[disk.Disk];
        var bus = disk.Interface switch
        {
            "virtio_scsi" => Wire.DiskInterface.VirtioScsi,
            "sata"        => Wire.DiskInterface.Sata,
            "ide"         => Wire.DiskInterface.Ide,
            _             => Wire.DiskInterface.Virtio,
        };
        return new Wire.VmDisk(disk.Disk.Value, path, Format(format), bus, disk.Bootable, disk.ReadOnly)
        {
            KeepDiscarded = !disk.PassDiscard,
            Limits = HardwareWords.Limits(disk.Qos),
        };
    }

    private static Wire.VmNic Card(Nic nic) => new(
        nic.Id, nic.Mac, nic.Bridge == "" ? null : nic.Bridge,
        nic.Interface switch
        {
            "e1000"   => Wire.NicModel.E1000,
            "e1000e"  => Wire.NicModel.E1000e,
            "rtl8139" => Wire.NicModel.Rtl8139,
            _         => Wire.NicModel.Virtio,
        },
        nic.Linked)
    {
        Filter = nic.Filter == "" ? null : nic.Filter,
        Limits = HardwareWords.Limits(nic.Qos),
    };

    private static Wire.DiskFormat Format(string format) =>
        format == "raw" ? Wire.DiskFormat.Raw : Wire.DiskFormat.Qcow2;
}
