using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Storage;

/// <summary>
/// What the agent has mounted, all of it directly below one folder that is its own. Of one mount point only one thing is done at a
/// time, and what is borrowed is not unmounted.
/// </summary>
public sealed class Mounts(string root, IMounter mounter, ILogger log, TimeProvider? time = null)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);

    /// <summary>A file system type is a program's name to mount(8), and plain fuse takes its program from the source.</summary>
    private const string RefusedTypes = "fuse";

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Point> _points = new(StringComparer.Ordinal);

    /// <summary>Has it mounted until the loan is given back; a place that needs no mount is lent as it is.</summary>
    /// <exception cref="IOException">It could not be mounted.</exception>
    public async Task<IDisposable> Borrow(StoragePlace place, CancellationToken cancel)
    {
        if (place.Mount is null) return new Loan(null);
        Check(place);
        var loan = new Loan(() => { lock (_gate) At(place.Folder).Loans--; });
        lock (_gate) At(place.Folder).Loans++;
        try
        {
            await Mount(place, cancel);
            return loan;
        }
        catch
        {
            loan.Dispose();
            throw;
        }
    }

    /// <exception cref="IOException">It could not be mounted.</exception>
    public async Task Mount(StoragePlace place, CancellationToken cancel)
    {
        if (place.Mount is not { } mount) return;
        Check(place);
        while (true)
        {
            Task work;
            var mine = false;
            lock (_gate)
            {
                var point = At(place.Folder);
                if (point.Work.IsCompleted)
                {
                    if (IsMounted(place.Folder)) return;
                    point.Work = Begin(mount, place.Folder);
                    mine = true;
                }

                work = point.Work;
            }

            try
            {
                await work.WaitAsync(cancel);
                if (mine && !IsMounted(place.Folder)) throw new IOException($"{mount.Source} was mounted, and is not there");
            }
            catch (IOException) when (!mine)
            {
                // Somebody else's attempt: this one makes its own.
            }
        }
    }

    /// <summary>Unmounts all that is below the agent's folder and not in use, but these.</summary>
    public async Task Release(IReadOnlySet<string> but, CancellationToken cancel)
    {
        foreach (var folder in Own().Where(f => !but.Contains(f)).ToList())
        {
            Task work;
            lock (_gate)
            {
                var point = At(folder);
                if (point.Loans > 0 || !point.Work.IsCompleted || !IsMounted(folder)) continue;
                work = point.Work = End(folder, point);
            }

            try
            {
                await work.WaitAsync(cancel);
            }
            catch (IOException)
            {
                // Said already; the next order tries again.
            }
        }
    }

    /// <summary>A place that was borrowed once and is wanted no more.</summary>
    public Task Drop(string folder, CancellationToken cancel) =>
        Release(Own().Where(f => f != folder).ToHashSet(StringComparer.Ordinal), cancel);

    /// <exception cref="IOException">It is a file of a domain that is not mounted: it would be made on the host's own disk.</exception>
    public void CheckFile(string path)
    {
        if (!path.StartsWith(root + "/", StringComparison.Ordinal)) return;
        var name = path[(root.Length + 1)..].Split('/')[0];
        if (!IsMounted($"{root}/{name}")) throw new IOException($"the storage domain of {path} is not mounted on this host");
    }

    /// <summary>A domain that was activated just now, or a host that has just booted, has it mounted in a moment.</summary>
    /// <exception cref="IOException">By then it is not mounted.</exception>
    public async Task Await(ImmutableArray<string> paths, TimeSpan patience, CancellationToken cancel)
    {
        var began = _time.GetTimestamp();
        foreach (var path in paths)
            while (true)
                try
                {
                    CheckFile(path);
                    break;
                }
                catch (IOException) when (_time.GetElapsedTime(began) < patience)
                {
                    await Task.Delay(LookEvery, _time, cancel);
                }
    }

    private IEnumerable<string> Own() => mounter.Mounted().Where(f => Path.GetDirectoryName(f) == root);

    private bool IsMounted(string folder) => mounter.Mounted().Contains(folder);

    private Point At(string folder)
    {
        if (!_points.TryGetValue(folder, out var point)) _points[folder] = point = new Point();
        return point;
    }

    private async Task Begin(StorageMount mount, string folder)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding | ConfigureAwaitOptions.ContinueOnCapturedContext);
        await mounter.Mount(mount, folder, CancellationToken.None);
        log.LogInformation("storage: {Source} is mounted at {Folder}", mount.Source, folder);
    }

    private async Task End(string folder, Point point)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding | ConfigureAwaitOptions.ContinueOnCapturedContext);
        try
        {
            await mounter.Unmount(folder, CancellationToken.None);
            point.Said = null;
            log.LogInformation("storage: {Folder} is unmounted", folder);
        }
        catch (IOException e)
        {
            if (point.Said != e.Message) log.LogWarning("storage: {Folder} stays mounted: {Why}", folder, e.Message);
            point.Said = e.Message;
            throw;
        }
    }

    private void Check(StoragePlace place)
    {
        var mount = place.Mount!;
        if (Path.GetDirectoryName(place.Folder) != root || Path.GetFileName(place.Folder) is "" or "." or "..")
            throw new IOException($"{place.Folder} is not directly below {root}, where this agent mounts storage (agent.storage-folder)");
        if (mount.Type.Length == 0 || mount.Type[0] == '-' || mount.Type.StartsWith(RefusedTypes, StringComparison.Ordinal)
            || !mount.Type.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_'))
            throw new IOException($"'{mount.Type}' is no type of file system that this agent mounts");
        if (mount.Source.Length == 0 || mount.Source.Any(char.IsControl) || mount.Options.Any(c => char.IsControl(c) || c == ' '))
            throw new IOException("what is to be mounted, or an option of it, has characters that cannot be");
    }

    private sealed class Point
    {
        public int Loans { get; set; }

        public Task Work { get; set; } = Task.CompletedTask;

        public string? Said { get; set; }
    }

    private sealed class Loan(Action? back) : IDisposable
    {
        private Action? _back = back;

        public void Dispose() => Interlocked.Exchange(ref _back, null)?.Invoke();
    }
}
