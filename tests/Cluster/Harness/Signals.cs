using System.Globalization;
using System.Runtime.InteropServices;

namespace Orchestrator.Tests.Cluster.Harness;

/// <summary>kill(2) by process id, and what /proc says of a process.</summary>
public static partial class Signals
{
    public const int Int = 2;
    public const int Quit = 3;
    public const int Kill = 9;
    public const int Terminate = 15;
    public const int Continue = 18;
    public const int Stop = 19;

    public static bool IsRoot => GetEffectiveUser() == 0;

    /// <summary>Sends a signal; a process that is gone already is no error.</summary>
    public static void Send(int pid, int signal)
    {
        if (pid <= 1) throw new ArgumentOutOfRangeException(nameof(pid), pid, "not a process of ours");
        if (SendSignal(pid, signal) != 0 && Marshal.GetLastPInvokeError() is var error and not 3)
        {
            throw new InvalidOperationException($"kill -{signal} {pid}: errno {error}");
        }
    }

    /// <summary>The processes whose parent is this one, now.</summary>
    public static IReadOnlyList<int> ChildrenOf(int pid)
    {
        var children = new List<int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var candidate)) continue;
            if (Stat(candidate) is { } fields && fields[1] == pid.ToString(CultureInfo.InvariantCulture))
            {
                children.Add(candidate);
            }
        }

        return children;
    }

    /// <summary>The fields of /proc/pid/stat from the state on (index 0 = state, 1 = parent), or null when gone.</summary>
    public static string[]? Stat(int pid)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{pid}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int SendSignal(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUser();
}
