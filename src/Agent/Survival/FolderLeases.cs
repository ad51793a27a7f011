using System.Globalization;
using System.Text;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Agent.Survival;

/// <summary>
/// Leases as files of one block, <c>host-leases/HOST</c> in a storage domain's <c>dom_md</c>, written and read past the page
/// cache: what a neighbour reads is on the storage. Each call has a thread of its own, since storage that
/// is away may hold it for ever.
/// </summary>
public sealed class FolderLeases : IStorageLeases
{
    private const string First = "orchestrator host lease 1";

    public Task Begin(string folder, StorageLease lease) => OnItsOwn(() =>
    {
        if (!Directory.Exists(folder)) throw new IOException($"{folder} is not there: is the storage mounted?");
        MakeFolder(Path.Combine(folder, "host-leases"));
        Write(PathOf(folder, lease.Host), lease, create: true);
        return true;
    });

    public Task Renew(string folder, StorageLease lease) => OnItsOwn(() =>
    {
        Write(PathOf(folder, lease.Host), lease, create: false);
        return true;
    });

    public Task<StorageLease?> Read(string folder, Guid host) => OnItsOwn(() =>
        PathOf(folder, host) is var path && File.Exists(path) ? Parse(Encoding.ASCII.GetString(DirectFile.Read(path))) : null);

    private static void MakeFolder(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
        }
        catch (UnauthorizedAccessException e)
        {
            throw new IOException($"{path} cannot be made: {e.Message}", e);
        }
    }

    private static string PathOf(string folder, Guid host) => Path.Combine(folder, "host-leases", host.ToString());

    private static Task<T> OnItsOwn<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static void Write(string path, StorageLease lease, bool create) => DirectFile.Write(
        path,
        Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture, $"{First}\n{lease.Host}\n{lease.BootId}\n{lease.Number}\n")),
        create);

    private static StorageLease? Parse(string text) =>
        text.Split('\n') is [First, var host, var boot, var number, ..]
        && Guid.TryParse(host, out var id) && boot.Length > 0
        && long.TryParse(number, CultureInfo.InvariantCulture, out var n)
            ? new StorageLease(id, boot, n)
            : null;
}
