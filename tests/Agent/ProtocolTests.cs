using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Text;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Protocol;
using Orchestrator.Agent.Simulated;

namespace Orchestrator.Tests.Agent;

/// <summary>The contract over real sockets: mutual TLS, HTTP/2, the real routes, guard and ledger; only QEMU is not there.</summary>
public sealed class ProtocolTests : IAsyncLifetime
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private readonly TestAuthority _authority = new();
    private readonly LogLines _log = new();
    private readonly Guid _hostId = Guid.NewGuid();
    private readonly Guid _vm = Guid.NewGuid();
    private SimulatedFleet _fleet = null!;
    private AgentTransport _transport = null!;
    private AgentClient _one = null!;
    private AgentClient _two = null!;

    public async Task InitializeAsync()
    {
        var quick = TimeSpan.FromMilliseconds(5);
        _fleet = SimulatedFleet.Build(new FleetConfig
        {
            Credentials = _authority.Credentials("agent"),
            Hosts = 2,
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            ControlPort = 0,
            Heartbeat = TimeSpan.FromMilliseconds(50),
            Log = _log,
            Profile = new SimulatedProfile
            {
                LaunchTime = quick,
                BootTime = quick,
                ShutdownTime = quick,
                PowerOffTime = quick,
                Spread = 0,
                MigrationTime = TimeSpan.FromMilliseconds(100),
                HostBootTime = quick,
            },
        });
        await _fleet.Start();
        _transport = new AgentTransport(_authority.Credentials("engine"));
        _one = new AgentClient(_transport, _fleet.AddressOf(1));
        _two = new AgentClient(_transport, _fleet.AddressOf(2));
    }

    public async Task DisposeAsync()
    {
        _transport.Dispose();
        await _fleet.DisposeAsync();
        _authority.Dispose();
    }

    [Fact]
    public async Task A_host_without_a_guard_is_bound_by_nothing_and_holds_no_lease()
    {
        await using var stream = new Follower(_one.Events(1, _hostId), Soon);
        await stream.Next();
        var order = new RenewalOrder(new Stamp(1), _hostId, 1, "/data");
        var terms = await _one.Renew(order with { Domains = ["/data/dom_md"] });
        Assert.Equal(LeaseTerms.Unbound, terms with { Domains = null });
        Assert.Equal("/data/dom_md", Assert.Single(terms.Domains!.Value).Folder);
        Assert.Equal(RefusalCode.StaleEpoch,
            (await Assert.ThrowsAsync<AgentRefusedException>(() => _one.Renew(order with { Stamp = new Stamp(0) }))).Refusal.Code);
        Assert.Equal(new StorageLeaseReading(false, "", 0), await _one.ReadStorageLease("/data", _hostId));
        Assert.Equal(RefusalCode.Malformed,
            (await Assert.ThrowsAsync<AgentRefusedException>(() => _one.ReadStorageLease("data", _hostId))).Refusal.Code);
    }

    [Fact]
    public async Task A_ticket_is_given_and_renewed_and_ended_by_its_owner_alone()
    {
        await using var events = Follow(_one, 2);
        await events.Next();
        var order = new TicketOrder(new Stamp(2), Guid.NewGuid(), 1, "/data/image", DiskFormat.Raw, 1 << 20) { Write = true };
        var transfer = Guid.NewGuid();
        Assert.Equal(RefusalCode.StaleEpoch,
            (await Assert.ThrowsAsync<AgentRefusedException>(() => _one.PutTicket(transfer, order with { Stamp = new Stamp(1) }))).Refusal.Code);
        Assert.Equal(0, (await _one.PutTicket(transfer, order)).Transferred);
        Assert.True(_fleet.Tickets.Move(transfer, 4096));
        Assert.Equal(4096, (await _one.PutTicket(transfer, order)).Transferred);
        Assert.Equal(RefusalCode.StaleEpoch, (await Assert.ThrowsAsync<AgentRefusedException>(
            () => _one.EndTicket(transfer, new EndTicketOrder(new Stamp(1), 1)))).Refusal.Code);
        await _one.EndTicket(transfer, new EndTicketOrder(new Stamp(2), 1));
        Assert.False(_fleet.Tickets.Move(transfer, 4096));
        Assert.Equal(RefusalCode.StaleOrder,
            (await Assert.ThrowsAsync<AgentRefusedException>(() => _one.PutTicket(transfer, order))).Refusal.Code);
    }

    [Fact]
    public async Task An_agent_says_what_it_is()
    {
        var about = await _one.Describe();
        Assert.Equal(("simulated", "boot-1-1", 1, 64), (about.Driver, about.BootId, about.Protocol, about.Cpus));
    }

    [Fact]
    public async Task A_launch_is_followed_by_events_until_the_guest_is_up_and_down()
    {
        await using var events = Follow(_one, 1);
        var report = Assert.IsType<HostEvent.Report>(await events.Next());
        Assert.Equal("boot-1-1", report.BootId);

        Assert.Equal(GuestState.WaitForLaunch, Accepted(await _one.Launch(Launch(1, 1))).State);
        Assert.Equal(
            [GuestState.WaitForLaunch, GuestState.PoweringUp, GuestState.Up],
            await events.StatesUntil(_vm, GuestState.Up));

        Accepted(await _one.Stop(_vm, new StopOrder(new Stamp(1), 1, StopMode.Shutdown)));
        var down = await events.Until(_vm, GuestState.Down);
        Assert.Equal(GuestExit.Normal, down.Exit);
        Assert.Empty(_fleet.Truth.History().Doubles);
    }

    [Fact]
    public async Task Sequences_rise_also_over_a_restart_of_the_agent()
    {
        long last;
        await using (var events = Follow(_one, 1))
        {
            await events.Next();
            var numbers = new List<long>();
            for (var i = 0; i < 5; i++) numbers.Add((await events.Next()).Sequence);
            Assert.Equal(numbers.Order().Distinct(), numbers);
            last = numbers[^1];
        }

        await _fleet.Host(1)!.RestartAgent();
        await using var again = Follow(_one, 1);
        var report = Assert.IsType<HostEvent.Report>(await again.Next());
        Assert.True(report.Sequence > last);
        Assert.Equal("boot-1-1", report.BootId);
    }

    [Fact]
    public async Task The_same_lease_again_starts_nothing_and_an_ended_one_never_starts()
    {
        await using var events = Follow(_one, 1);
        Accepted(await _one.Launch(Launch(1, 5)));
        await events.Until(_vm, GuestState.Up);
        Assert.Equal(GuestState.Up, Accepted(await _one.Launch(Launch(1, 5))).State);
        Assert.Equal(RefusalCode.StaleLease, Refused(await _one.Launch(Launch(1, 4))).Code);
        Assert.Equal(RefusalCode.Occupied, Refused(await _one.Launch(Launch(1, 6))).Code);

        Accepted(await _one.Stop(_vm, new StopOrder(new Stamp(1), 5, StopMode.PowerOff)));
        Assert.Equal(GuestExit.Destroyed, (await events.Until(_vm, GuestState.Down)).Exit);
        var ended = Refused(await _one.Launch(Launch(1, 5)));
        Assert.Equal((RefusalCode.LeaseEnded, 5, GuestState.Down), (ended.Code, ended.Lease, ended.Guest!.State));

        Accepted(await _one.Forget(_vm, new GuestOrder(new Stamp(1), 5)));
        await _fleet.Host(1)!.RestartAgent();
        Assert.Equal(RefusalCode.LeaseEnded, Refused(await _one.Launch(Launch(1, 5))).Code);
        Assert.Equal(GuestState.WaitForLaunch, Accepted(await _one.Launch(Launch(1, 6))).State);
        Assert.Equal(1, _fleet.Truth.History().Lives.Count(l => l.Lease == 5));
    }

    [Fact]
    public async Task A_power_off_that_overtakes_its_launch_wins()
    {
        await using var events = Follow(_one, 1);
        Assert.Equal(GuestState.Down, Accepted(await _one.Stop(_vm, new StopOrder(new Stamp(1), 3, StopMode.PowerOff))).State);
        Assert.Equal(RefusalCode.LeaseEnded, Refused(await _one.Launch(Launch(1, 3))).Code);
        Assert.Empty(_fleet.Truth.History().Lives);
    }

    [Fact]
    public async Task A_higher_epoch_takes_the_stream_and_the_lower_is_refused_for_ever()
    {
        await using var old = Follow(_one, 4);
        await old.Next();
        await using var young = Follow(_one, 5);
        await young.Next();

        Assert.Equal(5, (await old.Last<HostEvent.Superseded>()).ByEpoch);
        var refusal = Refused(await _one.Launch(Launch(4, 1)));
        Assert.Equal((RefusalCode.StaleEpoch, 5), (refusal.Code, refusal.Epoch));

        await _fleet.Host(1)!.RestartAgent();
        await using var older = Follow(_one, 4);
        var e = await Assert.ThrowsAsync<AgentRefusedException>(() => older.Next());
        Assert.Equal(RefusalCode.StaleEpoch, e.Refusal.Code);
    }

    [Fact]
    public async Task An_order_with_a_higher_epoch_ends_the_older_owners_stream()
    {
        await using var old = Follow(_one, 1);
        await old.Next();
        Accepted(await _one.Launch(Launch(2, 1)));
        Assert.Equal(2, (await old.Last<HostEvent.Superseded>()).ByEpoch);
    }

    [Fact]
    public async Task Power_loss_ends_guests_and_orders_for_the_boot_before_are_refused()
    {
        await using (var events = Follow(_one, 1))
        {
            Accepted(await _one.Launch(Launch(1, 1)));
            await events.Until(_vm, GuestState.Up);
        }

        await _fleet.Host(1)!.PowerOff();
        await _fleet.Host(1)!.PowerOn();
        await using var after = Follow(_one, 1);
        var report = Assert.IsType<HostEvent.Report>(await after.Next());
        Assert.Equal("boot-1-2", report.BootId);
        Assert.Equal((GuestState.Down, GuestExit.Lost), (report.Guests.Single().State, report.Guests.Single().Exit));

        var launch = Launch(1, 2) with { Stamp = new Stamp(1, "boot-1-1") };
        var refusal = Refused(await _one.Launch(launch));
        Assert.Equal((RefusalCode.OtherBoot, "boot-1-2"), (refusal.Code, refusal.BootId));
    }

    [Fact]
    public async Task A_migration_carries_the_guest_to_the_higher_lease()
    {
        await using var source = Follow(_one, 1);
        await using var destination = Follow(_two, 1);
        Accepted(await _one.Launch(Launch(1, 1)));
        await source.Until(_vm, GuestState.Up);

        Accepted(await _two.PrepareIncoming(new IncomingOrder(new Stamp(1), 2, Definition())));
        var uri = (await _two.Describe()).MigrationUri;
        Accepted(await _one.Migrate(_vm, new MigrateOrder(new Stamp(1), 1, uri, 2)));
        Assert.Equal(2, (await destination.Until(_vm, GuestState.Up)).Lease);
        var left = await source.Until(_vm, GuestState.Down);
        Assert.Equal(GuestExit.Migrated, left.Exit);
        Assert.True(left.Migration is { DowntimeMs: > 0, TotalMs: > 0 });
        Assert.Empty(_fleet.Truth.History().Doubles);
    }

    /// <summary>libvirt carries a migration on though the agent that began it is dead. The next one knows where to, takes
    /// the same order as its own, and begins none to elsewhere meanwhile.</summary>
    [Fact]
    public async Task A_migration_outlives_its_agent()
    {
        await Leaving(slowness: 40);
        await _fleet.Host(1)!.RestartAgent();

        await using var source = Follow(_one, 1);
        var found = Assert.IsType<HostEvent.Report>(await source.Next()).Guests.Single();
        Assert.Equal((GuestState.MigratingOut, 2L), (found.State, found.MigrationLease));
        Assert.Equal(RefusalCode.WrongState, Refused(await _one.Migrate(_vm, new MigrateOrder(new Stamp(1), 1, "sim://2/system", 3))).Code);
        Accepted(await _one.Migrate(_vm, new MigrateOrder(new Stamp(1), 1, "sim://2/system", 2)));
        Accepted(await _one.Migrate(_vm, new MigrateOrder(new Stamp(1), 1, "sim://2/system", 2)));

        var left = await source.Until(_vm, GuestState.Down);
        Assert.Equal((GuestExit.Migrated, 2L), (left.Exit, left.MigrationLease));
        Assert.Equal(1, _fleet.Host(2)!.Hypervisor!.Guests);
        Assert.Empty(_fleet.Truth.History().Doubles);
    }

    [Fact]
    public async Task A_migration_that_its_next_agent_cancels_leaves_the_guest_for_another()
    {
        await Leaving(slowness: 40);
        await _fleet.Host(1)!.RestartAgent();
        await using var source = Follow(_one, 1);
        await source.Next();
        Accepted(await _one.CancelMigration(_vm, new GuestOrder(new Stamp(1), 1)));
        Assert.Equal(2, (await source.Until(_vm, GuestState.Up)).MigrationLease);

        _fleet.Host(1)!.Faults = new HostFaults();
        await using var destination = Follow(_two, 1);
        Accepted(await _two.Stop(_vm, new StopOrder(new Stamp(1), 2, StopMode.AbandonIncoming)));
        await destination.Until(_vm, GuestState.Down);
        Accepted(await _two.PrepareIncoming(new IncomingOrder(new Stamp(1), 4, Definition())));
        Accepted(await _one.Migrate(_vm, new MigrateOrder(new Stamp(1), 1, "sim://2/system", 4)));
        Assert.Equal(4, (await source.Until(_vm, GuestState.Down)).MigrationLease);
    }

    /// <summary>The guest is up, and on its way to the second host.</summary>
    private async Task Leaving(double slowness)
    {
        await using var source = Follow(_one, 1);
        Accepted(await _one.Launch(Launch(1, 1)));
        await source.Until(_vm, GuestState.Up);
        Accepted(await _two.PrepareIncoming(new IncomingOrder(new Stamp(1), 2, Definition())));
        _fleet.Host(1)!.Faults = new HostFaults { MigrationSlowness = slowness };
        Accepted(await _one.Migrate(_vm, new MigrateOrder(new Stamp(1), 1, "sim://2/system", 2)));
        // The agent says that it leaves before the hypervisor is asked; how far it is says the hypervisor.
        await source.Until(_vm, GuestState.MigratingOut, g => g.Migration is not null);
    }

    [Fact]
    public async Task A_migration_nobody_awaits_fails_and_the_guest_stays()
    {
        await using var source = Follow(_one, 1);
        Accepted(await _one.Launch(Launch(1, 1)));
        await source.Until(_vm, GuestState.Up);
        Accepted(await _one.Migrate(_vm, new MigrateOrder(new Stamp(1), 1, "sim://2/system", 2)));
        await source.Until(_vm, GuestState.MigratingOut);
        var stays = await source.Until(_vm, GuestState.Up);
        Assert.Contains("does not expect", stays.MigrationError, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_incoming_guest_that_never_comes_is_given_up()
    {
        await using var events = Follow(_two, 1);
        Accepted(await _two.PrepareIncoming(new IncomingOrder(new Stamp(1), 2, Definition(), TimeoutSeconds: 1)));
        Assert.Equal(GuestExit.Lost, (await events.Until(_vm, GuestState.Down)).Exit);
    }

    [Fact]
    public async Task An_incoming_guest_whose_source_is_dead_is_given_up_and_one_that_has_come_runs_on()
    {
        await using var events = Follow(_two, 1);
        Accepted(await _two.PrepareIncoming(new IncomingOrder(new Stamp(1), 2, Definition())));
        var abandon = new StopOrder(new Stamp(1), 2, StopMode.AbandonIncoming);
        Accepted(await _two.Stop(_vm, abandon));
        Assert.Equal(GuestExit.Lost, (await events.Until(_vm, GuestState.Down)).Exit);
        Accepted(await _two.Stop(_vm, abandon));

        Accepted(await _two.Launch(Launch(1, 3)));
        await events.Until(_vm, GuestState.Up);
        var refused = Assert.IsType<AgentAnswer.Refused>(await _two.Stop(_vm, abandon with { Lease = 3 })).Refusal;
        Assert.Equal((RefusalCode.WrongState, GuestState.Up), (refused.Code, refused.Guest!.State));
        Assert.Equal(1, _fleet.Host(2)!.Hypervisor!.Guests);
    }

    [Fact]
    public async Task A_reset_that_is_said_again_is_done_once()
    {
        await using var events = Follow(_one, 1);
        Accepted(await _one.Launch(Launch(1, 1)));
        await events.Until(_vm, GuestState.Up);
        var reset = new StopOrder(new Stamp(1), 1, StopMode.Reset) { Id = Guid.NewGuid() };
        Accepted(await _one.Stop(_vm, reset));
        await events.Until(_vm, GuestState.PoweringUp);
        await events.Until(_vm, GuestState.Up);
        Accepted(await _one.Stop(_vm, reset));
        Accepted(await _one.Pause(_vm, new GuestOrder(new Stamp(1), 1)));
        var states = await events.StatesUntil(_vm, GuestState.Paused);
        Assert.Equal([GuestState.PoweringUp, GuestState.Up, GuestState.Paused], states[^3..]);
        Assert.InRange(states.Count(s => s == GuestState.PoweringUp), 1, 2);
    }

    [Fact]
    public async Task A_lost_answer_is_unknown_and_asking_again_tells()
    {
        _fleet.Host(1)!.Faults = new HostFaults { LostAnswers = 1 };
        Assert.IsType<AgentAnswer.Unknown>(await _one.Launch(Launch(1, 1)));
        _fleet.Host(1)!.Faults = new HostFaults();
        await using var events = Follow(_one, 1);
        Accepted(await _one.Launch(Launch(1, 1)));
        await events.Until(_vm, GuestState.Up);
        Assert.Single(_fleet.Truth.History().Lives);
    }

    [Fact]
    public async Task A_silent_host_says_nothing_and_its_guests_run_on()
    {
        await using var events = Follow(_one, 1);
        Accepted(await _one.Launch(Launch(1, 1)));
        await events.Until(_vm, GuestState.Up);
        _fleet.Host(1)!.Faults = new HostFaults { Silent = true };
        var hasty = new AgentClient(_transport, _fleet.AddressOf(1), TimeSpan.FromMilliseconds(200));
        Assert.IsType<AgentAnswer.Unknown>(await hasty.Launch(Launch(1, 2)));
        Assert.Equal(1, _fleet.Host(1)!.Hypervisor!.Guests);
        Assert.Null(_fleet.Truth.History().Lives.Single().ToMs);
    }

    [Fact]
    public async Task A_fence_order_cuts_the_power_of_a_simulated_host()
    {
        await using var events = Follow(_one, 1);
        Accepted(await _one.Launch(Launch(1, 1)));
        await events.Until(_vm, GuestState.Up);

        var order = new FenceOrder(null, "simulated", "127.0.0.1", FenceAction.Off, _fleet.Control.Port, TimeoutSeconds: 5)
        {
            Options = System.Collections.Immutable.ImmutableDictionary<string, string>.Empty.Add("plug", "1"),
        };
        Assert.Equal(new FenceResult(FencePower.Off, true, "host 1 is off"), await _two.Fence(order));
        Assert.Equal("host power off", _fleet.Truth.History().Lives.Single().End);
        Assert.Equal(FencePower.Off, (await _two.Fence(order with { Action = FenceAction.Status })).Power);
        var broken = await _two.Fence(order with { Options = order.Options.SetItem("plug", "99") });
        Assert.Equal((FencePower.Unknown, false), (broken.Power, broken.Ok));
    }

    [Fact]
    public async Task An_image_job_runs_once_and_its_result_is_kept()
    {
        await using var events = Follow(_one, 1);
        await events.Next();
        var id = Guid.NewGuid();
        var order = new JobOrder(new Stamp(1), new ImageJob.Create("/sd/a", DiskFormat.Qcow2, 1 << 30));
        await _one.Run(id, order);
        Assert.Equal(1 << 30, (await events.Job(id, JobState.Done)).Image!.VirtualBytes);
        Assert.Equal(JobState.Done, (await _one.Run(id, order)).State);

        var other = order with { Job = new ImageJob.Delete("/sd/a") };
        var e = await Assert.ThrowsAsync<AgentRefusedException>(() => _one.Run(id, other));
        Assert.Equal(RefusalCode.JobDiffers, e.Refusal.Code);
    }

    [Theory]
    [InlineData("{", "not as it must be")]
    [InlineData("null", "null")]
    [InlineData("{\"lease\":1}", "stamp")]
    [InlineData("{\"stamp\":{\"epoch\":1},\"lease\":\"one\",\"definition\":null}", "lease")]
    [InlineData("{\"stamp\":{\"epoch\":1},\"lease\":1,\"definition\":null}", "definition")]
    [InlineData("{\"stamp\":{\"epoch\":1},\"lease\":1,\"definition\":{\"id\":\"11111111-0000-4000-8000-000000000001\"," +
        "\"name\":\"a\",\"memoryBytes\":1,\"firmware\":\"vapour\"}}", "firmware")]
    public async Task Malformed_json_is_refused_with_words_and_changes_nothing(string body, string expected)
    {
        var (status, text) = await Put(body);
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(RefusalCode.Malformed, text, StringComparison.Ordinal);
        Assert.Contains(expected, text, StringComparison.Ordinal);
        Assert.Empty((await _one.Report()).Guests);
    }

    [Fact]
    public async Task A_body_beyond_the_limit_is_refused()
    {
        var (status, text) = await Put("{\"x\":\"" + new string('a', 2 << 20) + "\"}");
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, status);
        Assert.Contains("too large", text, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("agent")]
    [InlineData("foreign")]
    public async Task A_foreign_certificate_is_turned_away_and_named_in_the_log(string who)
    {
        using var other = new TestAuthority("another CA");
        using var transport = new AgentTransport(
            who == "foreign" ? other.Trusting(_authority, "engine") : _authority.Credentials("agent", "mallory"));
        var client = new AgentClient(transport, _fleet.AddressOf(1), TimeSpan.FromSeconds(5));
        await Assert.ThrowsAsync<AgentUnreachableException>(() => client.Describe());
        var line = await _log.Line("turned away", Soon);
        Assert.Contains(who == "foreign" ? "another CA" : "CN=mallory", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_refuses_an_agent_of_another_CA()
    {
        using var other = new TestAuthority("another CA");
        using var transport = new AgentTransport(_authority.Trusting(other, "engine"));
        var client = new AgentClient(transport, _fleet.AddressOf(1));
        var e = await Assert.ThrowsAsync<AgentUnreachableException>(() => client.Describe());
        Assert.Contains("not vouched for by our CA", e.Message, StringComparison.Ordinal);
    }

    private LaunchOrder Launch(long epoch, long lease) => new(new Stamp(epoch), lease, Definition());

    private VmDefinition Definition() => new(_vm, "web", 1L << 30);

    private Follower Follow(AgentClient client, long epoch) => new(client.Events(epoch, _hostId), Soon);

    private static GuestReport Accepted(AgentAnswer answer) =>
        Assert.IsType<AgentAnswer.Accepted>(answer).Receipt.Guest ?? new GuestReport(Guid.Empty, 0, GuestState.Down);

    private static AgentRefusal Refused(AgentAnswer answer) => Assert.IsType<AgentAnswer.Refused>(answer).Refusal;

    private async Task<(HttpStatusCode Status, string Text)> Put(string body)
    {
        var credentials = _authority.Credentials("engine");
        using var sockets = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                ClientCertificates = [credentials.Own],
                LocalCertificateSelectionCallback = (_, _, _, _, _) => credentials.Own,
                RemoteCertificateValidationCallback = (_, peer, _, _) =>
                    PeerCertificate.Refuse(LiveCredentials.Copy(peer), credentials.Authorities, PeerCertificate.AgentRole) is null,
                EnabledSslProtocols = SslProtocols.Tls13,
            },
        };
        using var http = new HttpClient(sockets) { DefaultRequestVersion = HttpVersion.Version20 };
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await http.PutAsync(new Uri(_fleet.AddressOf(1), $"v1/vms/{_vm}"), content);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    private sealed class LogLines : ILoggerProvider, ILogger
    {
        private readonly ConcurrentQueue<string> _lines = new();
        private readonly SemaphoreSlim _written = new(0);

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            _lines.Enqueue(formatter(state, exception));
            _written.Release();
        }

        public async Task<string> Line(string part, TimeSpan within)
        {
            using var limit = new CancellationTokenSource(within);
            while (true)
            {
                if (_lines.FirstOrDefault(l => l.Contains(part, StringComparison.Ordinal)) is { } found) return found;
                await _written.WaitAsync(limit.Token);
            }
        }

        public void Dispose() { }
    }
}
