using System.Buffers;
using System.Globalization;
using System.Text;
using Newtonsoft.Json;
using Newtonsoft.Json.Converters;
using Newtonsoft.Json.Serialization;

namespace Orchestrator.Actors.Journal;

/// <summary>The one way in which events, messages and documents become JSON. No CLR name is ever written.</summary>
public static class WireJson
{
    private const int LongestKept = 64 * 1024;

    /// <summary>One serializer for all threads: it is never changed, and making one costs more than a small message.</summary>
    private static readonly JsonSerializer _serializer = JsonSerializer.Create(new JsonSerializerSettings
    {
        TypeNameHandling = TypeNameHandling.None,
        ContractResolver = new Contracts { NamingStrategy = new CamelCaseNamingStrategy() },
        NullValueHandling = NullValueHandling.Ignore,
        DateParseHandling = DateParseHandling.None,
        DateFormatHandling = DateFormatHandling.IsoDateFormat,
        MissingMemberHandling = MissingMemberHandling.Ignore,
        MaxDepth = 32,
        CheckAdditionalContent = true,
    });

    [ThreadStatic] private static StringBuilder? _text;

    public static string Write(object value) => Write(value, static text => text.ToString());

    /// <summary>As <see cref="Write(object)"/>, as UTF-8.</summary>
    public static byte[] WriteBytes(object value) => Write(value, static text =>
    {
        var chars = ArrayPool<char>.Shared.Rent(text.Length);
        text.CopyTo(0, chars, text.Length);
        var bytes = Encoding.UTF8.GetBytes(chars, 0, text.Length);
        ArrayPool<char>.Shared.Return(chars);
        return bytes;
    });

    /// <exception cref="JsonException">The text does not have the shape of the type.</exception>
    public static T Read<T>(string json) => (T)Read(json, typeof(T));

    /// <exception cref="JsonException">The text does not have the shape of the type.</exception>
    public static object Read(string json, Type type)
    {
        using var reader = new JsonTextReader(new StringReader(json)) { ArrayPool = Chars.Pool };
        return _serializer.Deserialize(reader, type) ?? throw new JsonSerializationException($"{type.Name}: null");
    }

    private static T Write<T>(object value, Func<StringBuilder, T> take)
    {
        // A converter may come back here for a part of what is being written: it gets a builder of its own.
        var text = _text ?? new StringBuilder(512);
        _text = null;
        using (var writer = new JsonTextWriter(new StringWriter(text, CultureInfo.InvariantCulture)) { ArrayPool = Chars.Pool })
            _serializer.Serialize(writer, value, null);
        var taken = take(text);
        if (text.Capacity > LongestKept) return taken;
        text.Clear();
        _text = text;
        return taken;
    }

    /// <summary>Knows each type's converter once for all: asked of a list, it would be looked for with every value.</summary>
    private sealed class Contracts : DefaultContractResolver
    {
        private static readonly StringEnumConverter _enums = new(new SnakeCaseNamingStrategy());

        protected override JsonConverter? ResolveContractConverter(Type objectType) =>
            base.ResolveContractConverter(objectType)
            ?? (_enums.CanConvert(objectType) ? _enums : null);
    }

    private sealed class Chars : IArrayPool<char>
    {
        public static Chars Pool { get; } = new();

        public char[] Rent(int minimumLength) => ArrayPool<char>.Shared.Rent(minimumLength);

        public void Return(char[]? array)
        {
            if (array is not null) ArrayPool<char>.Shared.Return(array);
        }
    }
}
