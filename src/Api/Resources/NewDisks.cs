using System.Collections.Immutable;
using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>The disks of a VM or template that is being made: they come first, so that it points at what
/// exists.</summary>
internal sealed class NewDisks(ApiCall call)
{
    private readonly List<DiskAttachment> _attachments = [];
    private readonly List<DiskView> _made = [];

    public ImmutableArray<DiskAttachment> Attachments => [.. _attachments];

    /// <summary>Copies of other disks, attached in the same way.</summary>
    /// <param name="snapshot">Of what they were then; null: of what they are now.</param>
    public async Task Clone(ImmutableArray<DiskAttachment> sources, string owner, Guid? snapshot = null)
    {
        foreach (var source in sources)
        {
            var view = await call.Get<DiskView>(Kinds.Disk, source.Disk.Value);
            var copy = await Disks.Copy(call, view, NextName(owner), snapshot);
            _made.Add(copy);
            _attachments.Add(source with { Disk = copy.Id });
        }
    }

    /// <summary>What a body lists: disks that exist, by id, and new ones.</summary>
    public async Task Inline(IReadOnlyList<Element> bodies, string owner)
    {
        foreach (var body in bodies)
        {
            if (body.One("disk") is not { } disk) throw FaultException.Missing("DiskAttachment", "disk", "add");
            DiskId id;
            if (Refs.IdOf(disk) is { } given && !disk.Has("provisioned_size"))
                id = (await call.Get<DiskView>(Kinds.Disk, given)).Id;
            else
            {
                var made = await Disks.Create(call, disk, NextName(owner));
                _made.Add(made);
                id = made.Id;
            }

            _attachments.Add(DiskAttachments.Of(body, id));
        }
    }

    public async Task GiveTo(VmId vm)
    {
        foreach (var attachment in _attachments) await DiskHolders.Give(call, attachment.Disk, vm);
    }

    /// <summary>The owner was refused: what it was given is taken back, and what was made for it goes again, as far as
    /// it can.</summary>
    public async Task Undo()
    {
        foreach (var attachment in _attachments) await DiskHolders.Settle(call, attachment.Disk);
        foreach (var disk in _made)
        {
            try
            {
                await Disks.Remove(call, disk.Id.Value, call.NewOrigin());
            }
            catch (FaultException left)
            {
                call.World.Log.DiskLeftBehind(disk.Id, disk.Config.Name, left.Detail);
            }
        }
    }

    private string NextName(string owner) => $"{owner}_Disk{_attachments.Count + 1}";
}
