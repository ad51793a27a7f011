using System.Net;
using System.Xml.Linq;
using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Tests.Api;

/// <summary>What was seen of hosts and guests, as oVirt shows it.</summary>
public sealed class StatisticsTests : IAsyncLifetime
{
    private readonly TestApi _api = new();
    private readonly Guid _disk = Guid.NewGuid(), _nic = Guid.NewGuid();

    public async Task InitializeAsync()
    {
        await _api.InitializeAsync();
        var view = _api.Engine.View<VmView>(Kinds.Vm, TestApi.Vm);
        _api.Engine.Put(Kinds.Vm, TestApi.Vm, view with
        {
            Status = "up",
            PowerState = "running",
            Host = new HostId(TestApi.Host),
            Lease = 7,
            HeldLease = 7,
            StartedAt = _api.Clock.GetUtcNow() - TimeSpan.FromMinutes(2),
            Config = view.Config with
            {
                Disks = [new DiskAttachment(new DiskId(_disk), "virtio", true, true, false)],
                Nics = [new Nic(_nic, "nic1", "virtio", "52:54:00:00:00:01", "guests", true, true)],
            },
        });
        _api.Engine.Put(Kinds.Disk, _disk, new DiskView
        {
            Id = new(_disk),
            Status = "ok",
            Path = "/shared/data/image",
            Vms = [new VmId(TestApi.Vm)],
            Config = new DiskConfig { Name = "web_Disk1", StorageDomain = new(TestApi.Domain), ProvisionedSize = 1L << 30 },
        });
        await See(7);
    }

    public async Task DisposeAsync() => await _api.DisposeAsync();

    [Fact]
    public async Task A_vm_shows_what_its_guest_tells()
    {
        foreach (var vm in new[] { await _api.GetXml($"/vms/{TestApi.Vm}"), (await _api.GetXml("/vms")).Elements("vm").Single(v => (string?)v.Attribute("id") == $"{TestApi.Vm}") })
        {
            Assert.Equal("web.example.org", (string?)vm.Element("fqdn"));
            Assert.Equal("Debian GNU/Linux 12", (string?)vm.Element("guest_operating_system")!.Element("distribution"));
            Assert.Equal("6.1.0", (string?)vm.Element("guest_operating_system")!.Element("kernel")!.Element("version")!.Element("full_version"));
            Assert.Equal("-03:30", (string?)vm.Element("guest_time_zone")!.Element("utc_offset"));
        }

        var device = Assert.Single((await _api.GetXml($"/vms/{TestApi.Vm}/reporteddevices")).Elements("reported_device"));
        Assert.Equal("eth0", (string?)device.Element("name"));
        Assert.Equal(["10.0.0.7 v4", "fd00::7 v6"], device.Element("ips")!.Elements("ip").Select(ip => $"{(string?)ip.Element("address")} {(string?)ip.Element("version")}"));
        Assert.Equal("52:54:00:00:00:01", (string?)device.Element("mac")!.Element("address"));
        Assert.Equal("eth0", (string?)(await _api.GetXml($"/vms/{TestApi.Vm}/reporteddevices/{(string?)device.Attribute("id")}")).Element("name"));
        Assert.Single((await _api.GetXml($"/vms/{TestApi.Vm}/nics/{_nic}/reporteddevices")).Elements());
        Assert.Equal("anna", (string?)(await _api.GetXml($"/vms/{TestApi.Vm}/sessions")).Element("session")!.Element("user")!.Element("user_name"));
        Assert.Empty((await _api.GetXml($"/vms/{TestApi.Vm}/applications")).Elements());
        var followed = await _api.GetXml($"/vms/{TestApi.Vm}?follow=reported_devices,statistics,nics.reported_devices");
        Assert.Single(followed.Element("reported_devices")!.Elements());
        Assert.Single(followed.Element("nics")!.Element("nic")!.Element("reported_devices")!.Elements());
    }

    [Fact]
    public async Task Statistics_are_those_that_were_seen()
    {
        var vm = await Statistics($"/vms/{TestApi.Vm}");
        Assert.Equal(("12.5", "percent"), vm["cpu.current.total"]);
        Assert.Equal(("300", "bytes"), vm["memory.used"]);
        Assert.Equal(("120", "seconds"), vm["elapsed.time"]);
        var nic = await Statistics($"/vms/{TestApi.Vm}/nics/{_nic}");
        Assert.Equal(("800", "bits_per_second"), nic["data.current.rx.bps"]);
        Assert.Equal(("5000", "bytes"), nic["data.total.tx"]);
        var disk = await Statistics($"/disks/{_disk}");
        Assert.Equal(("2048", "bytes_per_second"), disk["data.current.write"]);
        Assert.Equal(("0.002", "seconds"), disk["disk.write.latency"]);
        var host = await Statistics($"/hosts/{TestApi.Host}");
        Assert.Equal(("75", "percent"), host["cpu.current.idle"]);
        Assert.Equal(("600", "bytes"), host["memory.used"]);
        Assert.Equal(HttpStatusCode.NotFound, (await _api.Send(HttpMethod.Get, $"/hosts/{TestApi.Host}/statistics/{TestApi.Unknown}")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _api.Send(HttpMethod.Get, $"/vms/{TestApi.Vm}/nics/{TestApi.Unknown}/statistics")).StatusCode);
    }

    [Fact]
    public async Task A_host_shows_its_hooks()
    {
        var hook = Assert.Single((await _api.GetXml($"/hosts/{TestApi.Host}/hooks")).Elements("hook"));
        Assert.Equal(("50_mine", "before_vm_start", "0123"), ((string?)hook.Element("name"), (string?)hook.Element("event_name"), (string?)hook.Element("md5")));
        Assert.Equal("50_mine", (string?)(await _api.GetXml($"/hosts/{TestApi.Host}/hooks/{(string?)hook.Attribute("id")}")).Element("name"));
        Assert.Equal(HttpStatusCode.NotFound, (await _api.Send(HttpMethod.Get, $"/hosts/{TestApi.Unknown}/hooks")).StatusCode);
    }

    [Fact]
    public async Task What_was_seen_of_another_copy_says_nothing_of_this_one()
    {
        await See(6);
        Assert.Null((await _api.GetXml($"/vms/{TestApi.Vm}")).Element("fqdn"));
        Assert.Empty((await _api.GetXml($"/vms/{TestApi.Vm}/reporteddevices")).Elements());
        Assert.DoesNotContain("cpu.current.total", (await Statistics($"/vms/{TestApi.Vm}")).Keys);
        Assert.Empty(await Statistics($"/vms/{TestApi.Vm}/nics/{_nic}"));
    }

    private Task See(long lease) => _api.Observations.Put(new HostId(TestApi.Host), new HostObservations(
        new HostStatistics(25, 1.5, 1000, 400, 1) { UptimeSeconds = 60 })
    {
        Hooks = [new HostHook("before_vm_start", "50_mine", "0123")],
        Guests =
        [
            new GuestObservation(TestApi.Vm, lease)
            {
                CpuPercent = 12.5,
                MemoryBytes = 1000,
                MemoryUnusedBytes = 500,
                MemoryUsableBytes = 700,
                Disks = [new DiskTraffic(_disk, 1, 2) { ReadBytesPerSecond = 0, WrittenBytesPerSecond = 2048, WriteLatency = 0.002 }],
                Nics = [new NicTraffic("52:54:00:00:00:01", 4000, 5000) { ReceivedBytesPerSecond = 100, SentBytesPerSecond = 200 }],
                Facts = new GuestFacts
                {
                    HostName = "web.example.org",
                    System = new GuestSystem("debian", "Debian GNU/Linux 12", "12", "6.1.0", "x86_64"),
                    TimeZone = "NST",
                    UtcOffset = -12600,
                    Users = ["anna"],
                    Interfaces = [new GuestInterface("eth0", "52:54:00:00:00:01", ["10.0.0.7", "fd00::7"])],
                },
            },
        ],
    }, default);

    private async Task<Dictionary<string, (string Datum, string Unit)>> Statistics(string path) =>
        (await _api.GetXml($"{path}/statistics")).Elements("statistic").ToDictionary(
            s => (string)s.Element("name")!, s => ((string)s.Element("values")!.Element("value")!.Element("datum")!, (string)s.Element("unit")!));
}
