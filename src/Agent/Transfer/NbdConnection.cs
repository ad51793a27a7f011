using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net.Sockets;
using System.Text;

namespace Orchestrator.Agent.Transfer;

/// <summary>One connection to an NBD server, one request at a time: the protocol's fixed newstyle, of which it needs little.</summary>
internal sealed class NbdConnection : IDisposable
{
    private const ulong Greeting = 0x4e42444d41474943, Options = 0x49484156454f5054, OptionReply = 0x3e889045565a9;
    private const uint RequestMagic = 0x25609513, SimpleReply = 0x67446698, StructuredReply = 0x668e33ef;
    private const uint Go = 7, StructuredReplies = 8, SetMetaContext = 10;
    private const uint Acknowledged = 1, Info = 3, MetaContext = 4;
    private const ushort CommandRead = 0, CommandWrite = 1, CommandDisconnect = 2, CommandFlush = 3, CommandZero = 6, CommandStatus = 7;
    private const ushort NoHole = 2;
    private const ushort LastChunk = 1, StatusChunk = 5, ErrorChunk = 0x8001;
    private const string Allocation = "base:allocation";
    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private readonly byte[] _head = new byte[28];

    private NbdConnection(Socket socket)
    {
        _socket = socket;
        _stream = new NetworkStream(socket, ownsSocket: false);
    }

    public long Size { get; private set; }

    /// <param name="extents">To ask for extents, and for nothing else.</param>
    /// <exception cref="IOException">It does not speak NBD, or refuses.</exception>
    public static async Task<NbdConnection> Open(string path, bool extents, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        NbdConnection? connection = null;
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel);
            connection = new NbdConnection(socket);
            await connection.Greet(extents, cancel);
            return connection;
        }
        catch
        {
            connection?.Dispose();
            socket.Dispose();
            throw;
        }
    }

    public async ValueTask Read(Memory<byte> into, long offset, CancellationToken cancel)
    {
        await Send(CommandRead, 0, offset, (uint)into.Length, cancel);
        await Answer(cancel);
        await _stream.ReadExactlyAsync(into, cancel);
    }

    public async ValueTask Write(ReadOnlyMemory<byte> bytes, long offset, CancellationToken cancel)
    {
        await Send(CommandWrite, 0, offset, (uint)bytes.Length, cancel);
        await _stream.WriteAsync(bytes, cancel);
        await Answer(cancel);
    }

    public async ValueTask Zero(long offset, uint length, bool mayBeHole, CancellationToken cancel)
    {
        await Send(CommandZero, mayBeHole ? (ushort)0 : NoHole, offset, length, cancel);
        await Answer(cancel);
    }

    public async ValueTask Flush(CancellationToken cancel)
    {
        await Send(CommandFlush, 0, 0, 0, cancel);
        await Answer(cancel);
    }

    /// <returns>The next ones from there; they may end before the length.</returns>
    public async ValueTask<ImmutableArray<Extent>> Extents(long offset, uint length, CancellationToken cancel)
    {
        await Send(CommandStatus, 0, offset, length, cancel);
        var all = ImmutableArray.CreateBuilder<Extent>();
        while (true)
        {
            await _stream.ReadExactlyAsync(_head.AsMemory(0, 20), cancel);
            if (BinaryPrimitives.ReadUInt32BigEndian(_head) != StructuredReply) throw Broken("its answer has no known form");
            var flags = BinaryPrimitives.ReadUInt16BigEndian(_head.AsSpan(4));
            var type = BinaryPrimitives.ReadUInt16BigEndian(_head.AsSpan(6));
            var body = new byte[checked((int)BinaryPrimitives.ReadUInt32BigEndian(_head.AsSpan(16)))];
            await _stream.ReadExactlyAsync(body, cancel);
            if (type >= ErrorChunk) throw new IOException($"the image's extents cannot be read: error {BinaryPrimitives.ReadUInt32BigEndian(body)}");
            if (type == StatusChunk)
                for (var at = 4; at + 8 <= body.Length; at += 8)
                {
                    long bytes = BinaryPrimitives.ReadUInt32BigEndian(body.AsSpan(at));
                    Extent.Add(all, new Extent(offset, bytes, Zero: (BinaryPrimitives.ReadUInt32BigEndian(body.AsSpan(at + 4)) & 2) != 0));
                    offset += bytes;
                }

            if ((flags & LastChunk) != 0) return all.ToImmutable();
        }
    }

    public void Dispose()
    {
        try
        {
            Head(CommandDisconnect, 0, 0, 0);
            if (_socket.Connected) _socket.Send(_head);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The server is gone already.
        }

        _stream.Dispose();
        _socket.Dispose();
    }

    private async Task Greet(bool extents, CancellationToken cancel)
    {
        var hello = new byte[18];
        await _stream.ReadExactlyAsync(hello, cancel);
        if (BinaryPrimitives.ReadUInt64BigEndian(hello) != Greeting || BinaryPrimitives.ReadUInt64BigEndian(hello.AsSpan(8)) != Options)
            throw Broken("it does not greet as it should");
        await _stream.WriteAsync(new byte[] { 0, 0, 0, 3 }, cancel);
        if (extents)
        {
            await Option(StructuredReplies, [], _ => { }, cancel);
            var asked = new byte[4 + 4 + 4 + Allocation.Length];
            BinaryPrimitives.WriteUInt32BigEndian(asked.AsSpan(4), 1);
            BinaryPrimitives.WriteUInt32BigEndian(asked.AsSpan(8), (uint)Allocation.Length);
            Encoding.ASCII.GetBytes(Allocation, asked.AsSpan(12));
            var given = false;
            await Option(SetMetaContext, asked, reply => given |= reply.Type == MetaContext, cancel);
            if (!given) throw Broken("it does not tell which of the image is allocated");
        }

        await Option(Go, new byte[6], Learn, cancel);
    }

    private void Learn((uint Type, byte[] Body) reply)
    {
        if (reply.Type == Info && reply.Body.Length >= 12 && BinaryPrimitives.ReadUInt16BigEndian(reply.Body) == 0)
            Size = BinaryPrimitives.ReadInt64BigEndian(reply.Body.AsSpan(2));
    }

    private async Task Option(uint option, byte[] body, Action<(uint Type, byte[] Body)> hear, CancellationToken cancel)
    {
        var head = new byte[20];
        BinaryPrimitives.WriteUInt64BigEndian(head, Options);
        BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(8), option);
        BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(12), (uint)body.Length);
        await _stream.WriteAsync(head.AsMemory(0, 16), cancel);
        await _stream.WriteAsync(body, cancel);
        while (true)
        {
            await _stream.ReadExactlyAsync(head, cancel);
            if (BinaryPrimitives.ReadUInt64BigEndian(head) != OptionReply) throw Broken("its answer to an option has no known form");
            var type = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(12));
            var reply = new byte[checked((int)BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(16)))];
            await _stream.ReadExactlyAsync(reply, cancel);
            if (type == Acknowledged) return;
            if (type >= 0x80000000) throw Broken($"it refuses option {option}: {Encoding.UTF8.GetString(reply)}");
            hear((type, reply));
        }
    }

    private ValueTask Send(ushort command, ushort flags, long offset, uint length, CancellationToken cancel)
    {
        Head(command, flags, offset, length);
        return _stream.WriteAsync(_head, cancel);
    }

    private void Head(ushort command, ushort flags, long offset, uint length)
    {
        BinaryPrimitives.WriteUInt32BigEndian(_head, RequestMagic);
        BinaryPrimitives.WriteUInt16BigEndian(_head.AsSpan(4), flags);
        BinaryPrimitives.WriteUInt16BigEndian(_head.AsSpan(6), command);
        BinaryPrimitives.WriteUInt64BigEndian(_head.AsSpan(8), 1);
        BinaryPrimitives.WriteInt64BigEndian(_head.AsSpan(16), offset);
        BinaryPrimitives.WriteUInt32BigEndian(_head.AsSpan(24), length);
    }

    private async ValueTask Answer(CancellationToken cancel)
    {
        await _stream.ReadExactlyAsync(_head.AsMemory(0, 16), cancel);
        if (BinaryPrimitives.ReadUInt32BigEndian(_head) != SimpleReply) throw Broken("its answer has no known form");
        if (BinaryPrimitives.ReadUInt32BigEndian(_head.AsSpan(4)) is not 0 and var error)
            throw new IOException(error == 28 ? "No space left on device" : $"the image cannot be read or written: error {error}");
    }

    private static IOException Broken(string why) => new($"the NBD server is not understood: {why}");
}
