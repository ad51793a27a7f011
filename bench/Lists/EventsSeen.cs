using System.Diagnostics;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Orchestrator.Tests.Cluster.Harness;

namespace Orchestrator.Bench.Lists;

/// <summary>How long after its 201 an event that one node was told comes by the streams of all of them.</summary>
internal static class EventsSeen
{
    private const int Events = 20;

    /// <summary>Milliseconds, of each event until the last of the nodes has it.</summary>
    public static async Task<IReadOnlyList<double>> Measure(TestCluster cluster, OvirtClient rest)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(NodeExecutable.CaFile(Path.Combine(cluster.Folder, "pki")));
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.AddRange(authorities);
        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = trust } });
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await rest.Login(0));
        var arrived = Channel.CreateUnbounded<string>();
        using var ending = new CancellationTokenSource();
        var readers = new List<Task>();
        foreach (var node in cluster.Nodes)
        {
            var request = new HttpRequestMessage(HttpMethod.Get, new Uri(node.Config.Api, "ovirt-engine/api/events?search=origin%3Dbench"));
            request.Headers.Accept.ParseAdd("text/event-stream");
            var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            var lines = new StreamReader(await response.EnsureSuccessStatusCode().Content.ReadAsStreamAsync());
            await lines.ReadLineAsync();
            readers.Add(Read(lines, arrived.Writer, ending.Token));
        }

        await Wait.Pass(TimeSpan.FromSeconds(1), default);
        var times = new List<double>();
        for (var number = 0; number < Events; number++)
        {
            var answer = await rest.Once(number % rest.Nodes, HttpMethod.Post, "events", new JsonObject
            {
                ["description"] = $"event {number}",
                ["severity"] = "normal",
                ["origin"] = "bench",
                ["custom_id"] = $"{number}",
            });
            if (!answer.IsAccepted) throw new InvalidOperationException($"POST events: {answer}");
            var told = Stopwatch.StartNew();
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(15));
            for (var node = 0; node < cluster.Nodes.Count; node++) await arrived.Reader.ReadAsync(limit.Token);
            times.Add(told.Elapsed.TotalMilliseconds);
        }

        await ending.CancelAsync();
        await Task.WhenAll(readers);
        times.Sort();
        return times;
    }

    private static async Task Read(StreamReader lines, ChannelWriter<string> arrived, CancellationToken cancel)
    {
        try
        {
            while (await lines.ReadLineAsync(cancel) is { } line)
                if (line.StartsWith("id: ", StringComparison.Ordinal)) await arrived.WriteAsync(line, cancel);
        }
        catch (OperationCanceledException)
        {
            // All are seen.
        }
    }
}
