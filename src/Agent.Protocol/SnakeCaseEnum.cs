using System.Text.Json;
using System.Text.Json.Serialization;

namespace Orchestrator.Agent.Protocol;

/// <summary>Enums travel as snake_case words; a number or an unknown word is malformed input.</summary>
public sealed class SnakeCaseEnum<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false)
    where T : struct, Enum;
