using Orchestrator.Agent;
using Orchestrator.Agent.Libvirt;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Agent;

/// <summary>What is made of libvirt's numbers and of a guest agent's words.</summary>
public sealed class ObserverTests
{
    private readonly Clock _time = new();
    private readonly GuestKey _guest = new(Guid.NewGuid(), 3);

    [Fact]
    public void A_rate_needs_two_looks_at_the_same_counter_of_the_same_life()
    {
        var traffic = new Traffic(_time);
        Assert.Null(traffic.Take(_guest, Counters(1000))("bytes"));
        _time.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(250, traffic.Take(_guest, Counters(2000))("bytes"));
        Assert.Null(traffic.Take(_guest, Counters(2000))("bytes"));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, traffic.Take(_guest, Counters(2000))("bytes"));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(traffic.Take(_guest, Counters(2500))("other"));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(traffic.Take(_guest, Counters(10))("bytes"));
        Assert.Null(traffic.Take(_guest with { Lease = 4 }, Counters(10))("bytes"));
        traffic.Keep(new HashSet<GuestKey> { _guest with { Lease = 4 } });
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(traffic.Take(_guest, Counters(20))("bytes"));
    }

    [Fact]
    public void Devices_are_known_by_their_ids_and_addresses()
    {
        var disk = Guid.NewGuid();
        var devices = GuestObserver.Read($"""
            <domain><devices>
              <disk><target dev='vda'/><serial>{disk}</serial></disk>
              <disk device='cdrom'><target dev='sda'/></disk>
              <interface><mac address='52:54:00:00:00:01'/><target dev='vnet7'/></interface>
              <controller/>
            </devices></domain>
            """, ["vda", "sda", "vnet7"]);
        Assert.Equal((disk, "52:54:00:00:00:01"), (devices.Disks["vda"], devices.Nics["vnet7"]));
        Assert.Single(devices.Disks);
        Assert.Contains("sda", devices.Names);
    }

    [Fact]
    public void What_an_agent_says_is_taken_as_far_as_it_goes()
    {
        var facts = GuestObserver.Facts(new Dictionary<string, string>
        {
            ["hostname"] = "web.example.org",
            ["os.id"] = "debian",
            ["os.pretty-name"] = "Debian GNU/Linux 12 (bookworm)",
            ["os.version-id"] = "12",
            ["os.kernel-release"] = "6.1.0-18-amd64",
            ["os.machine"] = "x86_64",
            ["timezone.name"] = "CET",
            ["timezone.offset"] = "3600",
            ["user.count"] = "2",
            ["user.0.name"] = "anna",
            ["if.count"] = "2",
            ["if.0.name"] = "lo",
            ["if.0.addr.count"] = "1",
            ["if.0.addr.0.addr"] = "127.0.0.1",
            ["if.1.name"] = "eth0",
            ["if.1.hwaddr"] = "52:54:00:00:00:01",
            ["if.1.addr.count"] = "2",
            ["if.1.addr.0.addr"] = "10.0.0.7",
            ["if.1.addr.1.addr"] = "fe80::1",
            ["fs.count"] = "1",
            ["fs.0.mountpoint"] = "/",
            ["fs.0.fstype"] = "ext4",
            ["fs.0.total-bytes"] = "1000",
            ["fs.0.used-bytes"] = "400",
        });
        Assert.Equal(("web.example.org", "CET", 3600), (facts.HostName, facts.TimeZone, facts.UtcOffset));
        Assert.Equal(new GuestSystem("debian", "Debian GNU/Linux 12 (bookworm)", "12", "6.1.0-18-amd64", "x86_64"), facts.System);
        Assert.Equal("anna", Assert.Single(facts.Users));
        var line = Assert.Single(facts.Interfaces);
        Assert.Equal(("eth0", "52:54:00:00:00:01", "10.0.0.7"), (line.Name, line.Mac, line.Addresses.Single()));
        Assert.Equal(new GuestFileSystem("/", "ext4", 1000, 400), facts.FileSystems.Single());

        var nothing = GuestObserver.Facts(new Dictionary<string, string> { ["if.count"] = "99999999999", ["user.count"] = "-1" });
        Assert.Null(nothing.System);
        Assert.Empty(nothing.Interfaces);
        Assert.Empty(nothing.Users);
    }

    private static Dictionary<string, long> Counters(long bytes) => new() { ["bytes"] = bytes };

    private sealed class Clock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Advance(TimeSpan time) => _now += time.Ticks;
    }
}
