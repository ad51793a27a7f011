namespace Orchestrator.Agent.Storage;

/// <summary>Reads one block of <c>FOLDER/metadata</c> from the storage itself. Each reading has a thread of its own, since
/// storage that is away may hold it for ever.</summary>
public sealed class FolderProbe : IDomainProbe
{
    public Task Read(string folder) => Task.Factory.StartNew(
        () => Read(folder, "metadata"), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static void Read(string folder, string file)
    {
        var path = Path.Combine(folder, file);
        if (DirectFile.Read(path).Length == 0) throw new IOException($"{path} is empty");
    }
}
