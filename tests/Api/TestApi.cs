using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Orchestrator.Actors;
using Orchestrator.Actors.Cluster;
using Orchestrator.Actors.DataCenter;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.StorageDomain;
using Orchestrator.Actors.Vm;
using Orchestrator.Api;
using Orchestrator.Api.Catalogue;
using Orchestrator.Api.Sso;

namespace Orchestrator.Tests.Api;

/// <summary>The API on a real Kestrel on loopback, over fakes, with a small installation to work on.</summary>
public sealed class TestApi : IAsyncLifetime
{
    public const string User = "admin@internal";
    public const string Password = "a-test-password";
    public static readonly Guid DataCenter = new("00000000-0000-4000-8000-0000000000d1");
    public static readonly Guid Cluster = new("00000000-0000-4000-8000-0000000000c1");
    public static readonly Guid Host = new("00000000-0000-4000-8000-0000000000a1");
    public static readonly Guid Domain = new("00000000-0000-4000-8000-0000000000e1");
    public static readonly Guid Vm = new("00000000-0000-4000-8000-0000000000f1");
    public static readonly Guid Unknown = new("99999999-0000-4000-8000-000000000000");
    private WebApplication? _app;

    public FakeEngine Engine { get; } = new();

    public FakeCatalogue Catalogue { get; } = new();

    public FakeSecrets Secrets { get; } = new();

    public FakeUsers Users { get; } = new();

    public FakeConsoles Consoles { get; } = new();

    public FakeHostStorage HostStorage { get; } = new();

    public FakeObservations Observations { get; } = new();

    public ManualClock Clock { get; } = new();

    public FakeHostTokens HostTokens { get; } = new();

    public FakeAuthority Authority { get; } = new();

    public ApiOptions Options { get; set; } = new()
    {
        InstanceId = new Guid("11111111-2222-4333-8444-555555555555"),
        TokenKey = new byte[32],
        RequestLimit = TimeSpan.FromSeconds(2),
        CaCertificates = () => "-----BEGIN CERTIFICATE-----\n",
    };

    public HttpClient Client { get; private set; } = null!;

    /// <summary>Without credentials.</summary>
    public HttpClient Stranger { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(
            IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1));
        builder.Services.AddSingleton<IEntities>(Engine).AddSingleton<IReadModel>(Engine)
            .AddSingleton<IClientRecords>(new FakeRecords(Engine))
            .AddSingleton<IObservations>(Observations)
            .AddSingleton<ISecrets>(Secrets).AddSingleton<IOwners>(new FakeOwners()).AddSingleton<IUsers>(Users)
            .AddSingleton<IConsoles>(Consoles).AddSingleton<IHostTokens>(HostTokens).AddSingleton<IHostAuthority>(Authority)
            .AddSingleton<IHostStorage>(HostStorage)
            .AddSingleton<ICatalogue>(Catalogue)
            .AddSingleton<ITokenRevocations>(new FakeRevocations()).AddSingleton<TimeProvider>(Clock);
        builder.Services.AddApi(Options);
        _app = builder.Build();
        ApiServer.Map(_app);
        await _app.StartAsync();
        await Users.SetPassword(User, Password, true, default);
        await Users.SetPassword("guest@internal", Password, false, default);

        Stranger = new HttpClient { BaseAddress = new Uri(_app.Urls.Single()) };
        Client = new HttpClient { BaseAddress = Stranger.BaseAddress };
        Client.DefaultRequestHeaders.Authorization = Basic(User, Password);
        Fill();
    }

    public async Task DisposeAsync()
    {
        Client.Dispose();
        Stranger.Dispose();
        await _app!.DisposeAsync();
    }

    public static AuthenticationHeaderValue Basic(string user, string password) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));

    public Task<HttpResponseMessage> Send(
        HttpMethod method, string path, string? body = null, string type = "application/xml",
        params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, "/ovirt-engine/api" + path);
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            if (type.Length > 0) request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        }

        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return Client.SendAsync(request);
    }

    public Task<HttpResponseMessage> Post(string path, string body, string type = "application/xml") =>
        Send(HttpMethod.Post, path, body, type);

    public async Task<XElement> GetXml(string path)
    {
        var response = await Client.GetAsync("/ovirt-engine/api" + path);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{(int)response.StatusCode}: {text}");
        return XElement.Parse(text);
    }

    public async Task<JsonNode> GetJson(string path)
    {
        var response = await Send(HttpMethod.Get, path, headers: ("Accept", "application/json"));
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{(int)response.StatusCode}: {text}");
        return JsonNode.Parse(text)!;
    }

    public static async Task<XElement> Xml(HttpResponseMessage response, HttpStatusCode status)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == status, $"wanted {(int)status}, got {(int)response.StatusCode}: {text}");
        return XElement.Parse(text);
    }

    /// <summary>Asserts oVirt's fault document and answers its detail.</summary>
    public static async Task<string> FaultOf(HttpResponseMessage response, HttpStatusCode status, string? reason = null)
    {
        var fault = await Xml(response, status);
        Assert.Equal("fault", fault.Name.LocalName);
        if (reason is not null) Assert.Equal(reason, (string?)fault.Element("reason"));
        var detail = (string)fault.Element("detail")!;
        Assert.StartsWith("[", detail, StringComparison.Ordinal);
        Assert.EndsWith("]", detail, StringComparison.Ordinal);
        return detail;
    }

    public T LastCommand<T>() => Engine.Commands.Select(sent => sent.Command).OfType<T>().Last();

    private void Fill()
    {
        var at = Clock.Now;
        Engine.Put(Kinds.DataCenter, DataCenter, new DataCenterView
        {
            Id = new(DataCenter),
            Config = new DataCenterConfig { Name = "Default" },
            CreatedAt = at,
        });
        Engine.Put(Kinds.Cluster, Cluster, new ClusterView
        {
            Id = new(Cluster),
            CreatedAt = at,
            Config = new ClusterConfig { Name = "Default", DataCenter = new(DataCenter), CpuType = "Intel Nehalem Family" },
        });
        Engine.Put(Kinds.Host, Host, new HostView
        {
            Id = new(Host),
            Status = "up",
            CreatedAt = at,
            Config = new HostConfig { Name = "host-1", Cluster = new(Cluster), Address = "10.77.0.1" },
            Facts = new AgentFacts("u-1", "b-1", "0.1.0", "libvirt", "kvm", 8, "EPYC", 16L << 30, "10.77.0.1"),
        });
        Engine.Put(Kinds.StorageDomain, Domain, new StorageDomainView
        {
            Id = new(Domain),
            Status = "active",
            DataCenter = new(DataCenter),
            Available = 1L << 40,
            Used = 1L << 30,
            Config = new StorageDomainConfig { Name = "data-1", Path = "/shared/data" },
            CreatedAt = at,
        });
        Engine.Put(Kinds.Vm, Vm, new VmView
        {
            Id = new(Vm),
            Status = "down",
            VmState = "down",
            PowerState = "off",
            CreatedAt = at,
            Config = new VmConfig { Name = "web", Cluster = new(Cluster) },
        });
    }
}
