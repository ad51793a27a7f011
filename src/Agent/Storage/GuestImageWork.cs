using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Storage;

/// <summary>Image jobs, those under running guests by their hypervisor and all others by files.</summary>
public sealed class GuestImageWork(IImageWork files, IGuestImages guests) : IImageWork
{
    /// <summary>Of a guest's images the guest itself is asked, and not a file.</summary>
    public Task<ImageFacts?> Made(Guid id, ImageJob job, CancellationToken cancel) => files.Made(id, job, cancel);

    public async Task<ImageResult> Do(Guid id, ImageJob job, Action<int> percent, CancellationToken cancel)
    {
        switch (job)
        {
            case ImageJob.Mirror m:
                await guests.Mirror(new GuestKey(m.Vm, m.Lease), m.Disk, m.Destination, m.Format, percent, cancel);
                return default;
            case ImageJob.Switch s:
                await guests.Switch(new GuestKey(s.Vm, s.Lease), s.Disk, s.Destination, cancel);
                return default;
            case ImageJob.TurnBack t:
                await guests.TurnBack(new GuestKey(t.Vm, t.Lease), t.Disk, t.Destination, cancel);
                return default;
            case ImageJob.GrowUnderGuest g:
                await guests.Grow(new GuestKey(g.Vm, g.Lease), g.Disk, g.SizeBytes, cancel);
                return default;
            case ImageJob.TakeSnapshot t:
                return new(Note: await guests.TakeSnapshot(new GuestKey(t.Vm, t.Lease), t.Layers, cancel));
            case ImageJob.MergeUnderGuest m:
                await guests.Merge(new GuestKey(m.Vm, m.Lease), m.Disk, m.Path, m.Base, percent, cancel);
                return default;
            default:
                return await files.Do(id, job, percent, cancel);
        }
    }
}
