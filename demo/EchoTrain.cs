using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Orchestrator.Demo;

/// <summary>
/// Asks each address for an ICMP echo twenty times a second and keeps for how long each was silent at most: from one
/// answer to the next. Its own pauses are kept too, because in those nobody could have been heard.
/// </summary>
public sealed class EchoTrain : IAsyncDisposable
{
    private const int HeaderOfIp = 20;
    private static readonly TimeSpan _pace = TimeSpan.FromMilliseconds(50);
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Raw, ProtocolType.Icmp);
    private readonly CancellationTokenSource _stop = new();
    private readonly IPEndPoint[] _addresses;
    private readonly Lock _gate = new();
    private readonly long[] _heard;
    private readonly TimeSpan[] _worst;
    private readonly int[] _answers;
    private readonly ushort _mark = (ushort)Environment.ProcessId;
    private readonly Task _sending;
    private readonly Task _receiving;
    private TimeSpan _ownPause;

    public EchoTrain(IEnumerable<string> addresses)
    {
        _addresses = [.. addresses.Select(a => new IPEndPoint(IPAddress.Parse(a), 0))];
        (_heard, _worst, _answers) = (new long[_addresses.Length], new TimeSpan[_addresses.Length], new int[_addresses.Length]);
        _socket.Bind(new IPEndPoint(IPAddress.Any, 0));
        _sending = Task.Factory.StartNew(Send, TaskCreationOptions.LongRunning);
        _receiving = Task.Factory.StartNew(Receive, TaskCreationOptions.LongRunning);
    }

    /// <summary>How many of them have answered since the last <see cref="Begin"/>.</summary>
    public int Heard
    {
        get
        {
            lock (_gate) return _answers.Count(count => count > 0);
        }
    }

    /// <summary>Forgets what was, and measures from now on.</summary>
    public void Begin()
    {
        lock (_gate)
        {
            Array.Fill(_heard, Stopwatch.GetTimestamp());
            Array.Clear(_worst);
            Array.Clear(_answers);
            _ownPause = TimeSpan.Zero;
        }
    }

    /// <summary>The longest silence of each address in the order given, up to now, the answers of each, and our own
    /// longest pause.</summary>
    public (TimeSpan[] Silences, int[] Answers, TimeSpan OwnPause) Figures()
    {
        lock (_gate)
        {
            var worst = _worst.Zip(_heard, (w, heard) => Stopwatch.GetElapsedTime(heard) is var now && now > w ? now : w);
            return ([.. worst], [.. _answers], _ownPause);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _socket.Dispose();
        await Task.WhenAll(_sending, _receiving);
        _stop.Dispose();
    }

    private void Send()
    {
        var packet = new byte[16];
        var last = Stopwatch.GetTimestamp();
        for (ushort round = 0; !_stop.IsCancellationRequested; round++)
        {
            lock (_gate)
            {
                var now = Stopwatch.GetTimestamp();
                if (Stopwatch.GetElapsedTime(last, now) is var pause && pause > _ownPause) _ownPause = pause;
                last = now;
            }

            for (var at = 0; at < _addresses.Length; at++)
            {
                Fill(packet, (ushort)(_mark + at), round);
                try
                {
                    _socket.SendTo(packet, _addresses[at]);
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    // Nobody has that address just now: that is a silence like any other.
                }
            }

            _stop.Token.WaitHandle.WaitOne(_pace);
        }
    }

    private void Receive()
    {
        var packet = new byte[256];
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var length = _socket.Receive(packet);
                if (length < HeaderOfIp + 8 || packet[HeaderOfIp] != 0) continue;
                Hear((ushort)(BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(HeaderOfIp + 4)) - _mark));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private void Hear(int who)
    {
        if (who >= _addresses.Length) return;
        lock (_gate)
        {
            var now = Stopwatch.GetTimestamp();
            if (_heard[who] != 0 && Stopwatch.GetElapsedTime(_heard[who], now) is var silence && silence > _worst[who])
                _worst[who] = silence;
            _heard[who] = now;
            _answers[who]++;
        }
    }

    private static void Fill(byte[] packet, ushort mark, ushort round)
    {
        Array.Clear(packet);
        packet[0] = 8;
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(4), mark);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(6), round);
        var sum = 0u;
        for (var at = 0; at < packet.Length; at += 2) sum += BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(at));
        sum = (sum & 0xffff) + (sum >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(2), (ushort)~(sum + (sum >> 16)));
    }
}
