using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Storage;

/// <summary>Reads a domain's metadata past the page cache and asks for its space, in a thread of its own.</summary>
public sealed class PlaceProbe(TimeProvider time) : IPlaceProbe
{
    public Task<PlaceSize> Look(StoragePlace place) => Task.Factory.StartNew(
        () => Read(place), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private PlaceSize Read(StoragePlace place)
    {
        var began = time.GetTimestamp();
        var path = Path.Combine(place.Folder, place.Domain.ToString(), "dom_md", "metadata");
        if (DirectFile.Read(path).Length == 0) throw new IOException($"{path} is empty");
        var delay = time.GetElapsedTime(began);
        var drive = new DriveInfo(place.Folder);
        return new PlaceSize(drive.TotalSize, drive.AvailableFreeSpace, delay);
    }
}
