using System.Globalization;
using System.Text;

namespace Orchestrator.Demo;

/// <summary>The disk of a guest that is off, read without it: the same rules as in lab/guest-writer.sh, for the whole disk.</summary>
public static class DiskImage
{
    private const int Sector = 512;

    /// <summary>The images of a disk on the shared storage; not what lies beside them.</summary>
    public static string[] Of(Guid disk, Installation installation) =>
    [
        .. Directory.EnumerateFiles(Path.Combine(installation.Var, "shared"), "*", SearchOption.AllDirectories)
            .Where(path => path.Contains($"/images/{disk}/", StringComparison.Ordinal) && !Path.GetFileName(path).Contains('.')),
    ];

    /// <param name="acknowledged">Records that must be there, at least.</param>
    /// <returns>How many records and lives it holds, and what is wrong with them; null when nothing is.</returns>
    public static async Task<(long Records, long Lives, string? Wrong)> Check(
        LabHosts hosts, int host, string image, long acknowledged)
    {
        var raw = image + ".raw";
        await hosts.Act(host, "exec", "qemu-img", "convert", "-O", "raw", image, raw);
        try
        {
            using var file = File.OpenRead(raw);
            return Check(file, acknowledged);
        }
        finally
        {
            File.Delete(raw);
        }
    }

    private static (long Records, long Lives, string? Wrong) Check(FileStream file, long acknowledged)
    {
        var (last, life) = (0L, 0L);
        var sector = new byte[Sector];
        file.Seek(Sector, SeekOrigin.Begin);
        for (var at = 1L; file.ReadAtLeast(sector, Sector, throwOnEndOfStream: false) == Sector; at++)
        {
            if (!sector.AsSpan().ContainsAnyExcept((byte)0)) continue;
            if (Read(sector, at) is not { } written) return (last, life, $"sector {at} holds a torn or misplaced record");
            if (at != last + 1) return (last, life, $"record {at} follows record {last}");
            if (written < life) return (last, life, $"record {at} is of life {written}, after one of life {life}");
            (last, life) = (at, written);
        }

        return (last, life, last < acknowledged ? $"{acknowledged} records were acknowledged and {last} are there" : null);
    }

    /// <returns>The record's life; null when it is not whole, or not the one of this sector.</returns>
    private static long? Read(byte[] sector, long at)
    {
        var words = Encoding.ASCII.GetString(sector).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return sector[^1] == '\n' && words is [var number, var life, var sum, { Length: 471 }, var again]
            && long.TryParse(life, CultureInfo.InvariantCulture, out var which)
            && number == at.ToString(CultureInfo.InvariantCulture) && again.TrimEnd() == number
            && sum == ((at * 48271 + which * 7919) % 2147483647).ToString(CultureInfo.InvariantCulture)
                ? which
                : null;
    }
}
