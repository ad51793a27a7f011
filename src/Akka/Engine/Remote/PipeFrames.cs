using System.Buffers.Binary;
using System.Text;

namespace Orchestrator.Engine.Remote;

/// <summary>The two frames before the bytes of a pipe: kind 4 says where to, kind 5 that it is made. A refusal is that of
/// <see cref="Greeting"/>. A node of an earlier version does not know kind 4 and does not answer: the caller's patience ends.</summary>
internal static class PipeFrames
{
    private const byte To = 4;
    private const byte Done = 5;

    public static byte[] Wish(string host, int port)
    {
        using var bytes = new MemoryStream(64);
        using var w = new BinaryWriter(bytes, Encoding.UTF8);
        w.Write(0);
        w.Write(To);
        w.Write(host);
        w.Write(port);
        w.Flush();
        return Finish(bytes.ToArray());
    }

    public static byte[] Made() => Finish([0, 0, 0, 0, Done]);

    /// <summary>Null: the frame is another one.</summary>
    /// <exception cref="InvalidDataException">It is this one, and broken.</exception>
    public static (string Host, int Port)? ReadWish(byte[] frame)
    {
        if (frame is not [To, ..]) return null;
        try
        {
            using var r = new BinaryReader(new MemoryStream(frame, 1, frame.Length - 1), Encoding.UTF8);
            var (host, port) = (r.ReadString(), r.ReadInt32());
            return port is > 0 and < 65536 && host.Length is > 0 and < 256 && !host.Any(char.IsControl)
                ? (host, port)
                : throw new InvalidDataException("a pipe to nowhere");
        }
        catch (Exception e) when (e is IOException or FormatException or ArgumentException or OverflowException)
        {
            throw new InvalidDataException($"a pipe to nowhere: {e.Message}", e);
        }
    }

    /// <exception cref="PipeRefusedException">The node does not make it.</exception>
    public static async Task ReadAnswerAsync(Stream stream, CancellationToken cancel)
    {
        var head = new byte[4];
        await stream.ReadExactlyAsync(head, cancel).ConfigureAwait(false);
        var length = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (length is < 1 or > Greeting.Limit) throw new InvalidDataException($"an answer of {length} bytes");
        var frame = new byte[length];
        await stream.ReadExactlyAsync(frame, cancel).ConfigureAwait(false);
        if (frame is [Done]) return;
        try
        {
            Greeting.Parse(frame);
        }
        catch (RefusedByPeerException e)
        {
            throw new PipeRefusedException(e.Message, e);
        }

        throw new InvalidDataException("an answer that is neither yes nor no");
    }

    private static byte[] Finish(byte[] frame)
    {
        BinaryPrimitives.WriteInt32LittleEndian(frame, frame.Length - 4);
        return frame;
    }
}
