using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Orchestrator.Telemetry;

namespace Orchestrator.Tests.Observability;

public sealed class JsonLinesTests
{
    [Theory]
    [InlineData("vm-6f9619ff-8b86-d011-b42d-00c04fc964ff: VM web was started", "vm-6f9619ff-8b86-d011-b42d-00c04fc964ff")]
    [InlineData("host h1 (6f9619ff-8b86-d011-b42d-00c04fc964ff): its agent is not reached", "host-6f9619ff-8b86-d011-b42d-00c04fc964ff")]
    [InlineData("host 6f9619ff-8b86-d011-b42d-00c04fc964ff: launch failed", "host-6f9619ff-8b86-d011-b42d-00c04fc964ff")]
    [InlineData("node n1: up", null)]
    public void A_line_names_the_entity_that_it_is_about(string message, string? entity)
    {
        var line = Write(message, null, [new("Epoch", 7L), new("Why", "a \"quote\"\nand a line")]);
        Assert.Equal(entity, line.TryGetProperty("entity", out var found) ? found.GetString() : null);
        Assert.Equal(message, line.GetProperty("message").GetString());
        Assert.Equal("n1", line.GetProperty("node").GetString());
        Assert.Equal("warning", line.GetProperty("level").GetString());
        Assert.Equal(7, line.GetProperty("fields").GetProperty("Epoch").GetInt64());
        Assert.Equal("a \"quote\"\nand a line", line.GetProperty("fields").GetProperty("Why").GetString());
        Assert.True(DateTimeOffset.TryParse(line.GetProperty("ts").GetString(), out _));
    }

    [Fact]
    public void A_line_within_a_span_names_its_trace()
    {
        using var span = new Activity("work").SetIdFormat(ActivityIdFormat.W3C).Start();
        var line = Write("something happened", new InvalidOperationException("planted"), []);
        Assert.Equal(span.TraceId.ToHexString(), line.GetProperty("trace_id").GetString());
        Assert.Equal(span.SpanId.ToHexString(), line.GetProperty("span_id").GetString());
        Assert.Contains("planted", line.GetProperty("exception").GetString());
    }

    private static JsonElement Write(string message, Exception? cause, KeyValuePair<string, object?>[] values)
    {
        using var text = new StringWriter();
        var entry = new LogEntry<IReadOnlyList<KeyValuePair<string, object?>>>(
            LogLevel.Warning, "Some.Logger", new EventId(3001), values, cause, (_, _) => message);
        new JsonLines("n1").Write(entry, null, text);
        var line = text.ToString();
        Assert.Equal(line.Length - 1, line.IndexOf('\n', StringComparison.Ordinal));
        using var json = JsonDocument.Parse(line);
        return json.RootElement.Clone();
    }
}
