using System.Globalization;
using System.Text.RegularExpressions;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Tests.Simulation.World;
using Direction = Orchestrator.Tests.Simulation.World.Direction;

namespace Orchestrator.Tests.Scenarios;

/// <summary>
/// What can happen in a script. H is a host (host-2, the host of web, the destination of web), H2 another one by its
/// name, N a node (node-1, the node of web, of host-2, of the cluster), V a VM, S a number of seconds.
/// </summary>
public static class Verbs
{
    private const string H = "(?<h>host-[0-9]+|the (host|destination) of [a-z0-9-]+)";
    private const string H2 = "(?<other>host-[0-9]+)";
    private const string N = "(?<n>node-[0-9]+|the node of (the cluster|(the (host|destination) of )?[a-z0-9-]+))";
    private const string V = "(?<v>[a-z0-9-]+)";
    private const string S = "for (?<s>[0-9.]+) s";

    private static readonly (Regex Words, Action<Act> Do)[] _all =
    [
        // an administrator
        To($"start {V}", a => a.AskVm(o => new VmCommand.Start(o))),
        To($"start {V} paused", a => a.AskVm(o => new VmCommand.Start(o) { Once = new RunOnce(new VmPatch { StartPaused = true }, null) })),
        To($"start {V} once on {H}", a =>
        {
            var host = new HostId(a.Cast.HostId(a.HostWords));
            a.AskVm(o => new VmCommand.Start(o) { Once = new RunOnce(new VmPatch(), host) });
        }),
        To($"add {V}, and start it", a => _ = a.Stage.Add(a.Parts["v"].Value)),
        To($"give {V} (?<n>[0-9]+) GiB", a => a.AskVm(o => new VmCommand.Update(o, new VmPatch { Memory = a.Number << 30 }))),
        To($"give {V} (?<n>[0-9]+) sockets", a => a.AskVm(o => new VmCommand.Update(o, new VmPatch { Sockets = (int)a.Number }))),
        To($"give {V} (?<n>[0-9]+) sockets from its next start", a =>
            a.AskVm(o => new VmCommand.Update(o, new VmPatch { Sockets = (int)a.Number }) { NextRun = true })),
        To($"give {V} (?<n>[0-9]+) GiB from its next start", a => a.AskVm(o =>
            new VmCommand.Update(o, new VmPatch { Memory = a.Number << 30 }) { NextRun = true })),
        To($"plug a NIC into {V}", a => a.AskVm(o => new VmCommand.AddNic(o, a.NewNic))),
        To($"unplug the NIC of {V}", a => a.AskVm(o => new VmCommand.UpdateNic(o, a.View.Config.Nics[^1] with { Plugged = false }))),
        To($"pull the cable of {V}", a => a.AskVm(o => new VmCommand.UpdateNic(o, a.View.Config.Nics[^1] with { Linked = false }))),
        To($"plug another disk into {V}", a => _ = a.Stage.PlugMore(a.Words, a.Parts["v"].Value, "virtio")),
        To($"plug a SATA disk into {V}", a => _ = a.Stage.PlugMore(a.Words, a.Parts["v"].Value, "sata")),
        To($"detach the disk of {V}", a => a.AskVm(o => new VmCommand.DetachDisk(o, a.View.Config.Disks[^1].Disk))),
        To($"call {V} shop", a => a.AskVm(o => new VmCommand.Update(o, new VmPatch { Name = "shop" }))),
        To($"power off {V}", a => _ = a.End(o => new VmCommand.Stop(o))),
        To($"shut down {V}", a => _ = a.End(o => new VmCommand.Shutdown(o))),
        To($"reboot {V}", a => a.AskVm(o => new VmCommand.Reboot(o))),
        To($"reset {V}", a => a.AskVm(o => new VmCommand.Reset(o))),
        To($"suspend {V}", a => a.AskVm(o => new VmCommand.Suspend(o, $"/data/main/images/{a.Vm}/{o.Job}.memory"))),
        To($"suspend {V} without room", a => a.AskVm(o => new VmCommand.Suspend(o, ""))),
        To($"move the disk of {V}", a => _ = a.Stage.MoveDisk(a.Parts["v"].Value, a.Words)),
        To($"(?<way>up|down)load the disk of {V} through {H}(, (?<how>cancelled|paused) after (?<s>[0-9]+) s)?", a => _ = a.Stage.Transfers.Begin(
            a.Parts["v"].Value, a.Words, a.Parts["way"].Value == "up" ? TransferDirection.Upload : TransferDirection.Download,
            a.HostWords, a.Parts["how"].Value, a.Parts["s"].Success ? (int)a.Time.TotalSeconds : 60)),
        To($"(?<what>extend|pause|resume|finalize|cancel) the transfer of {V}", a => _ = a.Stage.Transfers.Order(
            a.Parts["v"].Value, a.Words, Enum.Parse<TransferAction>(a.Parts["what"].Value, ignoreCase: true))),
        To($"the client of {V} moves (?<n>[0-9]+) MiB", a => a.Stage.Transfers.Move(a.Parts["v"].Value, a.Number)),
        To($"the client of {V} writes nonsense", a => a.Stage.Transfers.Spoil(a.Parts["v"].Value)),
        To($"look at the transfer of {V}", a => a.Stage.Transfers.Look(a.Parts["v"].Value)),
        To("(?<what>add|import|attach|activate|detach|wipe|remove|destroy|maintenance of) the archive", a =>
            _ = a.Stage.Archive.Do(a.Parts["what"].Value, a.Words)),
        To("look at the mounts", a => a.Stage.Archive.Look()),
        To($"take a snapshot of {V}", a => _ = a.Stage.Snapshots.Take(a.Parts["v"].Value, a.Words)),
        To($"(?<what>preview|restore|remove) (?<which>the first|the last|no) snapshot of {V}", a => _ = a.Stage.Snapshots.Order(
            a.Parts["v"].Value, a.Words, a.Parts["what"].Value, a.Parts["which"].Value)),
        To($"undo the preview of {V}", a => _ = a.Stage.Snapshots.Decide(a.Parts["v"].Value, a.Words, o => new VmCommand.UndoSnapshot(o))),
        To($"commit the preview of {V}", a => _ = a.Stage.Snapshots.Decide(a.Parts["v"].Value, a.Words, o => new VmCommand.CommitSnapshot(o))),
        To($"look at the snapshots of {V}", a => a.Stage.Snapshots.Look(a.Parts["v"].Value)),
        To($"make the disk of {V} bigger", a => _ = a.Stage.GrowDisk(a.Parts["v"].Value, a.Words)),
        To($"convert the disk of {V}", a => _ = a.Stage.ConvertDisk(a.Parts["v"].Value, a.Words)),
        To($"migrate {V}", a => a.AskVm(o => new VmCommand.Migrate(o, null, Force: false))),
        To($"migrate {V} to {H}", a =>
        {
            var host = new HostId(a.Cast.HostId(a.HostWords));
            a.AskVm(o => new VmCommand.Migrate(o, host, Force: false));
        }),
        To($"migrate {V} by force", a => a.AskVm(o => new VmCommand.Migrate(o, null, Force: true))),
        To($"cancel the migration of {V}", a => a.AskVm(o => new VmCommand.CancelMigration(o))),
        To($"remove {V}", a => a.AskVm(o => new VmCommand.Remove(o))),
        To($"maintenance of {H}", a => a.AskHost(o => new HostCommand.Deactivate(o, ""))),
        To($"activate {H}", a => a.AskHost(o => new HostCommand.Activate(o))),
        To($"confirm that {H} was rebooted", a => a.AskHost(o => new HostCommand.ConfirmRebooted(o))),
        To($"install {H}( with (?<n>the right|a wrong) password)?", a =>
        {
            var with = a.Parts["n"].Success;
            if (with) a.Stage.Simulation.Database.Read.Secrets[$"ssh/{a.Cast.HostId(a.HostWords)}"] = a.Parts["n"].Value == "the right" ? "right" : "wrong";
            a.AskHost(o => new HostCommand.Deploy(o, DeployKind.Install) { WithPassword = with });
        }),
        To($"upgrade {H}", a => a.AskHost(o => new HostCommand.Deploy(o, DeployKind.Upgrade))),
        To($"enroll a certificate for {H}", a => a.AskHost(o => new HostCommand.Deploy(o, DeployKind.Enroll))),
        To($"the certificate of {H} ends in (?<s>[0-9.]+) s", a => a.Faults.CertificateEnds(a.Host, a.Time)),
        To($"remove {H} from the engine", a => a.AskHost(o => new HostCommand.Remove(o))),
        To($"fence {H} by hand", a =>
        {
            a.Stage.Simulation.World.ClientTurnsPower(a.Host);
            a.AskHost(o => new HostCommand.Fence(o, PowerAction.Off));
        }),
        To($"take its fence agent from {H}", a => a.AskHost(o => new HostCommand.RemoveFenceAgent(o, a.Device.Id))),
        To($"switch the power management of {H} (?<how>on|off)", a =>
        {
            var on = a.Parts["how"].Value == "on";
            a.AskHost(o => new HostCommand.Update(o, new HostPatch { PowerManagementEnabled = on }));
        }),
        To($"(?<how>stop|start|restart) {H} by its power device", a =>
        {
            a.Stage.Simulation.World.ClientTurnsPower(a.Host);
            var action = a.Parts["how"].Value switch { "stop" => PowerAction.Off, "start" => PowerAction.On, _ => PowerAction.Restart };
            a.AskHost(o => new HostCommand.Fence(o, action));
        }),
        To($"ask the power device of {H}", a => a.AskHost(o => new HostCommand.Fence(o, PowerAction.Status))),
        To($"give {H} its fence agent", a => a.AskHost(o => new HostCommand.AddFenceAgent(o, a.Device))),
        To($"give {H} a fence agent that does not exist, to be asked first", a =>
        {
            var nowhere = a.Device with { Id = Guid.Empty, Address = "10.99.9.9", Order = 0 };
            a.AskHost(o => new HostCommand.AddFenceAgent(o, nowhere));
        }),
        To("move guests by no network of their own", a => a.AskCluster(
            o => new ClusterCommand.Update(o, new ClusterPatch { MigrationNetwork = "" }))),
        To("allow fencing", a => a.AskCluster(
            o => new ClusterCommand.Update(o, new ClusterPatch { FencingEnabled = true }))),

        // hosts
        To($"{H} loses its power", a => a.Faults.PowerOff(a.Host)),
        To($"{H} is switched on", a => a.Faults.PowerOn(a.Host)),
        To($"{H} crashes and starts anew", a => a.Faults.Reboot(a.Host)),
        To($"the kernel of {H} crashes, and its memory is written {S}", a => a.Faults.Crash(a.Host, a.Time)),
        To($"{H} stands still {S}", a => a.Faults.Freeze(a.Host, a.Time)),
        To($"{H} is cut off {S}", a => a.Faults.CutOff(a.Host, duration: a.Time)),
        To($"{H} is cut off from everything {S}", a => a.Faults.CutFromEverything(a.Host, a.Time)),
        To($"nothing reaches {H} {S}", a => a.Faults.CutOff(a.Host, Direction.ToHost, a.Time)),
        To($"nothing is heard of {H} {S}", a => a.Faults.CutOff(a.Host, Direction.FromHost, a.Time)),
        To($"{H} and {H2} do not reach one another {S}", a => a.Faults.CutHosts(a.Host, a.OtherHost, a.Time)),
        To($"the answers of {H} are lost {S}", a => a.Faults.LoseAnswers(a.Host, 1, a.Time)),
        To($"the agent of {H} restarts", a => a.Faults.RestartAgent(a.Host)),
        To($"the agent of {H} is dead {S}", a => a.Faults.RestartAgent(a.Host, a.Time)),
        To($"the agent of {H} loses its memory", a => a.Faults.ForgetAgent(a.Host)),
        To($"the agent of {H} loses its memory, and is dead {S}", a => a.Faults.ForgetAgent(a.Host, a.Time)),
        To($"the agent of {H} hangs {S}", a => a.Faults.HangAgent(a.Host, a.Time)),
        To($"the disk of {H} is full {S}", a => a.Faults.DiskFull(a.Host, a.Time)),
        To($"launches on {H} fail {S}", a => a.Faults.LaunchesFail(a.Host, 1, a.Time)),
        To($"migrations from {H} fail {S}", a => a.Faults.MigrationsFail(a.Host, 1, a.Time)),
        To($"migrations from {H} take ten times as long {S}", a => a.Faults.MigrationsTakeLong(a.Host, 10, a.Time)),
        To($"the migration line of {H} is down {S}", a => a.Faults.MigrationLineDown(a.Host, a.Time)),
        To($"the storage is gone {S}", a => a.Faults.StorageGone(null, a.Time)),
        To($"the storage is full {S}", a => a.Faults.StorageFull(a.Time)),
        To($"the storage is gone on {H} {S}", a => a.Faults.StorageGone(a.Host, a.Time)),
        To($"the power device of {H} refuses {S}", a => a.Faults.FenceFails(a.Host, FenceHow.Refuses, a.Time)),
        To($"the power device of {H} is deaf {S}", a => a.Faults.FenceFails(a.Host, FenceHow.IsDeaf, a.Time)),
        To($"the power device of {H} loses its answers {S}", a => a.Faults.FenceFails(a.Host, FenceHow.LosesItsAnswer, a.Time)),
        To($"the power device of {H} takes 20 s {S}", a => a.Faults.FenceFails(
            a.Host, FenceHow.IsSlow, a.Time, slowBy: TimeSpan.FromSeconds(20))),
        To($"the power device of {H} lies {S}", a => a.Faults.FenceLies(a.Host, a.Time)),

        // guests
        To($"the guest of {V} crashes", a => a.Faults.GuestDies(a.Vm)),
        To($"the guest of {V} writes (?<s>[0-9.]+) times as fast as it is copied", a => a.Faults.GuestWrites(a.Vm, a.Time.TotalSeconds)),
        To($"the guest of {V} lets no device go", a => a.Faults.GuestIsDeaf(a.Vm, true)),
        To($"the guest of {V} lets devices go again", a => a.Faults.GuestIsDeaf(a.Vm, false)),
        To($"plugging on {H} fails {S}", a => a.Faults.PluggingFails(a.Host, 1, a.Time)),
        To($"the guest of {V} hangs", a => a.Faults.GuestHangs(a.Vm)),
        To($"the guest of {V} shuts itself down", a => a.Faults.GuestShutsDown(a.Vm)),

        // engine nodes and their database
        To($"{N} is killed", a => a.Note("is killed", () => a.Node.Kill(kernelLives: true))),
        To($"{N} loses its power", a => a.Note("loses its power", () => a.Node.Kill(kernelLives: false))),
        To($"{N} is started", a => a.Note("is started", a.Node.Start)),
        To($"{N} leaves", a => a.Note("leaves", a.Node.Leave)),
        To($"{N} stands still {S}", a =>
        {
            var process = a.Node.Process!;
            a.Note($"stands still for {a.Time.TotalSeconds} s", process.Pause);
            a.Later(() => process.Wake(false));
        }),
        To($"{N} is cut off from the database {S}", a =>
        {
            var store = a.Node.Store!;
            a.Note($"is cut off from the database for {a.Time.TotalSeconds} s", () => store.IsCut = true);
            a.Later(() => store.IsCut = false);
        }),
        To($"{N} is cut off from the other nodes {S}", a =>
        {
            var (network, node) = (a.Stage.Simulation.Network, a.Node.Name);
            var others = a.Stage.Simulation.Nodes.Select(n => n.Name).Where(n => n != node).ToArray();
            a.Note($"is cut off from the other nodes for {a.Time.TotalSeconds} s", () => Both(network.Cut));
            a.Later(() => Both(network.Heal));

            void Both(Action<string, string> line)
            {
                foreach (var other in others)
                {
                    line(node, other);
                    line(other, node);
                }
            }
        }),
        To($"{N} and {H} do not reach one another {S}", a => a.Faults.Cut(a.Node.Name, a.Host, Direction.Both, a.Time)),
        To($"what {N} tells {H} is held back {S}", a => a.Faults.Cut(a.Node.Name, a.Host, Direction.ToHost, a.Time)),
        To($"the answers of the database are lost {S}", a =>
        {
            var faults = a.Stage.Simulation.Database.Faults;
            a.Stage.Say($"the answers of the database are lost for {a.Time.TotalSeconds} s");
            faults.AnswersLost = 1;
            a.Later(() => faults.AnswersLost = 0);
        }),
        To("a backup is taken", a => a.Stage.TakeBackup()),
        To("the database is restored from the backup", a => a.Stage.RestoreBackup()),
        To($"the database is down {S}", a =>
        {
            var database = a.Stage.Simulation.Database;
            a.Stage.Say($"the database is down for {a.Time.TotalSeconds} s");
            database.IsDown = true;
            a.Later(database.ComeBack);
        }),
    ];

    public static bool Do(Stage stage, string words)
    {
        foreach (var (pattern, act) in _all)
        {
            if (pattern.Match(words) is not { Success: true } match) continue;
            act(new Act(stage, words, match.Groups));
            return true;
        }

        return false;
    }

    private static (Regex, Action<Act>) To(string pattern, Action<Act> act) =>
        (new Regex($"^{pattern}$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant), act);

    private sealed record Act(Stage Stage, string Words, GroupCollection Parts)
    {
        public Cast Cast => Stage.Cast;

        public string HostWords => Parts["h"].Value;

        public WorldHost Host => Cast.Host(HostWords);

        public WorldHost OtherHost => Cast.Host(Parts["other"].Value);

        public Simulation.Installation.SimulatedNode Node => Cast.Node(Parts["n"].Value);

        public Guid Vm => Cast.Vm(Parts["v"].Value);

        public long Number => long.Parse(Parts["n"].Value, CultureInfo.InvariantCulture);

        public TimeSpan Time => Script.Seconds(Parts["s"].Value);

        public WorldFaults Faults => Stage.Simulation.World.Faults;

        /// <summary>The host's power device as the engine is told of it.</summary>
        public FenceAgent Device => new(
            new Guid(Host.Number, 0, 0, new byte[8]), Host.Fence.Type, Host.Fence.Address, Host.Fence.Port,
            Host.Fence.Username, "secret", 1, []);

        public VmView View => Cast.View(Parts["v"].Value);

        public Nic NewNic => new(
            Stage.Simulation.Clients.NewId(), $"nic{View.Config.Nics.Length + 1}", "virtio", $"56:6f:00:00:00:{View.Config.Nics.Length + 1:x2}",
            "ovirtmgmt", Linked: true, Plugged: true);

        public void AskVm(Func<Origin, VmCommand> make) => _ = Stage.Ask(Kinds.Vm, Vm, Words, make);

        public void AskHost(Func<Origin, HostCommand> make) => _ = Stage.Ask(Kinds.Host, Cast.HostId(HostWords), Words, make);

        public void AskCluster(Func<Origin, ClusterCommand> make) => _ = Stage.Ask(
            Kinds.Cluster, Stage.Simulation.Database.Read.Of(Kinds.Cluster).Single().Document.Id, Words, make);

        /// <summary>The world is told that the guest's end is wanted, and when somebody has answered.</summary>
        public async Task End(Func<Origin, VmCommand> make)
        {
            Stage.Simulation.World.ClientEnds(Vm);
            await Stage.Ask(Kinds.Vm, Vm, Words, make);
            Stage.Simulation.World.ClientIsAnswered(Vm);
        }

        public void Note(string what, Action act)
        {
            Stage.Say($"{Node.Name} {what}");
            act();
        }

        public void Later(Action act) => Stage.Simulation.After(Time, act);
    }
}
