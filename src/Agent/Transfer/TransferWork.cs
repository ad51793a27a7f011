using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Agent.Transfer;

/// <summary>Closes uploads, and leaves all other jobs to others.</summary>
public sealed class TransferWork(TicketBook tickets, IImageWork others) : IImageWork
{
    public Task<ImageFacts?> Made(Guid id, ImageJob job, CancellationToken cancel) => others.Made(id, job, cancel);

    public async Task<ImageResult> Do(Guid id, ImageJob job, Action<int> percent, CancellationToken cancel)
    {
        if (job is not ImageJob.CloseUpload close) return await others.Do(id, job, percent, cancel);
        await tickets.Close(close.Transfer);
        try
        {
            return new(await UploadedImage.Check(close, cancel));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ImageWorkException(e.Message, e);
        }
    }
}
