using System.Net;
using System.Runtime.CompilerServices;
using Orchestrator.Api.Description;
using Orchestrator.Api.Resources;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Api;

/// <summary>oVirt's whole service tree: each method answers, and what is written of it is true.</summary>
public sealed class ServiceTreeTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly TestApi _api = new();

    public Task InitializeAsync() => _api.InitializeAsync();

    public Task DisposeAsync() => _api.DisposeAsync();

    [Fact]
    public void The_tree_is_whole()
    {
        Assert.Equal(ServiceTree.Services.Length, ServiceTree.ByPath.Count);
        Assert.True(ServiceTree.Methods.Count() > 890);
        var names = ServiceTree.Services.Select(service => service.Path).ToHashSet();
        Assert.All(ServiceTree.Services, service => Assert.True(service.Owner is not { } owner || names.Contains(owner), service.Path));
    }

    [Fact]
    public void The_coverage_is_as_written()
    {
        var file = Path.Combine(Root(), "docs", "api-coverage.md");
        var text = new Coverage(Routes.All()).Markdown();
        if (Environment.GetEnvironmentVariable("ORCHESTRATOR_REWRITE") == "1") File.WriteAllText(file, text);
        Assert.Equal(File.ReadAllText(file), text);
    }

    /// <summary>A client of oVirt never meets 405, 500 or an unknown path, whatever the engine has.</summary>
    [Fact]
    public async Task Each_method_answers()
    {
        var coverage = new Coverage(Routes.All());
        var finder = new Instances(_api);
        var wrong = new List<string>();
        var count = 0;
        foreach (var (_, method) in ServiceTree.Methods)
        {
            if (coverage.Works(method)) continue;
            var path = await finder.Concrete(method.Path, unknown: TestApi.Unknown.ToString());
            var response = await _api.Send(new HttpMethod(method.Verb), "/" + path.Path, method.Verb is "GET" or "DELETE" ? null : "<action/>");
            var text = await response.Content.ReadAsStringAsync();
            var right = response.StatusCode switch
            {
                HttpStatusCode.OK => method.Name == "LIST",
                HttpStatusCode.BadRequest => !path.HasUnknown && text.Contains("does not have it yet", StringComparison.Ordinal),
                HttpStatusCode.NotFound => path.HasUnknown && text.Contains("<fault>", StringComparison.Ordinal),
                _ => false,
            };

            // What a missing part would hold cannot be looked up either.
            right |= response.StatusCode == HttpStatusCode.BadRequest && text.Contains("does not have it yet", StringComparison.Ordinal);
            if (!right) wrong.Add($"{method.Verb} {path.Path}: {(int)response.StatusCode} {text}");
            count++;
        }

        output.WriteLine($"{count} methods that are not here yet answer so");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong.Take(20)));
        Assert.Empty(_api.Engine.Commands);
    }

    [Fact]
    public void Each_missing_method_says_what_to_do_instead()
    {
        var coverage = new Coverage(Routes.All());
        var silent = ServiceTree.Methods
            .Where(one => !coverage.Works(one.Method) && !coverage.IsEmpty(one.Service, one.Method))
            .Select(one => one.Method).Where(method => Unbuilt.InsteadOf(method.Path).Length == 0)
            .Select(method => $"{method.Verb} {method.Path}").ToList();
        Assert.True(silent.Count == 0, string.Join('\n', silent));
    }

    internal static string Root([CallerFilePath] string here = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../.."));
}
