using System.Collections.Immutable;
using Akka.Actor;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Actors.Watching;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Actors.Host;

/// <summary>
/// A host's effects: the link to its agent, orders over it, power actions through a neighbour, and words to the VMs
/// that sit on it. Called by the actor only; what runs on beside it ends with <see cref="Dispose"/>.
/// </summary>
public sealed class HostHands(HostId id, HostWorld world) : IHands<HostState, HostEffect>
{
    private const int TroublesKept = 6;

    /// <summary>Guests that a host which is emptied moves at a time: oVirt's max_outgoing_migrations. More would share the
    /// network's speed, and each would take longer over its last moment.</summary>
    private const int MovesAtOnce = 2;

    /// <summary>From power on to an answer: large servers test their memory for a quarter of an hour.</summary>
    private static readonly TimeSpan BootAwaited = TimeSpan.FromMinutes(20);

    private readonly CancellationTokenSource _closed = new();
    private HostLink? _link;
    private HostEffect.KeepLink? _linked;
    private HostEffect.Announce? _announced;
    private ClusterId _cluster;
    private string _name = "";
    private readonly Backoff _moves = new(TimeSpan.FromSeconds(2));
    private (HostEffect.Power? Effect, DateTimeOffset Until) _power;
    private volatile HostEffect.Power? _owed;
    private int _powerRound;
    private (long Attempt, long Since, DateTimeOffset At)? _boot;
    private volatile IActorRef? _drained;
    private ImmutableArray<Remark> _troubles = [];

    public IReadOnlyList<Remark> Troubles => _troubles;

    public void Do(HostEffect effect, Reach<HostState> reach)
    {
        if (reach.State.Core.Config is not { } config) return;
        (_cluster, _name) = (config.Cluster, config.Name);
        _link?.Know(new HostRow(config.Name, reach.State.Core.Incarnation));
        if (reach.State is not (HostState.NonResponsive or HostState.PoweredOff)) _owed = null;
        if (reach.State is not HostState.Draining) Stay();
        switch (effect)
        {
            case HostEffect.KeepLink e:
                KeepLink(e, reach);
                break;
            case HostEffect.Announce e:
                _announced = e;
                if (reach.State is HostState.Maintenance) Unlink();
                Announce();
                break;
            case HostEffect.LeaveCluster:
                Unlink();
                world.Entities.Tell(Kinds.Cluster, config.Cluster.Value, new ClusterCommand.ForgetHost(id));
                break;
            case HostEffect.TellLost e:
                _ = ToGuests(new VmCommand.LoseHost(id, e.Incarnation, world.Clock.GetUtcNow()));
                break;
            case HostEffect.TellFenced e:
                _ = ToGuests(new VmCommand.ConfirmFence(id, e.Incarnation, world.Clock.GetUtcNow()));
                break;
            case HostEffect.AnswerLost e:
                ToVm(e.Vm, new VmCommand.LoseHost(id, e.Incarnation, world.Clock.GetUtcNow()));
                break;
            case HostEffect.AnswerFenced e:
                ToVm(e.Vm, new VmCommand.ConfirmFence(id, e.Incarnation, world.Clock.GetUtcNow()));
                break;
            case HostEffect.AwaitBoot e:
                AwaitBoot(e.Attempt, reach.Self);
                break;
            case HostEffect.Drain:
                _drained = reach.Self;
                _ = Drain(reach.Self);
                break;
            case HostEffect.Power e:
                _owed = e;
                _ = Power(e, config, reach.Self);
                break;
            case HostEffect.SendFence e:
                _ = Fence(e.Order, reach.Epoch);
                break;
            default:
                if (_link is { } link) _ = Order(effect, link);
                break;
        }
    }

    public void Dispose()
    {
        _closed.Cancel();
        Unlink();
        _closed.Dispose();
    }

    private void KeepLink(HostEffect.KeepLink e, Reach<HostState> reach)
    {
        if (_link is not null && e == _linked) return;
        Unlink();
        _linked = e;
        _link = new HostLink(
            id, new HostRow(_name, reach.State.Core.Incarnation), reach.Epoch, world.Client(e), world, reach.Self, Changed);
    }

    private void Unlink()
    {
        _link?.Dispose();
        (_link, _linked) = (null, null);
    }

    private void AwaitBoot(long attempt, IActorRef self)
    {
        var now = world.Clock.GetUtcNow();
        if (_boot is not { } boot || boot.Attempt != attempt) _boot = boot = (attempt, world.Clock.GetTimestamp(), now);
        if (world.Clock.GetElapsedTime(boot.Since) >= BootAwaited)
            self.Tell(new HostCommand.ReportBootOverdue(attempt, boot.At, now));
    }

    private void Stay()
    {
        _drained = null;
        _moves.Forget();
    }

    /// <summary>What the agent has is not what it had a moment ago. Called by the link.</summary>
    private void Changed()
    {
        Announce();
        // A guest may have left: the next may go.
        if (_drained is { } self) _ = Drain(self);
    }

    private void Announce()
    {
        if (_announced is not { } flags) return;
        var (facts, guests) = _link?.Holds() ?? (null, []);
        // Its owner has just changed and has not heard the agent yet: what the former one said of it stands. To say "not
        // up" meanwhile would fail every start of a cluster whose hosts were owned by a node that died.
        if (flags.TakesGuests && facts is null) return;
        var now = world.Clock.GetUtcNow();
        world.Entities.Tell(Kinds.Cluster, _cluster.Value, new ClusterCommand.ReportHost(
            new HostReport(
                id, _name, flags.Incarnation, flags.TakesGuests, flags.Reachable,
                facts?.Cpus ?? 0, facts?.Memory ?? 0, guests),
            now));
    }

    private void ToVm(VmId vm, VmCommand command) => world.Entities.Tell(Kinds.Vm, vm.Value, command);

    private async Task ToGuests(VmCommand command)
    {
        try
        {
            foreach (var vm in await world.Read.VmsOn(id, _closed.Token)) ToVm(new VmId(vm.Vm), command);
        }
        catch (Exception e) when (e is EntityUnavailableException or OperationCanceledException)
        {
            // Said again at the next tick.
        }
    }

    private async Task Drain(IActorRef self)
    {
        try
        {
            var guests = await world.Read.VmsOn(id, _closed.Token);
            var now = world.Clock.GetUtcNow();
            if (guests.Count == 0) self.Tell(new HostCommand.ReportEmpty(now));
            var moving = guests.Where(g => g.Moves).Select(g => g.Vm).ToHashSet();
            foreach (var vm in _moves.Due([.. guests.Select(g => g.Vm)], vm => !moving.Contains(vm), MovesAtOnce - moving.Count, now))
                ToVm(new VmId(vm), new VmCommand.Migrate(Origin.System(world.NewId(), now), null, Force: true));
        }
        catch (Exception e) when (e is EntityUnavailableException or OperationCanceledException)
        {
            // Looked at again at the next tick.
        }
    }

    /// <summary>Asks a neighbour to turn the power; the engine does it itself when there is none.</summary>
    private async Task Power(HostEffect.Power e, HostConfig config, IActorRef self)
    {
        var now = world.Clock.GetUtcNow();
        if (_power.Effect is { } under && under with { Failures = e.Failures } == e && now < _power.Until) return;
        var wait = Pause.After(e.Failures, TimeSpan.FromSeconds(2));
        _power = (e, now + wait + FencingPolicy.OthersAwaited + world.Settings.FencePatience);
        try
        {
            var policy = await Policy(e, config.Cluster);
            if (policy is not null && FencingPolicy.Grace(policy) is var grace && grace > wait) wait = grace;
            if (wait > TimeSpan.Zero)
            {
                await world.Pause(wait, _closed.Token);
                policy = await Policy(e, config.Cluster);
            }

            // A host that was heard again meanwhile keeps its power.
            if (_closed.IsCancellationRequested || !world.MayAct() || !StillOwed(e)) return;
            if (policy is not null && await Forbidden(policy, config.Cluster) is { } skip)
            {
                // Asked again at the next tick: the policy, or what is reached, may have changed.
                _power = default;
                self.Tell(new HostCommand.ReportFenceSkipped(e.Attempt, skip.Why, skip.Words, world.Clock.GetUtcNow()));
                return;
            }

            await ByProxy(e, config, self);
        }
        catch (Exception failure) when (failure is EntityUnavailableException or OperationCanceledException)
        {
            _power = default;
        }
    }

    private async Task ByProxy(HostEffect.Power e, HostConfig config, IActorRef self)
    {
        var order = new HostCommand.RunFence(id, config.Name, e.Attempt, e.Action, config.FenceAgents);
        var neighbours = await world.Read.Neighbours(id, config.Cluster, _closed.Token);
        var round = _powerRound++;
        // After all neighbours have had their turn, the engine's own node has one.
        if (round % (neighbours.Count + 1) is var turn && turn < neighbours.Count)
            world.Entities.Tell(Kinds.Host, neighbours[turn].Value, order);
        else
            self.Tell(await Turn(order, (agent, password) =>
                world.LocalFence.Run(AgentWords.Fence(agent, e.Action, password, null), _closed.Token)));
    }

    private bool StillOwed(HostEffect.Power e) => _owed is { } power && power.Attempt == e.Attempt && power.Action == e.Action;

    /// <summary>The cluster whose policy is asked; null when none is: power is switched on, or cut by hand.</summary>
    private async Task<ClusterConfig?> Policy(HostEffect.Power e, ClusterId cluster) =>
        e is { Action: PowerAction.Off, ByHand: false }
            ? (await world.Read.View<ClusterView>(Kinds.Cluster, cluster.Value, _closed.Token))?.Config
            : null;

    private async Task<(FenceSkip Why, string Words)?> Forbidden(ClusterConfig policy, ClusterId cluster)
    {
        // Hosts are counted only for a policy that asks how many are not reached.
        var (hosts, unreached) = policy.SkipFencingIfConnectivityBroken
            ? await world.Read.Reachability(cluster, _closed.Token)
            : default;
        return FencingPolicy.Forbids(policy, hosts, unreached);
    }

    /// <summary>As proxy: turns the power of another host with a program on this host.</summary>
    private async Task Fence(HostCommand.RunFence order, long epoch)
    {
        if (_link is not { } link || !world.MayAct()) return;
        try
        {
            var report = await Turn(order, (agent, password) =>
                link.Client.Fence(AgentWords.Fence(agent, order.Action, password, epoch), _closed.Token));
            world.Entities.Tell(Kinds.Host, order.Target.Value, report);
        }
        catch (Exception e) when (e is EntityUnavailableException or OperationCanceledException)
        {
            Failed($"power {order.Action} of {order.TargetName}", e.Message);
        }
    }

    /// <summary>Tries the fence agents in their order until one says that it is done.</summary>
    private async Task<HostCommand> Turn(HostCommand.RunFence order, Func<FenceAgent, string?, Task<FenceResult>> turn)
    {
        var result = new FenceResult(FencePower.Unknown, false, "no fence agent is configured");
        foreach (var agent in order.Agents.OrderBy(a => a.Order))
        {
            var password = agent.Secret == "" ? null : await world.Passwords.Get(agent.Secret, _closed.Token);
            try
            {
                result = await turn(agent, password);
                ActorMeters.Fenced(Word(order.Action), result.Ok ? "done" : "failed");
            }
            catch (Exception e) when (e is AgentUnreachableException or AgentRefusedException)
            {
                result = new FenceResult(FencePower.Unknown, false, e.Message);
                ActorMeters.Fenced(Word(order.Action), "unreachable");
            }

            if (result.Ok) break;
            Note($"power {Word(order.Action)} of {order.TargetName} by {agent.Type}: {result.Message}");
        }

        return new HostCommand.ReportPower(
            order.Attempt, order.Action, result.Ok, AgentWords.Power(result.Power), result.Message,
            world.Clock.GetUtcNow());
    }

    private async Task Order(HostEffect effect, HostLink link)
    {
        // A process that was frozen and wakes must not act on what it believed before.
        if (!world.MayAct()) return;
        try
        {
            await (effect switch
            {
                HostEffect.SendLaunch e => Launch(e, link),
                HostEffect.SendHalt e => Halt(e, link),
                HostEffect.SendIncoming e => Incoming(e, link),
                HostEffect.SendMigrate e => Migrate(e, link),
                HostEffect.SendCancel e => Cancel(e, link),
                HostEffect.SendAction e => Act(e, link),
                HostEffect.SendAbandonIncoming e => Abandon(e, link),
                HostEffect.Inquire e => Inquire(e, link),
                HostEffect.SendImageJob e => Work(e.Work, link),
                _ => Task.CompletedTask,
            });
        }
        catch (Exception e) when (e is EntityUnavailableException or OperationCanceledException
            or AgentUnreachableException or AgentRefusedException)
        {
            // Whoever owes it says it again.
            if (!_closed.IsCancellationRequested) Failed(effect.GetType().Name, e.Message);
        }
    }

    private async Task Launch(HostEffect.SendLaunch e, HostLink link)
    {
        if (await Taken(e.Vm, e.Definition) is { } disk)
        {
            await Bury(e, disk, link);
            return;
        }

        var definition = AgentWords.Definition(e.Vm, e.Definition, await Images(e.Definition));
        var answer = await link.Client.Launch(new LaunchOrder(link.Stamp, e.Seat.Lease.Number, definition), _closed.Token);
        if (Heard(answer, link, e.Seat.Lease, "launch") is { } why)
            ToVm(e.Vm, new VmCommand.RefuseLaunch(id, e.Seat.Lease, why, world.Clock.GetUtcNow()));
    }

    /// <summary>Asks each disk for itself: no two VMs write one image, whatever their definitions list.</summary>
    /// <returns>Why the VM may not have a disk, or null.</returns>
    private async Task<string?> Taken(VmId vm, VmConfig definition)
    {
        foreach (var attachment in definition.Disks)
        {
            var origin = Origin.System(world.NewId(), world.Clock.GetUtcNow());
            if (await world.Entities.Ask(Kinds.Disk, attachment.Disk.Value, new DiskCommand.Attach(origin, vm), _closed.Token)
                is Reply.Refused refused)
                return $"disk {attachment.Disk} is not to be had: " + refused.Fault switch
                {
                    Fault.DiskInUse => "another VM has it",
                    Fault.DiskIllegal => "its image is illegal",
                    Fault.DiskLocked => "it is being removed",
                    _ => "it is no more",
                };
        }

        return null;
    }

    /// <summary>An order to start that was sent before may still be on its way: only when the agent has ended its lease is
    /// the launch refused, and another host may be asked.</summary>
    private async Task Bury(HostEffect.SendLaunch e, string why, HostLink link)
    {
        var answer = await link.Client.Stop(
            e.Vm.Value, new StopOrder(link.Stamp, e.Seat.Lease.Number, Agent.Protocol.StopMode.PowerOff), _closed.Token);
        if (Heard(answer, link, e.Seat.Lease, "stop") is not null || answer is AgentAnswer.Accepted { Receipt.Guest: null })
            ToVm(e.Vm, new VmCommand.RefuseLaunch(id, e.Seat.Lease, why, world.Clock.GetUtcNow()));
    }

    private async Task Halt(HostEffect.SendHalt e, HostLink link)
    {
        var answer = await link.Client.Stop(
            e.Vm.Value, new StopOrder(link.Stamp, e.Lease.Number, AgentWords.Mode(e.Mode)), _closed.Token);
        // That lease is over there, whatever it was: nothing is left to stop.
        if (answer is AgentAnswer.Refused { Refusal.Code: RefusalCode.UnknownVm or RefusalCode.StaleLease } gone)
            ActorMeters.Ordered("stop", gone.Refusal.Code);
        if (answer is AgentAnswer.Accepted { Receipt.Guest: null }) ActorMeters.Ordered("stop", "accepted");
        if (answer is AgentAnswer.Refused { Refusal.Code: RefusalCode.UnknownVm or RefusalCode.StaleLease }
            or AgentAnswer.Accepted { Receipt.Guest: null })
            ToVm(e.Vm, new VmCommand.ReportMissing(id, e.Lease, world.Clock.GetUtcNow()));
        else
            _ = Heard(answer, link, e.Lease, "stop");
    }

    private async Task Incoming(HostEffect.SendIncoming e, HostLink link)
    {
        var definition = AgentWords.Definition(e.Vm, e.Definition, await Images(e.Definition));
        var answer = await link.Client.PrepareIncoming(
            new IncomingOrder(link.Stamp, e.Seat.Lease.Number, definition), _closed.Token);
        if (Heard(answer, link, e.Seat.Lease, "incoming") is { } why)
            ToVm(e.Vm, new VmCommand.RefuseMigration(e.Seat.Lease, why, world.Clock.GetUtcNow()));
        else if (answer is AgentAnswer.Accepted { Receipt.Guest.State: Agent.Protocol.GuestState.Incoming })
            ToVm(e.Vm, new VmCommand.ReportIncomingReady(id, e.Seat.Lease, world.Clock.GetUtcNow()));
    }

    private async Task Migrate(HostEffect.SendMigrate e, HostLink link)
    {
        var destination = await world.Read.View<HostView>(Kinds.Host, e.To.Host.Value, _closed.Token);
        if (destination?.Facts is not { MigrationAddress: { Length: > 0 } uri }) return;
        var answer = await link.Client.Migrate(
            e.Vm.Value, new MigrateOrder(link.Stamp, e.From.Lease.Number, uri, e.To.Lease.Number), _closed.Token);
        // A guest whose lease has ended here may have ended by arriving: its report says so, a refusal does not.
        if (answer is AgentAnswer.Refused { Refusal.Code: RefusalCode.LeaseEnded or RefusalCode.StaleLease } late)
        {
            ActorMeters.Ordered("migrate", late.Refusal.Code);
            return;
        }

        if (Heard(answer, link, e.From.Lease, "migrate") is { } why)
            ToVm(e.Vm, new VmCommand.RefuseMigration(e.To.Lease, why, world.Clock.GetUtcNow()));
    }

    private async Task Cancel(HostEffect.SendCancel e, HostLink link)
    {
        var answer = await link.Client.CancelMigration(
            e.Vm.Value, new GuestOrder(link.Stamp, e.Lease.Number), _closed.Token);
        _ = Heard(answer, link, e.Lease, "cancel");
    }

    private async Task Act(HostEffect.SendAction e, HostLink link)
    {
        var (id, what) = e.Action;
        var answer = what == GuestAction.Resume
            ? await link.Client.Resume(e.Vm.Value, new GuestOrder(link.Stamp, e.Lease.Number), _closed.Token)
            : await link.Client.Stop(e.Vm.Value, new StopOrder(link.Stamp, e.Lease.Number, AgentWords.Mode(what)) { Id = id.Value }, _closed.Token);
        var now = world.Clock.GetUtcNow();
        if (Heard(answer, link, e.Lease, what.ToString().ToLowerInvariant()) is { } why)
            ToVm(e.Vm, new VmCommand.RefuseAction(id, why, now));
        else if (answer is AgentAnswer.Accepted) ToVm(e.Vm, new VmCommand.ReportActionTaken(id, now));
    }

    private async Task Abandon(HostEffect.SendAbandonIncoming e, HostLink link)
    {
        var answer = await link.Client.Stop(
            e.Vm.Value, new StopOrder(link.Stamp, e.Lease.Number, Agent.Protocol.StopMode.AbandonIncoming), _closed.Token);
        _ = Heard(answer, link, e.Lease, "abandon_incoming");
    }

    private async Task Inquire(HostEffect.Inquire e, HostLink link)
    {
        var report = await link.Client.Report(_closed.Token);
        if (report.BootId != link.BootId) return;
        if (report.Guests.FirstOrDefault(g => g.Vm == e.Vm.Value) is { } guest)
            link.Receipt(new OrderReceipt(report.Sequence, guest));
        if (!report.Guests.Any(g => g.Vm == e.Vm.Value && g.Lease == e.Lease.Number))
            ToVm(e.Vm, new VmCommand.ReportMissing(id, e.Lease, world.Clock.GetUtcNow()));
    }

    private async Task Work(ImageWork work, HostLink link)
    {
        link.Await(work);
        try
        {
            link.TellJob(await link.Client.Run(work.Id, new JobOrder(link.Stamp, AgentWords.Job(work)), _closed.Token));
            ActorMeters.Ordered("image_job", "accepted");
        }
        catch (AgentRefusedException e) when (e.Refusal.Code is not (RefusalCode.StaleEpoch or RefusalCode.OtherBoot or RefusalCode.NotReady))
        {
            ActorMeters.Ordered("image_job", e.Refusal.Code);
            link.TellJob(new JobReport(work.Id, JobState.Failed, Message: e.Refusal.Message));
        }
    }

    private void Failed(string what, string why)
    {
        Note($"{what} failed: {why}");
        world.Failed(id, _name, what, why);
    }

    /// <summary>The same trouble again takes the place of what was noted before. Called by any thread.</summary>
    private void Note(string what)
    {
        var now = new Remark(world.Clock.GetUtcNow(), what);
        ImmutableInterlocked.Update(ref _troubles, troubles =>
        {
            var others = troubles.RemoveAll(t => t.What == what);
            return (others.Length < TroublesKept ? others : others.RemoveAt(0)).Add(now);
        });
    }

    private static string Word(PowerAction action) => action.ToString().ToLowerInvariant();

    /// <summary>Takes what an answer tells of the guest. A reason only when the order is finally refused.</summary>
    private string? Heard(AgentAnswer answer, HostLink link, Lease lease, string what)
    {
        switch (answer)
        {
            case AgentAnswer.Accepted a:
                ActorMeters.Ordered(what, "accepted");
                link.Receipt(a.Receipt);
                return null;
            case AgentAnswer.Refused { Refusal: var refusal }:
                ActorMeters.Ordered(what, refusal.Code);
                Note($"the agent refused {what} ({refusal.Code}): {refusal.Message}");
                world.OrderRefused(id, _name, what, refusal);
                // A copy under another lease is in the way: its VM is told again, and ends it.
                if (refusal is { Code: RefusalCode.Occupied, Guest: { } other })
                    ToVm(new VmId(other.Vm), AgentWords.Report(id, _name, 0, other, world.Clock.GetUtcNow()));
                // Only what can never be carried out later under this lease is a refusal. All else may come to be by an
                // order that is still on its way, so nobody else may start: it is said again.
                return refusal.Code switch
                {
                    RefusalCode.Malformed or RefusalCode.LeaseEnded or RefusalCode.StaleLease => refusal.Message,
                    RefusalCode.WrongState => refusal.Message,
                    _ => null,
                };
            default:
                ActorMeters.Ordered(what, "unknown");
                Note($"no answer to {what}: {(answer as AgentAnswer.Unknown)?.Reason}");
                return null;
        }
    }

    private async Task<IReadOnlyDictionary<DiskId, (string Path, string Format)>> Images(VmConfig definition)
    {
        if (definition.Disks.IsEmpty) return ImmutableDictionary<DiskId, (string, string)>.Empty;
        var images = ImmutableDictionary.CreateBuilder<DiskId, (string, string)>();
        foreach (var attachment in definition.Disks)
            if (await world.Read.View<DiskView>(Kinds.Disk, attachment.Disk.Value, _closed.Token) is { } disk)
                images[attachment.Disk] = (disk.Path, disk.Config.Format == "raw" ? "raw" : "qcow2");
        return images.ToImmutable();
    }
}
