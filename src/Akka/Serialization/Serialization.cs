using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;

namespace Akka.Serialization;

/// <summary>The serializers of a system, as akka.actor.serializers and akka.actor.serialization-bindings say. A type is
/// served by the binding of the most specific of its bases and interfaces.</summary>
[SuppressMessage("Naming", "CA1724", Justification = "The name is Akka.NET's.")]
public class Serialization
{
    private readonly Dictionary<int, Serializer> _byId = [];
    private readonly List<(Type Type, Serializer Serializer)> _bindings = [];
    private readonly ConcurrentDictionary<Type, Serializer> _byType = new();

    public Serialization(ExtendedActorSystem system)
    {
        System = system;
        var config = system.Settings.Config;
        var byName = new Dictionary<string, Serializer>();
        foreach (var name in config.Keys("akka.actor.serializers"))
        {
            var typeName = config.Text("akka.actor.serializers", name)!;
            var type = Type.GetType(typeName) ?? throw new ConfigurationException(
                $"akka.actor.serializers.{name}: the type \"{typeName}\" is not found");
            var serializer = Make(type, system);
            byName[name] = serializer;
            if (!_byId.TryAdd(serializer.Identifier, serializer) && _byId[serializer.Identifier].GetType() != type)
            {
                throw new ConfigurationException($"akka.actor.serializers.{name}: identifier {serializer.Identifier} is "
                    + $"already {_byId[serializer.Identifier].GetType()}'s");
            }
        }
        foreach (var bound in config.Keys("akka.actor.serialization-bindings"))
        {
            var name = config.Text("akka.actor.serialization-bindings", bound)!;
            var type = Type.GetType(bound) ?? throw new ConfigurationException(
                $"akka.actor.serialization-bindings: the type \"{bound}\" is not found");
            if (!byName.TryGetValue(name, out var serializer))
                throw new ConfigurationException($"akka.actor.serialization-bindings: no serializer is named \"{name}\"");
            AddSerializationMap(type, serializer);
        }
    }

    public ExtendedActorSystem System { get; }

    public void AddSerializationMap(Type type, Serializer serializer)
    {
        _bindings.RemoveAll(binding => binding.Type == type);
        var at = _bindings.FindIndex(binding => binding.Type.IsAssignableFrom(type));
        _bindings.Insert(at < 0 ? _bindings.Count : at, (type, serializer));
        _byType.Clear();
    }

    public Serializer FindSerializerFor(object obj, string? defaultSerializerName = null) =>
        FindSerializerForType(obj.GetType(), defaultSerializerName);

    /// <summary>Throws <see cref="SerializationException"/> when nothing is bound to the type.</summary>
    public Serializer FindSerializerForType(Type objectType, string? defaultSerializerName = null) =>
        _byType.GetOrAdd(objectType, static (type, bindings) =>
        {
            foreach (var (bound, serializer) in bindings)
            {
                if (bound.IsAssignableFrom(type)) return serializer;
            }
            throw new SerializationException($"No serializer is bound to [{type}]");
        }, _bindings);

    public byte[] Serialize(object o) => FindSerializerFor(o).ToBinary(o);

    public object Deserialize(byte[] bytes, int serializerId, string manifest)
    {
        if (!_byId.TryGetValue(serializerId, out var serializer))
        {
            throw new SerializationException(
                $"Cannot find serializer with id [{serializerId}] (manifest [{manifest}]). The most probable reason"
                + " is that the configuration entry 'akka.actor.serializers' is not in sync between the two systems.");
        }
        if (serializer is SerializerWithStringManifest withManifest) return withManifest.FromBinary(bytes, manifest);
        if (string.IsNullOrEmpty(manifest)) return serializer.FromBinary<object>(bytes);
        var type = Type.GetType(manifest) ?? throw new SerializationException(
            $"Cannot find manifest class [{manifest}] for serializer with id [{serializerId}].");
        return serializer.FromBinary(bytes, type);
    }

    /// <summary>What is to be written beside the bytes of this object.</summary>
    public static string ManifestFor(Serializer s, object msg) => s switch
    {
        SerializerWithStringManifest withManifest => withManifest.Manifest(msg),
        { IncludeManifest: true } => $"{msg.GetType().FullName}, {msg.GetType().Assembly.GetName().Name}",
        _ => "",
    };

    private static Serializer Make(Type type, ExtendedActorSystem system) =>
        (Serializer)(type.GetConstructor([typeof(ExtendedActorSystem)]) is { } constructor
            ? constructor.Invoke([system])
            : Activator.CreateInstance(type)!);
}
