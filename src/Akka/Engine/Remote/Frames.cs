using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Akka.Actor;
using Akka.Serialization;

namespace Orchestrator.Engine.Remote;

/// <summary>What goes over the wire: a length of four bytes, a kind, an address and the serialized message.
/// Kind 0 goes to an actor's path, kind 1 to an entity's shard, kind 2 is the greeting,
/// 3 a refusal, 4 and 5 are those of <see cref="PipeFrames"/>.</summary>
internal sealed class Frames(LocalSystem system, int maximum)
{
    private const byte ToActor = 0;
    private const byte ToEntity = 1;
    private const byte Greeting = 2;
    private const int Edition = 1;
    private const int DeepestSuccess = 32;

    /// <summary>Throws when the message cannot be serialized or is larger than the limit; nothing is written then.</summary>
    public byte[] Message(object message, string recipient, IActorRef? sender)
    {
        using var bytes = new MemoryStream(256);
        using var w = new BinaryWriter(bytes, Encoding.UTF8);
        w.Write(0);
        var payload = message;
        if (message is RoutedMessage routed)
        {
            w.Write(ToEntity);
            w.Write(routed.Type);
            w.Write(routed.Shard);
            w.Write(routed.Entity);
            w.Write7BitEncodedInt(routed.Hops);
            w.Write(routed.Version);
            payload = routed.Message;
            sender = routed.Sender;
        }
        else
        {
            w.Write(ToActor);
            w.Write(recipient);
        }

        w.Write(sender is null || sender.IsNobody() ? "" : system.SerializedPath(sender));
        WritePayload(w, payload);
        return Finish(bytes);
    }

    public byte[] Hello(string clusterId, NodeId node)
    {
        using var bytes = new MemoryStream(64);
        using var w = new BinaryWriter(bytes, Encoding.UTF8);
        w.Write(0);
        w.Write(Greeting);
        w.Write(Edition);
        w.Write(clusterId);
        w.Write(node.Value.ToByteArray());
        return Finish(bytes);
    }

    public static (int Edition, string ClusterId, NodeId Node) ReadHello(byte[] frame)
    {
        using var r = new BinaryReader(new MemoryStream(frame), Encoding.UTF8);
        if (r.ReadByte() != Greeting) throw new InvalidDataException("the first frame is not a greeting");
        return (r.ReadInt32(), r.ReadString(), new NodeId(new Guid(r.ReadBytes(16))));
    }

    /// <summary>Answers either a routed message or a recipient's path with message and sender.</summary>
    public (RoutedMessage? Routed, string Recipient, object Message, IActorRef? Sender) Read(byte[] frame)
    {
        using var r = new BinaryReader(new MemoryStream(frame), Encoding.UTF8);
        switch (r.ReadByte())
        {
            case ToEntity:
                string type = r.ReadString(), shard = r.ReadString(), entity = r.ReadString();
                var hops = r.Read7BitEncodedInt();
                var version = r.ReadInt64();
                var from = Sender(r);
                var payload = ReadPayload(r, frame);
                return (new RoutedMessage(type, shard, entity, payload, from, hops, version), "", payload, from);
            case ToActor:
                var recipient = r.ReadString();
                var sender = Sender(r);
                return (null, recipient, ReadPayload(r, frame), sender);
            case var other:
                throw new InvalidDataException($"a frame of the unknown kind {other}");
        }
    }

    /// <summary>Reads one frame without its length; null at the end of the stream.</summary>
    public async Task<byte[]?> ReadAsync(Stream stream, CancellationToken cancel)
    {
        var head = new byte[4];
        var got = await stream.ReadAtLeastAsync(head, 4, throwOnEndOfStream: false, cancel).ConfigureAwait(false);
        if (got < 4) return null;
        var length = BinaryPrimitives.ReadInt32LittleEndian(head);
        if (length < 1 || length > maximum) throw new InvalidDataException($"a frame of {length} bytes, allowed are {maximum}");
        var body = new byte[length];
        await stream.ReadExactlyAsync(body, cancel).ConfigureAwait(false);
        return body;
    }

    private IActorRef? Sender(BinaryReader r) =>
        r.ReadString() is { Length: > 0 } path ? system.ResolveActorRef(path) : null;

    private void WritePayload(BinaryWriter w, object payload)
    {
        switch (payload)
        {
            case PoisonPill: w.Write7BitEncodedInt(-1); return;
            case Kill: w.Write7BitEncodedInt(-2); return;
            case Akka.Cluster.Sharding.ShardRegion.StartEntity start:
                w.Write7BitEncodedInt(-3);
                w.Write(start.EntityId);
                return;
            case Akka.Cluster.Sharding.ShardRegion.StartEntityAck ack:
                w.Write7BitEncodedInt(-4);
                w.Write(ack.EntityId);
                w.Write(ack.ShardId);
                return;
            case Status.Failure failure:
                // An exception's type need not exist on the other side: its text crosses, as a plain exception.
                w.Write7BitEncodedInt(-5);
                w.Write(failure.Cause.Message);
                return;
            case Status.Success success:
                w.Write7BitEncodedInt(-6);
                w.Write(success.Status is not null);
                if (success.Status is { } inner) WritePayload(w, inner);
                return;
        }

        var serializer = system.Serialization.FindSerializerFor(payload);
        w.Write7BitEncodedInt(serializer.Identifier);
        w.Write(Serialization.ManifestFor(serializer, payload));
        w.Write(serializer.ToBinary(payload));
    }

    private object ReadPayload(BinaryReader r, byte[] frame, int depth = 0)
    {
        // A success within a success within … would end the process with its stack.
        if (depth > DeepestSuccess) throw new InvalidDataException($"a success nested deeper than {DeepestSuccess}");
        switch (r.Read7BitEncodedInt())
        {
            case -1: return PoisonPill.Instance;
            case -2: return Kill.Instance;
            case -3: return new Akka.Cluster.Sharding.ShardRegion.StartEntity(r.ReadString());
            case -4: return new Akka.Cluster.Sharding.ShardRegion.StartEntityAck(r.ReadString(), r.ReadString());
            case -5: return new Status.Failure(new RemoteFailureException(r.ReadString()));
            case -6: return new Status.Success(r.ReadBoolean() ? ReadPayload(r, frame, depth + 1) : null);
            case var id:
                var manifest = r.ReadString();
                return system.Serialization.Deserialize(frame[(int)r.BaseStream.Position..], id, manifest);
        }
    }

    private byte[] Finish(MemoryStream bytes)
    {
        var frame = bytes.ToArray();
        if (frame.Length - 4 > maximum)
            throw new InvalidDataException($"the message has {frame.Length - 4} bytes, allowed are {maximum}");
        BinaryPrimitives.WriteInt32LittleEndian(frame, frame.Length - 4);
        return frame;
    }
}

/// <summary>A failure that happened on another node.</summary>
internal sealed class RemoteFailureException(string message) : AkkaException(message);
