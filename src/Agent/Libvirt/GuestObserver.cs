using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Xml.Linq;
using Microsoft.Extensions.Logging;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Libvirt;

/// <summary>
/// What is seen of guests from outside, all of them in one call to libvirt; and what their own agents say, which is asked one
/// guest after another, beside that and seldom: an agent in a guest may take its time, or never answer.
/// </summary>
internal sealed class GuestObserver(Func<LibvirtConnection> connected, TimeProvider time, ILogger log) : IDisposable
{
    // virDomainStatsTypes: CPU_TOTAL, BALLOON, VCPU, INTERFACE, BLOCK. Flags: running guests, and who is busy is not waited for.
    private const uint Wanted = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5, Running = 1, NoWait = 1 << 29;
    private const int AgentPatienceSeconds = 5;
    private static readonly TimeSpan AskAgentEvery = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new();
    private readonly Traffic _traffic = new(time);
    private readonly Dictionary<GuestKey, Devices> _devices = [];
    private readonly ConcurrentDictionary<GuestKey, Asked> _asked = [];
    private readonly SemaphoreSlim _few = new(4);

    public void Dispose() => _few.Dispose();

    /// <param name="guests">Those that run here; true: with an agent in them.</param>
    /// <exception cref="HypervisorException">libvirt does not say.</exception>
    public ImmutableArray<GuestObservation> Look(IReadOnlyDictionary<GuestKey, bool> guests)
    {
        foreach (var (guest, hasAgent) in guests)
            if (hasAgent) Ask(guest, AskAgentEvery);
        foreach (var gone in _asked.Keys.Where(g => !guests.ContainsKey(g))) _asked.TryRemove(gone, out _);
        var byId = guests.Keys.ToDictionary(g => g.Vm);
        lock (_gate)
        {
            var here = guests.Keys.ToHashSet();
            _traffic.Keep(here);
            foreach (var gone in _devices.Keys.Where(g => !here.Contains(g)).ToList()) _devices.Remove(gone);
            var seen = ImmutableArray.CreateBuilder<GuestObservation>(guests.Count);
            foreach (var (vm, values) in Statistics())
                if (byId.TryGetValue(vm, out var guest)) seen.Add(Of(guest, values));
            return seen.ToImmutable();
        }
    }

    /// <summary>Asks the agent in the guest, unless it was asked a short while ago.</summary>
    public void Ask(GuestKey guest, TimeSpan atMostEvery)
    {
        var asked = _asked.GetOrAdd(guest, _ => new Asked());
        lock (asked)
        {
            if (asked.IsUnderWay || (asked.At is { } at && time.GetElapsedTime(at) < atMostEvery)) return;
            (asked.IsUnderWay, asked.At) = (true, time.GetTimestamp());
        }

        _ = Ask(guest, asked);
    }

    private async Task Ask(GuestKey guest, Asked asked)
    {
        try
        {
            await _few.WaitAsync();
            try
            {
                // A thread of its own: libvirt holds it until the agent answers.
                asked.Facts = await Task.Factory.StartNew(
                    () => connected().OnDomain(guest.Vm, Facts), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                    ?? asked.Facts;
            }
            finally
            {
                _few.Release();
            }
        }
        catch (Exception e) when (e is HypervisorException or HypervisorAwayException or DomainGoneException or ObjectDisposedException)
        {
            log.LogDebug("vm {Guest}: what its agent says is not known: {Why}", guest, e.Message);
        }
        finally
        {
            lock (asked) asked.IsUnderWay = false;
        }
    }

    private unsafe List<(Guid Vm, Dictionary<string, string> Values)> Statistics() => connected().Use(connection =>
    {
        var count = Native.virConnectGetAllDomainStats(connection, Wanted, out var records, Running | NoWait);
        if (count < 0) throw LibvirtConnection.Failure(connection);
        var all = new List<(Guid, Dictionary<string, string>)>(count);
        for (var i = 0; i < count; i++)
            all.Add((LibvirtConnection.Id(records[i]->domain), Native.Texts(records[i]->values, records[i]->count)));
        Native.virDomainStatsRecordListFree(records);
        return all;
    });

    private GuestObservation Of(GuestKey guest, Dictionary<string, string> values)
    {
        long? Number(string name) => values.TryGetValue(name, out var text) && long.TryParse(text, CultureInfo.InvariantCulture, out var n) ? n : null;
        long? Bytes(string name) => Number(name) is { } kib ? kib << 10 : null;
        var counters = values.Keys.Where(k => k == "cpu.time" || k.EndsWith(".bytes", StringComparison.Ordinal))
            .ToDictionary(k => k, k => Number(k) ?? 0);
        var rate = _traffic.Take(guest, counters);
        var cpus = Number("vcpu.current") ?? 1;
        var devices = DevicesOf(guest, values);
        return new GuestObservation(guest.Vm, guest.Lease)
        {
            // Nanoseconds per second.
            CpuPercent = rate("cpu.time") is { } ns ? Math.Round(Math.Min(100, ns / 1e7 / cpus), 1) : null,
            MemoryBytes = Bytes("balloon.current") ?? 0,
            MemoryUnusedBytes = Bytes("balloon.unused"),
            MemoryUsableBytes = Bytes("balloon.usable"),
            MemoryCachedBytes = Bytes("balloon.disk_caches"),
            Disks =
            [
                .. from at in Enumerable.Range(0, (int)(Number("block.count") ?? 0))
                   where devices.Disks.ContainsKey(values.GetValueOrDefault($"block.{at}.name", ""))
                   select new DiskTraffic(
                       devices.Disks[values[$"block.{at}.name"]], Number($"block.{at}.rd.bytes") ?? 0, Number($"block.{at}.wr.bytes") ?? 0)
                   {
                       ReadBytesPerSecond = rate($"block.{at}.rd.bytes"),
                       WrittenBytesPerSecond = rate($"block.{at}.wr.bytes"),
                       ReadLatency = Seconds(Number($"block.{at}.rd.times"), Number($"block.{at}.rd.reqs")),
                       WriteLatency = Seconds(Number($"block.{at}.wr.times"), Number($"block.{at}.wr.reqs")),
                   },
            ],
            Nics =
            [
                .. from at in Enumerable.Range(0, (int)(Number("net.count") ?? 0))
                   where devices.Nics.ContainsKey(values.GetValueOrDefault($"net.{at}.name", ""))
                   // libvirt counts what a tap device receives: that is what the guest sends, and libvirt turns it round itself.
                   select new NicTraffic(
                       devices.Nics[values[$"net.{at}.name"]], Number($"net.{at}.rx.bytes") ?? 0, Number($"net.{at}.tx.bytes") ?? 0)
                   {
                       ReceivedBytesPerSecond = rate($"net.{at}.rx.bytes"),
                       SentBytesPerSecond = rate($"net.{at}.tx.bytes"),
                       ReceiveErrors = Number($"net.{at}.rx.errs") ?? 0,
                       SendErrors = Number($"net.{at}.tx.errs") ?? 0,
                   },
            ],
            Facts = _asked.GetValueOrDefault(guest)?.Facts,
        };

        static double? Seconds(long? ns, long? count) => count > 0 ? Math.Round((ns ?? 0) / 1e9 / count.Value, 6) : null;
    }

    /// <summary>libvirt's names of the devices; they are looked up again when there is one that is not known.</summary>
    private Devices DevicesOf(GuestKey guest, Dictionary<string, string> values)
    {
        var names = values.Where(v => v.Key.EndsWith(".name", StringComparison.Ordinal)).Select(v => v.Value).ToHashSet();
        if (_devices.TryGetValue(guest, out var known) && names.IsSubsetOf(known.Names)) return known;
        try
        {
            var xml = connected().OnDomain(guest.Vm, domain => Native.Take(Native.virDomainGetXMLDesc(domain, 0)));
            if (xml is not null) return _devices[guest] = Read(xml, names);
        }
        catch (Exception e) when (e is HypervisorException or HypervisorAwayException or DomainGoneException)
        {
            log.LogDebug("vm {Guest}: its devices are not known: {Why}", guest, e.Message);
        }

        return known ?? new Devices([], [], []);
    }

    internal static Devices Read(string xml, HashSet<string> names)
    {
        var disks = new Dictionary<string, Guid>();
        var nics = new Dictionary<string, string>();
        foreach (var device in XElement.Parse(xml).Element("devices")?.Elements() ?? [])
        {
            if ((string?)device.Element("target")?.Attribute("dev") is not { } name) continue;
            if (device.Name == "disk" && Guid.TryParse((string?)device.Element("serial"), out var disk)) disks[name] = disk;
            if (device.Name == "interface" && (string?)device.Element("mac")?.Attribute("address") is { } mac) nics[name] = mac;
        }

        return new Devices(disks, nics, [.. names, .. disks.Keys, .. nics.Keys]);
    }

    private static unsafe GuestFacts? Facts(nint domain)
    {
        _ = Native.virDomainAgentSetResponseTimeout(domain, AgentPatienceSeconds, 0);
        // Every kind that this agent knows.
        if (Native.virDomainGetGuestInfo(domain, 0, out var values, out var count, 0) < 0) return null;
        var texts = Native.Texts(values, count);
        Native.virTypedParamsFree(values, count);
        return Facts(texts);
    }

    internal static GuestFacts Facts(IReadOnlyDictionary<string, string> told)
    {
        string Text(string name) => told.GetValueOrDefault(name, "");
        long Number(string name) => long.TryParse(Text(name), CultureInfo.InvariantCulture, out var n) ? n : 0;
        ImmutableArray<T> All<T>(string name, Func<string, T?> of) where T : class =>
            [.. Enumerable.Range(0, (int)Math.Clamp(Number($"{name}.count"), 0, 1000)).Select(i => of($"{name}.{i}")).OfType<T>()];
        return new GuestFacts
        {
            // What the kernel calls itself that nobody has named.
            HostName = Text("hostname") is not "(none)" and var name ? name : "",
            System = !told.Keys.Any(k => k.StartsWith("os.", StringComparison.Ordinal))
                ? null
                : new GuestSystem(
                    Text("os.id"), Text("os.pretty-name") is { Length: > 0 } pretty ? pretty : Text("os.name"),
                    Text("os.version-id"), Text("os.kernel-release"), Text("os.machine")),
            TimeZone = Text("timezone.name"),
            UtcOffset = told.ContainsKey("timezone.offset") ? (int)Number("timezone.offset") : null,
            Users = All("user", at => Text($"{at}.name") is { Length: > 0 } name ? name : null),
            Interfaces = All("if", at => Text($"{at}.name") is { Length: > 0 } and not "lo" and var name
                ? new GuestInterface(name, Text($"{at}.hwaddr"), [.. All($"{at}.addr", a => Text($"{a}.addr")).Where(GuestAddresses.IsReachable)])
                : null),
            FileSystems = All("fs", at => Text($"{at}.mountpoint") is { Length: > 0 } path
                ? new GuestFileSystem(path, Text($"{at}.fstype"), Number($"{at}.total-bytes"), Number($"{at}.used-bytes"))
                : null),
        };
    }

    /// <param name="Names">All that were looked up, also of devices that are none of ours.</param>
    internal sealed record Devices(Dictionary<string, Guid> Disks, Dictionary<string, string> Nics, HashSet<string> Names);

    private sealed class Asked
    {
        public long? At { get; set; }
        public bool IsUnderWay { get; set; }
        public volatile GuestFacts? Facts;
    }
}
