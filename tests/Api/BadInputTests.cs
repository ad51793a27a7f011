using System.Net;
using System.Text;
using Orchestrator.Actors.Journal;
using Orchestrator.Engine;

namespace Orchestrator.Tests.Api;

/// <summary>Bad input gets a clear answer in oVirt's form and sends no command.</summary>
public sealed class BadInputTests : IAsyncLifetime
{
    private readonly TestApi _api = new();

    public Task InitializeAsync() => _api.InitializeAsync();

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [Fact]
    public async Task What_a_header_or_xml_cannot_say_is_no_mistake_of_the_engine()
    {
        await using var api = new TestApi();
        await api.InitializeAsync();
        var answer = await api.Client.GetAsync("/ovirt-engine/api/vms?correlation_id=%E5%90%8D");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.False(answer.Headers.Contains("Correlation-Id"));
        answer = await api.Client.GetAsync("/ovirt-engine/api/hosts/%19%E3%93%B3%F0%9F%98%80");
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("'\ufffd㓳😀' is not a UUID", System.Xml.Linq.XElement.Parse(await answer.Content.ReadAsStringAsync()).Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<vm><name>x</name>", "Malformed XML", "")]
    [InlineData("not xml at all", "Malformed XML", "")]
    [InlineData("<host><name>x</name></host>", "Invalid value", "<vm>")]
    [InlineData("<vm><name>x</name><memory>lots</memory></vm>", "Invalid value", "vm.memory")]
    [InlineData("<vm><name>x</name><memory>99999999999999999999</memory></vm>", "Invalid value", "vm.memory")]
    [InlineData("<vm><name>x</name><stateless>perhaps</stateless></vm>", "Invalid value", "vm.stateless")]
    [InlineData("<vm><name><b>x</b></name></vm>", "Invalid value", "vm.name")]
    [InlineData("<vm><name>x</name><type>mainframe</type></vm>", "Invalid Enum value", "vm.type")]
    [InlineData("<vm><name>x</name><cpu><topology><cores>3000000000</cores></topology></cpu></vm>", "Invalid value", "topology.cores")]
    [InlineData("<vm/>", "Incomplete parameters", "Vm [name] required for add")]
    [InlineData("<vm><name>x</name></vm>", "Incomplete parameters", "Vm [cluster.id|name] required for add")]
    [InlineData("<vm><name>x</name><cluster id='nonsense'/></vm>", "Operation failed", "not a UUID")]
    [InlineData("<vm><name>a/b</name><cluster><name>Default</name></cluster></vm>", "Operation Failed", "vm.name")]
    [InlineData("<vm><name>x</name><cluster><name>Default</name></cluster><memory>5</memory></vm>", "Operation Failed", "memory")]
    [InlineData("<vm><name>x</name><cluster><name>Default</name></cluster><memory>1073741824</memory><memory_policy><guaranteed>2147483648</guaranteed></memory_policy></vm>", "Operation Failed", "guaranteed")]
    [InlineData("<vm><name>x</name><cluster><name>Default</name></cluster><cpu><topology><cores>0</cores></topology></cpu></vm>", "Operation Failed", "topology")]
    public async Task Bad_xml_is_refused(string body, string reason, string names) =>
        await Refused(await _api.Post("/vms", body), 400, reason, names);

    [Theory]
    [InlineData("{\"name\":", "Malformed JSON", "")]
    [InlineData("[]", "Invalid value", "vm")]
    [InlineData("{\"name\":{}}", "Invalid value", "vm.name")]
    [InlineData("{\"name\":\"x\",\"memory\":\"lots\"}", "Invalid value", "vm.memory")]
    [InlineData("{\"name\":\"x\",\"memory\":1.5}", "Invalid value", "vm.memory")]
    [InlineData("{\"name\":\"x\",\"cpu\":7}", "Invalid value", "cpu")]
    [InlineData("{\"name\":\"x\",\"nics\":7}", "Invalid value", "vm.nics")]
    [InlineData("{\"name\":\"a\\u0001b\"}", "Invalid value", "U+0001")]
    [InlineData("{\"name\":\"\\ud800\"}", "Malformed JSON", "")]
    public async Task Bad_json_is_refused(string body, string reason, string names) =>
        await Refused(await _api.Post("/vms", body, "application/json"), 400, reason, names);

    [Fact]
    public async Task A_document_type_is_refused_before_it_expands()
    {
        var bomb = new StringBuilder("<!DOCTYPE vm [<!ENTITY a0 \"lol\">");
        for (var level = 1; level < 30; level++) bomb.Append($"<!ENTITY a{level} \"&a{level - 1};&a{level - 1};\">");
        bomb.Append("]><vm><name>&a29;</name></vm>");
        await Refused(await _api.Post("/vms", bomb.ToString()), 400, "Malformed XML", "");
        const string external = "<!DOCTYPE vm [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><vm><name>&x;</name></vm>";
        await Refused(await _api.Post("/vms", external), 400, "Malformed XML", "");
    }

    [Fact]
    public async Task Deep_nesting_is_refused()
    {
        var json = string.Concat(Enumerable.Repeat("{\"x\":", 40)) + "1" + new string('}', 40);
        await Refused(await _api.Post("/vms", json, "application/json"), 400, "Malformed JSON", "");
        var xml = "<vm>" + string.Concat(Enumerable.Repeat("<x>", 40)) + string.Concat(Enumerable.Repeat("</x>", 40)) + "</vm>";
        await Refused(await _api.Post("/vms", xml), 400, "Malformed XML", "32");
    }

    [Fact]
    public async Task A_body_over_the_limit_is_refused_with_and_without_a_length()
    {
        var body = "<vm><description>" + new string('x', 2 << 20) + "</description></vm>";
        await Refused(await _api.Post("/vms", body), 413, "Request Entity Too Large", "1048576");

        var request = new HttpRequestMessage(HttpMethod.Post, "/ovirt-engine/api/vms")
        {
            Content = new StreamContent(new Unseekable(Encoding.UTF8.GetBytes(body))),
        };
        request.Headers.TransferEncodingChunked = true;
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/xml");
        await Refused(await _api.Client.SendAsync(request), 413, "Request Entity Too Large", "1048576");
    }

    [Fact]
    public async Task Another_content_type_is_415_and_another_wish_406()
    {
        await Refused(await _api.Post("/vms", "name: x", "text/yaml"), 415, null, "text/yaml");
        await Refused(await _api.Post("/vms", "<vm/>", ""), 415, null, "");
        await Refused(await _api.Send(HttpMethod.Get, "/vms", headers: ("Accept", "text/html")), 406, null, "text/html");
    }

    [Theory]
    [InlineData("GET", "/vms/99999999-0000-4000-8000-000000000000", 404)]
    [InlineData("GET", "/vms/nonsense", 400)]
    [InlineData("GET", "/nothing", 404)]
    [InlineData("GET", "/vms/99999999-0000-4000-8000-000000000000/nics", 404)]
    [InlineData("GET", "/events/12", 404)]
    [InlineData("GET", "/events/twelve", 400)]
    [InlineData("GET", "/icons", 400)]
    [InlineData("GET", "/v3/vms", 400)]
    [InlineData("PATCH", "/vms", 405)]
    [InlineData("POST", "/vms/99999999-0000-4000-8000-000000000000/start", 404)]
    [InlineData("POST", "/vms/00000000-0000-4000-8000-0000000000f1/clone", 400)]
    [InlineData("DELETE", "/vms/99999999-0000-4000-8000-000000000000", 404)]
    public async Task Unknown_paths_and_ids_are_told(string method, string path, int status) =>
        await TestApi.FaultOf(await _api.Send(new HttpMethod(method), path), (HttpStatusCode)status);

    [Fact]
    public async Task A_name_in_use_is_409_and_a_refused_name_is_free_again()
    {
        const string body = "<vm><name>db</name><cluster><name>Default</name></cluster></vm>";
        Assert.Equal(HttpStatusCode.Created, (await _api.Post("/vms", body)).StatusCode);
        var detail = await TestApi.FaultOf(await _api.Post("/vms", body), HttpStatusCode.Conflict);
        Assert.Contains("db", detail, StringComparison.Ordinal);

        var clash = $"<vm id='{TestApi.Vm}'><name>free</name><cluster><name>Default</name></cluster></vm>";
        await TestApi.FaultOf(await _api.Post("/vms", clash), HttpStatusCode.Conflict);
        var free = "<vm><name>free</name><cluster><name>Default</name></cluster></vm>";
        Assert.Equal(HttpStatusCode.Created, (await _api.Post("/vms", free)).StatusCode);
    }

    [Fact]
    public async Task An_illegal_transition_is_409_with_what_to_do()
    {
        await TestApi.Xml(await _api.Post($"/vms/{TestApi.Vm}/start", "<action/>"), HttpStatusCode.OK);
        var detail = await TestApi.FaultOf(
            await _api.Post($"/vms/{TestApi.Vm}/start", "<action/>"), HttpStatusCode.Conflict, "Operation Failed");
        Assert.Contains("running already", detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_entity_that_does_not_answer_is_503_with_the_time_to_come_back()
    {
        _api.Engine.Away = new EntityUnavailableException("too many wait", TimeSpan.FromSeconds(7));
        var response = await _api.Post($"/vms/{TestApi.Vm}/start", "<action/>");
        Assert.Equal(TimeSpan.FromSeconds(7), response.Headers.RetryAfter!.Delta);
        await TestApi.FaultOf(response, HttpStatusCode.ServiceUnavailable);
    }

    [Fact]
    public async Task A_store_that_is_away_is_503()
    {
        _api.Engine.Away = new StoreUnavailableException("connection refused");
        var response = await _api.Client.GetAsync("/ovirt-engine/api/vms");
        Assert.NotNull(response.Headers.RetryAfter);
        var detail = await TestApi.FaultOf(response, HttpStatusCode.ServiceUnavailable);
        Assert.DoesNotContain("connection refused", detail, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable,
            (await _api.Stranger.GetAsync("/ovirt-engine/services/health")).StatusCode);
    }

    [Fact]
    public async Task No_answer_in_time_is_503()
    {
        _api.Engine.Hang = true;
        var response = await _api.Post($"/vms/{TestApi.Vm}/start", "<action/>");
        await TestApi.FaultOf(response, HttpStatusCode.ServiceUnavailable);
    }

    [Fact]
    public async Task A_mistake_of_ours_is_500_without_its_inside()
    {
        _api.Engine.Away = new InvalidOperationException("secret inside");
        var detail = await TestApi.FaultOf(
            await _api.Client.GetAsync("/ovirt-engine/api/vms"), HttpStatusCode.InternalServerError);
        Assert.DoesNotContain("secret", detail, StringComparison.Ordinal);
    }

    private async Task Refused(HttpResponseMessage response, int status, string? reason, string names)
    {
        var detail = await TestApi.FaultOf(response, (HttpStatusCode)status, reason);
        Assert.Contains(names, detail, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(_api.Engine.Commands);
    }

    private sealed class Unseekable(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }
}
