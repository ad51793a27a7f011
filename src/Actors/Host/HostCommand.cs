using System.Collections.Immutable;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Actors.Host;

/// <summary>What may be asked of a host, and what may be reported to it.</summary>
public abstract record HostCommand : Traced
{
    private HostCommand()
    {
    }

    // from users
    public sealed record Register(Origin Origin, HostConfig Config) : HostCommand
    {
        /// <summary>How it is installed over SSH first; null: its agent is there already.</summary>
        public FirstInstall? Install { get; init; }
    }

    public sealed record Update(Origin Origin, HostPatch Patch) : HostCommand;

    public sealed record Activate(Origin Origin) : HostCommand;

    /// <summary>To maintenance: guests are moved away first.</summary>
    public sealed record Deactivate(Origin Origin, string Reason) : HostCommand;

    public sealed record Remove(Origin Origin) : HostCommand;

    /// <summary>A power action through the host's fence agent.</summary>
    public sealed record Fence(Origin Origin, PowerAction Action) : HostCommand;

    /// <summary>The operator swears that the host was rebooted: all its guests are dead.</summary>
    public sealed record ConfirmRebooted(Origin Origin) : HostCommand;

    public sealed record AddFenceAgent(Origin Origin, FenceAgent Agent) : HostCommand;

    public sealed record UpdateFenceAgent(Origin Origin, FenceAgent Agent) : HostCommand;

    public sealed record RemoveFenceAgent(Origin Origin, Guid Agent) : HostCommand;

    /// <summary>Work on the host's own software.</summary>
    public sealed record Deploy(Origin Origin, DeployKind Kind) : HostCommand
    {
        /// <summary>How to log in from now on; null: as before.</summary>
        public SshAccess? Ssh { get; init; }

        /// <summary>With the password that was put away for it.</summary>
        public bool WithPassword { get; init; }

        /// <summary>After an installation.</summary>
        public bool ThenActivate { get; init; } = true;
    }

    // from VMs: orders on their way to the agent
    public sealed record Launch(VmId Vm, Seat Seat, VmConfig Definition) : HostCommand
    {
        /// <summary>File of the memory that it goes on from; empty: it boots.</summary>
        public string Memory { get; init; } = "";
    }

    public sealed record Halt(VmId Vm, Seat Seat, StopMode Mode) : HostCommand;

    /// <summary>Save the guest's memory to this file, and end it.</summary>
    public sealed record SaveGuest(VmId Vm, Seat Seat, JobId Id, string Path) : HostCommand;

    public sealed record ActOnGuest(VmId Vm, Seat Seat, PendingAction Action) : HostCommand;

    /// <summary>Give the guest this machine while it runs.</summary>
    /// <param name="New">Disks that it is to get.</param>
    public sealed record ReshapeGuest(VmId Vm, Seat Seat, long Number, VmConfig Definition, ImmutableArray<DiskId> New) : HostCommand;

    /// <summary>A copy that must not be: end it, whatever the host's life.</summary>
    public sealed record Destroy(VmId Vm, Lease Lease) : HostCommand;

    public sealed record ExpectIncoming(VmId Vm, Seat Seat, VmConfig Definition) : HostCommand;

    public sealed record MigrateOut(VmId Vm, Seat From, Seat To) : HostCommand
    {
        /// <summary>How; null: as the agent does it by itself.</summary>
        public MigrationTerms? Terms { get; init; }
    }

    public sealed record CancelMigration(VmId Vm, Seat From) : HostCommand;

    /// <summary>Wait no longer for a guest whose source is dead; one that has come runs on.</summary>
    public sealed record AbandonIncoming(VmId Vm, Seat Seat) : HostCommand;

    /// <summary>Is the guest that sat here proved dead? Answered by ConfirmFence, LoseHost or silence.</summary>
    public sealed record AskWhetherGone(VmId Vm, Seat Seat) : HostCommand;

    // from disks, templates and storage domains: work on images
    public sealed record RunImageJob(ImageWork Work) : HostCommand;

    /// <summary>Let the client of a transfer in, and answer what it has done.</summary>
    public sealed record PutTicket(TransferTicket Ticket) : HostCommand;

    public sealed record EndTicket(DiskId Disk, Guid Transfer, int Session) : HostCommand;

    // from the link to the agent
    public sealed record ReportReached(AgentFacts Facts, DateTimeOffset At) : HostCommand
    {
        /// <summary>When a host that falls silent again and again is put into quarantine; null: never.</summary>
        public QuarantineRule? Quarantine { get; init; }
    }

    /// <summary>Nothing was heard for longer than the limit.</summary>
    public sealed record ReportSilent(DateTimeOffset LastHeard, DateTimeOffset At) : HostCommand;

    /// <summary>Nothing was heard for a part of the limit: its machine may be well, and its agent hang.</summary>
    public sealed record ReportSuspect(DateTimeOffset LastHeard, DateTimeOffset At) : HostCommand;

    /// <summary>The link broke; the host has not been silent for long yet.</summary>
    public sealed record ReportUnreached(DateTimeOffset At) : HostCommand;

    /// <summary>It was switched on and has not answered since.</summary>
    public sealed record ReportBootOverdue(long Attempt, DateTimeOffset SwitchedOn, DateTimeOffset At) : HostCommand;

    /// <summary>While the host is drained: no guest is left.</summary>
    public sealed record ReportEmpty(DateTimeOffset At) : HostCommand
    {
        /// <summary>The power action at the time of which nobody was left; of a silent host only.</summary>
        public long Attempt { get; init; }
    }

    // from the fence proxy
    public sealed record ReportPower(long Attempt, PowerAction Action, bool Ok, PowerState Power, string Message,
        DateTimeOffset At) : HostCommand
    {
        /// <summary>The user's question that it answers; null when it answers the host's own attempt.</summary>
        public JobId? Question { get; init; }
    }

    /// <summary>The agent of the host that was to turn the power does not answer: another one is asked.</summary>
    public sealed record ReportProxyAway(long Attempt, PowerAction Action, string Proxy) : HostCommand;

    /// <summary>Its cluster's policy forbids to cut its power at present.</summary>
    public sealed record ReportFenceSkipped(long Attempt, FenceSkip Why, string Words, DateTimeOffset At) : HostCommand;

    /// <summary>Its cluster lets it be fenced now.</summary>
    public sealed record TakeFenceTurn(long Attempt, DateTimeOffset At) : HostCommand;

    /// <summary>How the engine speaks to its agent.</summary>
    /// <param name="By">The node that passes the words on; null: nobody, and has not for a while.</param>
    public sealed record ReportWay(string? By, DateTimeOffset At) : HostCommand;

    /// <summary>Its agent was restarted over SSH, because nothing was heard of it.</summary>
    public sealed record ReportAgentRestarted(string Message, DateTimeOffset At) : HostCommand;

    /// <summary>Its crash kernel says that it writes the memory: the kernel that ran the guests is dead.</summary>
    public sealed record ReportKdump(DateTimeOffset At) : HostCommand;

    /// <summary>Its crash kernel says nothing any more: the memory is written, and the host boots.</summary>
    public sealed record ReportKdumpOver(DateTimeOffset At) : HostCommand;

    // how a host is bound by its lease
    /// <summary>Where hosts of its data center can keep their leases.</summary>
    public sealed record UseLeaseFolder(string Folder, DateTimeOffset At) : HostCommand;

    /// <param name="Bond">Null: it is bound by nothing.</param>
    public sealed record ReportBound(HostBond? Bond, DateTimeOffset At) : HostCommand;

    /// <summary>To a neighbour: look at that host's lease on the storage.</summary>
    public sealed record ReadStorageLease(HostId Target, Guid Reading, string Folder) : HostCommand;

    /// <param name="Trusted">The neighbour renews its own lease at the same place.</param>
    public sealed record ReportStorageLease(Guid Reading, bool Trusted, string BootId, long Number) : HostCommand;

    /// <summary>Its lease has ended in both places, and it has had the time to end its guests.</summary>
    public sealed record ReportSelfFenced(long Incarnation, DateTimeOffset At) : HostCommand;

    // whether it is fit for guests
    /// <param name="Lost">Domains of its data center that it cannot read.</param>
    public sealed record ReportDomains(ImmutableArray<LostDomain> Lost, DateTimeOffset At) : HostCommand;

    /// <summary>It has not read these domains for too long, and other hosts of its data center read them.</summary>
    /// <param name="Names">Of the domains, for people.</param>
    public sealed record ReportStorageUnreachable(ImmutableArray<string> Folders, string Names, DateTimeOffset At) : HostCommand;

    /// <param name="Until">Of the quarantine that is over.</param>
    public sealed record ReportQuarantineOver(DateTimeOffset Until, DateTimeOffset At) : HostCommand;

    /// <summary>Its agent has not answered for too long since it was added or activated.</summary>
    public sealed record ReportNoAnswer(DateTimeOffset Since, DateTimeOffset At) : HostCommand;

    // from the work on its own software
    public sealed record ReportDeployStep(long Number, string Step, DateTimeOffset At) : HostCommand
    {
        /// <summary>Of the host's SSH key, when it was not known before.</summary>
        public string? Fingerprint { get; init; }
    }

    public sealed record ReportDeployed(long Number, bool Ok, string Message, DateTimeOffset At) : HostCommand;

    public sealed record ReportPasswordForgotten(DateTimeOffset At) : HostCommand;

    public sealed record ReportCertificate(HostCertificate Certificate, DateTimeOffset At) : HostCommand;

    // from its shell and its link, after the database was restored from a backup
    public sealed record TakeUpRestored(long Restoration, DateTimeOffset At) : HostCommand;

    /// <summary>Every VM of which it has a guest has been told of that guest.</summary>
    public sealed record ReportAccounted(string BootId, DateTimeOffset At) : HostCommand;

    /// <summary>Run a fence program against another host.</summary>
    public sealed record RunFence(HostId Target, string TargetName, long Attempt, PowerAction Action, ImmutableArray<FenceAgent> Agents)
        : HostCommand
    {
        /// <summary>The user's question that is to be answered; null when the host itself wants its power turned.</summary>
        public JobId? Question { get; init; }
    }
}

public sealed record FirstInstall(bool WithPassword, bool Activate);

public enum PowerAction { Status, Off, On, Restart }

public enum PowerState { Unknown, On, Off }

public sealed record HostConfig
{
    public required string Name { get; init; }

    public required ClusterId Cluster { get; init; }

    /// <summary>Name or IP address of the agent.</summary>
    public required string Address { get; init; }

    /// <summary>TCP port of the agent.</summary>
    public int Port { get; init; } = 54321;

    /// <summary>Path prefix before /v1, for many simulated hosts behind one port; normally empty.</summary>
    public string PathPrefix { get; init; } = "";

    /// <summary>How the engine logs in to it; null: it never did.</summary>
    public SshAccess? Ssh { get; init; }

    public string Comment { get; init; } = "";

    public string Description { get; init; } = "";

    public bool PowerManagementEnabled { get; init; }

    public ImmutableArray<FenceAgent> FenceAgents { get; init; } = [];

    /// <summary>A host whose kernel has crashed keeps its power while it writes its memory.</summary>
    public bool KdumpDetection { get; init; } = true;

    /// <summary>Where hosts are looked for that turn its power, in this order: cluster, dc, other_dc. Empty: cluster, dc.</summary>
    public ImmutableArray<string> PmProxies { get; init; } = [];
}

public sealed record HostPatch
{
    public string? Name { get; init; }

    public string? Comment { get; init; }

    public string? Description { get; init; }

    public string? Address { get; init; }

    public ClusterId? Cluster { get; init; }

    public bool? PowerManagementEnabled { get; init; }

    public bool? KdumpDetection { get; init; }

    public ImmutableArray<string>? PmProxies { get; init; }

    public HostConfig Apply(HostConfig config) => config with
    {
        Name = Name ?? config.Name,
        Comment = Comment ?? config.Comment,
        Description = Description ?? config.Description,
        Address = Address ?? config.Address,
        Cluster = Cluster ?? config.Cluster,
        PowerManagementEnabled = PowerManagementEnabled ?? config.PowerManagementEnabled,
        KdumpDetection = KdumpDetection ?? config.KdumpDetection,
        PmProxies = PmProxies ?? config.PmProxies,
    };
}

/// <summary>How to cut a host's power.</summary>
/// <param name="Type">A fence-agents program without its prefix: ipmilan, redfish, apc …</param>
/// <param name="Secret">Name under which the password is kept; the password itself is never in the journal.</param>
/// <param name="Options">Further options of the program.</param>
public sealed record FenceAgent(
    Guid Id, string Type, string Address, int? Port, string Username, string Secret, int Order,
    ImmutableArray<KeyValuePair<string, string>> Options)
{
    /// <summary>It feeds the host together with the others of its order: the power is off when all of them say so.</summary>
    public bool Concurrent { get; init; }

    /// <summary>The values of <see cref="Options"/> are kept as secrets are, under <see cref="OptionsSecret"/>.</summary>
    public bool EncryptOptions { get; init; }

    /// <summary>Name under which the options are kept, a line NAME=VALUE each.</summary>
    public string OptionsSecret => $"{Secret}/options";
}

/// <summary>What an agent says of itself when it is reached.</summary>
/// <param name="Memory">Bytes.</param>
public sealed record AgentFacts(
    string HostUuid, string BootId, string Version, string Driver, string Accelerator, int Cpus, string CpuModel,
    long Memory, string MigrationAddress)
{
    /// <summary>Mbit/s of its way to other hosts; 0: not known.</summary>
    public int LinkMbps { get; init; }

    /// <summary>Its memory is written should its kernel crash; null: not known.</summary>
    public bool? CrashKernel { get; init; }

    /// <summary>TCP port at which clients read and write images; 0: it has none.</summary>
    public int ImagePort { get; init; }
}

/// <summary>
/// By what a host is bound: it ends its guests itself when its lease has ended, with the engine and on the storage.
/// </summary>
/// <param name="BootId">The boot that is bound.</param>
/// <param name="Folder">Where it keeps its lease on shared storage.</param>
/// <param name="LeaseMs">How long each of the two leases lasts, ms.</param>
/// <param name="WatchdogMs">After this its watchdog has reset it, ms; 0: it has none.</param>
/// <param name="Number">Of a renewal on the storage that has succeeded: a reading below it is of another place.</param>
public sealed record HostBond(string BootId, string Folder, int LeaseMs, int WatchdogMs, long Number);

/// <summary>Work on images that some host must do. The id makes it idempotent.</summary>
/// <param name="Owner">Kind and id of the entity that waits: "disk", "storagedomain", "template", "vm".</param>
public sealed record ImageWork(
    Guid Id, string Owner, Guid OwnerId, ImageAction Action, string Path, string Format, long Size, string Source,
    string SourceFormat)
{
    /// <summary>Under a running guest: whose image it is.</summary>
    public GuestImage? Guest { get; init; }

    /// <summary>All of the image's space is taken from the storage at once.</summary>
    public bool Preallocated { get; init; }

    /// <summary>The image is nobody's any more.</summary>
    public bool Leftover { get; init; }

    /// <summary>The one that is closed.</summary>
    public Guid? Transfer { get; init; }

    /// <summary>Of a storage domain.</summary>
    public DomainWork? Domain { get; init; }

    /// <summary>Of a merge: the image that rests on the upper one of the two; empty: none does.</summary>
    public string Above { get; init; } = "";

    /// <summary>Of a snapshot: the new image of each disk.</summary>
    public ImmutableArray<GuestLayer> Layers { get; init; } = [];

    /// <summary>Of a sealing: all images of the machine.</summary>
    public ImmutableArray<SealedImage> Images { get; init; } = [];
}

/// <summary>A step in the life of a storage domain.</summary>
/// <param name="Folder">Below which it is.</param>
public sealed record DomainWork(DomainAction Action, string Folder, string Installation, string Name, string Role)
{
    public MountWork? Mount { get; init; }

    public DataCenterId? DataCenter { get; init; }

    public bool Force { get; init; }
}

/// <summary>What must be mounted at a folder.</summary>
public sealed record MountWork(string Type, string Source, string Options);

public enum DomainAction { Format, Import, Open, Close, Wipe }

/// <param name="Path">Of an image that rests on the one that the guest has.</param>
public sealed record GuestLayer(DiskId Disk, string Path);

/// <param name="Format">raw or qcow2.</param>
public sealed record SealedImage(string Path, string Format);

public sealed record GuestImage(VmId Vm, Lease Lease, DiskId Disk);

/// <summary>What a client may do to which image; the ticket itself is made only where it is used.</summary>
/// <param name="Format">Of the image: cow or raw.</param>
/// <param name="Size">Bytes that a guest sees.</param>
/// <param name="Raw">The client sees what a guest would; else the image file.</param>
/// <param name="Transferred">Bytes before.</param>
public sealed record TransferTicket(
    DiskId Disk, Guid Transfer, int Session, string Path, string Format, long Size, bool Write, bool Raw, bool Sparse, long Transferred);

/// <summary>Mirror, Switch and TurnBack are steps of moving an image under a guest that runs. AddLayer makes an image on top of
/// its source; Merge puts an image into its source, on which it rests. Rewrite makes an image that reads as its source.</summary>
public enum ImageAction { PrepareDomain, Create, Copy, Delete, Mirror, Switch, TurnBack, Grow, CloseUpload, AddLayer, Merge, TakeSnapshot, StepDomain, Rewrite, Seal }
