using System.Runtime.Serialization;
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
        (o as StateCopy)?.Manifest ?? WireNames.NameOf(o.GetType())
        ?? throw new InvalidOperationException($"{o.GetType()} has no name on the wire: add it to WireNames");

    public override byte[] ToBinary(object obj) => Encoding.UTF8.GetBytes(WireJson.Write(obj is StateCopy copy ? copy.State : obj));

    /// <exception cref="SerializationException">A copy of the state that another build made: recovery does without it.
    /// </exception>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (StateCopy.Is(manifest)) return Copy(bytes, manifest);
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

    private static StateCopy Copy(byte[] bytes, string manifest)
    {
        if (StateCopy.TypeOf(manifest) is not { } type)
            throw new SerializationException($"{manifest} is a copy that another build of the engine made");
        try
        {
            return new StateCopy(WireJson.Read(Encoding.UTF8.GetString(bytes), type));
        }
        catch (JsonException e)
        {
            throw new SerializationException($"{manifest} cannot be read: {e.Message}", e);
        }
    }
}
