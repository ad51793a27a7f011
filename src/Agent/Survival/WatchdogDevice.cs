using System.Runtime.InteropServices;

namespace Orchestrator.Agent.Survival;

/// <summary>
/// Linux' watchdog device (Documentation/watchdog/watchdog-api.rst): a write pets it, a closing without the letter V before
/// it leaves it armed, so that the machine is reset when the agent dies and no other takes it over in time.
/// </summary>
/// <param name="timeout">Asked of the device, in whole seconds; what it grants counts. A device that does not know how to
/// be asked (a pipe that a test listens to) is taken to have it.</param>
public sealed partial class WatchdogDevice(string path, TimeSpan timeout) : IWatchdog
{
    private const int WriteOnly = 1, NonBlocking = 0x800, CloseOnExec = 0x80000;
    private const int NotATerminal = 25;
    private const nuint SetTimeout = 0xC0045706, GetTimeout = 0x80045707;
    private int _device = -1;

    public TimeSpan Arm()
    {
        _device = Open(path, WriteOnly | NonBlocking | CloseOnExec);
        if (_device < 0) throw new IOException($"open {path}: {Marshal.GetLastPInvokeErrorMessage()}");
        var seconds = (int)timeout.TotalSeconds;
        if (Control(_device, SetTimeout, ref seconds) < 0 && Marshal.GetLastPInvokeError() == NotATerminal) return timeout;
        // Also where it cannot be set: then it has the one that it has.
        if (Control(_device, GetTimeout, ref seconds) < 0 || seconds <= 0)
        {
            Disarm();
            throw new IOException($"{path} does not say how long it waits");
        }

        return TimeSpan.FromSeconds(seconds);
    }

    public void Pet() => Send((byte)'.');

    public void Disarm()
    {
        Send((byte)'V');
        _ = Close(_device);
        _device = -1;
    }

    /// <summary>A pet that fails is one that is missing: the machine will be reset.</summary>
    private unsafe void Send(byte letter) => _ = Write(_device, &letter, 1);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "write")]
    private static unsafe partial nint Write(int device, byte* bytes, nint length);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(int device, nuint request, ref int value);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int device);
}
