using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Storage;

/// <summary>Does image jobs. A failure is an <see cref="ImageWorkException"/> whose message an operator understands.</summary>
public interface IImageWork
{
    /// <returns>The facts to report with the job; its id and state are the caller's.</returns>
    Task<(ImageFacts? Image, DomainFacts? Domain)> Do(ImageJob job, Action<int> percent, CancellationToken cancel);
}

public sealed class ImageWorkException(string message, Exception? cause = null) : Exception(message, cause);
