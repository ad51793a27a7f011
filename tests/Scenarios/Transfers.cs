using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Tests.Scenarios;

/// <summary>Clients that upload and download the disks of VMs, as a script has them do it.</summary>
public sealed class Transfers(Stage stage)
{
    private readonly Dictionary<string, Guid> _transfers = [];

    public async Task Begin(string vm, string words, TransferDirection direction, string host, string how, int seconds)
    {
        await stage.Ask(Kinds.Disk, Disk(vm).Id.Value, words, o =>
        {
            _transfers[vm] = o.Job.Value;
            return new DiskCommand.BeginTransfer(o, new ImageTransfer
            {
                Id = o.Job.Value,
                Direction = direction,
                Format = "raw",
                Host = new HostId(stage.Cast.HostId(host)),
                InactivitySeconds = seconds,
                Timeout = how == "cancelled" ? TransferTimeout.Cancel : how == "paused" ? TransferTimeout.Pause : TransferTimeout.Legacy,
            });
        });
    }

    public Task Order(string vm, string words, TransferAction action) => stage.Ask(
        Kinds.Disk, Disk(vm).Id.Value, words, o => new DiskCommand.OrderTransfer(o, _transfers[vm], action));

    /// <summary>To whichever host lets it in.</summary>
    public void Move(string vm, long mebibytes)
    {
        var host = stage.Simulation.World.Hosts.FirstOrDefault(h => h.Tickets.Move(_transfers[vm], mebibytes << 20));
        stage.Say(host is null ? $"the client of {vm} is let in nowhere" : $"the client of {vm} has moved {mebibytes} MiB at {host.Name}");
    }

    public void Spoil(string vm)
    {
        stage.Simulation.World.Spoil(Disk(vm).Path);
        stage.Say($"the client of {vm} has written nonsense");
    }

    public void Look(string vm)
    {
        var disk = stage.Simulation.Database.Read.Of(Kinds.Disk).Select(d => WireJson.Read<DiskView>(d.Document.Json)).SingleOrDefault(d => d.Config.Name == vm);
        var transfer = WireJson.Read<ImageTransferView>(stage.Simulation.Database.Read.Find(Kinds.ImageTransfer, _transfers[vm])!.Document.Json);
        stage.Say($"the disk of {vm} is {disk?.Status ?? "gone"}; its transfer is {transfer.Phase}, {transfer.Transfer.Transferred >> 20} MiB");
    }

    private DiskView Disk(string vm) =>
        stage.Simulation.Database.Read.Of(Kinds.Disk).Select(d => WireJson.Read<DiskView>(d.Document.Json)).Single(d => d.Config.Name == vm);
}
