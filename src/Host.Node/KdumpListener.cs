using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;

namespace Orchestrator.Host.Node;

/// <summary>Hears the crash kernels of hosts (UDP, <c>fence_kdump_send</c>). Each node listens, so it does not matter which of them
/// a host speaks to.</summary>
internal sealed class KdumpListener(IPEndPoint at, KdumpNews news, TimeProvider clock, ILogger log) : BackgroundService
{
    private static readonly TimeSpan AgainAfter = TimeSpan.FromSeconds(10);

    /// <summary>A host is looked for so often at most, however often somebody speaks in its name.</summary>
    private static readonly TimeSpan LookedForEvery = TimeSpan.FromSeconds(1);

    /// <summary>A time for more senders than these is not kept: there are no such installations, but there are floods.</summary>
    private const int SendersAtMost = 10_000;

    private readonly Dictionary<IPAddress, long> _lookedFor = [];

    /// <summary>The address that a configuration names.</summary>
    /// <returns>Null: nobody listens.</returns>
    /// <exception cref="UsageException">It is none.</exception>
    public static IPEndPoint? Parse(string listen) => listen == "" ? null
        : IPEndPoint.TryParse(listen, out var at) && at.Port > 0 ? at
        : throw new UsageException($"orchestrator.kdump.listen: '{listen}' is not ADDRESS:PORT, such as 0.0.0.0:7410");

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                using var socket = new UdpClient(at);
                KdumpLog.Listening(log, at);
                while (true) await Take(await socket.ReceiveAsync(stoppingToken), stoppingToken);
            }
            catch (SocketException e)
            {
                KdumpLog.CannotListen(log, at, e.Message);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(AgainAfter, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task Take(UdpReceiveResult datagram, CancellationToken stopping)
    {
        var from = datagram.RemoteEndPoint.Address is { IsIPv4MappedToIPv6: true } mapped
            ? mapped.MapToIPv4()
            : datagram.RemoteEndPoint.Address;
        if (!KdumpNews.IsMessage(datagram.Buffer)) return;
        if (_lookedFor.TryGetValue(from, out var last) && clock.GetElapsedTime(last) < LookedForEvery) return;
        if (_lookedFor.Count >= SendersAtMost) _lookedFor.Clear();
        _lookedFor[from] = clock.GetTimestamp();
        try
        {
            if (await news.Heard(from, stopping)) KdumpLog.Heard(log, from);
            else KdumpLog.OfNobody(log, from);
        }
        catch (EntityUnavailableException e)
        {
            KdumpLog.Lost(log, from, e.Message);
        }
    }
}

/// <summary>The log lines of crash kernels: 3101 and up.</summary>
internal static partial class KdumpLog
{
    [LoggerMessage(3101, LogLevel.Information, "the crash kernels of hosts are listened to at {At}")]
    public static partial void Listening(ILogger log, IPEndPoint at);

    [LoggerMessage(3102, LogLevel.Error,
        "the crash kernels of hosts cannot be listened to at {At}: {Why}; a host that writes its memory loses its power meanwhile. It is tried again")]
    public static partial void CannotListen(ILogger log, IPEndPoint at, string why);

    [LoggerMessage(3103, LogLevel.Information, "the crash kernel at {From} says that it writes the memory of its host")]
    public static partial void Heard(ILogger log, IPAddress from);

    [LoggerMessage(3104, LogLevel.Debug, "a crash kernel at {From} speaks, but no silent host has this address")]
    public static partial void OfNobody(ILogger log, IPAddress from);

    [LoggerMessage(3105, LogLevel.Warning, "the word of the crash kernel at {From} is lost: {Why}; it says it again")]
    public static partial void Lost(ILogger log, IPAddress from, string why);
}
