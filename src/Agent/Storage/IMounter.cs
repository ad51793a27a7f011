using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Storage;

/// <summary>The host's mounts. A call ends in bounded time, also while storage is away.</summary>
public interface IMounter
{
    /// <summary>Folders on which something is mounted, as the kernel has them: no storage is asked.</summary>
    IReadOnlySet<string> Mounted();

    /// <summary>Makes the folder, too.</summary>
    /// <exception cref="IOException">It was not mounted, or it is not known whether it was.</exception>
    Task Mount(StorageMount mount, string folder, CancellationToken cancel);

    /// <summary>Never by force: what is open stays mounted. The folder goes, too, if it is empty then.</summary>
    /// <exception cref="IOException">It is in use, or it is not known whether it was unmounted.</exception>
    Task Unmount(string folder, CancellationToken cancel);
}
