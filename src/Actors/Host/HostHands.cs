using System.Collections.Concurrent;
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
    /// <summary>While a data center has no storage, its hosts ask for some so often.</summary>
    private static readonly TimeSpan FolderSoughtEvery = TimeSpan.FromSeconds(5);

    /// <summary>From power on to an answer: large servers test their memory for a quarter of an hour.</summary>
    private static readonly TimeSpan BootAwaited = TimeSpan.FromMinutes(20);

    /// <summary>A host that turns another's power is looked at so often meanwhile.</summary>
    private static readonly TimeSpan ProxyLookedAtEvery = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan ProxyAnswersWithin = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan QuietLookedAtEvery = TimeSpan.FromMilliseconds(500);

    /// <summary>A cluster that does not answer so many questions in a row, 2 s apart, is not waited for: its node may be of a
    /// version that knows no turns.</summary>
    private const int AskedForTurnAtMost = 5;

    private readonly CancellationTokenSource _closed = new();
    private readonly ConcurrentDictionary<HostId, (long Attempt, PowerAction Action, HostCommand? Report)> _turned = new();
    private HostLink? _link;
    private SelfFenceWatch? _selfFence;
    private long? _folderSought;
    private HostEffect.KeepLink? _linked;
    private HostEffect.Announce? _announced;
    private ClusterId _cluster;
    private readonly Backoff _moves = new(TimeSpan.FromSeconds(2));
    private volatile PowerTurn? _power;
    private volatile HostEffect.Power? _owed;
    private int _powerRound;
    private (long Attempt, long Since, DateTimeOffset At)? _boot;
    private volatile Func<Task>? _leave;
    private FitnessWatch? _fitness;
    private readonly HostTroubles _troubles = new(id, world);
    private AgentOrders? _orders;
    private SoftFencing? _soft;
    private KdumpWatch? _kdump;
    private DeployHands? _deploy;
    private int _unanswered;

    public IReadOnlyList<Remark> Troubles => _troubles.All;

    public void Do(HostEffect effect, Reach<HostState> reach)
    {
        if (reach.State.Core.Config is not { } config) return;
        (_cluster, _troubles.Name) = (config.Cluster, config.Name);
        _link?.Know(Row(reach.State));
        if (reach.State is not HostState.NonResponsive) EndSelfFence();
        if (reach.State is not (HostState.NonResponsive or HostState.PoweredOff or HostState.Maintenance { Core.Ordered: not null }))
            _owed = null;
        if (reach.State is not (HostState.Draining or HostState.NonOperational)) Stay();
        switch (effect)
        {
            case HostEffect.KeepLink e:
                KeepLink(e, reach);
                break;
            case HostEffect.Announce e:
                _announced = e;
                if (reach.State is HostState.Maintenance) _link?.LetStorageGo();
                if (reach.State is HostState.Maintenance or HostState.Installing or HostState.InstallFailed) Unlink();
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
                _ = ToGuests(Dead(e.Incarnation, e.OnStorageAlone));
                break;
            case HostEffect.ChooseLeaseFolder:
                _ = ChooseLeaseFolder(config.Cluster, reach.Self);
                break;
            case HostEffect.AwaitSelfFence e:
                AwaitSelfFence(e, config.Cluster, reach.Self);
                break;
            case HostEffect.NoteStorageLease e:
                _selfFence?.Note(e);
                break;
            case HostEffect.AnswerLost e:
                ToVm(e.Vm, new VmCommand.LoseHost(id, e.Incarnation, world.Clock.GetUtcNow()));
                break;
            case HostEffect.AnswerFenced e:
                ToVm(e.Vm, Dead(e.Incarnation, e.OnStorageAlone));
                break;
            case HostEffect.AwaitBoot e:
                AwaitBoot(e.Attempt, reach.Self);
                break;
            case HostEffect.Drain:
                _leave = () => Drain(reach.Self);
                _ = _leave();
                break;
            case HostEffect.MoveAway:
                _leave = MoveAway;
                _ = MoveAway();
                break;
            case HostEffect.WeighStorage or HostEffect.AwaitQuarantineEnd or HostEffect.AwaitAnswer:
                _ = (_fitness ??= new FitnessWatch(id, world, _closed.Token)).Look(effect, reach.State, reach.Self);
                break;
            case HostEffect.Power e:
                _owed = e;
                _ = Power(e, config, reach.Self, HostKdump.Grace(reach.State, world.Settings.KdumpPatience, world.Clock.GetUtcNow()));
                break;
            case HostEffect.NoteKdump:
                (_kdump ??= new KdumpWatch(world)).Note(reach.State.Core.Attempt);
                break;
            case HostEffect.AwaitKdumpEnd e:
                (_kdump ??= new KdumpWatch(world)).Look(e.Attempt, reach.Self);
                break;
            case HostEffect.BeginFence e:
                _ = Begin(e.Attempt, config, reach.Self);
                break;
            case HostEffect.Deploy e:
                Deploying.Begin(e.Under, config, _link?.Client ?? world.Client(new(config.Address, config.Port, config.PathPrefix)), new Stamp(reach.Epoch), reach.Self);
                break;
            case HostEffect.ForgetPassword:
                _ = Deploying.Forget(reach.Self);
                break;
            case HostEffect.KeepWaiting:
                _unanswered = 0;
                break;
            case HostEffect.RestartAgent:
                _ = Soft.Restart(config.Address, reach.Self);
                break;
            case HostEffect.LookWhetherEmpty e:
                _ = LookWhetherEmpty(e.Attempt, reach.Self);
                break;
            case HostEffect.AskPower e:
                _ = AskPower(e.Question, config, reach.Self);
                break;
            case HostEffect.NextProxy e:
                if (_owed is { } still && (still.Attempt, still.Action) == (e.Attempt, e.Action)) _ = NextProxy(still, config, reach.Self);
                break;
            case HostEffect.SendFence e:
                _ = Fence(e.Order, reach.Epoch);
                break;
            default:
                if (_link is { } link) _ = (_orders ??= new AgentOrders(id, world, _troubles, _closed.Token)).Give(effect, link);
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
            id, Row(reach.State), reach.Epoch, world.Client(e), world, reach.Self, Changed);
    }

    private void Unlink()
    {
        EndSelfFence();
        _link?.Dispose();
        (_link, _linked) = (null, null);
    }

    /// <summary>A host that counts as dead, or has been emptied, is not kept alive.</summary>
    private static HostRow Row(HostState host) => new(
        host.Core.Config?.Name ?? "", host.Core.Incarnation, host.Config.Cluster,
        host is HostState.Up or HostState.NonOperational or HostState.Draining or HostState.Connecting or HostState.NonResponsive ? host.Core.LeaseFolder : "",
        host.Config.Address)
    {
        HasStorage = host is not (HostState.Maintenance or HostState.Installing or HostState.InstallFailed or HostState.Gone),
    };

    private VmCommand.ConfirmFence Dead(long incarnation, bool onStorageAlone) =>
        new(id, incarnation, world.Clock.GetUtcNow()) { OnStorageAlone = onStorageAlone };

    private void AwaitSelfFence(HostEffect.AwaitSelfFence owed, ClusterId cluster, IActorRef self)
    {
        if (_link is not { } link || _selfFence?.Owed == owed) return;
        EndSelfFence();
        _selfFence = new SelfFenceWatch(id, cluster, owed, link, world, self);
    }

    private void EndSelfFence()
    {
        _selfFence?.Dispose();
        _selfFence = null;
    }

    /// <summary>All hosts of a data center take the oldest of its active data domains.</summary>
    private async Task ChooseLeaseFolder(ClusterId cluster, IActorRef self)
    {
        if (_folderSought is { } sought && world.Clock.GetElapsedTime(sought) < FolderSoughtEvery) return;
        _folderSought = world.Clock.GetTimestamp();
        try
        {
            if (await world.Read.LeaseFolder(cluster, _closed.Token) is { } folder)
                self.Tell(new HostCommand.UseLeaseFolder(folder, world.Clock.GetUtcNow()));
        }
        catch (Exception e) when (e is EntityUnavailableException or OperationCanceledException)
        {
            // Sought again.
        }
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
        _leave = null;
        _moves.Forget();
    }

    /// <summary>What the agent has is not what it had a moment ago. Called by the link.</summary>
    private void Changed()
    {
        Announce();
        // A guest may have left: the next may go.
        _ = _leave?.Invoke();
    }

    private void Announce()
    {
        if (_announced is not { } flags) return;
        var (facts, addresses, guests) = _link?.Holds() ?? (null, [], []);
        // Its owner has just changed and has not heard the agent yet: what the former one said of it stands. To say "not
        // up" meanwhile would fail every start of a cluster whose hosts were owned by a node that died.
        if (flags.TakesGuests && facts is null) return;
        var now = world.Clock.GetUtcNow();
        world.Entities.Tell(Kinds.Cluster, _cluster.Value, new ClusterCommand.ReportHost(
            new HostReport(
                id, _troubles.Name, flags.Incarnation, flags.TakesGuests, flags.Reachable,
                facts?.Cpus ?? 0, facts?.Memory ?? 0, guests)
            {
                LinkMbps = facts?.LinkMbps ?? 0,
                Addresses = addresses,
                Fencing = flags.Fencing,
                Awaited = flags.Awaited && facts is not null,
            },
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
            Move(guests, await Cluster(), Forced.Yes, now);
        }
        catch (Exception e) when (e is EntityUnavailableException or OperationCanceledException)
        {
            // Looked at again at the next tick.
        }
    }

    /// <summary>As many at a time as the cluster lets a host move anyway: those that wait for their turn could not be rebooted
    /// meanwhile, and would leave although the host is wanted back.</summary>
    private void Move(IReadOnlyList<VmOnHost> guests, ClusterConfig? cluster, Forced forced, DateTimeOffset now)
    {
        var moving = guests.Where(g => g.Moves).Select(g => g.Vm).ToHashSet();
        var atOnce = MigrationTerms.AtOnce(cluster?.Migration ?? new MigrationOptions(), new Move(id, new MigrationOptions(), null), 1);
        foreach (var vm in _moves.Due([.. guests.Select(g => g.Vm)], vm => !moving.Contains(vm), atOnce - moving.Count, now))
            ToVm(new VmId(vm), new VmCommand.Migrate(Origin.System(world.NewId(), now), null, Force: forced == Forced.Yes));
    }

    /// <summary>The host is not fit for its guests: those move that their cluster's policy wants moved. Nobody asked for it, so
    /// a VM that users alone may migrate stays.</summary>
    private async Task MoveAway()
    {
        try
        {
            var cluster = await Cluster();
            if (cluster?.OnError == MigrateOnError.DoNotMigrate) return;
            var guests = await world.Read.VmsOn(id, _closed.Token);
            Move(
                [.. guests.Where(g => cluster?.OnError != MigrateOnError.MigrateHighlyAvailable || g.HighlyAvailable)], cluster,
                Forced.No, world.Clock.GetUtcNow());
        }
        catch (Exception e) when (e is EntityUnavailableException or OperationCanceledException)
        {
            // Looked at again at the next tick.
        }
    }

    private async Task<ClusterConfig?> Cluster() =>
        (await world.Read.View<ClusterView>(Kinds.Cluster, _cluster.Value, _closed.Token))?.Config;

    private enum Forced { No, Yes }

    /// <summary>Asks a neighbour to turn the power; the engine does it itself when there is none.</summary>
    /// <param name="keep">Its power is kept for so long first: its crash kernel may speak.</param>
    private async Task Power(HostEffect.Power e, HostConfig config, IActorRef self, TimeSpan keep)
    {
        var now = world.Clock.GetUtcNow();
        if (_power is { } under && under.Effect with { Failures = e.Failures } == e && now < under.Until)
        {
            // The proxy's owner may have died with the order; who has it does not begin anew.
            if (under is { Proxy: { } proxy, Order: { } order }) world.Entities.Tell(Kinds.Host, proxy.Value, order);
            // Its turn is its own as long as it asks.
            if (under.HasTurn) AskForTurn(e);
            return;
        }

        var wait = Pause.After(e.Failures, TimeSpan.FromSeconds(2));
        var quiet = e is { Action: PowerAction.Off, ByHand: false } ? Quiet : TimeSpan.Zero;
        if (e is { Action: PowerAction.Off, ByHand: false, Failures: 0 }) wait = Longest(wait, Soft.Grace, keep);
        _power = new PowerTurn(e, now + wait + quiet + FencingPolicy.OthersAwaited + world.Settings.FencePatience);
        try
        {
            var policy = await Policy(e, config.Cluster);
            if (policy is not null) wait = Longest(wait, FencingPolicy.Grace(policy, _selfFence is not null));
            if (wait > TimeSpan.Zero || quiet > TimeSpan.Zero)
            {
                await world.Pause(wait, _closed.Token);
                // Looked at again and again: it may turn out that other nodes have listened all the time, or that this one slept.
                for (quiet = quiet > TimeSpan.Zero ? Quiet : quiet;
                    quiet > TimeSpan.Zero && StillOwed(e) && !_closed.IsCancellationRequested; quiet = Quiet)
                    await world.Pause(quiet < QuietLookedAtEvery ? quiet : QuietLookedAtEvery, _closed.Token);
                policy = await Policy(e, config.Cluster);
            }

            // A host that was heard again meanwhile keeps its power.
            if (_closed.IsCancellationRequested || !world.MayAct() || !StillOwed(e)) return;
            if (policy is not null && await Forbidden(policy, config.Cluster) is { } skip)
            {
                // Asked again at the next tick: the policy, or what is reached, may have changed.
                _power = null;
                self.Tell(new HostCommand.ReportFenceSkipped(e.Attempt, skip.Why, skip.Words, world.Clock.GetUtcNow()));
                if (policy.MaxFencesAtOnce > 0)
                    world.Entities.Tell(Kinds.Cluster, _cluster.Value, new ClusterCommand.EndFence(id, e.Attempt, world.Clock.GetUtcNow()));
                return;
            }

            if (_power is { HasTurn: true } begun && begun.Effect.Attempt == e.Attempt) return;
            if (policy is { MaxFencesAtOnce: > 0 } && _unanswered++ < AskedForTurnAtMost)
            {
                _power = null;
                AskForTurn(e);
                return;
            }

            await ByProxy(e, config, self);
        }
        catch (Exception failure) when (failure is EntityUnavailableException or OperationCanceledException)
        {
            _power = null;
        }
    }

    private void AskForTurn(HostEffect.Power e) => world.Entities.Tell(Kinds.Cluster, _cluster.Value, new ClusterCommand.AskFence(
        id, new FenceWish(e.Attempt, e.Failures, e.SilentSince), world.Clock.GetUtcNow()));

    /// <summary>The cluster has given the host its turn, or says again that it has it.</summary>
    private async Task Begin(long attempt, HostConfig config, IActorRef self)
    {
        _unanswered = 0;
        if (_owed is not { Action: PowerAction.Off } e || e.Attempt != attempt || _closed.IsCancellationRequested || !world.MayAct()) return;
        var now = world.Clock.GetUtcNow();
        if (_power is { HasTurn: true } under && under.Effect.Attempt == attempt && now < under.Until) return;
        _power = new PowerTurn(e, now + world.Settings.FencePatience) { HasTurn = true };
        try
        {
            await ByProxy(e, config, self);
        }
        catch (Exception failure) when (failure is EntityUnavailableException or OperationCanceledException)
        {
            _power = null;
        }
    }

    private async Task ByProxy(HostEffect.Power e, HostConfig config, IActorRef self)
    {
        var order = new HostCommand.RunFence(id, config.Name, e.Attempt, e.Action, config.FenceAgents);
        var (neighbours, near) = await world.Read.Neighbours(id, config, _closed.Token);
        // Each action begins among those that are preferred; who fails it passes it on to all.
        if (e.Failures == 0 && near > 0 && _power?.Proxy is null) _powerRound %= near;
        for (var asked = 0; asked <= neighbours.Count; asked++)
        {
            // After all neighbours have had their turn, the engine's own node has one.
            var turn = _powerRound++ % (neighbours.Count + 1);
            if (turn == neighbours.Count)
            {
                self.Tell(await Turn(order, (agent, password) =>
                    world.LocalFence.Run(AgentWords.Fence(agent, e.Action, password, null), _closed.Token)));
                return;
            }

            // One that is not up any more says so at once.
            if (await world.Entities.Ask(Kinds.Host, neighbours[turn].Value, order, _closed.Token) is Reply.Refused) continue;
            if (_power is { } under && under.Effect == e) _power = under with { Proxy = neighbours[turn], Order = order };
            return;
        }
    }

    /// <summary>The proxy's agent went away with the order: who turns the power twice turns it off all the same.</summary>
    private async Task NextProxy(HostEffect.Power e, HostConfig config, IActorRef self)
    {
        try
        {
            if (world.MayAct()) await ByProxy(e, config, self);
        }
        catch (Exception failure) when (failure is EntityUnavailableException or OperationCanceledException)
        {
            _power = null;
        }
    }

    /// <summary>A user's question goes to one neighbour, or to this node when there is none.</summary>
    private async Task AskPower(JobId question, HostConfig config, IActorRef self)
    {
        var order = new HostCommand.RunFence(id, config.Name, 0, PowerAction.Status, config.FenceAgents) { Question = question };
        try
        {
            foreach (var neighbour in (await world.Read.Neighbours(id, config, _closed.Token)).All)
                if (await world.Entities.Ask(Kinds.Host, neighbour.Value, order, _closed.Token) is not Reply.Refused)
                    return;
            self.Tell(await Turn(order, (agent, password) =>
                world.LocalFence.Run(AgentWords.Fence(agent, PowerAction.Status, password, null), _closed.Token)));
        }
        catch (Exception failure) when (failure is EntityUnavailableException or OperationCanceledException)
        {
            // The user is told that there was no answer, and asks again.
        }
    }

    private async Task LookWhetherEmpty(long attempt, IActorRef self)
    {
        try
        {
            if ((await world.Read.VmsOn(id, _closed.Token)).Count == 0)
                self.Tell(new HostCommand.ReportEmpty(world.Clock.GetUtcNow()) { Attempt = attempt });
        }
        catch (Exception failure) when (failure is EntityUnavailableException or OperationCanceledException)
        {
            // Looked at again at the next tick.
        }
    }

    private DeployHands Deploying => _deploy ??= new DeployHands(id, world, _closed.Token);

    private SoftFencing Soft => _soft ??= new SoftFencing(world, _troubles, _closed.Token);

    /// <summary>How long an engine that has just started keeps the power of a host that it has not heard yet.</summary>
    private TimeSpan Quiet => _link is { WasHeard: true }
        ? TimeSpan.Zero
        : StartQuiet.Left(world.EngineAge(), _link?.Silence ?? TimeSpan.Zero, world.Settings.SilentAfter);

    private static TimeSpan Longest(params ReadOnlySpan<TimeSpan> times)
    {
        var longest = TimeSpan.Zero;
        foreach (var time in times) longest = time > longest ? time : longest;
        return longest;
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
        return FencingPolicy.Forbids(policy, _selfFence?.Renews == true, hosts, unreached);
    }

    /// <summary>As proxy: turns the power of another host with a program on this host.</summary>
    private async Task Fence(HostCommand.RunFence order, long epoch)
    {
        if (_link is not { } link || !world.MayAct()) return;
        try
        {
            if (order.Question is null && _turned.TryGetValue(order.Target, out var last)
                && (last.Attempt, last.Action) == (order.Attempt, order.Action))
            {
                // Said again by one who may not have heard the answer.
                if (last.Report is not null) world.Entities.Tell(Kinds.Host, order.Target.Value, last.Report);
                return;
            }

            if (order.Question is null) _turned[order.Target] = (order.Attempt, order.Action, null);
            if (!await Answers(link))
            {
                _turned.TryRemove(order.Target, out _);
                Away(order);
                return;
            }

            var work = Turn(order, (agent, password) =>
                link.Client.Fence(AgentWords.Fence(agent, order.Action, password, epoch), _closed.Token));
            _ = Mind(work, order, link);
            var report = await work;
            if (order.Question is null) _turned[order.Target] = (order.Attempt, order.Action, report);
            world.Entities.Tell(Kinds.Host, order.Target.Value, report);
        }
        catch (Exception e) when (e is EntityUnavailableException or OperationCanceledException)
        {
            _troubles.Failed($"power {order.Action} of {order.TargetName}", e.Message);
        }
    }

    /// <summary>An agent that dies with a power order must not cost the time in which an order counts as under way.</summary>
    private async Task Mind(Task work, HostCommand.RunFence order, HostLink link)
    {
        while (!work.IsCompleted && !_closed.IsCancellationRequested)
        {
            await world.Pause(ProxyLookedAtEvery, _closed.Token);
            if (work.IsCompleted || await Answers(link) || work.IsCompleted) continue;
            Away(order);
            return;
        }
    }

    private void Away(HostCommand.RunFence order)
    {
        if (_closed.IsCancellationRequested) return;
        HostCommand report = order.Question is { } question
            ? new HostCommand.ReportPower(
                order.Attempt, order.Action, false, PowerState.Unknown, $"the agent of host {_troubles.Name}, which was to ask, does not answer",
                world.Clock.GetUtcNow())
            { Question = question }
            : new HostCommand.ReportProxyAway(order.Attempt, order.Action, _troubles.Name);
        _troubles.Note($"power {Word(order.Action)} of {order.TargetName}: the agent does not answer; another host is asked");
        world.Entities.Tell(Kinds.Host, order.Target.Value, report);
    }

    /// <summary>Whether the agent answers at all, within a second.</summary>
    private async Task<bool> Answers(HostLink link)
    {
        using var limit = new CancellationTokenSource(ProxyAnswersWithin, world.Clock);
        try
        {
            await link.Client.Describe(limit.Token);
            return true;
        }
        catch (Exception e) when (e is AgentUnreachableException or AgentRefusedException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Asks the fence agents step by step until one says that it is done.</summary>
    private async Task<HostCommand> Turn(HostCommand.RunFence order, Func<FenceAgent, string?, Task<FenceResult>> turn)
    {
        var result = new FenceResult(FencePower.Unknown, false, "no fence agent is configured");
        foreach (var step in FenceSequence.Steps(order.Agents))
        {
            var asked = step.Select(agent => One(order, agent, turn)).ToList();
            var answers = new List<FenceResult>();
            foreach (var one in asked) answers.Add(await one);
            result = FenceSequence.Together(order.Action, answers);
            if (result.Ok) break;
        }

        return new HostCommand.ReportPower(
            order.Attempt, order.Action, result.Ok, AgentWords.Power(result.Power), result.Message, world.Clock.GetUtcNow())
        {
            Question = order.Question,
        };
    }

    private async Task<FenceResult> One(
        HostCommand.RunFence order, FenceAgent agent, Func<FenceAgent, string?, Task<FenceResult>> turn)
    {
        FenceResult result;
        try
        {
            var password = agent.Secret == "" ? null : await world.Passwords.Get(agent.Secret, _closed.Token);
            var options = agent.EncryptOptions ? await world.Passwords.Get(agent.OptionsSecret, _closed.Token) : null;
            result = await turn(options is null ? agent : agent with { Options = AgentWords.Options(options) }, password);
            ActorMeters.Fenced(Word(order.Action), result.Ok ? "done" : "failed");
        }
        catch (Exception e) when (e is AgentUnreachableException or AgentRefusedException)
        {
            result = new FenceResult(FencePower.Unknown, false, e.Message);
            ActorMeters.Fenced(Word(order.Action), "unreachable");
        }

        if (!result.Ok) _troubles.Note($"power {Word(order.Action)} of {order.TargetName} by {agent.Type}: {result.Message}");
        return result;
    }

    private static string Word(PowerAction action) => action.ToString().ToLowerInvariant();

    /// <summary>A power action that is under way until some time, and who was asked for it.</summary>
    private sealed record PowerTurn(HostEffect.Power Effect, DateTimeOffset Until)
    {
        public HostId? Proxy { get; init; }

        public HostCommand.RunFence? Order { get; init; }

        /// <summary>Its cluster has given it its turn.</summary>
        public bool HasTurn { get; init; }
    }
}
