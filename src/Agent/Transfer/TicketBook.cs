using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Storage;

namespace Orchestrator.Agent.Transfer;

/// <summary>
/// The tickets of this host, in memory alone: an agent that was restarted is told of them anew. What it must not forget is
/// which uploads are closed; that it reads from its jobs.
/// </summary>
public sealed class TicketBook : ITickets, IAsyncDisposable
{
    private static readonly TimeSpan OpenedWithin = TimeSpan.FromSeconds(8), LookEvery = TimeSpan.FromSeconds(15);
    private readonly ConcurrentDictionary<Guid, Entry> _transfers = new();
    private readonly ConcurrentDictionary<Guid, Ticket> _tickets = new();
    private readonly string _sockets;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ITimer _timer;

    /// <param name="sockets">A folder of its own for its sockets.</param>
    public TicketBook(string sockets, TimeProvider time, ILogger log)
    {
        (_sockets, _time, _log) = (sockets, time, log);
        Directory.CreateDirectory(sockets);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(sockets, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        _timer = time.CreateTimer(_ => _ = EndExpired(), null, LookEvery, LookEvery);
    }

    public int Port { get; set; }

    /// <summary>Uploads that were closed before this agent was started.</summary>
    public void Remember(IEnumerable<ImageJob> jobs)
    {
        foreach (var job in jobs.OfType<ImageJob.CloseUpload>()) Of(job.Transfer).IsClosed = true;
    }

    public async Task<(TicketReport? Report, AgentRefusal? Refusal)> Put(Guid transfer, TicketOrder order)
    {
        if (order.Session < 1 || order.Bytes < 1 || order.ValidSeconds < 1)
            return Refuse(RefusalCode.Malformed, "session, bytes and validSeconds are above 0");
        var entry = Of(transfer);
        using var turn = await entry.Enter();
        if (entry.IsClosed) return Refuse(RefusalCode.StaleOrder, $"transfer {transfer} is closed here");
        if (order.Session < entry.Lowest) return Refuse(RefusalCode.StaleOrder, $"session {order.Session} of transfer {transfer} is over here");
        if (entry.Present is { } present && present.Session == order.Session)
        {
            present.Renew(order);
            return (present.Report, null);
        }

        await End(entry);
        try
        {
            using var limit = new CancellationTokenSource(OpenedWithin, _time);
            var ticket = new Ticket(transfer, order, await Open(transfer, order, limit.Token), _time);
            (entry.Present, entry.Lowest) = (ticket, order.Session);
            _tickets[ticket.Secret] = ticket;
            _log.LogInformation("transfer {Transfer}: session {Session} is open", transfer, order.Session);
            return (ticket.Report, null);
        }
        catch (OperationCanceledException)
        {
            return Refuse(RefusalCode.NotReady, $"{order.Path} was not opened in time: does its storage answer?");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ImageWorkException)
        {
            return Refuse(RefusalCode.Failed, e.Message);
        }
    }

    public async Task<TicketReport> End(Guid transfer, int session)
    {
        var entry = Of(transfer);
        using var turn = await entry.Enter();
        var report = entry.Present?.Report ?? new TicketReport(0, 0);
        entry.Lowest = Math.Max(entry.Lowest, session + 1);
        if (entry.Present is { } present && present.Session <= session) await End(entry);
        return report;
    }

    /// <summary>Completes when nobody writes any more; from then on nobody is let in again.</summary>
    public async Task Close(Guid transfer)
    {
        var entry = Of(transfer);
        using var turn = await entry.Enter();
        entry.IsClosed = true;
        await End(entry);
    }

    /// <summary>Null: there is none, or it has expired.</summary>
    internal Ticket? Find(Guid secret) => _tickets.TryGetValue(secret, out var ticket) && !ticket.IsOver ? ticket : null;

    public async ValueTask DisposeAsync()
    {
        await _timer.DisposeAsync();
        foreach (var entry in _transfers.Values)
        {
            using var turn = await entry.Enter();
            // The engine asks for it anew at the next agent, and not at this one.
            entry.IsClosed = true;
            await End(entry);
        }
    }

    private async Task<IOpenImage> Open(Guid transfer, TicketOrder order, CancellationToken cancel)
    {
        var path = InDomain(order.Path);
        if (order.Raw && order.Format == DiskFormat.Qcow2)
        {
            var image = await NbdImage.Open(
                path, "qcow2", order.Write, order.Sparse, Path.Combine(_sockets, $"{transfer:N}-{order.Session}"), cancel);
            if (!order.Write || image.Size == order.Bytes) return image;
            await image.DisposeAsync();
            throw new ImageWorkException($"{path} has {image.Size} bytes for a guest, not {order.Bytes}");
        }

        // A cow image needs room for its tables, too.
        long? limit = !order.Write ? null : order.Format == DiskFormat.Raw ? order.Bytes : order.Bytes + (order.Bytes / 16) + (64L << 20);
        return await Task.Run(() => new FileImage(path, order.Write, order.Sparse, limit), cancel).WaitAsync(cancel);
    }

    /// <exception cref="ImageWorkException">It is not an image of a storage domain.</exception>
    private static string InDomain(string path)
    {
        if (!OrderGuard.IsPath(path)) throw new ImageWorkException($"'{path}' is not an absolute path in its simplest form");
        for (var folder = Path.GetDirectoryName(path); folder is not null; folder = Path.GetDirectoryName(folder))
            if (Path.GetFileName(folder) == "images" && Path.GetDirectoryName(folder) is { } domain
                && Guid.TryParseExact(Path.GetFileName(domain), "D", out _) && File.Exists(Path.Combine(domain, "dom_md", "metadata")))
            {
                var file = new FileInfo(path);
                if (!file.Exists) throw new ImageWorkException($"{path} is not there");
                if (file.LinkTarget is not null) throw new ImageWorkException($"{path} is a link, and not an image");
                return path;
            }

        throw new ImageWorkException($"{path} is not in a storage domain");
    }

    private async Task EndExpired()
    {
        foreach (var entry in _transfers.Values.Where(e => e.Present?.IsExpired == true))
        {
            using var turn = await entry.Enter();
            if (entry.Present is not { IsExpired: true } present) continue;
            _log.LogWarning("transfer {Transfer}: nobody has renewed its ticket; it is over", present.Transfer);
            await End(entry);
        }
    }

    private async Task End(Entry entry)
    {
        if (entry.Present is not { } present) return;
        _tickets.TryRemove(present.Secret, out _);
        await present.DisposeAsync();
        entry.Present = null;
    }

    private Entry Of(Guid transfer) => _transfers.GetOrAdd(transfer, _ => new Entry());

    private static (TicketReport?, AgentRefusal?) Refuse(string code, string why) => (null, new AgentRefusal(code, why));

    private sealed class Entry : IDisposable
    {
        private readonly SemaphoreSlim _gate = new(1);

        public Ticket? Present { get; set; }

        /// <summary>Sessions below it are over.</summary>
        public int Lowest { get; set; } = 1;

        public bool IsClosed { get; set; }

        public void Dispose() => _gate.Dispose();

        public async Task<Turn> Enter()
        {
            await _gate.WaitAsync();
            return new Turn(_gate);
        }
    }

    private readonly struct Turn(SemaphoreSlim gate) : IDisposable
    {
        public void Dispose() => gate.Release();
    }
}
