using System.Net;
using System.Net.Security;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent.Libvirt;

/// <summary>An upload through the agent as it is in production, also when it is started anew in the middle and after the end.</summary>
[Collection(HypervisorHosts.Shelf)]
public sealed class TransferTests(HypervisorHosts hosts)
{
    private const int Size = 4 << 20;
    private readonly Guid _domain = Guid.NewGuid(), _transfer = Guid.NewGuid();

    private string Image => $"{hosts.Shared}/{_domain}/images/disk/image";

    [SkippableFact]
    public async Task An_upload_outlives_its_agent_and_its_end_does_too()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        Directory.CreateDirectory(hosts.Shared);
        var content = new byte[Size];
        new Random(1).NextBytes(content);
        var order = new TicketOrder(new Stamp(1), Guid.NewGuid(), 1, Image, DiskFormat.Qcow2, Size) { Write = true, Raw = true, Sparse = true };
        await using (var agent = await hosts.StartAgent(1))
        {
            await using var events = await agent.Follow();
            Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.PrepareDomain(hosts.Shared, _domain, "orchestrator"))).State);
            Assert.Equal(JobState.Done, (await Do(agent, new ImageJob.Create(Image, DiskFormat.Qcow2, Size))).State);
            await agent.Client.PutTicket(_transfer, order);
            Assert.Equal(HttpStatusCode.OK, await Put(agent, order, content[..(Size / 2)], 0));
        }

        await using (var agent = await hosts.StartAgent(1))
        {
            await using var events = await agent.Follow();
            Assert.Equal(HttpStatusCode.Forbidden, await Put(agent, order, content[(Size / 2)..], Size / 2));
            Assert.Equal(Size / 2, (await agent.Client.PutTicket(_transfer, order with { Transferred = Size / 2 })).Transferred);
            Assert.Equal(HttpStatusCode.OK, await Put(agent, order, content[(Size / 2)..], Size / 2));
            Assert.Equal(Size, (await agent.Client.PutTicket(_transfer, order)).Transferred);
            var closed = await Do(agent, new ImageJob.CloseUpload(_transfer, Image, DiskFormat.Qcow2, Size));
            Assert.True(closed.State == JobState.Done, closed.Message);
        }

        await using (var agent = await hosts.StartAgent(1))
        {
            await using var events = await agent.Follow();
            var refused = await Assert.ThrowsAsync<AgentRefusedException>(() => agent.Client.PutTicket(_transfer, order with { Session = 9 }));
            Assert.Equal(RefusalCode.StaleOrder, refused.Refusal.Code);
            var download = order with { Ticket = Guid.NewGuid(), Write = false };
            await agent.Client.PutTicket(Guid.NewGuid(), download);
            using var client = Client();
            Assert.Equal(content, await client.GetByteArrayAsync(await Url(agent, download)));
        }
    }

    private static async Task<JobReport> Do(RunningAgent agent, ImageJob job)
    {
        var id = Guid.NewGuid();
        var report = await agent.Client.Run(id, new JobOrder(new Stamp(1), job));
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (report.State == JobState.Running && await pause.WaitForNextTickAsync()) report = await agent.Client.Job(id);
        return report;
    }

    private static async Task<HttpStatusCode> Put(RunningAgent agent, TicketOrder order, byte[] bytes, int start)
    {
        using var client = Client();
        var body = new ByteArrayContent(bytes);
        body.Headers.TryAddWithoutValidation("Content-Range", $"bytes {start}-{start + bytes.Length - 1}/*");
        return (await client.PutAsync(await Url(agent, order), body)).StatusCode;
    }

    private static async Task<Uri> Url(RunningAgent agent, TicketOrder order) =>
        new($"https://localhost:{(await agent.Client.Describe()).ImagePort}/images/{order.Ticket}");

    private static HttpClient Client() => new(new SocketsHttpHandler
    {
        SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.Issuer == "CN=engine CA" },
    });
}
