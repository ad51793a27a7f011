using System.Text;
using Akka.Actor;
using Akka.Serialization;
using Newtonsoft.Json;

namespace Orchestrator.Actors.Journal;

/// <summary>
/// Events and messages as UTF-8 JSON under the names of <see cref="WireNames"/>. A stored event of an unknown name or
/// shape becomes <see cref="Unreadable"/>: its entity then says so, instead of failing to start without a word.
/// </summary>
public sealed class WireSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    /// <summary>Above Akka's reserved numbers; stored with every event.</summary>
    public override int Identifier => 1001;

    public override string Manifest(object o) =>
        WireNames.NameOf(o.GetType())
        ?? throw new InvalidOperationException($"{o.GetType()} has no name on the wire: add it to WireNames");

    public override byte[] ToBinary(object obj) => WireJson.WriteBytes(obj);

    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (WireNames.TypeOf(manifest) is not { } type)
            return new Unreadable(manifest, "a name that this version does not know");
        try
        {
            return WireJson.Read(Encoding.UTF8.GetString(bytes), type);
        }
        catch (JsonException e)
        {
            return new Unreadable(manifest, e.Message);
        }
    }
}
