using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Channels;

namespace Orchestrator.Agent.Libvirt;

/// <summary>
/// One connection to a libvirtd and its callbacks, which run on libvirt's event thread and only put news in line: a call
/// back into libvirt from there would stall every connection of the process.
/// </summary>
internal sealed unsafe class LibvirtConnection
{
    /// <summary>Lifecycle, watchdog, disk error with reason, guest agent, job completed, device removed: as the callbacks in
    /// Listen.</summary>
    private static readonly int[] Kinds = [0, 3, 6, 18, 21, 15];
    private static int s_loop;
    private readonly ChannelWriter<LibvirtNews> _news;
    private readonly int _number;
    private readonly List<int> _registered = [];
    private GCHandle _self;
    private nint _connection;

    private LibvirtConnection(nint connection, int number, ChannelWriter<LibvirtNews> news)
    {
        _connection = connection;
        _number = number;
        _news = news;
    }

    /// <exception cref="HypervisorAwayException">libvirtd does not answer.</exception>
    public static LibvirtConnection Open(string uri, int number, ChannelWriter<LibvirtNews> news)
    {
        StartLoop();
        var pointer = Native.virConnectOpen(uri);
        if (pointer == 0) throw new HypervisorAwayException($"libvirt {uri}: {Native.LastError().Message}");
        var connection = new LibvirtConnection(pointer, number, news);
        connection.Listen();
        return connection;
    }

    /// <summary>Calls libvirt with the connection held open. Errors: see <see cref="Failure"/>.</summary>
    public T Use<T>(Func<nint, T> call)
    {
        nint held;
        lock (this)
        {
            held = _connection;
            if (held == 0) throw new HypervisorAwayException("the connection to libvirt is closed");
            _ = Native.virConnectRef(held);
        }

        try
        {
            return call(held);
        }
        finally
        {
            _ = Native.virConnectClose(held);
        }
    }

    /// <summary>Calls libvirt about one domain. <see cref="HypervisorException"/> if it is not there.</summary>
    public T OnDomain<T>(Guid vm, Func<nint, T> call) => Use(connection =>
    {
        var domain = Native.virDomainLookupByUUIDString(connection, vm.ToString());
        if (domain == 0) throw Failure(connection);
        try
        {
            return call(domain);
        }
        finally
        {
            _ = Native.virDomainFree(domain);
        }
    });

    /// <summary>Whether libvirt has a domain of this VM, running or not.</summary>
    public bool Has(Guid vm)
    {
        try
        {
            return OnDomain(vm, _ => true);
        }
        catch (DomainGoneException)
        {
            return false;
        }
    }

    /// <summary>For calls that answer a negative number when they fail.</summary>
    public void Do(Guid vm, Func<nint, int> call) =>
        OnDomain(vm, domain => call(domain) >= 0 ? 0 : throw FailureNow());

    /// <summary>The last call's error, as "no" or as "gone": who does not answer has not refused.</summary>
    public Exception FailureNow()
    {
        var (code, message) = Native.LastError();
        return Use(connection => Translate(connection, code, message));
    }

    public static Exception Failure(nint connection)
    {
        var (code, message) = Native.LastError();
        return Translate(connection, code, message);
    }

    public void Close()
    {
        nint closing;
        lock (this)
        {
            closing = _connection;
            _connection = 0;
        }

        if (closing == 0) return;
        foreach (var id in _registered) _ = Native.virConnectDomainEventDeregisterAny(closing, id);
        _ = Native.virConnectUnregisterCloseCallback(closing, &OnClosed);
        _ = Native.virConnectClose(closing);

        // The handle is not freed: a callback may be on its way. One small object per lost connection is the price.
    }

    private static Exception Translate(nint connection, int code, string message) =>
        code == Native.NoDomain ? new DomainGoneException(message)
        : Native.virConnectIsAlive(connection) == 1 ? new HypervisorException(message)
        : new HypervisorAwayException(message);

    private void Listen()
    {
        _self = GCHandle.Alloc(this);
        var me = (void*)GCHandle.ToIntPtr(_self);
        _ = Native.virConnectSetKeepAlive(_connection, 2, 3);
        _ = Native.virConnectRegisterCloseCallback(_connection, &OnClosed, me, null);
        delegate* unmanaged[Cdecl]<nint, nint, int, int, void*, void> lifecycle = &OnLifecycle;
        delegate* unmanaged[Cdecl]<nint, nint, int, void*, void> watchdog = &OnWatchdog;
        delegate* unmanaged[Cdecl]<nint, nint, byte*, byte*, int, byte*, void*, void> disk = &OnDiskError;
        delegate* unmanaged[Cdecl]<nint, nint, int, int, void*, void> agent = &OnAgent;
        delegate* unmanaged[Cdecl]<nint, nint, Native.TypedParam*, int, void*, void> job = &OnJob;
        delegate* unmanaged[Cdecl]<nint, nint, byte*, void*, void> removed = &OnRemoved;
        void*[] callbacks = [lifecycle, watchdog, disk, agent, job, removed];
        for (var i = 0; i < Kinds.Length; i++)
        {
            var id = Native.virConnectDomainEventRegisterAny(_connection, 0, Kinds[i], callbacks[i], me, null);
            if (id < 0) throw Failure(_connection);
            _registered.Add(id);
        }
    }

    private static void StartLoop()
    {
        if (Interlocked.Exchange(ref s_loop, 1) != 0) return;
        Native.virSetErrorFunc(null, &OnError);
        _ = Native.virInitialize();
        _ = Native.virEventRegisterDefaultImpl();

        // Without a timer the loop would not notice what other threads register.
        _ = Native.virEventAddTimeout(500, &OnTick, null, null);
        var thread = new Thread(() => { while (true) _ = Native.virEventRunDefaultImpl(); })
        {
            IsBackground = true,
            Name = "libvirt events",
        };
        thread.Start();
    }

    private static void Tell(void* opaque, LibvirtNews news) =>
        (GCHandle.FromIntPtr((nint)opaque).Target as LibvirtConnection)?._news.TryWrite(news);

    internal static Guid Id(nint domain)
    {
        var text = stackalloc byte[37];
        return Native.virDomainGetUUIDString(domain, text) == 0 ? Guid.Parse(Text(text)) : Guid.Empty;
    }

    private static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnLifecycle(nint c, nint domain, int kind, int detail, void* me) =>
        Tell(me, new LibvirtNews.Lifecycle(Id(domain), kind, detail));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnAgent(nint c, nint domain, int state, int reason, void* me) =>
        Tell(me, new LibvirtNews.GuestAgent(Id(domain), state == 1));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnWatchdog(nint c, nint domain, int action, void* me) =>
        Tell(me, new LibvirtNews.Watchdog(Id(domain), action));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnDiskError(nint c, nint domain, byte* path, byte* alias, int action, byte* reason, void* me) =>
        Tell(me, new LibvirtNews.DiskError(Id(domain), Text(path), Text(reason)));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnJob(nint c, nint domain, Native.TypedParam* values, int count, void* me) =>
        Tell(me, new LibvirtNews.JobCompleted(Id(domain), Native.Numbers(values, count)));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnRemoved(nint c, nint domain, byte* alias, void* me) =>
        Tell(me, new LibvirtNews.DeviceRemoved(Id(domain)));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnClosed(nint c, int reason, void* me)
    {
        if (GCHandle.FromIntPtr((nint)me).Target is LibvirtConnection connection)
            connection._news.TryWrite(new LibvirtNews.Closed(connection._number));
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnTick(int timer, void* me) { }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnError(void* me, Native.VirError* error) { }
}

/// <summary>libvirt knows no such domain.</summary>
internal sealed class DomainGoneException(string message) : Exception(message);
