using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Libvirt;

/// <summary>
/// One live migration, hypervisor to hypervisor. The domain goes over under an XML that bears the destination's lease,
/// so that no moment exists in which one lease runs in two places.
/// </summary>
internal static class Migration
{
    private const uint Live = 1;
    private const uint PeerToPeer = 2;

    // libvirt guesses from the file system's type whether disks are shared, and refuses a folder on ext4 or FUSE. Here
    // the engine knows: only disks of its storage domains are attached, and they are opened past the page cache.
    private const uint Unsafe = 1 << 9;
    private const uint AbortOnError = 1 << 12;
    private const uint AutoConverge = 1 << 13;
    private const uint PostCopy = 1 << 15;
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(500);

    /// <summary>Completes when the guest has left. <see cref="HypervisorException"/> when it stays.</summary>
    public static async Task Run(
        LibvirtConnection connection, LibvirtGuest guest, MigrateOrder order, Action<LibvirtGuest> tell,
        CancellationToken stop)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var leaving = Task.Factory.StartNew(
            () => connection.OnDomain(guest.Key.Vm, domain => Go(connection, domain, order)), CancellationToken.None,
            TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var asked = false;
        while (await Task.WhenAny(leaving, Task.Delay(Step, stop)) != leaving && !stop.IsCancellationRequested)
        {
            if (order.TimeoutSeconds > 0 && clock.Elapsed.TotalSeconds > order.TimeoutSeconds)
                Try(connection, guest, Native.virDomainAbortJob);
            if (order.MaxDowntimeMs > 0 && !asked)
                asked = Try(connection, guest, d => Native.virDomainMigrateSetMaxDowntime(d, (ulong)order.MaxDowntimeMs, 0));
            if (Sample(connection, guest) is not { } progress) continue;
            guest.Migration = progress;
            tell(guest);
        }

        try
        {
            await leaving.WaitAsync(stop);
        }
        catch (DomainGoneException e)
        {
            throw new HypervisorException(e.Message, e);
        }
    }

    /// <summary>libvirt's numbers of a migration job; null when they are of no migration.</summary>
    public static MigrationProgress? Progress(IReadOnlyDictionary<string, long> numbers)
    {
        if (!numbers.TryGetValue("memory_total", out var total) || total <= 0) return null;
        var remaining = numbers.GetValueOrDefault("memory_remaining");
        long? Number(string name) => numbers.TryGetValue(name, out var value) ? value : null;
        return new MigrationProgress(
            total, remaining, (int)Math.Clamp(100 * (total - remaining) / total, 0, 100),
            Number("downtime"), Number("time_elapsed"));
    }

    private static unsafe int Go(LibvirtConnection connection, nint domain, MigrateOrder order)
    {
        var xml = Native.Take(Native.virDomainGetXMLDesc(domain, Native.XmlSecure | Native.XmlMigratable))
            ?? throw connection.FailureNow();
        Native.TypedParam* values = null;
        int count = 0, room = 0;
        try
        {
            var to = new Uri(order.DestinationUri);
            _ = Native.virTypedParamsAddString(ref values, ref count, ref room, "destination_xml", DomainXml.WithLease(xml, order.DestinationLease));
            if (to.Host.Length > 0)
                _ = Native.virTypedParamsAddString(ref values, ref count, ref room, "migrate_uri", $"tcp://{to.Host}");
            if (order.BandwidthMiB > 0)
                _ = Native.virTypedParamsAddULLong(ref values, ref count, ref room, "bandwidth", (ulong)order.BandwidthMiB);
            var flags = Live | PeerToPeer | Unsafe | AbortOnError
                | (order.AutoConverge ? AutoConverge : 0) | (order.PostCopy ? PostCopy : 0);
            return Native.virDomainMigrateToURI3(domain, order.DestinationUri, values, (uint)count, flags) >= 0
                ? 0
                : throw connection.FailureNow();
        }
        finally
        {
            Native.virTypedParamsFree(values, count);
        }
    }

    private static MigrationProgress? Sample(LibvirtConnection connection, LibvirtGuest guest)
    {
        try
        {
            return connection.OnDomain(guest.Key.Vm, Read);
        }
        catch (Exception e) when (e is DomainGoneException or HypervisorException or HypervisorAwayException)
        {
            return null;
        }
    }

    private static unsafe MigrationProgress? Read(nint domain)
    {
        if (Native.virDomainGetJobStats(domain, out _, out var values, out var count, 0) < 0) return null;
        var numbers = Native.Numbers(values, count);
        Native.virTypedParamsFree(values, count);
        return Progress(numbers) is { } p ? p with { DowntimeMs = null, TotalMs = null } : null;
    }

    private static bool Try(LibvirtConnection connection, LibvirtGuest guest, Func<nint, int> call)
    {
        try
        {
            connection.Do(guest.Key.Vm, call);
            return true;
        }
        catch (Exception e) when (e is DomainGoneException or HypervisorException or HypervisorAwayException)
        {
            return false;
        }
    }
}
