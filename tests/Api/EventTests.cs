using System.Net;
using System.Text.Json.Nodes;
using Orchestrator.Actors.Journal;
using Orchestrator.Api.Http;

namespace Orchestrator.Tests.Api;

/// <summary>Events and jobs that clients add, and the stream of events.</summary>
public sealed class EventTests : IAsyncLifetime
{
    private readonly TestApi _api = new();

    public async Task InitializeAsync() => await _api.InitializeAsync();

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [Fact]
    public async Task A_client_tells_events_of_its_own()
    {
        var made = await TestApi.Xml(await _api.Post("/events?correlation_id=c-1", $"""
            <event><description>Backup done</description><severity>warning</severity><origin>backup</origin><custom_id>7</custom_id>
            <flood_rate>60</flood_rate><vm id="{TestApi.Vm}"/></event>
            """), HttpStatusCode.Created);
        var shown = await _api.GetXml($"/events/{(string)made.Attribute("id")!}");
        Assert.Equal(("9802", "warning", "backup", "7", "c-1"), ((string)shown.Element("code")!, (string)shown.Element("severity")!,
            (string)shown.Element("origin")!, (string)shown.Element("custom_id")!, (string)shown.Element("correlation_id")!));
        Assert.Equal(TestApi.Vm.ToString(), (string)shown.Element("vm")!.Attribute("id")!);
        Assert.Single((await _api.GetXml("/events?search=custom_event_id%3D7%20origin%3Dbackup")).Elements());

        (await _api.Send(HttpMethod.Delete, "/events/1")).EnsureSuccessStatusCode();
        Assert.Empty((await _api.GetXml("/events")).Elements());
        await TestApi.FaultOf(await _api.Send(HttpMethod.Delete, "/events/1"), HttpStatusCode.NotFound);
        await TestApi.FaultOf(await _api.Send(HttpMethod.Get, "/events/1"), HttpStatusCode.NotFound);
        (await _api.Post("/events/undelete", "<action/>")).EnsureSuccessStatusCode();
        Assert.Single((await _api.GetXml("/events")).Elements());
    }

    [Theory]
    [InlineData("<event><severity>normal</severity><origin>b</origin><custom_id>1</custom_id></event>", "description")]
    [InlineData("<event><description>d</description><severity>normal</severity><custom_id>1</custom_id></event>", "origin")]
    [InlineData("<event><description>d</description><origin>b</origin><custom_id>1</custom_id></event>", "severity")]
    [InlineData("<event><description>d</description><severity>normal</severity><origin>b</origin></event>", "customId")]
    [InlineData("<event><description>d</description><severity>normal</severity><origin>oVirt</origin><custom_id>1</custom_id></event>", "origin")]
    [InlineData("<event><description>d</description><severity>normal</severity><origin>b</origin><custom_id>1</custom_id><flood_rate>-1</flood_rate></event>", "flood_rate")]
    public async Task An_event_that_is_not_whole_is_refused(string body, string names)
    {
        Assert.Contains(names, await TestApi.FaultOf(await _api.Post("/events", body), HttpStatusCode.BadRequest), StringComparison.Ordinal);
        Assert.Empty(_api.Engine.Audit);
    }

    [Fact]
    public async Task A_client_keeps_jobs_of_its_own()
    {
        var job = (string)(await TestApi.Xml(await _api.Post("/jobs", "<job><description>nightly</description><auto_cleared>false</auto_cleared></job>"),
            HttpStatusCode.Created)).Attribute("id")!;
        var step = (string)(await TestApi.Xml(await _api.Post($"/jobs/{job}/steps", "<step><description>copy</description><type>executing</type></step>"),
            HttpStatusCode.Created)).Attribute("id")!;
        await TestApi.FaultOf(await _api.Post($"/jobs/{job}/end", "<action/>"), HttpStatusCode.Conflict);
        (await _api.Post($"/jobs/{job}/steps/{step}/end", "<action><succeeded>false</succeeded></action>")).EnsureSuccessStatusCode();
        Assert.Equal("failed", (string)(await _api.GetXml($"/jobs/{job}/steps/{step}")).Element("status")!);
        (await _api.Post($"/jobs/{job}/end", "<action><succeeded>true</succeeded></action>")).EnsureSuccessStatusCode();
        (await _api.Post($"/jobs/{job}/clear", "<action/>")).EnsureSuccessStatusCode();
        var shown = await _api.GetXml($"/jobs/{job}");
        Assert.Equal(("finished", "true", "true"),
            ((string)shown.Element("status")!, (string)shown.Element("external")!, (string)shown.Element("auto_cleared")!));
        Assert.Equal([job], (await _api.GetXml("/jobs?search=status%3Dfinished%20external%3Dtrue")).Elements().Select(j => (string)j.Attribute("id")!));
        await TestApi.FaultOf(await _api.Post($"/jobs/{job}/steps", "<step><description>late</description><type>executing</type></step>"), HttpStatusCode.Conflict);
        await TestApi.FaultOf(await _api.Post($"/jobs/{TestApi.Unknown}/clear", "<action/>"), HttpStatusCode.NotFound);
        await TestApi.FaultOf(await _api.Post("/jobs", "<job/>"), HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_job_of_the_engine_is_not_a_clients_to_end()
    {
        var id = Guid.NewGuid();
        _api.Engine.Put(Kinds.Job, id, new JobView
        {
            Id = new(id),
            Description = "start",
            Status = "started",
            StartedAt = _api.Clock.Now,
            User = "a",
            EntityKind = Kinds.Vm,
            EntityId = TestApi.Vm,
        });
        foreach (var what in new[] { "clear", "end" }) await TestApi.FaultOf(await _api.Post($"/jobs/{id}/{what}", "<action/>"), HttpStatusCode.Conflict);
    }

    [Fact]
    public async Task A_stream_begins_where_it_broke_off_and_goes_on_with_what_is_told()
    {
        for (var number = 1; number <= 3; number++) await Tell($"line {number}");
        using var stream = await Follow("", ("Last-Event-ID", "1"));
        Assert.Equal((2, "line 2"), await stream.Next());
        Assert.Equal((3, "line 3"), await stream.Next());
        await Tell("line 4");
        Assert.Equal((4, "line 4"), await stream.Next());
        using var fresh = await Follow("");
        using var picky = await Follow("?from=0&search=" + Uri.EscapeDataString("message=*2 or message=*5"));
        await Tell("line 5");
        Assert.Equal((5, "line 5"), await fresh.Next());
        Assert.Equal((2, "line 2"), await picky.Next());
        Assert.Equal((5, "line 5"), await picky.Next());
    }

    [Fact]
    public async Task A_stream_needs_a_user_and_a_search_that_it_can_carry_out()
    {
        Assert.Equal(HttpStatusCode.Unauthorized, (await Ask(_api.Stranger, "/events")).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await Ask(_api.Client, "/events?search=vm.name%3Da")).StatusCode);
        Assert.Equal(HttpStatusCode.NotAcceptable, (await Ask(_api.Client, "/vms")).StatusCode);
    }

    [Fact]
    public void Lines_wait_a_moment_for_lower_numbers_and_not_for_ever()
    {
        var at = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        AuditRow Row(long id) => new(id, new AuditLine(1, Severity.Normal, "", at, null, "a"));
        var order = FeedOrder.After([Row(5), Row(3)], at, TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(10));
        long[] Take(double second, params long[] ids) => [.. order.Take(ids.Select(Row), at.AddSeconds(second)).Select(row => row.Id)];
        Assert.Equal([6], Take(0, 6));
        Assert.Equal([4, 7], Take(0.1, 4, 6, 7));
        Assert.Empty(Take(0.2, 9));
        Assert.Equal(7, order.Floor);
        Assert.Equal([8, 9], Take(0.3, 8, 9));
        Assert.Empty(Take(1, 12));
        Assert.Equal([12], Take(1.6, 12));
        Assert.Equal([11], Take(3, 11, 12));
        Assert.Equal(9, order.Floor);
        Assert.Empty(Take(12));
        Assert.Equal(12, order.Floor);
        Assert.Empty(Take(13, 10));
    }

    private Task<AuditRow> Tell(string text) => new FakeRecords(_api.Engine).Tell(
        new AuditLine(9801, Severity.Normal, text, _api.Clock.Now, null, "a"), default);

    private static async Task<HttpResponseMessage> Ask(HttpClient client, string path, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/ovirt-engine/api" + path);
        request.Headers.TryAddWithoutValidation("Accept", "text/event-stream");
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    private async Task<Stream> Follow(string query, params (string Name, string Value)[] headers)
    {
        var response = await Ask(_api.Client, "/events" + query, headers);
        Assert.Equal("text/event-stream; charset=utf-8", response.EnsureSuccessStatusCode().Content.Headers.ContentType!.ToString());
        var stream = new Stream(response, new StreamReader(await response.Content.ReadAsStreamAsync()));
        // Its first words come when it listens.
        Assert.Equal(": events", await stream.Line());
        return stream;
    }

    private sealed record Stream(HttpResponseMessage Response, StreamReader Reader) : IDisposable
    {
        public async Task<string?> Line() => await Reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(10));

        public async Task<(long Number, string Text)> Next()
        {
            string? line;
            while ((line = await Line()) is not null && !line.StartsWith("id: ", StringComparison.Ordinal))
            {
            }

            var number = long.Parse(line![4..]);
            var data = (await Line())!;
            return (number, (string)JsonNode.Parse(data["data: ".Length..])!["description"]!);
        }

        public void Dispose() => Response.Dispose();
    }
}
