using System.Globalization;
using System.Text;

namespace Orchestrator.Demo;

/// <summary>
/// Reads what the guest's writer (lab/guest-writer.sh) says on its console, on every host: which records it holds to be
/// on the disk, and what it found there when it looked. A record that was acknowledged must be there after each boot.
/// </summary>
public sealed class DiskWitness(LabHosts hosts, Guid vm, int[] all) : IAsyncDisposable
{
    private static readonly TimeSpan _pace = TimeSpan.FromMilliseconds(100);
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<int, Reader> _readers = [];
    private readonly List<string> _violations = [];
    private readonly Lock _gate = new();
    private Task? _loop;

    /// <summary>The last record whose fsync came back, as the guest said before it did anything else.</summary>
    public long Acknowledged { get; private set; }

    /// <summary>The last record up to which the guest read its disk and found it whole.</summary>
    public long Whole { get; private set; }

    /// <summary>When the guest was last heard to write: proof that a copy runs, also while no libvirt can be asked.</summary>
    public DateTimeOffset LastWord { get; private set; }

    public int Boots { get; private set; }
    public int Checks { get; private set; }

    public IReadOnlyList<string> Violations
    {
        get
        {
            lock (_gate) return [.. _violations];
        }
    }

    public void Start() => _loop = Loop();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_loop is not null) await _loop;
        _stop.Dispose();
    }

    /// <summary>Waits until the guest has written, and has read back, more than it had when this was asked.</summary>
    public async Task AwaitCheck(TimeSpan limit)
    {
        var (written, checks) = (Acknowledged, Checks);
        await Patience.Until("the guest to write on and to find its disk whole", limit, () => Task.FromResult(
            Violations.Count > 0 || (Checks > checks && Acknowledged > written && Whole > written) ? this : null));
    }

    private async Task Loop()
    {
        using var timer = new PeriodicTimer(_pace);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token)) Look();
        }
        catch (OperationCanceledException)
        {
        }
    }

    private void Look()
    {
        foreach (var host in all)
        {
            if (!_readers.TryGetValue(host, out var reader))
                _readers[host] = reader = new Reader(hosts.ConsoleFile(host, vm));
            // The guest's shell writes its prompt on the same line now and then.
            foreach (var line in reader.NewLines())
                if (line.LastIndexOf("disk ", StringComparison.Ordinal) is >= 0 and var at) Hear(line[at..].Split(' '), host);
        }
    }

    private void Hear(string[] words, int host)
    {
        lock (_gate)
        {
            switch (words)
            {
                case ["disk", "boot", var last, _]:
                    Boots++;
                    if (Number(last) < Acknowledged)
                        _violations.Add($"a boot on host {host} finds {Number(last)} records, and {Acknowledged} were acknowledged");
                    break;
                case ["disk", "ok", var last]:
                    Checks++;
                    Whole = Math.Max(Whole, Number(last));
                    break;
                case ["disk", "BAD", ..]:
                    _violations.Add($"host {host}: {string.Join(' ', words)}");
                    break;
                case ["disk", var number] when long.TryParse(number, CultureInfo.InvariantCulture, out var record):
                    Acknowledged = Math.Max(Acknowledged, record);
                    LastWord = DateTimeOffset.UtcNow;
                    break;
            }
        }
    }

    private static long Number(string word) =>
        long.TryParse(word["last=".Length..], CultureInfo.InvariantCulture, out var number) ? number : 0;

    /// <summary>A console's file grows, and begins anew when another QEMU opens it.</summary>
    private sealed class Reader(string path)
    {
        private readonly StringBuilder _half = new();
        private long _at;

        public List<string> NewLines()
        {
            var lines = new List<string>();
            if (!File.Exists(path)) return lines;
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            if (file.Length < _at)
            {
                _at = 0;
                _half.Clear();
            }

            file.Seek(_at, SeekOrigin.Begin);
            var bytes = new byte[file.Length - _at];
            file.ReadExactly(bytes);
            _at += bytes.Length;
            foreach (var letter in Encoding.ASCII.GetString(bytes))
            {
                if (letter is not ('\r' or '\n'))
                {
                    _half.Append(letter);
                    continue;
                }

                if (_half.Length > 0) lines.Add(_half.ToString());
                _half.Clear();
            }

            return lines;
        }
    }
}
