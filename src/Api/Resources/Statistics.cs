using Orchestrator.Actors;
using Orchestrator.Actors.Disk;
using Orchestrator.Actors.Host;
using Orchestrator.Actors.Journal;
using Orchestrator.Actors.Vm;
using Orchestrator.Agent.Protocol;
using Orchestrator.Api.Http;
using Orchestrator.Api.Representation;

namespace Orchestrator.Api.Resources;

/// <summary>oVirt's statistics of VMs, hosts, disks and NICs: what was last seen of them. What was not seen is not in the list.</summary>
internal static class Statistics
{
    public static void Map(Router router)
    {
        Map(router, "vms/{id}/statistics", OfVm);
        Map(router, "vms/{id}/nics/{id}/statistics", OfNic);
        Map(router, "hosts/{id}/statistics", OfHost);
        Map(router, "disks/{id}/statistics", OfDisk);
    }

    private static void Map(Router router, string path, Func<ApiCall, Task<Of>> read)
    {
        router.Get(path, async call => Answer.Of(Shapes.Statistic, [.. (await read(call)).Elements]));
        router.Get(path + "/{id}", async call => Answer.Of(
            (await read(call)).Elements.FirstOrDefault(s => s.Id == call.Ids[^1]) ?? throw FaultException.Unknown("statistic", call.Ids[^1])));
    }

    private static async Task<Of> OfVm(ApiCall call)
    {
        var view = await Vms.Read(call);
        var progress = await Migrations.Progress(call, view);
        var seen = await Observed.Of(call, view);
        var of = new Of(Hrefs.Vm(view.Id.Value), statistic => statistic.With("vm", Refs.To(view.Id)));
        of.Bytes("memory.installed", "Total memory configured", view.Config.Memory);
        of.Percent("migration.progress", "Migration Progress", progress?.Percent ?? 0);
        if (view is { HeldLease: > 0, StartedAt: { } started })
            of.Add("elapsed.time", "Elapsed VM runtime", "counter", "integer", "seconds", (long)Math.Max(0, (call.World.Clock.GetUtcNow() - started).TotalSeconds));
        if (seen is null) return of;
        if (seen.CpuPercent is { } cpu)
        {
            of.Percent("cpu.current.total", "Total CPU used", cpu);
            of.Percent("cpu.current.guest", "CPU used by guest", cpu);
        }

        if (seen.MemoryUnusedBytes is { } unused)
        {
            of.Bytes("memory.used", "Memory used (agent)", Math.Max(0, seen.MemoryBytes - (seen.MemoryUsableBytes ?? unused)));
            of.Bytes("memory.free", "Memory free", seen.MemoryUsableBytes ?? unused);
            of.Bytes("memory.unused", "Memory unused", unused);
        }

        if (seen.MemoryCachedBytes is { } cached) of.Bytes("memory.cached", "Memory cached", cached);
        return of;
    }

    private static async Task<Of> OfNic(ApiCall call)
    {
        var view = await Vms.Read(call);
        var nic = view.Config.Nics.FirstOrDefault(n => n.Id == call.Id(1)) ?? throw FaultException.Unknown("nic", call.Ids[1]);
        var of = new Of($"{Hrefs.Vm(view.Id.Value)}/nics/{nic.Id}", statistic => statistic.With("nic", Shapes.Nic.New(nic.Id, $"{Hrefs.Vm(view.Id.Value)}/nics/{nic.Id}")));
        if ((await Observed.Of(call, view))?.Nics.FirstOrDefault(n => string.Equals(n.Mac, nic.Mac, StringComparison.OrdinalIgnoreCase)) is not { } seen) return of;
        if (seen.ReceivedBytesPerSecond is { } received)
        {
            of.Rate("data.current.rx", "Receive data rate", "bytes_per_second", received);
            of.Rate("data.current.rx.bps", "Receive data rate", "bits_per_second", 8 * received);
        }

        if (seen.SentBytesPerSecond is { } sent)
        {
            of.Rate("data.current.tx", "Transmit data rate", "bytes_per_second", sent);
            of.Rate("data.current.tx.bps", "Transmit data rate", "bits_per_second", 8 * sent);
        }

        of.Add("errors.total.rx", "Total Receive errors", "counter", "integer", "none", seen.ReceiveErrors);
        of.Add("errors.total.tx", "Total transmit errors", "counter", "integer", "none", seen.SendErrors);
        of.Add("data.total.rx", "Total received data", "counter", "integer", "bytes", seen.ReceivedBytes);
        of.Add("data.total.tx", "Total transmitted data", "counter", "integer", "bytes", seen.SentBytes);
        return of;
    }

    private static async Task<Of> OfDisk(ApiCall call)
    {
        var disk = await call.Get<DiskView>(Kinds.Disk, call.Id());
        var of = new Of(Hrefs.Disk(disk.Id.Value), statistic => statistic.With("disk", Refs.To(disk.Id)));
        var guests = await call.Guests([.. disk.Vms.Select(v => v.Value)]);
        var all = disk.Vms.Select(vm => guests.GetValueOrDefault(vm.Value)).OfType<GuestObservation>().SelectMany(g => g.Disks).Where(d => d.Disk == disk.Id.Value).ToList();
        if (all.Count == 0) return of;
        if (all.Any(d => d.ReadBytesPerSecond is not null))
        {
            of.Rate("data.current.read", "Read data rate", "bytes_per_second", all.Sum(d => d.ReadBytesPerSecond ?? 0));
            of.Rate("data.current.write", "Write data rate", "bytes_per_second", all.Sum(d => d.WrittenBytesPerSecond ?? 0));
        }

        if (all.Max(d => d.ReadLatency) is { } read) of.Rate("disk.read.latency", "Read latency", "seconds", read);
        if (all.Max(d => d.WriteLatency) is { } write) of.Rate("disk.write.latency", "Write latency", "seconds", write);
        return of;
    }

    private static async Task<Of> OfHost(ApiCall call)
    {
        var view = await call.Get<HostView>(Kinds.Host, call.Id());
        var of = new Of(Hrefs.Host(view.Id.Value), statistic => statistic.With("host", Refs.To(view.Id)));
        if (await call.World.Observations.OfHost(view.Id, call.Cancel) is not { Host: { } seen }) return of;
        of.Bytes("memory.total", "Total memory", seen.MemoryTotalBytes);
        of.Bytes("memory.used", "Used memory", seen.MemoryTotalBytes - seen.MemoryAvailableBytes);
        of.Bytes("memory.free", "Free memory", seen.MemoryAvailableBytes);
        of.Bytes("swap.total", "Total swap", seen.SwapTotalBytes);
        of.Bytes("swap.free", "Free swap", seen.SwapFreeBytes);
        of.Bytes("swap.used", "Used swap", seen.SwapTotalBytes - seen.SwapFreeBytes);
        of.Percent("cpu.current.idle", "Idle CPU usage", 100 - seen.CpuPercent);
        of.Add("cpu.load.avg.1m", "CPU 1 minute load average", "gauge", "decimal", "none", (decimal)seen.Load1);
        of.Add("boot.time", "Boot time of the machine", "gauge", "integer", "none",
            call.World.Clock.GetUtcNow().ToUnixTimeSeconds() - seen.UptimeSeconds);
        return of;
    }

    /// <summary>The statistics of one object.</summary>
    private sealed class Of(string href, Func<Element, Element> belongs)
    {
        public List<Element> Elements { get; } = [];

        public void Bytes(string name, string description, long datum) => Add(name, description, "gauge", "integer", "bytes", datum);

        public void Percent(string name, string description, double datum) =>
            Add(name, description, "gauge", "decimal", "percent", (decimal)Math.Round(datum, 1));

        public void Rate(string name, string description, string unit, double datum) =>
            Add(name, description, "gauge", "decimal", unit, (decimal)Math.Round(datum, unit == "seconds" ? 6 : 0));

        public void Add(string name, string description, string kind, string type, string unit, decimal datum)
        {
            var id = NamedIds.AsOvirt(name);
            Elements.Add(belongs(Shapes.Statistic.New(id, $"{href}/statistics/{id}")
                .With("name", name)
                .With("description", description)
                .With("kind", kind)
                .With("type", type)
                .With("unit", unit)
                .With("values", [Shapes.StatisticValue.New().With("datum", datum)])));
        }
    }
}
