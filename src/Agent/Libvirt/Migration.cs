using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
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
    private const uint Compressed = 1 << 11;
    private const uint AbortOnError = 1 << 12;
    private const uint AutoConverge = 1 << 13;
    private const uint PostCopy = 1 << 15;
    private const uint Tls = 1 << 16;
    private const uint Parallel = 1 << 17;
    private const uint ZeroCopy = 1 << 20;

    // virDomainState paused, and why: it left by post-copy, and that broke.
    private const int Paused = 3;
    private const int ByPostCopy = 12;
    private const int PostCopyBroke = 13;
    /// <summary>virDomainJobOperation.</summary>
    private const long MigrationOut = 5;
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(500);

    /// <summary>A domain that has left is gone a moment after the job that carried it.</summary>
    private static readonly TimeSpan Farewell = TimeSpan.FromSeconds(2);

    /// <summary>Completes when the guest has left. <see cref="HypervisorException"/> or
    /// <see cref="HopelessMigrationException"/> when it stays, <see cref="PostCopyBrokenException"/> when it is lost.</summary>
    public static async Task Run(
        LibvirtConnection connection, LibvirtGuest guest, MigrateOrder order, TimeSpan lookEvery,
        Action<LibvirtGuest> tell, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        guest.Migration = null;
        var way = new Way(connection, guest, order);
        way.Begin();
        var leaving = guest.Leaving ?? Task.Factory.StartNew(
            () => connection.OnDomain(guest.Key.Vm, domain => Go(connection, domain, order)), CancellationToken.None,
            TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var looked = TimeSpan.Zero;
        while (await Task.WhenAny(leaving, Task.Delay(Step, stop)) != leaving && !stop.IsCancellationRequested)
        {
            if (order.TimeoutSeconds > 0 && clock.Elapsed.TotalSeconds > order.TimeoutSeconds) way.Abort();
            way.Begin();
            if (Sample(connection, guest) is not { } sample) continue;
            var progress = way.Told(sample, guest.Migration);
            guest.Migration = progress;
            tell(guest);
            if (clock.Elapsed - looked < lookEvery) continue;
            looked = clock.Elapsed;
            way.Look(progress);
        }

        try
        {
            await leaving.WaitAsync(stop);
        }
        catch (DomainGoneException e)
        {
            throw new HypervisorException(e.Message, e);
        }
        catch (HypervisorException e) when (Broke(connection, guest))
        {
            throw new PostCopyBrokenException($"its migration broke in post-copy, its memory is in two halves: {e.Message}");
        }
        catch (HypervisorException) when (way.Hopeless is { } why)
        {
            throw new HopelessMigrationException(why);
        }
    }

    /// <summary>Whether libvirt is moving this domain away just now, whoever told it to.</summary>
    public static unsafe bool IsUnderWay(nint domain)
    {
        if (Native.virDomainGetJobStats(domain, out var type, out var values, out var count, 0) < 0) return false;
        var numbers = Native.Numbers(values, count);
        Native.virTypedParamsFree(values, count);
        return type != 0 && numbers.GetValueOrDefault("operation") == MigrationOut;
    }

    /// <summary>A migration that libvirt carries on although the agent that began it, or its connection, is no more.
    /// Completes when the guest has left; <see cref="HypervisorException"/> when it stays.</summary>
    public static async Task Follow(LibvirtConnection connection, Guid vm, CancellationToken stop)
    {
        try
        {
            while (await Task.Run(() => connection.OnDomain(vm, IsUnderWay), stop)) await Task.Delay(Step, stop);
            var ended = Stopwatch.StartNew();
            while (await Task.Run(() => connection.Has(vm), stop))
            {
                if (ended.Elapsed > Farewell)
                    throw new HypervisorException("it was under way when the agent came to it, and has failed since");
                await Task.Delay(Step, stop);
            }
        }
        catch (DomainGoneException)
        {
            // It has left; how, libvirt's events tell.
        }
    }

    /// <summary>Whether the guest has gone on at the destination, and can run here no more.</summary>
    private static bool Broke(LibvirtConnection connection, LibvirtGuest guest)
    {
        try
        {
            return connection.OnDomain(guest.Key.Vm, domain =>
                Native.virDomainGetState(domain, out var state, out var reason, 0) >= 0
                && state == Paused && reason is ByPostCopy or PostCopyBroke);
        }
        catch (Exception e) when (e is DomainGoneException or HypervisorException)
        {
            return false;
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
            Number("downtime"), Number("time_elapsed"))
        {
            Iteration = numbers.GetValueOrDefault("memory_iteration"),
            BytesPerSecond = numbers.GetValueOrDefault("memory_bps"),
            ElapsedMs = numbers.GetValueOrDefault("time_elapsed"),
        };
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
            var memoryTo = order.MemoryAddress is { } address ? Bracketed(address) : to.Host;
            if (memoryTo.Length > 0)
                _ = Native.virTypedParamsAddString(ref values, ref count, ref room, "migrate_uri", $"tcp://{memoryTo}");
            // The destination's certificate bears the address by which it is known, not the one that its memory comes by.
            if (order is { Encrypted: true, MemoryAddress: not null })
                _ = Native.virTypedParamsAddString(ref values, ref count, ref room, "tls.destination", to.DnsSafeHost);
            if (order.BandwidthMiB > 0)
                _ = Native.virTypedParamsAddULLong(ref values, ref count, ref room, "bandwidth", (ulong)order.BandwidthMiB);
            if (order.Connections > 1)
                _ = Native.virTypedParamsAddInt(ref values, ref count, ref room, "parallel.connections", order.Connections);
            var flags = Live | PeerToPeer | Unsafe | AbortOnError
                | (order.AutoConverge ? AutoConverge : 0) | (order.PostCopy ? PostCopy : 0)
                | (order.Compressed ? Compressed : 0) | (order.Encrypted ? Tls : 0)
                | (order.Connections > 1 ? Parallel : 0) | (order.ZeroCopy ? ZeroCopy : 0);
            return Native.virDomainMigrateToURI3(domain, order.DestinationUri, values, (uint)count, flags) >= 0
                ? 0
                : throw connection.FailureNow();
        }
        finally
        {
            Native.virTypedParamsFree(values, count);
        }
    }

    private static string Bracketed(string address) =>
        IPAddress.TryParse(address, out var ip) && ip.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address;

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

    /// <summary>What is known and was done about one migration while it is under way.</summary>
    private sealed class Way(LibvirtConnection connection, LibvirtGuest guest, MigrateOrder order)
    {
        private Convergence _convergence = Convergence.Of(order, runs: guest.State != GuestState.Paused);
        private int _downtimeMs;

        /// <summary>Why it was given up; null while it was not.</summary>
        public string? Hopeless { get; private set; }

        /// <summary>A libvirt that takes no limit before the migration is under way is asked until it does.</summary>
        public void Begin()
        {
            if (order.MaxDowntimeMs > 0 && _downtimeMs == 0) Allow(order.MaxDowntimeMs);
        }

        public void Look(MigrationProgress progress)
        {
            (_convergence, var step) = _convergence.Look(progress.Iteration, progress.PostCopy);
            switch (step?.Action)
            {
                case ConvergenceAction.SetDowntime:
                    Allow(step.DowntimeMs);
                    break;
                case ConvergenceAction.PostCopy:
                    // A hypervisor that cannot is given up by the next step.
                    _ = Try(d => Native.virDomainMigrateStartPostCopy(d, 0));
                    break;
                case ConvergenceAction.Abort:
                    Hopeless = Convergence.Hopeless(_convergence.Stalled);
                    Abort();
                    break;
            }
        }

        public void Abort() => Try(Native.virDomainAbortJob);

        /// <summary>Never falls, and is not done before it is done: what was copied may be dirty again.</summary>
        public MigrationProgress Told(MigrationProgress now, MigrationProgress? before) => now with
        {
            Percent = Math.Min(99, Math.Max(now.Percent, before?.Percent ?? 0)),
            MaxDowntimeMs = _downtimeMs,
            PostCopy = guest.PostCopy,
        };

        private void Allow(int downtimeMs)
        {
            if (Try(d => Native.virDomainMigrateSetMaxDowntime(d, (ulong)downtimeMs, 0))) _downtimeMs = downtimeMs;
        }

        private bool Try(Func<nint, int> call)
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
}
