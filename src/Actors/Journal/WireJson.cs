using Newtonsoft.Json;
using Newtonsoft.Json.Converters;
using Newtonsoft.Json.Serialization;

namespace Orchestrator.Actors.Journal;

/// <summary>The one way in which events, messages and documents become JSON. No CLR name is ever written.</summary>
public static class WireJson
{
    private static readonly JsonSerializerSettings _settings = new()
    {
        TypeNameHandling = TypeNameHandling.None,
        ContractResolver = new DefaultContractResolver { NamingStrategy = new CamelCaseNamingStrategy() },
        Converters = { new StringEnumConverter(new SnakeCaseNamingStrategy()) },
        NullValueHandling = NullValueHandling.Ignore,
        DateParseHandling = DateParseHandling.None,
        DateFormatHandling = DateFormatHandling.IsoDateFormat,
        MissingMemberHandling = MissingMemberHandling.Ignore,
        MaxDepth = 32,
    };

    public static string Write(object value) => JsonConvert.SerializeObject(value, _settings);

    /// <exception cref="JsonException">The text does not have the shape of the type.</exception>
    public static T Read<T>(string json) =>
        JsonConvert.DeserializeObject<T>(json, _settings)
        ?? throw new JsonSerializationException($"{typeof(T).Name}: null");

    public static object Read(string json, Type type) =>
        JsonConvert.DeserializeObject(json, type, _settings)
        ?? throw new JsonSerializationException($"{type.Name}: null");
}
