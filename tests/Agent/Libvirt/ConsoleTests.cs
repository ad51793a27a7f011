using System.Net.WebSockets;
using System.Text;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent.Libvirt;

/// <summary>Screens and serial lines of guests in QEMU, through the agent's own port.</summary>
[Collection(HypervisorHosts.Shelf)]
public sealed class ConsoleTests(HypervisorHosts hosts)
{
    private readonly Guid _vm = Guid.NewGuid();

    [SkippableFact]
    public async Task A_ticket_shows_the_screen_once_and_in_its_time_alone()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var agent = await hosts.StartAgent(1);
        await using var events = await agent.Follow();
        Taken(await agent.Client.Launch(new LaunchOrder(new Stamp(1), 1, Definition())));
        await events.Until(_vm, GuestState.Up);

        Assert.False(await Enters(agent, "neverset"));

        Assert.NotNull(Taken(await agent.Client.SetTicket(_vm, Ticket("s3cret/A", 60)))?.Console);
        Assert.True(await Enters(agent, "s3cret/A"));
        Assert.False(await Enters(agent, "s3cret/A"));

        // Nobody has a second try either.
        Taken(await agent.Client.SetTicket(_vm, Ticket("s3cret/B", 60)));
        Assert.False(await Enters(agent, "s3cret/A"));
        Assert.False(await Enters(agent, "s3cret/B"));

        Taken(await agent.Client.SetTicket(_vm, Ticket("s3cret/C", 1)));
        await Task.Delay(TimeSpan.FromSeconds(2.5));
        Assert.False(await Enters(agent, "s3cret/C"));

        Assert.DoesNotContain("s3cret", await hosts.On("xml", 1, _vm.ToString()), StringComparison.Ordinal);
        Assert.Equal(RefusalCode.StaleEpoch, Refused(await agent.Client.SetTicket(_vm, Ticket("s3cret/D", 60) with { Stamp = new Stamp(0) })).Code);
        Assert.Equal(RefusalCode.UnknownVm, Refused(await agent.Client.SetTicket(_vm, Ticket("s3cret/D", 60) with { Lease = 2 })).Code);
        Assert.Equal(RefusalCode.Malformed, Refused(await agent.Client.SetTicket(_vm, Ticket("nine chars", 60))).Code);
        await End(agent, events);
        Assert.Equal(RefusalCode.LeaseEnded, Refused(await agent.Client.SetTicket(_vm, Ticket("s3cret/D", 60))).Code);
    }

    [SkippableFact]
    public async Task A_serial_line_shows_what_the_guest_says_and_takes_what_it_is_told()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var agent = await hosts.StartAgent(1);
        await using var events = await agent.Follow();
        Taken(await agent.Client.Launch(new LaunchOrder(new Stamp(1), 1, Definition())));
        await events.Until(_vm, GuestState.PoweringUp);
        using var first = await agent.Client.OpenConsole(_vm, 1, 1, ConsoleKind.Serial);
        await Until(first, "LABUP");
        await Say(first, "good morning\n");
        await Until(first, "HEARD good morning");

        // Whoever comes takes the line.
        using var second = await agent.Client.OpenConsole(_vm, 1, 1, ConsoleKind.Serial);
        Assert.Contains("taken", await EndOf(first), StringComparison.Ordinal);
        await Say(second, "and again\n");
        await Until(second, "HEARD and again");
        await End(agent, events);
        Assert.Contains("does not run here any more", await EndOf(second), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task A_guest_that_moves_ends_its_consoles_and_a_new_ticket_reaches_it()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var source = await hosts.StartAgent(1);
        await using var destination = await hosts.StartAgent(2);
        await using var sourceEvents = await source.Follow();
        await using var destinationEvents = await destination.Follow();
        Taken(await source.Client.Launch(new LaunchOrder(new Stamp(1), 1, Definition())));
        await sourceEvents.Until(_vm, GuestState.Up);
        Taken(await source.Client.SetTicket(_vm, Ticket("before", 60)));
        using var screen = await source.Client.OpenConsole(_vm, 1, 1, ConsoleKind.Vnc);
        Assert.True(await new VncClient(screen).Enter("before"));
        Taken(await source.Client.SetTicket(_vm, Ticket("onits/wy", 60)));

        Taken(await destination.Client.PrepareIncoming(new IncomingOrder(new Stamp(1), 2, Definition())));
        Taken(await source.Client.Migrate(_vm, new MigrateOrder(new Stamp(1), 1, (await destination.Client.Describe()).MigrationUri!, 2)));
        await sourceEvents.Until(_vm, GuestState.Down);
        Assert.Contains("moved to another host", await EndOf(screen), StringComparison.Ordinal);
        await destinationEvents.Until(_vm, GuestState.Up);

        // A ticket that was not used has come along.
        Assert.True(await Enters(destination, "onits/wy", lease: 2));
        Assert.False(await Enters(destination, "onits/wy", lease: 2));
        Taken(await destination.Client.SetTicket(_vm, Ticket("after", 60) with { Lease = 2 }));
        Assert.True(await Enters(destination, "after", lease: 2));
        Taken(await destination.Client.Stop(_vm, new StopOrder(new Stamp(1), 2, StopMode.PowerOff)));
        await destinationEvents.Until(_vm, GuestState.Down);
    }

    [SkippableFact]
    public async Task What_is_not_there_is_not_shown()
    {
        Skip.If(hosts.Missing is not null, hosts.Missing);
        await using var agent = await hosts.StartAgent(1);
        await using var events = await agent.Follow();
        using (var none = await agent.Client.OpenConsole(_vm, 1, 1, ConsoleKind.Vnc))
            Assert.Contains("no lease 1", await EndOf(none), StringComparison.Ordinal);
        Taken(await agent.Client.Launch(new LaunchOrder(new Stamp(1), 1, Definition() with { Headless = true })));
        await events.Until(_vm, GuestState.Up);
        Assert.Contains("no screen", Refused(await agent.Client.SetTicket(_vm, Ticket("s3cret", 60))).Message, StringComparison.Ordinal);
        using (var dark = await agent.Client.OpenConsole(_vm, 1, 1, ConsoleKind.Vnc))
            Assert.Contains("no screen", await EndOf(dark), StringComparison.Ordinal);
        using (var former = await agent.Client.OpenConsole(_vm, 0, 1, ConsoleKind.Serial))
            Assert.Contains("epoch 0 is over", await EndOf(former), StringComparison.Ordinal);
        await End(agent, events);
    }

    private async Task<bool> Enters(RunningAgent agent, string password, long lease = 1)
    {
        using var socket = await agent.Client.OpenConsole(_vm, 1, lease, ConsoleKind.Vnc);
        return await new VncClient(socket).Enter(password);
    }

    private async Task End(RunningAgent agent, Follower events)
    {
        Taken(await agent.Client.Stop(_vm, new StopOrder(new Stamp(1), 1, StopMode.PowerOff)));
        await events.Until(_vm, GuestState.Down);
    }

    private static Task Say(WebSocket socket, string text) =>
        socket.SendAsync(Encoding.ASCII.GetBytes(text), WebSocketMessageType.Binary, true, CancellationToken.None);

    private static async Task Until(WebSocket socket, string words)
    {
        using var limit = new CancellationTokenSource(HypervisorHosts.BootTime);
        var buffer = new byte[4096];
        for (var said = ""; !said.Contains(words, StringComparison.Ordinal);)
        {
            var read = await socket.ReceiveAsync(buffer, limit.Token);
            Assert.True(read.MessageType != WebSocketMessageType.Close, $"{socket.CloseStatusDescription} after {said}");
            said += Encoding.ASCII.GetString(buffer, 0, read.Count);
        }
    }

    private static async Task<string> EndOf(WebSocket socket)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var buffer = new byte[4096];
        while ((await socket.ReceiveAsync(buffer, limit.Token)).MessageType != WebSocketMessageType.Close) { }
        return socket.CloseStatusDescription ?? "";
    }

    private static ConsoleTicketOrder Ticket(string password, int seconds) => new(new Stamp(1), 1, password, seconds);

    private VmDefinition Definition() => new(_vm, "tiny", 256L << 20)
    {
        Kernel = $"{HypervisorHosts.Guest}/vmlinuz",
        Initrd = $"{HypervisorHosts.Guest}/initrd.gz",
        Cmdline = "console=ttyS0 quiet lab.hears=1",
    };

    private static GuestReport? Taken(AgentAnswer answer) => answer is AgentAnswer.Accepted accepted
        ? accepted.Receipt.Guest
        : throw new InvalidOperationException($"not accepted: {answer}");

    private static AgentRefusal Refused(AgentAnswer answer) => Assert.IsType<AgentAnswer.Refused>(answer).Refusal;
}
