using System.Numerics;
using System.Text;

namespace Orchestrator.Agent.Ledgers;

/// <summary>
/// An append-only file, fsync'd line by line. Each line begins with its CRC-32C. A torn last line was never promised
/// to anyone and is cut off; damage before the end is not survivable by guessing and stops the agent.
/// </summary>
public sealed class AppendFile : IAppendLog
{
    private readonly string _path;
    private readonly List<string> _found = [];
    private FileStream _file;
    private bool _broken;

    public AppendFile(string path)
    {
        _path = path;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.Delete(path + ".new");
        var good = ReadAll();
        _file = Open();
        if (_file.Length == good) return;
        _file.SetLength(good);
        _file.Flush(flushToDisk: true);
    }

    public IEnumerable<string> Read() => _found;

    public void Append(string line)
    {
        if (_broken) throw new IOException($"{_path} failed before and takes no more lines; restart the agent");
        try
        {
            _file.Write(Encode(line));
            _file.Flush(flushToDisk: true);
        }
        catch
        {
            // After a failed fsync the page cache may claim what the disk does not have.
            _broken = true;
            throw;
        }
    }

    public void Replace(IEnumerable<string> lines)
    {
        var draft = _path + ".new";
        using (var file = new FileStream(draft, FileMode.Create, FileAccess.Write))
        {
            foreach (var line in lines) file.Write(Encode(line));
            file.Flush(flushToDisk: true);
        }

        _file.Dispose();
        File.Move(draft, _path, overwrite: true);
        Folder.Sync(Path.GetDirectoryName(_path)!);
        _file = Open();
    }

    public void Dispose() => _file.Dispose();

    /// <summary>Exclusively: two agents on one ledger would each believe their own half.</summary>
    private FileStream Open()
    {
        var isNew = !File.Exists(_path);
        var file = new FileStream(_path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        file.Seek(0, SeekOrigin.End);
        if (isNew) Folder.Sync(Path.GetDirectoryName(_path)!);
        return file;
    }

    private long ReadAll()
    {
        if (!File.Exists(_path)) return 0;
        var bytes = File.ReadAllBytes(_path);
        var at = 0;
        while (at < bytes.Length)
        {
            var end = Array.IndexOf(bytes, (byte)'\n', at);
            var line = end < 0 ? null : Decode(bytes.AsSpan(at, end - at));
            if (line is null)
            {
                if (end >= 0 && end < bytes.Length - 1)
                    throw new InvalidDataException($"{_path} is damaged at byte {at}, before its end: restore or inspect it");
                return at;
            }

            _found.Add(line);
            at = end + 1;
        }

        return at;
    }

    private static byte[] Encode(string line) =>
        Encoding.UTF8.GetBytes($"{Checksum(Encoding.UTF8.GetBytes(line)):x8} {line}\n");

    private static string? Decode(ReadOnlySpan<byte> line)
    {
        if (line.Length < 9 || line[8] != ' ') return null;
        var text = line[9..];
        return Encoding.ASCII.GetString(line[..8]) == Checksum(text).ToString("x8") ? Encoding.UTF8.GetString(text) : null;
    }

    private static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes) crc = BitOperations.Crc32C(crc, b);
        return ~crc;
    }
}
