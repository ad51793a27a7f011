using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Transfer;

/// <summary>A client's right to one image, while it lasts.</summary>
internal sealed class Ticket(Guid transfer, TicketOrder order, IOpenImage image, TimeProvider time) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _end = new();
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _users;
    private long _transferred = order.Transferred;
    private long _activeAt = time.GetTimestamp();
    private long _renewedAt = time.GetTimestamp();
    private TimeSpan _valid = TimeSpan.FromSeconds(order.ValidSeconds);

    public Guid Transfer => transfer;

    public Guid Secret => order.Ticket;

    public int Session => order.Session;

    public bool MayWrite => order.Write;

    public IOpenImage Image => image;

    /// <summary>Nobody has renewed it for too long.</summary>
    public bool IsExpired => time.GetElapsedTime(Volatile.Read(ref _renewedAt)) > _valid;

    /// <summary>Ended while somebody uses it, or expired.</summary>
    public bool IsOver => _end.IsCancellationRequested || IsExpired;

    public TicketReport Report => new(
        Interlocked.Read(ref _transferred), _users > 0 && !IsStalled ? 0 : (long)time.GetElapsedTime(Volatile.Read(ref _activeAt)).TotalMilliseconds);

    public void Renew(TicketOrder renewal)
    {
        _valid = TimeSpan.FromSeconds(renewal.ValidSeconds);
        Volatile.Write(ref _renewedAt, time.GetTimestamp());
    }

    public void Moved(long bytes)
    {
        Interlocked.Add(ref _transferred, bytes);
        Volatile.Write(ref _activeAt, time.GetTimestamp());
    }

    /// <returns>Null: it is over. Else disposed when the client has what it asked for.</returns>
    public Use? Enter(CancellationToken aborted)
    {
        lock (_gate)
        {
            if (IsOver) return null;
            _users++;
        }

        Volatile.Write(ref _activeAt, time.GetTimestamp());
        return new Use(this, CancellationTokenSource.CreateLinkedTokenSource(aborted, _end.Token));
    }

    /// <summary>Completes when nobody uses it any more, and the image is closed.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _end.Cancel();
            if (_users == 0) _idle.TrySetResult();
        }

        await _idle.Task;
        _end.Dispose();
        await image.DisposeAsync();
    }

    /// <summary>A client that holds a connection and moves nothing is idle.</summary>
    private bool IsStalled => time.GetElapsedTime(Volatile.Read(ref _activeAt)) > TimeSpan.FromSeconds(1);

    private void Leave()
    {
        lock (_gate)
            if (--_users == 0 && _end.IsCancellationRequested) _idle.TrySetResult();
    }

    public sealed class Use(Ticket ticket, CancellationTokenSource either) : IDisposable
    {
        /// <summary>Ends with the client's connection and with the ticket.</summary>
        public CancellationToken Cancel => either.Token;

        public void Dispose()
        {
            either.Dispose();
            ticket.Leave();
        }
    }
}
