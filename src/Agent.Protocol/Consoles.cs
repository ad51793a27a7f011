using System.Net.WebSockets;
using System.Text;

namespace Orchestrator.Agent.Protocol;

/// <summary>Lets whoever knows the password look at the guest that runs under this lease, for a while. Carried out when it is
/// answered; the same again begins the time anew.</summary>
/// <param name="Password">1 to 8 printable ASCII characters: VNC knows no longer ones. It is nowhere stored or logged.</param>
/// <param name="ValidSeconds">1 to <see cref="LongestSeconds"/>, by the host's clock.</param>
public sealed record ConsoleTicketOrder(Stamp Stamp, long Lease, string Password, int ValidSeconds)
{
    public const int LongestSeconds = 86_400;

    public const int LongestPassword = 8;

    public static bool IsPassword(string text) => text.Length is > 0 and <= LongestPassword && text.All(c => c is > ' ' and <= '~');

    /// <summary>Without the password.</summary>
    public override string ToString() => $"ConsoleTicketOrder {{ Lease = {Lease}, ValidSeconds = {ValidSeconds} }}";
}

/// <summary>Of the consoles of a guest; in paths their names in lower case.</summary>
public enum ConsoleKind
{
    /// <summary>The screen: RFB, with a password that a <see cref="ConsoleTicketOrder"/> has set.</summary>
    Vnc,

    /// <summary>The first serial line, both directions as bytes.</summary>
    Serial,
}

/// <summary>How a console's WebSocket ends: the code and a sentence for people.</summary>
public sealed record ConsoleEnd(WebSocketCloseStatus Code, string Why)
{
    private const int LongestReason = 123;

    /// <summary>No such console now: the guest is not here, or the order came from a former owner.</summary>
    public const WebSocketCloseStatus Refused = (WebSocketCloseStatus)4409;

    /// <summary>The guest has left this host; a new ticket leads to it.</summary>
    public const WebSocketCloseStatus Moved = (WebSocketCloseStatus)4410;

    public static ConsoleEnd Normal { get; } = new(WebSocketCloseStatus.NormalClosure, "");

    /// <summary>As much of the sentence as a close frame can carry.</summary>
    public string Reason
    {
        get
        {
            var text = Why;
            while (Encoding.UTF8.GetByteCount(text) > LongestReason) text = text[..^1];
            return text;
        }
    }

    public static ConsoleEnd Of(WebSocket socket) =>
        new(socket.CloseStatus ?? WebSocketCloseStatus.EndpointUnavailable, socket.CloseStatusDescription ?? "the connection broke");
}

/// <summary>Carries the bytes of a console between a WebSocket and what is behind it.</summary>
public static class ConsoleBytes
{
    private const int BufferBytes = 16 << 10;
    private static readonly TimeSpan FarewellWithin = TimeSpan.FromSeconds(2);

    /// <summary>Reads messages until the other side closes. Not to be cancelled: that breaks the socket, and nobody hears why.</summary>
    public static async Task<ConsoleEnd> Read(WebSocket socket, Func<ReadOnlyMemory<byte>, ValueTask> take)
    {
        var buffer = new byte[BufferBytes];
        try
        {
            while (true)
            {
                var read = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
                if (read.MessageType == WebSocketMessageType.Close) return ConsoleEnd.Of(socket);
                if (read.Count > 0) await take(buffer.AsMemory(0, read.Count));
            }
        }
        catch (WebSocketException)
        {
            return ConsoleEnd.Of(socket);
        }
    }

    /// <summary>Sends all that comes out of the stream until it ends.</summary>
    /// <param name="came">Told of each piece before it is sent on.</param>
    public static async Task Send(Stream from, WebSocket socket, Func<int, ValueTask> came, CancellationToken cancel)
    {
        var buffer = new byte[BufferBytes];
        while (await from.ReadAsync(buffer, cancel) is > 0 and var count)
        {
            await came(count);
            await Send(socket, buffer.AsMemory(0, count));
        }
    }

    public static ValueTask Send(WebSocket socket, ReadOnlyMemory<byte> bytes) =>
        socket.SendAsync(bytes, WebSocketMessageType.Binary, true, CancellationToken.None);

    /// <summary>Tells all sides why, leaves what is under way a moment, and breaks off what does not end.</summary>
    public static async Task Part(ConsoleEnd end, WebSocket[] sockets, params Task[] underWay)
    {
        foreach (var socket in sockets) await Close(socket, end);
        var all = Task.WhenAll(underWay);
        await Task.WhenAny(all, Task.Delay(FarewellWithin));
        if (!all.IsCompleted)
            foreach (var socket in sockets) socket.Abort();
        await all.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static async Task Close(WebSocket socket, ConsoleEnd end)
    {
        using var limit = new CancellationTokenSource(FarewellWithin);
        try
        {
            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                await socket.CloseOutputAsync(Sendable(end.Code), end.Reason, limit.Token);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            socket.Abort();
        }
    }

    /// <summary>Some codes only say that none has come.</summary>
    private static WebSocketCloseStatus Sendable(WebSocketCloseStatus code) =>
        (int)code is 1005 or 1006 or 1015 or < 1000 ? WebSocketCloseStatus.NormalClosure : code;
}
