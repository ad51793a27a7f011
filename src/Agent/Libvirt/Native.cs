using System.Globalization;
using System.Runtime.InteropServices;

namespace Orchestrator.Agent.Libvirt;

/// <summary>The part of libvirt's C API that the driver calls. Pointers are owned as libvirt's manual says.</summary>
internal static unsafe partial class Native
{
    private const string Lib = "libvirt.so.0";

    public const int NoDomain = 42;
    public const uint XmlSecure = 1;
    public const uint XmlMigratable = 8;
    public const uint ActiveDomains = 1;
    public const uint AddressesFromAgent = 1;
    public const uint StartPaused = 1;
    public const uint SavePaused = 4;
    public const uint ShutdownByButton = 1;
    public const uint ShutdownByAgent = 2;

    [LibraryImport(Lib)] public static partial int virInitialize();
    [LibraryImport(Lib)] public static partial void virSetErrorFunc(void* opaque, delegate* unmanaged[Cdecl]<void*, VirError*, void> report);
    [LibraryImport(Lib)] public static partial VirError* virGetLastError();
    [LibraryImport(Lib)] public static partial int virEventRegisterDefaultImpl();
    [LibraryImport(Lib)] public static partial int virEventRunDefaultImpl();
    [LibraryImport(Lib)] public static partial int virEventAddTimeout(int ms, delegate* unmanaged[Cdecl]<int, void*, void> tick, void* opaque, void* free);

    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial nint virConnectOpen(string uri);
    [LibraryImport(Lib)] public static partial int virConnectRef(nint connection);
    [LibraryImport(Lib)] public static partial int virConnectClose(nint connection);
    [LibraryImport(Lib)] public static partial int virConnectIsAlive(nint connection);
    [LibraryImport(Lib)] public static partial int virConnectSetKeepAlive(nint connection, int intervalSeconds, uint count);
    [LibraryImport(Lib)] public static partial int virConnectRegisterCloseCallback(nint connection, delegate* unmanaged[Cdecl]<nint, int, void*, void> closed, void* opaque, void* free);
    [LibraryImport(Lib)] public static partial int virConnectUnregisterCloseCallback(nint connection, delegate* unmanaged[Cdecl]<nint, int, void*, void> closed);
    [LibraryImport(Lib)] public static partial int virConnectDomainEventRegisterAny(nint connection, nint domain, int kind, void* callback, void* opaque, void* free);
    [LibraryImport(Lib)] public static partial int virConnectDomainEventDeregisterAny(nint connection, int id);
    [LibraryImport(Lib)] public static partial nint virConnectGetCapabilities(nint connection);
    [LibraryImport(Lib)] public static partial int virConnectGetLibVersion(nint connection, out ulong version);
    [LibraryImport(Lib)] public static partial int virConnectGetVersion(nint connection, out ulong version);
    [LibraryImport(Lib)] public static partial int virConnectListAllDomains(nint connection, out nint* domains, uint flags);
    [LibraryImport(Lib)] public static partial nint virConnectGetHostname(nint connection);

    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial nint virDomainCreateXML(nint connection, string xml, uint flags);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial nint virDomainLookupByUUIDString(nint connection, string uuid);
    [LibraryImport(Lib)] public static partial int virDomainGetUUIDString(nint domain, byte* text37);
    [LibraryImport(Lib)] public static partial nint virDomainGetXMLDesc(nint domain, uint flags);
    [LibraryImport(Lib)] public static partial int virDomainGetState(nint domain, out int state, out int reason, uint flags);
    [LibraryImport(Lib)] public static partial int virDomainFree(nint domain);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial nint virNWFilterLookupByName(nint connection, string name);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial nint virNWFilterDefineXML(nint connection, string xml);
    [LibraryImport(Lib)] public static partial int virNWFilterFree(nint filter);
    [LibraryImport(Lib)] public static partial int virDomainDestroyFlags(nint domain, uint flags);
    [LibraryImport(Lib)] public static partial int virDomainShutdownFlags(nint domain, uint flags);
    [LibraryImport(Lib)] public static partial int virDomainReboot(nint domain, uint flags);
    [LibraryImport(Lib)] public static partial int virDomainReset(nint domain, uint flags);
    [LibraryImport(Lib)] public static partial int virDomainSuspend(nint domain);
    [LibraryImport(Lib)] public static partial int virDomainResume(nint domain);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial int virDomainSave(nint domain, string path);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial int virDomainRestoreFlags(nint connection, string path, string xml, uint flags);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial nint virDomainSaveImageGetXMLDesc(nint connection, string path, uint flags);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial int virDomainAttachDeviceFlags(nint domain, string xml, uint flags);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial int virDomainUpdateDeviceFlags(nint domain, string xml, uint flags);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial int virDomainDetachDeviceAlias(nint domain, string alias, uint flags);
    [LibraryImport(Lib)] public static partial int virDomainOpenGraphicsFD(nint domain, uint index, uint flags);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial int virDomainSetBlockIoTune(nint domain, string disk, TypedParam* values, int count, uint flags);
    [LibraryImport(Lib)] public static partial int virDomainSetSchedulerParametersFlags(nint domain, TypedParam* values, int count, uint flags);
    [LibraryImport(Lib)] public static partial int virDomainSetVcpusFlags(nint domain, uint count, uint flags);
    [LibraryImport(Lib)] public static partial int virDomainAbortJob(nint domain);
    [LibraryImport(Lib)] public static partial int virDomainGetJobStats(nint domain, out int type, out TypedParam* values, out int count, uint flags);
    [LibraryImport(Lib)] public static partial int virDomainMigrateSetMaxDowntime(nint domain, ulong milliseconds, uint flags);
    [LibraryImport(Lib)] public static partial int virDomainMigrateStartPostCopy(nint domain, uint flags);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial int virDomainMigrateToURI3(nint domain, string uri, TypedParam* values, uint count, uint flags);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial int virDomainBlockCopy(nint domain, string disk, string destination, TypedParam* values, int count, uint flags);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial int virDomainBlockJobAbort(nint domain, string disk, uint flags);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial int virDomainGetBlockInfo(nint domain, string disk, out BlockInfo info, uint flags);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial int virDomainBlockResize(nint domain, string disk, ulong size, uint flags);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial int virDomainGetBlockJobInfo(nint domain, string disk, out BlockJobInfo info, uint flags);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial int virDomainBlockCommit(nint domain, string disk, string below, string top, ulong bandwidth, uint flags);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial nint virDomainSnapshotCreateXML(nint domain, string xml, uint flags);
    [LibraryImport(Lib)] public static partial int virDomainSnapshotFree(nint snapshot);
    [LibraryImport(Lib)] public static partial int virDomainSetTime(nint domain, long seconds, uint nanoseconds, uint flags);
    [LibraryImport(Lib)] public static partial int virDomainFSFreeze(nint domain, nint mountpoints, uint count, uint flags);
    [LibraryImport(Lib)] public static partial int virDomainFSThaw(nint domain, nint mountpoints, uint count, uint flags);
    [LibraryImport(Lib)] public static partial int virConnectGetAllDomainStats(nint connection, uint kinds, out StatsRecord** records, uint flags);
    [LibraryImport(Lib)] public static partial void virDomainStatsRecordListFree(StatsRecord** records);
    [LibraryImport(Lib)] public static partial int virDomainGetGuestInfo(nint domain, uint kinds, out TypedParam* values, out int count, uint flags);
    [LibraryImport(Lib)] public static partial int virDomainAgentSetResponseTimeout(nint domain, int seconds, uint flags);
    [LibraryImport(Lib)] public static partial int virDomainInterfaceAddresses(nint domain, out Interface** interfaces, uint source, uint flags);
    [LibraryImport(Lib)] public static partial void virDomainInterfaceFree(Interface* one);

    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial int virTypedParamsAddString(ref TypedParam* values, ref int count, ref int room, string name, string value);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial int virTypedParamsAddInt(ref TypedParam* values, ref int count, ref int room, string name, int value);
    [LibraryImport(Lib, StringMarshalling = StringMarshalling.Utf8)] public static partial int virTypedParamsAddULLong(ref TypedParam* values, ref int count, ref int room, string name, ulong value);
    [LibraryImport(Lib)] public static partial void virTypedParamsFree(TypedParam* values, int count);
    [LibraryImport("libc", EntryPoint = "free")] public static partial void Free(nint memory);

    /// <summary>Takes over and frees a string that libvirt allocated; null stays null.</summary>
    public static string? Take(nint text)
    {
        if (text == 0) return null;
        var copy = Marshal.PtrToStringUTF8(text);
        Free(text);
        return copy;
    }

    /// <summary>Of the calling thread, directly after the call that failed.</summary>
    public static (int Code, string Message) LastError()
    {
        var error = virGetLastError();
        return error == null ? (0, "no reason given") : (error->code, Marshal.PtrToStringUTF8((nint)error->message) ?? "");
    }

    /// <summary>Values of all kinds, by name.</summary>
    public static Dictionary<string, string> Texts(TypedParam* values, int count)
    {
        var texts = new Dictionary<string, string>(count);
        for (var i = 0; i < count; i++)
            texts[Marshal.PtrToStringUTF8((nint)values[i].field) ?? ""] = values[i].type switch
            {
                1 => values[i].i.ToString(CultureInfo.InvariantCulture),
                2 => ((uint)values[i].i).ToString(CultureInfo.InvariantCulture),
                3 => values[i].l.ToString(CultureInfo.InvariantCulture),
                4 => ((ulong)values[i].l).ToString(CultureInfo.InvariantCulture),
                5 => values[i].d.ToString(CultureInfo.InvariantCulture),
                6 => (values[i].i & 0xff) != 0 ? "true" : "false",
                _ => Marshal.PtrToStringUTF8(values[i].s) ?? "",
            };
        return texts;
    }

    /// <summary>Integers only, by name.</summary>
    public static Dictionary<string, long> Numbers(TypedParam* values, int count)
    {
        var numbers = new Dictionary<string, long>(count);
        for (var i = 0; i < count; i++)
            if (values[i].type is 1 or 2 or 3 or 4)
                numbers[Marshal.PtrToStringUTF8((nint)values[i].field) ?? ""] =
                    values[i].type is 1 or 2 ? values[i].i : values[i].l;
        return numbers;
    }

    [StructLayout(LayoutKind.Explicit, Size = 96)]
    public struct TypedParam
    {
        [FieldOffset(0)] public fixed byte field[80];
        [FieldOffset(80)] public int type;
        [FieldOffset(88)] public int i;
        [FieldOffset(88)] public long l;
        [FieldOffset(88)] public double d;
        [FieldOffset(88)] public nint s;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct BlockJobInfo
    {
        public int type;
        public ulong bandwidth;
        public ulong cur;
        public ulong end;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct StatsRecord
    {
        public nint domain;
        public TypedParam* values;
        public int count;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct BlockInfo
    {
        public ulong capacity;
        public ulong allocation;
        public ulong physical;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct VirError
    {
        public int code;
        public int domain;
        public byte* message;
        public int level;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Interface
    {
        public byte* name;
        public byte* hardwareAddress;
        public uint count;
        public Address* addresses;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Address
    {
        public int type;
        public byte* text;
        public uint prefix;
    }
}
