using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Simulated;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Tests.Simulation.World;

/// <summary>One host's way to the shared storage. While it is gone a job fails, or hangs and fails when it is back.</summary>
internal sealed class SharedStorage(
    SimulatedImages images, WorldHost host, DiskChecks writers, Random random, TimeProvider clock) : IImageWork
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    public async Task<ImageResult> Do(
        Guid id, ImageJob job, Action<int> percent, CancellationToken cancel)
    {
        await Answer(cancel);
        if (job is ImageJob.CloseUpload close) host.Tickets.Close(close.Transfer);
        using var writing = writers.Writes(host, job);
        var held = writers.Held(job);
        var done = await images.Do(id, job, percent, cancel);
        writers.Made(host, job, held);
        return done;
    }

    public async Task<ImageFacts?> Made(Guid id, ImageJob job, CancellationToken cancel)
    {
        await Answer(cancel);
        return await images.Made(id, job, cancel);
    }

    private async Task Answer(CancellationToken cancel)
    {
        if (!host.Faults.StorageGone) return;
        if (random.Next(2) == 0)
            while (host.Faults.StorageGone) await Task.Delay(Look, clock, cancel);
        throw new ImageWorkException("Input/output error: the storage does not answer");
    }
}
