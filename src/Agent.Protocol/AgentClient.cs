using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Orchestrator.Agent.Protocol;

/// <summary>An agent over HTTP/2 and TLS.</summary>
/// <param name="host">The agent's address; may carry a path ("https://10.0.0.1:54322/h/17/") before /v1.</param>
/// <param name="orderTimeout">How long to wait for an answer before the outcome is unknown; default 10 s.</param>
public sealed class AgentClient(AgentTransport transport, Uri host, TimeSpan? orderTimeout = null) : IAgent
{
    private static readonly AgentJson Json = AgentJson.Default;
    private readonly Uri _base = new(host.AbsoluteUri.EndsWith('/') ? host : new Uri(host.AbsoluteUri + "/"), "v1/");
    private readonly TimeSpan _timeout = orderTimeout ?? TimeSpan.FromSeconds(10);
    private volatile AgentLine _line = transport.Newest;

    internal Uri Address => host;

    /// <summary>The first question of whoever takes up a host; asked with our present certificate, and again with the one
    /// before when the agent cannot be reached with it.</summary>
    public async Task<AgentDescription> Describe(CancellationToken cancel = default)
    {
        try
        {
            return await TryNewest(cancel);
        }
        catch (AgentUnreachableException) when (!IsOn(transport.Newest) && DateTime.UtcNow < _line.ValidUntil)
        {
            return await Ask(HttpMethod.Get, "agent", null, Json.AgentDescription, cancel);
        }
    }

    public Task<HostStatistics> Statistics(CancellationToken cancel = default) =>
        Ask(HttpMethod.Get, "host/statistics", null, Json.HostStatistics, cancel);

    public Task<HostObservations> Observe(CancellationToken cancel = default) =>
        Ask(HttpMethod.Get, "observations", null, Json.HostObservations, cancel);

    public Task<HostEvent.Report> Report(CancellationToken cancel = default) =>
        Ask(HttpMethod.Get, "report", null, Json.Report, cancel);

    public async IAsyncEnumerable<HostEvent> Events(
        long epoch, Guid hostId, [EnumeratorCancellation] CancellationToken cancel = default)
    {
        using var request = Request(HttpMethod.Get, $"events?epoch={epoch}&host={hostId}", null);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(_timeout);
        var stream = transport.Follow(this, cancel);
        try
        {
            using var response = await Send(_line, request, limit.Token, cancel);
            limit.CancelAfter(Timeout.InfiniteTimeSpan);
            if (!response.IsSuccessStatusCode) throw await Refusal(response, cancel);

            await using var body = await response.Content.ReadAsStreamAsync(cancel);
            using var lines = new StreamReader(body, Encoding.UTF8);
            while (await NextLine(lines, stream.Ended, cancel) is { } line)
                if (line.Length > 0)
                    yield return Parse(line);
        }
        finally
        {
            transport.Leave(stream);
        }
    }

    public Task<LeaseTerms> Renew(RenewalOrder order, CancellationToken cancel = default) =>
        Ask(HttpMethod.Put, "lease", JsonContent.Create(order, Json.RenewalOrder), Json.LeaseTerms, cancel);

    public Task<StorageLeaseReading> ReadStorageLease(string folder, Guid host, CancellationToken cancel = default) =>
        Ask(HttpMethod.Get, $"storage-leases/{host}?folder={Uri.EscapeDataString(folder)}", null, Json.StorageLeaseReading, cancel);

    public Task<StorageReport> KeepStorage(StorageOrder order, CancellationToken cancel = default) =>
        Ask(HttpMethod.Put, "storage", JsonContent.Create(order, Json.StorageOrder), Json.StorageReport, cancel);

    /// <summary>Mounts the place for a moment, so it may take a while.</summary>
    public Task<LookReport> LookAtStorage(LookOrder order, CancellationToken cancel = default) =>
        Ask(HttpMethod.Post, "storage/look", JsonContent.Create(order, Json.LookOrder), Json.LookReport, cancel, TimeSpan.FromSeconds(40));

    public Task<AgentAnswer> Launch(LaunchOrder order, CancellationToken cancel = default) =>
        Order(HttpMethod.Put, $"vms/{order.Definition.Id}", JsonContent.Create(order, Json.LaunchOrder), cancel);

    public Task<AgentAnswer> Stop(Guid vm, StopOrder order, CancellationToken cancel = default) =>
        Order(HttpMethod.Post, $"vms/{vm}/stop", JsonContent.Create(order, Json.StopOrder), cancel);

    public Task<AgentAnswer> Restore(RestoreOrder order, CancellationToken cancel = default) =>
        Order(
            HttpMethod.Post, $"vms/{order.Definition.Id}/restore",
            JsonContent.Create(order, Json.RestoreOrder), cancel);

    public Task<AgentAnswer> Save(Guid vm, SaveOrder order, CancellationToken cancel = default) =>
        Order(HttpMethod.Post, $"vms/{vm}/save", JsonContent.Create(order, Json.SaveOrder), cancel);

    public Task<AgentAnswer> Reshape(Guid vm, ReshapeOrder order, CancellationToken cancel = default) =>
        Order(HttpMethod.Post, $"vms/{vm}/reshape", JsonContent.Create(order, Json.ReshapeOrder), cancel);

    public Task<AgentAnswer> Pause(Guid vm, GuestOrder order, CancellationToken cancel = default) =>
        Order(HttpMethod.Post, $"vms/{vm}/pause", JsonContent.Create(order, Json.GuestOrder), cancel);

    public Task<AgentAnswer> Resume(Guid vm, GuestOrder order, CancellationToken cancel = default) =>
        Order(HttpMethod.Post, $"vms/{vm}/resume", JsonContent.Create(order, Json.GuestOrder), cancel);

    public Task<AgentAnswer> PrepareIncoming(IncomingOrder order, CancellationToken cancel = default) =>
        Order(
            HttpMethod.Post, $"vms/{order.Definition.Id}/incoming",
            JsonContent.Create(order, Json.IncomingOrder), cancel);

    public Task<AgentAnswer> Migrate(Guid vm, MigrateOrder order, CancellationToken cancel = default) =>
        Order(HttpMethod.Post, $"vms/{vm}/migrate", JsonContent.Create(order, Json.MigrateOrder), cancel);

    public Task<AgentAnswer> CancelMigration(Guid vm, GuestOrder order, CancellationToken cancel = default) =>
        Order(HttpMethod.Post, $"vms/{vm}/cancel-migration", JsonContent.Create(order, Json.GuestOrder), cancel);

    public Task<AgentAnswer> Forget(Guid vm, GuestOrder order, CancellationToken cancel = default) =>
        Order(HttpMethod.Delete, $"vms/{vm}", JsonContent.Create(order, Json.GuestOrder), cancel);

    public Task<JobReport> Run(Guid job, JobOrder order, CancellationToken cancel = default) =>
        Ask(HttpMethod.Put, $"jobs/{job}", JsonContent.Create(order, Json.JobOrder), Json.JobReport, cancel);

    public Task<TicketReport> PutTicket(Guid transfer, TicketOrder order, CancellationToken cancel = default) =>
        Ask(HttpMethod.Post, $"tickets/{transfer}", JsonContent.Create(order, Json.TicketOrder), Json.TicketReport, cancel);

    public Task<TicketReport> EndTicket(Guid transfer, EndTicketOrder order, CancellationToken cancel = default) =>
        Ask(HttpMethod.Post, $"tickets/{transfer}/end", JsonContent.Create(order, Json.EndTicketOrder), Json.TicketReport, cancel);

    public Task<JobReport> Job(Guid job, CancellationToken cancel = default) =>
        Ask(HttpMethod.Get, $"jobs/{job}", null, Json.JobReport, cancel);

    public Task<FenceResult> Fence(FenceOrder order, CancellationToken cancel = default) =>
        Ask(
            HttpMethod.Post, "fence", JsonContent.Create(order, Json.FenceOrder), Json.FenceResult, cancel,
            FenceProgram.LimitOf(order) + _timeout);

    public Task<CertificateReport> Certificate(CancellationToken cancel = default) =>
        Ask(HttpMethod.Get, "certificate", null, Json.CertificateReport, cancel);

    public Task<NewKeyAnswer> MakeKey(NewKeyOrder order, CancellationToken cancel = default) =>
        Ask(HttpMethod.Post, "certificate/key", JsonContent.Create(order, Json.NewKeyOrder), Json.NewKeyAnswer, cancel);

    public Task<CertificateReport> TakeCertificate(CertificateOrder order, CancellationToken cancel = default) =>
        Ask(HttpMethod.Post, "certificate", JsonContent.Create(order, Json.CertificateOrder), Json.CertificateReport, cancel);

    public async Task<string> ConsoleLog(Guid vm, int lines = 100, CancellationToken cancel = default)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(_timeout);
        using var request = Request(HttpMethod.Get, $"vms/{vm}/console-log?tail={lines}", null);
        using var response = await Send(_line, request, limit.Token, cancel);
        if (!response.IsSuccessStatusCode) throw await Refusal(response, limit.Token);
        return await response.Content.ReadAsStringAsync(limit.Token);
    }

    /// <summary>Refused as <see cref="RefusalCode.UnknownOrder"/> by agents of 0.1.0.</summary>
    public Task<AgentAnswer> SetTicket(Guid vm, ConsoleTicketOrder order, CancellationToken cancel = default) =>
        Order(HttpMethod.Post, $"vms/{vm}/console-ticket", JsonContent.Create(order, Json.ConsoleTicketOrder), cancel);

    /// <summary>Refused as <see cref="RefusalCode.UnknownOrder"/> by agents of 0.1.0.</summary>
    public Task<AgentAnswer> FileSystems(Guid vm, FileSystemsOrder order, CancellationToken cancel = default) =>
        Order(HttpMethod.Post, $"vms/{vm}/file-systems", JsonContent.Create(order, Json.FileSystemsOrder), cancel);

    /// <summary>A way to a console of the guest that runs under this lease. A refusal comes as the end of the socket.</summary>
    /// <exception cref="AgentUnreachableException">Also of an agent that knows no consoles.</exception>
    public async Task<WebSocket> OpenConsole(Guid vm, long epoch, long lease, ConsoleKind kind, CancellationToken cancel = default)
    {
        var path = $"vms/{vm}/console?kind={kind.ToString().ToLowerInvariant()}&epoch={epoch}&lease={lease}";
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(_timeout);
        var socket = new ClientWebSocket();
        socket.Options.HttpVersion = HttpVersion.Version20;
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        try
        {
            await socket.ConnectAsync(new UriBuilder(new Uri(_base, path)) { Scheme = "wss" }.Uri, _line.Invoker, limit.Token);
            return socket;
        }
        catch (Exception e) when (e is WebSocketException || IsSilence(e, cancel))
        {
            socket.Dispose();
            throw new AgentUnreachableException($"{_base} opened no console: {e.GetBaseException().Message}", e);
        }
    }

    internal bool IsOn(AgentLine line) => ReferenceEquals(_line, line);

    /// <summary>Asks the agent who it is over a connection made with our present certificate, and stays there when it
    /// answers.</summary>
    internal async Task<AgentDescription> TryNewest(CancellationToken cancel)
    {
        var line = transport.Newest;
        var answer = await Ask(HttpMethod.Get, "agent", null, Json.AgentDescription, cancel, line: line);
        _line = line;
        return answer;
    }

    private async Task<AgentAnswer> Order(
        HttpMethod verb, string path, HttpContent body, CancellationToken cancel, [CallerMemberName] string order = "")
    {
        using var span = AgentTraces.Sending(order, _base);
        try
        {
            return new AgentAnswer.Accepted(await Ask(verb, path, body, Json.OrderReceipt, cancel));
        }
        catch (AgentRefusedException e)
        {
            span?.SetStatus(ActivityStatusCode.Error, e.Refusal.Code);
            return new AgentAnswer.Refused(e.Refusal);
        }
        catch (AgentUnreachableException e)
        {
            span?.SetStatus(ActivityStatusCode.Error, "unknown");
            return new AgentAnswer.Unknown(e.Message);
        }
    }

    private async Task<T> Ask<T>(
        HttpMethod verb, string path, HttpContent? body, JsonTypeInfo<T> shape, CancellationToken cancel,
        TimeSpan? within = null, AgentLine? line = null)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(within ?? _timeout);
        using var request = Request(verb, path, body);
        using var response = await Send(line ?? _line, request, limit.Token, cancel);
        if (!response.IsSuccessStatusCode) throw await Refusal(response, limit.Token);
        try
        {
            return await response.Content.ReadFromJsonAsync(shape, limit.Token)
                ?? throw new AgentUnreachableException($"{_base} answered nothing to {verb} {path}");
        }
        catch (Exception e) when (IsSilence(e, cancel) || e is JsonException)
        {
            throw new AgentUnreachableException($"{_base} broke off its answer to {verb} {path}: {e.Message}", e);
        }
    }

    private HttpRequestMessage Request(HttpMethod verb, string path, HttpContent? body)
    {
        var request = new HttpRequestMessage(verb, new Uri(_base, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = body,
        };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        if (AgentTraces.Now is { } trace) request.Headers.TryAddWithoutValidation("traceparent", trace);
        return request;
    }

    private static async Task<HttpResponseMessage> Send(
        AgentLine line, HttpRequestMessage request, CancellationToken limit, CancellationToken cancel)
    {
        try
        {
            return await line.Invoker.SendAsync(request, limit);
        }
        catch (Exception e) when (IsSilence(e, cancel))
        {
            throw new AgentUnreachableException($"{request.RequestUri} did not answer: {Cause(e, line)}", e);
        }
    }

    /// <summary>Our own time limit counts as the host's silence; the caller's cancellation does not.</summary>
    private static bool IsSilence(Exception e, CancellationToken cancel) =>
        e is HttpRequestException or IOException
        || (e is OperationCanceledException && !cancel.IsCancellationRequested);

    /// <summary>With TLS 1.3 an agent that turns us away ends the connection after our side of the handshake is done, and
    /// says at most a number: its own log has the reason.</summary>
    private static string Cause(Exception e, AgentLine line)
    {
        if (e is OperationCanceledException) return "no answer in time";
        var why = e.GetBaseException().Message;
        return e is HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError }
            && e.InnerException is not AuthenticationException { InnerException: null }
            ? $"{why}; this side showed the {line.Certificate}, and the agent's log says whether it was turned away"
            : why;
    }

    private static async Task<Exception> Refusal(HttpResponseMessage response, CancellationToken cancel)
    {
        // What the contract says comes with a body: there is no such path.
        if (response is { StatusCode: HttpStatusCode.NotFound, Content.Headers.ContentLength: 0, RequestMessage.Method.Method: "POST" })
            return new AgentRefusedException(new AgentRefusal(
                RefusalCode.UnknownOrder, "the agent does not know this order: it is older than the engine; upgrade it"));
        try
        {
            var refusal = await response.Content.ReadFromJsonAsync(Json.AgentRefusal, cancel);
            if (refusal is not null) return new AgentRefusedException(refusal);
        }
        catch (Exception e) when (e is JsonException or IOException or HttpRequestException)
        {
            return new AgentUnreachableException($"HTTP {(int)response.StatusCode} with an answer not of this protocol", e);
        }

        return new AgentUnreachableException($"HTTP {(int)response.StatusCode} without an explanation");
    }

    private async Task<string?> NextLine(StreamReader lines, CancellationToken ended, CancellationToken cancel)
    {
        try
        {
            return await lines.ReadLineAsync(ended);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or HttpRequestException
            && ended.IsCancellationRequested && !cancel.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception e) when (IsSilence(e, cancel))
        {
            throw new AgentUnreachableException($"{_base} broke off its event stream: {Cause(e, _line)}", e);
        }
    }

    private HostEvent Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, Json.HostEvent)
                ?? throw new AgentUnreachableException($"{_base} sent an empty event");
        }
        catch (JsonException e)
        {
            throw new AgentUnreachableException($"{_base} sent an event not of this protocol: {e.Message}", e);
        }
    }
}
