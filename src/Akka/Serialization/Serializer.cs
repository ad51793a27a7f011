using System.Diagnostics.CodeAnalysis;
using System.Text;
using Akka.Actor;
using Newtonsoft.Json;

namespace Akka.Serialization;

/// <summary>Turns objects of some types into bytes and back. The identifier is written with the bytes: it must never
/// change; 0 to 40 are Akka's own.</summary>
public abstract class Serializer(ExtendedActorSystem system)
{
    [SuppressMessage("Design", "CA1051", Justification = "The field is Akka.NET's.")]
    [SuppressMessage("Style", "IDE1006", Justification = "The name is Akka.NET's.")]
    protected readonly ExtendedActorSystem system = system;

    /// <summary>By default from akka.actor.serialization-identifiers.</summary>
    public virtual int Identifier
    {
        get
        {
            var name = $"{GetType().FullName}, {GetType().Assembly.GetName().Name}";
            return system.Settings.Config.Text("akka.actor.serialization-identifiers", name) is { } text
                ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture)
                : throw new ArgumentException($"akka.actor.serialization-identifiers has no \"{name}\"");
        }
    }

    /// <summary>True when FromBinary needs the type's name with the bytes.</summary>
    public abstract bool IncludeManifest { get; }

    public abstract byte[] ToBinary(object obj);

    public abstract object FromBinary(byte[] bytes, Type type);

    public T FromBinary<T>(byte[] bytes) => (T)FromBinary(bytes, typeof(T));
}

/// <summary>A serializer that says itself, in a stable text, what the bytes are.</summary>
public abstract class SerializerWithStringManifest(ExtendedActorSystem system) : Serializer(system)
{
    public sealed override bool IncludeManifest => true;

    public sealed override object FromBinary(byte[] bytes, Type type) =>
        FromBinary(bytes, $"{type.FullName}, {type.Assembly.GetName().Name}");

    public abstract object FromBinary(byte[] bytes, string manifest);

    public abstract string Manifest(object o);
}

/// <summary>Bytes as they are.</summary>
public class ByteArraySerializer(ExtendedActorSystem system) : Serializer(system)
{
    public override int Identifier => 4;

    public override bool IncludeManifest => false;

    public override byte[] ToBinary(object obj) => obj as byte[]
        ?? throw new NotSupportedException($"{obj?.GetType()} is not a byte array.");

    public override object FromBinary(byte[] bytes, Type type) => bytes;
}

/// <summary>JSON with the type's name beside it. Good for messages between nodes of one version; what is stored for
/// years needs a <see cref="SerializerWithStringManifest"/> of its own.</summary>
public class NewtonSoftJsonSerializer(ExtendedActorSystem system) : Serializer(system)
{
    private static readonly JsonSerializerSettings Settings = new()
    {
        TypeNameHandling = TypeNameHandling.None,
        ConstructorHandling = ConstructorHandling.AllowNonPublicDefaultConstructor,
        DateParseHandling = DateParseHandling.None,
    };

    public override int Identifier => 1;

    public override bool IncludeManifest => true;

    public override byte[] ToBinary(object obj) => Encoding.UTF8.GetBytes(JsonConvert.SerializeObject(obj, Settings));

    public override object FromBinary(byte[] bytes, Type type) =>
        JsonConvert.DeserializeObject(Encoding.UTF8.GetString(bytes), type, Settings)!;
}
