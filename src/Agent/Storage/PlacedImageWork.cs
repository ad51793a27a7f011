using System.Collections.Immutable;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Storage;

/// <summary>Steps of storage domains, which are mounted for them; and all other image jobs, of which none makes a file where a domain
/// only should be mounted.</summary>
/// <param name="patience">For a domain that is about to be mounted.</param>
public sealed class PlacedImageWork(IImageWork others, Mounts mounts, TimeSpan limit, TimeSpan patience) : IImageWork
{
    public Task<ImageFacts?> Made(Guid id, ImageJob job, CancellationToken cancel) => others.Made(id, job, cancel);

    public async Task<ImageResult> Do(Guid id, ImageJob job, Action<int> percent, CancellationToken cancel)
    {
        try
        {
            if (job is ImageJob.StepDomain domain) return new(Domain: await In(domain.Place, () => DomainSteps.Do(domain), cancel));
            await mounts.Await(Paths(job), patience, cancel);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImageWorkException(e.Message, e);
        }

        return await others.Do(id, job, percent, cancel);
    }

    /// <summary>Domains at a place that nobody here knows yet; it is mounted for the moment.</summary>
    /// <exception cref="ImageWorkException">It cannot be looked at.</exception>
    public async Task<ImmutableArray<DomainLabel>> Look(StoragePlace place, CancellationToken cancel)
    {
        try
        {
            return await In(place, () => DomainSteps.Look(place.Folder).ToImmutableArray(), cancel);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImageWorkException(e.Message, e);
        }
        finally
        {
            if (place.Mount is not null) await mounts.Drop(place.Folder, CancellationToken.None);
        }
    }

    /// <summary>In a thread of its own, which storage that is away may hold for ever.</summary>
    private async Task<T> In<T>(StoragePlace place, Func<T> work, CancellationToken cancel)
    {
        using var loan = await mounts.Borrow(place, cancel);
        var done = Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            return await done.WaitAsync(limit, cancel);
        }
        catch (TimeoutException e)
        {
            throw new ImageWorkException($"the storage at {place.Folder} did not answer within {limit.TotalSeconds:F0} s", e);
        }
    }

    private static ImmutableArray<string> Paths(ImageJob job) => job switch
    {
        ImageJob.Create j => [j.Path],
        ImageJob.Delete j => [j.Path],
        ImageJob.Copy j => [j.Source, j.Destination],
        ImageJob.Rewrite j => [j.Source, j.Destination],
        ImageJob.Seal j => [.. j.Images.Select(i => i.Path)],
        ImageJob.Mirror j => [j.Destination],
        ImageJob.Grow j => [j.Path],
        ImageJob.Merge j => [j.Path, j.Base],
        _ => [],
    };
}
