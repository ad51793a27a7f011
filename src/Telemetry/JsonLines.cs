using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Orchestrator.Telemetry;

/// <summary>One JSON object a line: time, level, node, who speaks, the sentence, the entity it is about, the trace it
/// belongs to, and the sentence's values by name.</summary>
/// <param name="node">Name of this node, in each line.</param>
public sealed partial class JsonLines(string node) : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "orchestrator-json";

    public override void Write<TState>(
        in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var message = logEntry.Formatter(logEntry.State, logEntry.Exception);
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("ts", DateTimeOffset.UtcNow.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffZ"));
            json.WriteString("level", Word(logEntry.LogLevel));
            json.WriteString("node", node);
            json.WriteString("logger", logEntry.Category);
            if (logEntry.EventId.Id != 0) json.WriteNumber("event", logEntry.EventId.Id);
            json.WriteString("message", message);
            if (Entity().Match(message) is { Success: true } entity)
                json.WriteString("entity", $"{entity.Groups[1].Value}-{entity.Groups[2].Value}");
            if (Activity.Current is { IdFormat: ActivityIdFormat.W3C } span)
            {
                json.WriteString("trace_id", span.TraceId.ToHexString());
                json.WriteString("span_id", span.SpanId.ToHexString());
            }

            if (logEntry.State is IReadOnlyList<KeyValuePair<string, object?>> values) Fields(json, values);
            if (logEntry.Exception is { } thrown) json.WriteString("exception", thrown.ToString());
            json.WriteEndObject();
        }

        textWriter.Write(Encoding.UTF8.GetString(buffer.WrittenSpan));
        textWriter.Write('\n');
    }

    private static void Fields(Utf8JsonWriter json, IReadOnlyList<KeyValuePair<string, object?>> values)
    {
        var open = false;
        foreach (var (name, value) in values)
        {
            // The template and the whole sentence of the engine's own lines are said already.
            if (name is "{OriginalFormat}" or "Message") continue;
            if (!open) json.WriteStartObject("fields");
            open = true;
            switch (value)
            {
                case null: json.WriteNull(name); break;
                case bool yes: json.WriteBoolean(name, yes); break;
                case int number: json.WriteNumber(name, number); break;
                case long number: json.WriteNumber(name, number); break;
                case double number when double.IsFinite(number): json.WriteNumber(name, number); break;
                default: json.WriteString(name, value.ToString()); break;
            }
        }

        if (open) json.WriteEndObject();
    }

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Trace => "trace",
        LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warning",
        LogLevel.Error => "error",
        _ => "critical",
    };

    [GeneratedRegex(@"\b(datacenter|cluster|host|vm|storagedomain|disk|template)(?:-| |: | [^ ]{1,80} \()([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b")]
    private static partial Regex Entity();
}
