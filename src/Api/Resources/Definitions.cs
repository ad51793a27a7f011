using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>What VMs and templates share: from a body to a definition, and from a definition to its
/// representation.</summary>
internal static class Definitions
{
    private const int MaxVCpus = 512;

    /// <summary>The fields that the body sets, hosts looked up by id or name.</summary>
    /// <param name="present">What it is now, or is made from.</param>
    public static async Task<VmPatch> Patch(ApiCall call, Element body, VmConfig present)
    {
        var topology = body.One("cpu")?.One("topology");
        var os = body.One("os");
        var availability = body.One("high_availability");
        var placement = body.One("placement_policy");
        var memory = body.One("memory_policy");
        return new VmPatch
        {
            Description = body.Text("description"),
            Comment = body.Text("comment"),
            Memory = body.Number("memory"),
            GuaranteedMemory = memory?.Number("guaranteed"),
            MaxMemory = memory?.Number("max"),
            Sockets = topology?.Integer("sockets"),
            Cores = topology?.Integer("cores"),
            Threads = topology?.Integer("threads"),
            HighlyAvailable = availability?.Flag("enabled"),
            Priority = availability?.Integer("priority"),
            Type = body.Text("type"),
            OsType = os?.Text("type"),
            Kernel = Line("os.kernel", os?.Text("kernel")),
            Initrd = Line("os.initrd", os?.Text("initrd")),
            Cmdline = Line("os.cmdline", os?.Text("cmdline")),
            BootDevices = os?.One("boot")?.Words("devices") is { } devices ? [.. devices.Distinct()] : null,
            BiosType = body.One("bios")?.Text("type") is { } bios and not "cluster_default" ? bios : null,
            Affinity = placement?.Text("affinity") switch
            {
                "migratable" => VmAffinity.Migratable,
                "user_migratable" => VmAffinity.UserMigratable,
                "pinned" => VmAffinity.Pinned,
                _ => null,
            },
            Migration = Migrations.ReadOfVm(body, present.Migration),
            MigrationDowntimeMs = body.Integer("migration_downtime"),
            PreferredHosts = placement?.Many("hosts") is { } hosts ? await HostsOf(call, hosts) : null,
            Cdrom = await Cdroms.Of(call, body.Many("cdroms") is [var cdrom, ..] ? cdrom : null),
            Hardware = Hardware.Read(call, body, present.Hardware),
            Initialization = Initializations.Read(body, present.Initialization),
            DeleteProtected = body.Flag("delete_protected"),
            Stateless = body.Flag("stateless"),
            StartPaused = body.Flag("start_paused"),
            OnStorageError = body.Text("storage_error_resume_behaviour") switch
            {
                "auto_resume" => StorageErrorResume.AutoResume,
                "kill" => StorageErrorResume.Kill,
                "leave_paused" => StorageErrorResume.LeavePaused,
                _ => null,
            },
        };
    }

    /// <summary>The settings of a start that are for this run alone: those that oVirt takes there, of which the engine has the
    /// boot order, the kernel, stateless, pause, CPU model and machine type, initialization and the host. What else the VM in the action says is left aside.</summary>
    /// <returns>Null when the action has none.</returns>
    public static async Task<RunOnce?> Once(ApiCall call, Element action)
    {
        var pause = action.Flag("pause");
        var tells = ((string[])["use_cloud_init", "use_ignition", "use_initialization"]).Any(use => action.Flag(use) == true);
        if (action.One("vm") is not { } vm && !tells) return pause is null ? null : new RunOnce(new VmPatch { StartPaused = pause }, null);
        var body = action.One("vm") ?? Shapes.Vm.New();
        var present = (await Vms.Read(call)).Config;
        var given = await Patch(call, body, present);
        var hosts = given.PreferredHosts ?? [];
        var told = given.Initialization ?? (tells ? present.Initialization ?? new Initialization() : null);
        return new RunOnce(
            await Initializations.KeepPassword(call, body, new VmPatch
            {
                BootDevices = given.BootDevices,
                Cdrom = given.Cdrom,
                Kernel = given.Kernel,
                Initrd = given.Initrd,
                Cmdline = given.Cmdline,
                Stateless = given.Stateless,
                StartPaused = pause ?? given.StartPaused,
                PreferredHosts = hosts.Length > 1 ? hosts : null,
                Hardware = Momentary(given.Hardware, present.Hardware),
                Initialization = told is null ? null : told with { Given = true },
            }, $"{call.Id()}/once"),
            hosts is [var only] ? only : null);
    }

    /// <summary>Of other hardware oVirt takes these two for one run: CPU model and machine type.</summary>
    private static VmHardware? Momentary(VmHardware? given, VmHardware? present) => given is null ? null : (present ?? VmHardware.Usual) with
    {
        CpuMode = given.CpuMode,
        CpuModel = given.CpuModel,
        EmulatedMachine = given.EmulatedMachine,
        BootMenu = given.BootMenu,
    };

    /// <summary>Refuses definitions that no host could run, before any name is claimed or disk is made.</summary>
    public static VmConfig Checked(VmConfig config)
    {
        if (config.Memory < 1 << 20)
            throw FaultException.Bad($"memory is {config.Memory} bytes; a VM needs 1048576 at least");
        if (config.GuaranteedMemory < 0 || config.GuaranteedMemory > config.Memory)
            throw FaultException.Bad($"memory_policy.guaranteed is {config.GuaranteedMemory}; it must be from 0 to the memory, "
                + $"{config.Memory}");
        if (config.MaxMemory < config.Memory)
            throw FaultException.Bad($"memory_policy.max is {config.MaxMemory}; it must not be below the memory, "
                + $"{config.Memory}");
        if (config.Sockets < 1 || config.Cores < 1 || config.Threads < 1
            || (long)config.Sockets * config.Cores * config.Threads > MaxVCpus)
            throw FaultException.Bad($"cpu.topology {config.Sockets}:{config.Cores}:{config.Threads} is not possible; each "
                + $"number must be 1 or more and their product at most {MaxVCpus}");
        if (config.Priority is < 0 or > 100)
            throw FaultException.Bad($"high_availability.priority is {config.Priority}; it must be from 0 to 100");
        if (config.MigrationDowntimeMs == 0)
            throw FaultException.Bad("migration_downtime is 0; it must be 1 ms or more, or -1 for the policy's choice");
        if (HardwareRules.Wrong(config) is { } why) throw FaultException.Bad(why);
        return config;
    }

    public static Element Show(Element element, VmConfig config, string architecture, DateTimeOffset createdAt)
    {
        var os = Shapes.OperatingSystem.New()
            .With("boot", Shapes.Boot.New().With("devices", config.BootDevices))
            .With("type", config.OsType);
        if (config.Cmdline.Length > 0) os.With("cmdline", config.Cmdline);
        if (config.Initrd.Length > 0) os.With("initrd", config.Initrd);
        if (config.Kernel.Length > 0) os.With("kernel", config.Kernel);
        var placement = Shapes.PlacementPolicy.New().With("affinity", AffinityOf(config.Affinity));
        if (config.PreferredHosts.Length > 0)
            placement.With("hosts", [.. config.PreferredHosts.Select(Refs.To)]);
        element
            .With("name", config.Name)
            .With("description", config.Description)
            .With("comment", config.Comment)
            .With("bios", Shapes.Bios.New().With("type", config.BiosType))
            .With("cpu", Shapes.Cpu.New().With("architecture", architecture)
                .With("topology", Shapes.Topology.New().With("cores", config.Cores)
                    .With("sockets", config.Sockets).With("threads", config.Threads)))
            .With("creation_time", createdAt)
            .With("delete_protected", config.DeleteProtected)
            .With("high_availability", Shapes.HighAvailability.New()
                .With("enabled", config.HighlyAvailable).With("priority", config.Priority))
            .With("memory", config.Memory)
            .With("memory_policy", Shapes.MemoryPolicy.New()
                .With("guaranteed", config.GuaranteedMemory).With("max", config.MaxMemory))
            .With("migration", Migrations.Show(config.Migration))
            .With("migration_downtime", config.MigrationDowntimeMs ?? -1)
            .With("os", os)
            .With("origin", "ovirt")
            .With("start_paused", config.StartPaused)
            .With("stateless", config.Stateless)
            .With("type", config.Type)
            .With("storage_error_resume_behaviour", config.OnStorageError switch
            {
                StorageErrorResume.AutoResume => "auto_resume",
                StorageErrorResume.Kill => "kill",
                _ => "leave_paused",
            })
            .With("placement_policy", placement);
        Hardware.Show(element, config);
        return element;
    }

    private static string AffinityOf(VmAffinity affinity) => affinity switch
    {
        VmAffinity.Pinned => "pinned",
        VmAffinity.UserMigratable => "user_migratable",
        _ => "migratable",
    };

    private static async Task<ImmutableArray<HostId>?> HostsOf(ApiCall call, IReadOnlyList<Element> hosts)
    {
        var ids = ImmutableArray.CreateBuilder<HostId>(hosts.Count);
        foreach (var host in hosts)
            ids.Add(new HostId(await Refs.Resolve(call, Kinds.Host, host)
                ?? throw FaultException.Bad("placement_policy.hosts: each host needs an id or a name")));
        return ids.ToImmutable();
    }

    private static string? Line(string name, string? text) => text is null || !text.Any(char.IsControl)
        ? text
        : throw FaultException.Bad($"{name} must be one line without control characters");
}
