using System.Buffers.Binary;
using System.Text;

namespace Orchestrator.Engine.Remote;

/// <summary>
/// The first words on a connection, one frame from each side: who I am, or why I do not talk to you. Read before anything
/// about the peer is believed, so it is small, and whatever is not understood is an <see cref="InvalidDataException"/>.
/// A node of an earlier version takes a refusal for an unknown greeting and closes, which is right.
/// </summary>
internal static class Greeting
{
    /// <summary>Bytes; a cluster's id and a sentence fit.</summary>
    public const int Limit = 4096;

    private const byte Refused = 3;
    private const int LongestSentence = 1000;

    public static byte[] Refusal(string sentence)
    {
        using var bytes = new MemoryStream(256);
        using var w = new BinaryWriter(bytes, Encoding.UTF8);
        w.Write(0);
        w.Write(Refused);
        w.Write(sentence.Length > LongestSentence ? sentence[..LongestSentence] : sentence);
        w.Flush();
        var frame = bytes.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(frame, frame.Length - 4);
        return frame;
    }

    /// <summary>Null when the peer closed before it had said anything.</summary>
    /// <exception cref="InvalidDataException">It is neither greeting nor refusal.</exception>
    /// <exception cref="RefusedByPeerException">It is a refusal.</exception>
    public static async Task<(int Edition, string ClusterId, NodeId Node)?> ReadAsync(Stream stream, CancellationToken cancel)
    {
        var head = new byte[4];
        var got = await stream.ReadAtLeastAsync(head, 4, throwOnEndOfStream: false, cancel).ConfigureAwait(false);
        if (got == 0) return null;
        if (got < 4) throw new InvalidDataException("it broke off within its first four bytes");
        var length = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (length is < 1 or > Limit)
            throw new InvalidDataException($"its greeting would have {length} bytes, allowed are {Limit}: it is no node's");
        var frame = new byte[length];
        if (await stream.ReadAtLeastAsync(frame, length, throwOnEndOfStream: false, cancel).ConfigureAwait(false) < length)
            throw new InvalidDataException("it broke off within its greeting");
        return Parse(frame);
    }

    public static (int Edition, string ClusterId, NodeId Node) Parse(byte[] frame)
    {
        try
        {
            if (frame is [Refused, ..])
            {
                using var r = new BinaryReader(new MemoryStream(frame, 1, frame.Length - 1), Encoding.UTF8);
                throw new RefusedByPeerException(Readable(r.ReadString()));
            }

            return Frames.ReadHello(frame);
        }
        catch (Exception e) when (e is IOException or FormatException or ArgumentException or OverflowException)
        {
            throw new InvalidDataException($"its greeting is not of this protocol: {e.Message}", e);
        }
    }

    /// <summary>A stranger's words in our log are one short line of visible characters.</summary>
    public static string Readable(string words)
    {
        var line = new string([.. words.Take(LongestSentence).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c)]);
        return line.Length == 0 ? "no reason given" : line;
    }
}

/// <summary>The peer does not talk to us; the message is its sentence.</summary>
internal sealed class RefusedByPeerException(string sentence) : Exception(sentence);
