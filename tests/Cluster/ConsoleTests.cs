using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Orchestrator.Tests.Cluster.Checkers;
using Orchestrator.Tests.Cluster.Harness;
using Xunit.Abstractions;

namespace Orchestrator.Tests.Cluster;

/// <summary>Consoles through real nodes: whichever one gave the ticket, and whichever one owns the VM.</summary>
public sealed class ConsoleTests(ITestOutputHelper output)
{
    [SkippableFact]
    public async Task A_console_is_reached_through_any_node_until_the_guest_moves_or_the_node_leaves()
    {
        Skip.If(TestCluster.Obstacle is not null, TestCluster.Obstacle);
        await TestCluster.Run(new TestClusterOptions { Hosts = 3 }, Say, async cluster =>
        {
            var client = new VmClient(cluster.Client, new Ledger(), cluster.Faults, $"{Rounds.Seed}", "console");
            var vm = await client.Create(CancellationToken.None);
            Assert.Equal(409, (await Ask(cluster, 0, vm, "graphicsconsoles/766e63/ticket")).Status);
            Assert.True((await client.Act(vm, CommandKind.Start, CancellationToken.None)).IsAccepted);
            Assert.Equal("up", await client.Settled(vm, CancellationToken.None));

            var set = await Ask(cluster, 1, vm, "graphicsconsoles/766e63/ticket");
            Assert.True(set.IsAccepted, set.ToString());
            Assert.Equal(8, ((string)set.Json!["ticket"]!["value"]!).Length);
            for (var giver = 0; giver < 3; giver++)
            {
                var ticket = await Ticket(cluster, giver, vm, "graphicsconsoles/766e63");
                var taker = (giver + 1) % 3;
                using var screen = await Open(cluster, taker, "vnc", ticket);
                Assert.Equal("RFB 003.008\n", await Heard(screen));
                await Assert.ThrowsAsync<WebSocketException>(() => Open(cluster, giver, "vnc", ticket));
            }

            using var line = await Open(cluster, 2, "serial", await Ticket(cluster, 0, vm, "serialconsole"));
            Assert.StartsWith("simulated guest", await Heard(line), StringComparison.Ordinal);
            await line.SendAsync("good morning"u8.ToArray(), WebSocketMessageType.Binary, true, CancellationToken.None);
            Assert.Equal("good morning", await Heard(line));
            Assert.True((await client.Act(vm, CommandKind.Migrate, CancellationToken.None)).IsAccepted);
            Assert.Contains("moved to another host", await Heard(line), StringComparison.Ordinal);
            Assert.Equal("up", await client.Settled(vm, CancellationToken.None));

            using var after = await Open(cluster, 2, "vnc", await Ticket(cluster, 0, vm, "graphicsconsoles/766e63"));
            Assert.Equal("RFB 003.008\n", await Heard(after));
            cluster.Nodes[2].Terminate();
            Assert.Contains("node leaves", await Heard(after), StringComparison.Ordinal);
            await cluster.Nodes[2].Exited(TimeSpan.FromSeconds(20));

            var events = await cluster.Client.Once(0, HttpMethod.Get, "events?max=200", null);
            foreach (var code in new[] { "\"164\"", "\"167\"", "\"168\"" }) Assert.Contains(code, events.Body, StringComparison.Ordinal);
            Assert.DoesNotContain((string)set.Json!["ticket"]!["value"]!, events.Body, StringComparison.Ordinal);
        });
    }

    private static Task<Answer> Ask(TestCluster cluster, int node, VmRecord vm, string path) =>
        cluster.Client.Once(node, HttpMethod.Post, $"vms/{vm.Id}/{path}", new JsonObject());

    private static async Task<string> Ticket(TestCluster cluster, int node, VmRecord vm, string console)
    {
        var answer = await Ask(cluster, node, vm, $"{console}/proxyticket");
        Assert.True(answer.IsAccepted, answer.ToString());
        return (string)answer.Json!["proxy_ticket"]!["value"]!;
    }

    private static async Task<ClientWebSocket> Open(TestCluster cluster, int node, string kind, string ticket)
    {
        var socket = new ClientWebSocket();
        socket.Options.RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null;
        socket.Options.AddSubProtocol("binary");
        var at = new UriBuilder(new Uri(cluster.Nodes[node].Config.Api, $"ovirt-engine/console/{kind}/{ticket}")) { Scheme = "wss" }.Uri;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await socket.ConnectAsync(at, limit.Token);
        return socket;
    }

    private static async Task<string> Heard(WebSocket socket)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var buffer = new byte[256];
        var read = await socket.ReceiveAsync(buffer, limit.Token);
        return read.MessageType == WebSocketMessageType.Close
            ? $"{(int)socket.CloseStatus!} {socket.CloseStatusDescription}"
            : Encoding.UTF8.GetString(buffer, 0, read.Count);
    }

    private void Say(string line)
    {
        Console.WriteLine(line);
        output.WriteLine(line);
    }
}
