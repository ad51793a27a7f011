using System.Runtime.Serialization;
using System.Text;
using Akka.Actor;
using Akka.Serialization;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Orchestrator.Actors.Journal;

/// <summary>
/// Events and messages as UTF-8 JSON under the names of <see cref="WireNames"/>; old names are brought up by
/// <see cref="Upcasts"/> first. A stored event of an unknown name or shape becomes <see cref="Unreadable"/>: its entity
/// then says so, instead of failing to start without a word. Open only for tests that bring steps of their own.
/// </summary>
public class WireSerializer : SerializerWithStringManifest
{
    private readonly Upcasts _upcasts;

    public WireSerializer(ExtendedActorSystem system)
        : this(system, Upcasts.Released)
    {
    }

    protected WireSerializer(ExtendedActorSystem system, Upcasts upcasts)
        : base(system) =>
        _upcasts = upcasts;

    /// <summary>Above Akka's reserved numbers; stored with every event.</summary>
    public sealed override int Identifier => 1001;

    public sealed override string Manifest(object o) =>
        (o as StateCopy)?.Manifest ?? WireNames.NameOf(o.GetType())
        ?? throw new InvalidOperationException($"{o.GetType()} has no name on the wire: add it to WireNames");

    public sealed override byte[] ToBinary(object obj) => WireJson.WriteBytes(obj is StateCopy copy ? copy.State : obj);

    /// <exception cref="SerializationException">A copy of the state that another build made: recovery does without it.
    /// </exception>
    public sealed override object FromBinary(byte[] bytes, string manifest)
    {
        if (StateCopy.Is(manifest)) return Copy(bytes, manifest);
        try
        {
            var text = Encoding.UTF8.GetString(bytes);
            var name = manifest;
            if (_upcasts.Knows(manifest))
            {
                (name, var document) = _upcasts.Apply(manifest, WireJson.Read<JObject>(text));
                text = document.ToString(Formatting.None);
            }

            return WireNames.TypeOf(name) is { } type
                ? WireJson.Read(text, type)
                : new Unreadable(manifest, "a name that this version does not know");
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
