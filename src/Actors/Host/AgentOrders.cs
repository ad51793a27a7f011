using System.Collections.Immutable;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Actors.Host;

/// <summary>Orders of VMs, disks and neighbours on their way to the agent of one host, and what its answers mean.</summary>
internal sealed class AgentOrders(HostId id, HostWorld world, HostTroubles troubles, CancellationToken closed)
{
    /// <summary>Carries one order to the agent; whoever owes it says it again when it has not come through.</summary>
    public async Task Give(HostEffect effect, HostLink link)
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
                HostEffect.SendSave e => Save(e, link),
                HostEffect.SendAction e => Act(e, link),
                HostEffect.SendReshape e => Reshape(e, link),
                HostEffect.SendAbandonIncoming e => Abandon(e, link),
                HostEffect.Inquire e => Inquire(e, link),
                HostEffect.SendImageJob e => Work(e.Work, link),
                HostEffect.SendTicket or HostEffect.SendTicketEnd => TicketOrders.Give(effect, id, world, link, closed),
                HostEffect.SendLeaseReading e => ReadStorageLease(e, link),
                _ => Task.CompletedTask,
            });
        }
        catch (Exception e) when (e is EntityUnavailableException or OperationCanceledException
            or AgentUnreachableException or AgentRefusedException)
        {
            // Whoever owes it says it again.
            if (!closed.IsCancellationRequested) troubles.Failed(effect.GetType().Name, e.Message);
        }
    }

    private async Task Launch(HostEffect.SendLaunch e, HostLink link)
    {
        if (await Taken(e.Vm, e.Definition.Disks.Select(d => d.Disk), starts: true) is { } disk)
        {
            await Bury(e, disk, link);
            return;
        }

        var definition = AgentWords.Definition(e.Vm, e.Definition, await Images(e.Definition), await ClusterCpu(e.Definition)) with
        {
            Seed = await Seed(e.Vm, e.Definition),
        };
        if (e.Definition.Stateless) definition = AgentWords.ThrowAway(definition, e.Seat.Lease);
        var lease = e.Seat.Lease.Number;
        var answer = e.Memory == ""
            ? await link.Client.Launch(new LaunchOrder(link.Stamp, lease, definition), closed)
            : await link.Client.Restore(new RestoreOrder(link.Stamp, lease, definition, e.Memory), closed);
        if (Heard(answer, link, e.Seat.Lease, e.Memory == "" ? "launch" : "restore") is { } why)
            ToVm(e.Vm, new VmCommand.RefuseLaunch(id, e.Seat.Lease, why, world.Clock.GetUtcNow()));
    }

    /// <summary>Asks each disk for itself: no two VMs write one image, whatever their definitions list.</summary>
    /// <returns>Why the VM may not have a disk, or null.</returns>
    private async Task<string?> Taken(VmId vm, IEnumerable<DiskId> disks, bool starts)
    {
        foreach (var disk in disks)
        {
            var origin = Origin.System(world.NewId(), world.Clock.GetUtcNow());
            if (await world.Entities.Ask(Kinds.Disk, disk.Value, new DiskCommand.Attach(origin, vm) { Starts = starts }, closed)
                is Reply.Refused refused)
                return $"disk {disk} is not to be had: " + refused.Fault switch
                {
                    Fault.DiskInUse => "another VM has it",
                    Fault.DiskIllegal => "its image is illegal",
                    Fault.DiskLocked => "it is being removed, moved to another storage domain, or transferred",
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
            e.Vm.Value, new StopOrder(link.Stamp, e.Seat.Lease.Number, Agent.Protocol.StopMode.PowerOff), closed);
        var refused = new VmCommand.RefuseLaunch(id, e.Seat.Lease, why, world.Clock.GetUtcNow());
        // Before the agent's report that it was ended, which does not say why.
        var ended = answer is AgentAnswer.Accepted { Receipt.Guest: null or { State: Agent.Protocol.GuestState.Down } };
        if (ended) ToVm(e.Vm, refused);
        if (Heard(answer, link, e.Seat.Lease, "stop") is not null && !ended) ToVm(e.Vm, refused);
    }

    private async Task Halt(HostEffect.SendHalt e, HostLink link)
    {
        var answer = await link.Client.Stop(
            e.Vm.Value, new StopOrder(link.Stamp, e.Lease.Number, AgentWords.Mode(e.Mode)), closed);
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
        var definition = AgentWords.Definition(e.Vm, e.Definition, await Images(e.Definition)) with { Seed = await Seed(e.Vm, e.Definition) };
        var answer = await link.Client.PrepareIncoming(
            new IncomingOrder(link.Stamp, e.Seat.Lease.Number, definition), closed);
        if (Heard(answer, link, e.Seat.Lease, "incoming") is { } why)
            ToVm(e.Vm, new VmCommand.RefuseMigration(e.Seat.Lease, why, world.Clock.GetUtcNow()));
        else if (answer is AgentAnswer.Accepted { Receipt.Guest.State: Agent.Protocol.GuestState.Incoming })
            ToVm(e.Vm, new VmCommand.ReportIncomingReady(id, e.Seat.Lease, world.Clock.GetUtcNow()));
    }

    private async Task Migrate(HostEffect.SendMigrate e, HostLink link)
    {
        var destination = await world.Read.View<HostView>(Kinds.Host, e.To.Host.Value, closed);
        if (destination?.Facts is not { MigrationAddress: { Length: > 0 } uri }) return;
        var answer = await link.Client.Migrate(
            e.Vm.Value, AgentWords.Order(link.Stamp, e.From, e.To, uri, e.Terms), closed);
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
            e.Vm.Value, new GuestOrder(link.Stamp, e.Lease.Number), closed);
        _ = Heard(answer, link, e.Lease, "cancel");
    }

    private async Task Save(HostEffect.SendSave e, HostLink link)
    {
        var answer = await link.Client.Save(
            e.Vm.Value, new SaveOrder(link.Stamp, e.Lease.Number, e.Id.Value, e.Path), closed);
        // Refused while the guest is on its way elsewhere, or down: its report says what became of it.
        _ = Heard(answer, link, e.Lease, "save");
    }

    private async Task Act(HostEffect.SendAction e, HostLink link)
    {
        var (id, what) = e.Action;
        var answer = what == GuestAction.Resume
            ? await link.Client.Resume(e.Vm.Value, new GuestOrder(link.Stamp, e.Lease.Number), closed)
            : await link.Client.Stop(e.Vm.Value, new StopOrder(link.Stamp, e.Lease.Number, AgentWords.Mode(what)) { Id = id.Value }, closed);
        var now = world.Clock.GetUtcNow();
        if (Heard(answer, link, e.Lease, what.ToString().ToLowerInvariant()) is { } why)
            ToVm(e.Vm, new VmCommand.RefuseAction(id, why, now));
        else if (answer is AgentAnswer.Accepted) ToVm(e.Vm, new VmCommand.ReportActionTaken(id, now));
    }

    private async Task Reshape(HostEffect.SendReshape e, HostLink link)
    {
        // Of those that the guest has already nothing is asked: one of them may be on its way to another storage domain.
        if (await Taken(e.Vm, e.New, starts: false) is { } why)
        {
            ToVm(e.Vm, new VmCommand.RefuseReshape(e.Number, why, world.Clock.GetUtcNow()));
            return;
        }

        // A disk that is not found just now must not be taken from the guest, and one that is being made waits for that.
        var images = await Images(e.Definition);
        var unready = e.Definition.Disks.Where(d => d.Active && !images.ContainsKey(d.Disk)).Select(d => d.Disk).ToList();
        if (e.Definition.Cdrom is { } cd && !images.ContainsKey(cd)) unready.Add(cd);
        foreach (var disk in e.New)
            if (await world.Read.View<DiskView>(Kinds.Disk, disk.Value, closed) is not { Status: "ok" }) unready.Add(disk);
        if (unready is [var first, ..])
        {
            troubles.Note($"disk {first} cannot be plugged in yet: its image is not ready");
            return;
        }

        var answer = await link.Client.Reshape(
            e.Vm.Value, new ReshapeOrder(link.Stamp, e.Lease.Number, e.Number, AgentWords.Definition(e.Vm, e.Definition, images)), closed);
        _ = Heard(answer, link, e.Lease, "reshape");
        // Only where nothing of it was ever begun. What has ended is told by the guest's report.
        if (answer is AgentAnswer.Refused
            {
                Refusal:
                {
                    Code: RefusalCode.Malformed or RefusalCode.WrongState or RefusalCode.UnknownOrder
            or RefusalCode.StaleOrder
                } refusal
            })
            ToVm(e.Vm, new VmCommand.RefuseReshape(e.Number, refusal.Message, world.Clock.GetUtcNow()));
    }

    private async Task Abandon(HostEffect.SendAbandonIncoming e, HostLink link)
    {
        var answer = await link.Client.Stop(
            e.Vm.Value, new StopOrder(link.Stamp, e.Lease.Number, Agent.Protocol.StopMode.AbandonIncoming), closed);
        _ = Heard(answer, link, e.Lease, "abandon_incoming");
        // It has come after all: its VM, which was told when it did not matter yet, is told again.
        if (answer is AgentAnswer.Refused) await Inquire(new HostEffect.Inquire(e.Vm, e.Lease), link);
    }

    private async Task Inquire(HostEffect.Inquire e, HostLink link)
    {
        var report = await link.Client.Report(closed);
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
            link.TellJob(await link.Client.Run(work.Id, new JobOrder(link.Stamp, AgentWords.Job(work)), closed));
            ActorMeters.Ordered("image_job", "accepted");
        }
        catch (AgentRefusedException e) when (e.Refusal.Code is not (RefusalCode.StaleEpoch or RefusalCode.OtherBoot or RefusalCode.NotReady))
        {
            ActorMeters.Ordered("image_job", e.Refusal.Code);
            link.TellJob(new JobReport(work.Id, JobState.Failed, Message: e.Refusal.Message));
        }
    }

    /// <summary>As neighbour: has this host read another one's lease on the storage.</summary>
    private async Task ReadStorageLease(HostEffect.SendLeaseReading e, HostLink link)
    {
        var reading = await link.Client.ReadStorageLease(e.Folder, e.Target.Value, closed);
        world.Entities.Tell(
            Kinds.Host, e.Target.Value,
            new HostCommand.ReportStorageLease(e.Reading, reading.OwnHeld, reading.BootId, reading.Number));
    }

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
                troubles.Note($"the agent refused {what} ({refusal.Code}): {refusal.Message}");
                world.OrderRefused(id, troubles.Name, what, refusal);
                // A copy under another lease is in the way: its VM is told again, and ends it.
                if (refusal is { Code: RefusalCode.Occupied, Guest: { } other })
                    ToVm(new VmId(other.Vm), AgentWords.Report(id, troubles.Name, 0, other, world.Clock.GetUtcNow()));
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
                troubles.Note($"no answer to {what}: {(answer as AgentAnswer.Unknown)?.Reason}");
                return null;
        }
    }

    private async Task<IReadOnlyDictionary<DiskId, (string Path, string Format)>> Images(VmConfig definition)
    {
        if (definition is { Disks.IsEmpty: true, Cdrom: null }) return ImmutableDictionary<DiskId, (string, string)>.Empty;
        var images = ImmutableDictionary.CreateBuilder<DiskId, (string, string)>();
        var wanted = definition.Disks.Select(d => d.Disk);
        foreach (var id in definition.Cdrom is { } cd ? wanted.Append(cd) : wanted)
            if (await world.Read.View<DiskView>(Kinds.Disk, id.Value, closed) is { } disk)
                images[id] = (disk.Path, disk.ImageFormat);
        return images.ToImmutable();
    }

    /// <summary>What a guest's CPU must not exceed, where its own definition does not say.</summary>
    private async Task<string> ClusterCpu(VmConfig definition) =>
        definition.Hardware is { CpuMode: not "" } or { CpuModel: not "" }
        || await world.Read.View<ClusterView>(Kinds.Cluster, definition.Cluster.Value, closed) is not { } cluster
            ? ""
            : cluster.Config.CpuType;

    private async Task<GuestSeed?> Seed(VmId vm, VmConfig definition)
    {
        if (definition.Initialization is not { Given: true } told) return null;
        var password = told.Secret == "" ? null : await world.Passwords.Get(told.Secret, closed);
        if (told.Secret != "" && password is null) troubles.Note($"the password that VM {definition.Name} was to be given is not there any more");
        return CloudInit.Seed(vm, definition, told, password);
    }

    private void ToVm(VmId vm, VmCommand command) => world.Entities.Tell(Kinds.Vm, vm.Value, command);
}
