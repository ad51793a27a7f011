using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Vm;

namespace Orchestrator.Tests.Deciders.Simulation;

/// <summary>A host's rules, its link and its hands, over a simulated network.</summary>
internal sealed class SimHost
{
    private const long SilentAfter = 5000;

    private readonly World _world;
    private readonly int _number;
    private readonly Dictionary<int, long> _told = [];
    private readonly Dictionary<int, Told> _guests = [];
    private bool _wanted, _connected, _silenceSaid;
    private int _session, _boot;
    private long _lastHeard, _lastDelivery;
    private (long Attempt, PowerAction Action, long Until) _power;

    public SimHost(World world, int number)
    {
        (_world, _number) = (world, number);
        Agent = new SimAgent(world, number) { Listener = Hear };
        Rules = new(
            world, $"host-{number}", HostDecider.Initial(Id), HostDecider.Decide, HostDecider.Evolve,
            HostDecider.Outstanding, Do);
    }

    public HostId Id => new(Making.Id(_number));

    public SimAgent Agent { get; }

    public Entity<HostState, HostCommand, HostEvent, HostEffect> Rules { get; }

    /// <summary>Looked at every 300 ms.</summary>
    public void Watch()
    {
        if (!_wanted) return;
        var up = Agent is { Powered: true, Reachable: true };
        if (_connected && (!up || _boot != Agent.Boot))
        {
            _connected = false;
            _session++;
            Rules.Take(new HostCommand.ReportUnreached(_world.At));
        }
        else if (!_connected && up) Connect();
        else if (_connected) (_lastHeard, _silenceSaid) = (_world.Now, false);

        if (_connected || _silenceSaid || _world.Now - _lastHeard < SilentAfter) return;
        _silenceSaid = true;
        Rules.Take(new HostCommand.ReportSilent(_world.At, _world.At));
    }

    private void Connect()
    {
        (_connected, _boot, _lastHeard, _silenceSaid) = (true, Agent.Boot, _world.Now, false);
        var expected = _world.CopiesOn(Id);
        var (session, report, sequence, facts) = (++_session, Agent.Report(), Agent.Sequence, Agent.Facts);
        InOrder(() =>
        {
            if (session != _session) return;
            _told.Clear();
            _guests.Clear();
            Rules.Take(new HostCommand.ReportReached(facts, _world.At));
            foreach (var guest in report) Tell(guest, sequence);
            foreach (var (vm, lease) in expected.Where(copy => report.All(g => g.Vm != copy.Vm)))
            {
                // Said again until the VM answers: it may come late, and comes.
                var missing = new VmCommand.ReportMissing(Id, lease, _world.At);
                _world.AtTime(_world.Now + _world.Between(0, 6000), () => _world.ToVm(vm, missing, Delivery.Now));
            }
        });
    }

    private void Hear(Told guest, long sequence)
    {
        if (!_connected || !Agent.Reachable) return;
        var session = _session;
        InOrder(() =>
        {
            if (session == _session) Tell(guest, sequence);
        });
    }

    private void InOrder(Action deliver)
    {
        _lastDelivery = Math.Max(_lastDelivery, _world.Now + _world.Between(1, 40));
        _world.AtTime(_lastDelivery, deliver);
    }

    private void Tell(Told guest, long sequence)
    {
        if (_told.TryGetValue(guest.Vm, out var last) && sequence < last) return;
        _told[guest.Vm] = sequence;
        var down = guest.State is GuestState.Down or GuestState.HandedOver or GuestState.Saved;
        if (down) _guests.Remove(guest.Vm);
        else _guests[guest.Vm] = guest;
        var report = new VmCommand.ReportGuest(
            Id, $"host-{_number}", Rules.State.Core.Incarnation, new Lease(guest.Lease), guest.State, guest.Exit, null, null,
            _world.At)
        {
            Move = guest.Move is { } move ? new Lease(move) : null,
            Save = guest.Save is { } save ? new JobId(save) : null,
            SaveError = guest.SaveFailed ? "no room" : null,
            MemoryGone = guest.MemoryGone,
            Reshape = guest.Reshape,
            Reshaped = guest.Reshaped == true,
            ReshapeError = guest.Reshaped == false ? "no" : null,
        };
        if (!down && _world.Loses()) return;
        _world.ToVm(guest.Vm, report, Delivery.Now);
        if (down) _world.Post(() => Agent.Forget(guest.Vm, guest.Lease));
    }

    private void Do(HostEffect effect)
    {
        switch (effect)
        {
            case HostEffect.KeepLink:
                if (!_wanted) (_wanted, _lastHeard, _silenceSaid) = (true, _world.Now, false);
                break;
            case HostEffect.Announce e:
                if (Rules.State is HostState.Maintenance) (_wanted, _connected, _session) = (false, false, _session + 1);
                _world.Cluster.Take(new ClusterCommand.ReportHost(
                    new HostReport(
                        Id, $"host-{_number}", e.Incarnation, e.TakesGuests, e.Reachable, 64, 1L << 36,
                        [.. _guests.Values.Select(g => new GuestShare(new VmId(Making.Id(g.Vm)), new Lease(g.Lease), 1 << 30))])
                    {
                        Awaited = e.Awaited,
                    },
                    _world.At));
                break;
            case HostEffect.TellLost e:
                foreach (var vm in _world.VmsOn(Id)) _world.ToVm(vm, new VmCommand.LoseHost(Id, e.Incarnation, _world.At));
                break;
            case HostEffect.TellFenced e:
                foreach (var vm in _world.VmsOn(Id))
                    _world.ToVm(vm, new VmCommand.ConfirmFence(Id, e.Incarnation, _world.At));
                break;
            case HostEffect.AnswerLost e:
                _world.ToVm(World.Number(e.Vm), new VmCommand.LoseHost(Id, e.Incarnation, _world.At));
                break;
            case HostEffect.AnswerFenced e:
                _world.ToVm(World.Number(e.Vm), new VmCommand.ConfirmFence(Id, e.Incarnation, _world.At));
                break;
            case HostEffect.Drain:
                var guests = _world.VmsOn(Id);
                if (guests.Count == 0) Rules.Take(new HostCommand.ReportEmpty(_world.At));
                foreach (var vm in guests) _world.ToVm(vm, new VmCommand.Migrate(_world.By(), null, true));
                break;
            case HostEffect.Power e:
                Power(e);
                break;
            case HostEffect.SendLaunch e:
                Order(e.Vm, e.Seat.Lease, vm => e.Memory == "" ? Agent.Launch(vm, e.Seat.Lease.Number)
                    : Agent.Restore(vm, e.Seat.Lease.Number, e.Memory), refused =>
                    refused.Final ? new VmCommand.RefuseLaunch(Id, e.Seat.Lease, refused.Code, _world.At) : null);
                break;
            case HostEffect.SendHalt e:
                Order(e.Vm, e.Lease, vm => Agent.Stop(vm, e.Lease.Number, e.Mode), refused =>
                    refused.Code is "unknown-vm" or "stale-lease"
                        ? new VmCommand.ReportMissing(Id, e.Lease, _world.At)
                        : null);
                break;
            case HostEffect.SendIncoming e:
                Order(e.Vm, e.Seat.Lease, vm => Agent.ExpectIncoming(vm, e.Seat.Lease.Number), refused =>
                    refused.Final ? new VmCommand.RefuseMigration(e.Seat.Lease, refused.Code, _world.At) : null);
                break;
            case HostEffect.SendMigrate e:
                Order(e.Vm, e.From.Lease, vm => Agent.Migrate(vm, e.From.Lease.Number, _world.Host(e.To.Host).Agent, e.To.Lease.Number),
                    refused => refused.Code == "wrong-state"
                        ? new VmCommand.RefuseMigration(e.To.Lease, refused.Code, _world.At)
                        : null);
                break;
            case HostEffect.SendCancel e:
                Order(e.Vm, e.Lease, vm => Agent.CancelMigration(vm, e.Lease.Number), _ => null);
                break;
            case HostEffect.SendSave e:
                Order(e.Vm, e.Lease, vm => Agent.Save(vm, e.Lease.Number, e.Id.Value, e.Path), _ => null);
                break;
            case HostEffect.SendAction e:
                Order(e.Vm, e.Lease, vm =>
                {
                    var answer = Agent.Act(vm, e.Lease.Number);
                    if (answer is Answer.Accepted) _world.ToVm(vm, new VmCommand.ReportActionTaken(e.Action.Id, _world.At));
                    return answer;
                }, refused => refused.Final ? new VmCommand.RefuseAction(e.Action.Id, refused.Code, _world.At) : null);
                break;
            case HostEffect.SendReshape e:
                Order(e.Vm, e.Lease, vm => Agent.Reshape(vm, e.Lease.Number, e.Number), refused =>
                    refused.Final ? new VmCommand.RefuseReshape(e.Number, refused.Code, _world.At) : null);
                break;
            case HostEffect.SendAbandonIncoming e:
                Order(e.Vm, e.Lease, vm => Agent.AbandonIncoming(vm, e.Lease.Number), _ => null);
                break;
            case HostEffect.Inquire e:
                Order(e.Vm, e.Lease, vm =>
                {
                    var guest = Agent.Report().FirstOrDefault(g => g.Vm == vm);
                    if (guest?.Lease != e.Lease.Number)
                        _world.ToVm(vm, new VmCommand.ReportMissing(Id, e.Lease, _world.At));
                    return new Answer.Accepted(Agent.Sequence, guest ?? new Told(vm, 0, GuestState.Down, VmExit.Never));
                }, _ => null);
                break;
        }
    }

    /// <summary>An order and its answer: each may come late, twice or never; an order for another boot is refused.</summary>
    private void Order(VmId id, Lease lease, Func<int, Answer> order, Func<Answer.Refused, VmCommand?> meaning)
    {
        if (!_connected) return;
        var (vm, boot) = (World.Number(id), _boot);
        _world.Post(() =>
        {
            if (!Agent.Powered || !Agent.Reachable || Agent.Boot != boot) return;
            var answer = order(vm);
            _world.Post(() =>
            {
                if (!Agent.Reachable || boot != _boot) return;
                switch (answer)
                {
                    case Answer.Refused refused:
                        if (meaning(refused) is { } command) _world.ToVm(vm, command);
                        break;
                    case Answer.Accepted { Guest: null }:
                        {
                            // Said again until the VM answers: it may come late, and comes.
                            var missing = new VmCommand.ReportMissing(Id, lease, _world.At);
                            _world.AtTime(_world.Now + _world.Between(0, 6000), () => _world.ToVm(vm, missing, Delivery.Now));
                        }
                        break;
                    case Answer.Accepted { Guest: { } guest, Sequence: var sequence }:
                        if (guest.Lease > 0) Tell(guest, sequence);
                        if (guest.State == GuestState.Incoming)
                            _world.ToVm(vm, new VmCommand.ReportIncomingReady(Id, new Lease(guest.Lease), _world.At));
                        break;
                }
            });
        });
    }

    private void Power(HostEffect.Power e)
    {
        if (_power.Attempt == e.Attempt && _power.Action == e.Action && _world.Now < _power.Until) return;
        _power = (e.Attempt, e.Action, _world.Now + 8000);
        _world.Post(() => _world.After(500, 4000, () => true, () =>
        {
            var ok = Agent.FenceWorks;
            if (ok && e.Action == PowerAction.Off) Agent.PowerOff();
            if (ok && e.Action == PowerAction.On) _world.After(2000, 6000, () => true, Agent.PowerOn);
            _world.Log($"fence of host-{_number}: {e.Action} {(ok ? "done" : "failed")}");
            var power = !ok ? PowerState.Unknown : e.Action == PowerAction.Off ? PowerState.Off : PowerState.On;
            _world.Post(() => Rules.Take(new HostCommand.ReportPower(e.Attempt, e.Action, ok, power, "", _world.At)));
        }));
    }
}
