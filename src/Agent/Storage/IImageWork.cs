using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Storage;

/// <summary>Does image jobs. A failure is an <see cref="ImageWorkException"/> whose message an operator understands.</summary>
public interface IImageWork
{
    /// <returns>The facts to report with the job; its id and state are the caller's.</returns>
    /// <param name="id">An image that this very job has made, by whichever agent, counts as made by it.</param>
    Task<ImageResult> Do(Guid id, ImageJob job, Action<int> percent, CancellationToken cancel);

    /// <returns>The image that this job has made, although nobody recorded it; null: it has made none.</returns>
    Task<ImageFacts?> Made(Guid id, ImageJob job, CancellationToken cancel);
}

/// <param name="Note">What an operator should know although it is done.</param>
public readonly record struct ImageResult(ImageFacts? Image = null, DomainFacts? Domain = null, string? Note = null);

public sealed class ImageWorkException(string message, Exception? cause = null) : Exception(message, cause);
