using System.Globalization;
using Orchestrator.Agent.Protocol;

namespace Orchestrator.Agent.Ledgers;

/// <summary>
/// What a host must never forget: the highest owner epoch and, per VM, the highest lease and whether it has ended.
/// Every change is on disk before the method returns; nothing is acted upon before. Not thread-safe.
/// </summary>
public sealed class LeaseLedger : IDisposable
{
    private const string Nothing = "-";
    private readonly IAppendLog _log;
    private readonly int _slack;
    private readonly Dictionary<Guid, LeaseRecord> _records = [];
    private int _lines;

    /// <param name="log">Where the ledger lives.</param>
    /// <param name="slack">Lines more than needed before the ledger is rewritten.</param>
    public LeaseLedger(IAppendLog log, int slack = 4096)
    {
        _log = log;
        _slack = slack;
        foreach (var line in log.Read())
        {
            Apply(line);
            _lines++;
        }
    }

    public long Epoch { get; private set; }

    /// <summary>Which engine host entity claimed this host last; empty before the first claim.</summary>
    public string Owner { get; private set; } = "";

    public IEnumerable<LeaseRecord> Records => _records.Values;

    public LeaseRecord? Find(Guid vm) => _records.GetValueOrDefault(vm);

    public void RaiseEpoch(long epoch, string owner) => Write(EpochLine(epoch, owner));

    public void Open(Guid vm, long lease) => Write(OpenLine(new LeaseRecord(vm, lease)));

    /// <summary>The guest is about to move to the copy with this lease.</summary>
    public void Move(Guid vm, long lease, long destination) =>
        Write(OpenLine(OfLease(vm, lease) with { Move = destination, MoveFailed = false }));

    /// <summary>It has not moved, and will not by that order.</summary>
    public void MoveFailed(Guid vm, long lease, long destination) =>
        Write(OpenLine(OfLease(vm, lease) with { Move = destination, MoveFailed = true }));

    /// <summary>The guest's machine is about to be changed by the order of this number.</summary>
    public void Reshape(Guid vm, long lease, long number) =>
        Write(OpenLine(OfLease(vm, lease) with { Reshape = number, ReshapeFailed = false, Reshaped = false }));

    /// <summary>It was not, or not all of it, and will not be by that order.</summary>
    public void ReshapeFailed(Guid vm, long lease, long number) =>
        Write(OpenLine(OfLease(vm, lease) with { Reshape = number, ReshapeFailed = true }));

    /// <summary>It was: whoever comes after this agent need not be told again.</summary>
    public void Reshaped(Guid vm, long lease, long number) =>
        Write(OpenLine(OfLease(vm, lease) with { Reshape = number, Reshaped = true }));

    /// <summary>The guest's memory is about to be written to that file, and the guest to end.</summary>
    public void Save(Guid vm, long lease, string boot, string path) =>
        Write(OpenLine(OfLease(vm, lease) with { Saved = new SavedMemoryPlace(boot, path) }));

    /// <summary>The guest runs on: what may be in that file is not its memory.</summary>
    public void SaveFailed(Guid vm, long lease) => Write(OpenLine(OfLease(vm, lease) with { Saved = null }));

    public void End(Guid vm, long lease, GuestExit exit, string? message) =>
        Write(EndLine(new LeaseRecord(vm, lease, Ended: true) { Exit = exit, ExitMessage = message }));

    public void Forget(Guid vm, long lease) => Write($"forget {vm} {Number(lease)}");

    public void Dispose() => _log.Dispose();

    private LeaseRecord OfLease(Guid vm, long lease) =>
        Find(vm) is { Ended: false } record && record.Lease == lease ? record : new LeaseRecord(vm, lease);

    private void Write(string line)
    {
        _log.Append(line);
        Apply(line);
        if (++_lines > (2 * _records.Count) + _slack) Compact();
    }

    private void Compact()
    {
        var lines = Lines().ToList();
        _log.Replace(lines);
        _lines = lines.Count;
    }

    private IEnumerable<string> Lines()
    {
        yield return EpochLine(Epoch, Owner);
        foreach (var record in _records.Values)
        {
            if (record.Forgotten) yield return $"forget {record.Vm} {Number(record.Lease)}";
            else if (record.Ended) yield return EndLine(record);
            else yield return OpenLine(record);
        }
    }

    private void Apply(string line)
    {
        var words = line.Split(' ', 5);
        if (words[0] == "epoch")
        {
            Epoch = Number(words[1]);
            Owner = words[2];
            return;
        }

        var (vm, lease) = (Guid.Parse(words[1]), Number(words[2]));
        _records[vm] = words[0] switch
        {
            "open" => Opened(new LeaseRecord(vm, lease), [.. line.Split(' ').Skip(3)]),
            "forget" => new LeaseRecord(vm, lease, Ended: true, Forgotten: true),
            "end" => new LeaseRecord(vm, lease, Ended: true)
            {
                Exit = Enum.Parse<GuestExit>(words[3]),
                ExitMessage = words[4].Length == 0 ? null : words[4],
            },
            _ => throw new InvalidDataException($"the ledger has a line of an unknown kind: {line}"),
        };
    }

    private static LeaseRecord Opened(LeaseRecord record, string[] more) => record with
    {
        Move = more is [not "-", ..] ? Number(more[0]) : null,
        MoveFailed = more is [_, "failed", ..],
        Reshape = more is [_, _, not "-" and var number, ..] ? Number(number) : null,
        ReshapeFailed = more is [_, _, _, "failed", ..],
        Reshaped = more is [_, _, _, "done", ..],
        Saved = more is [_, _, _, _, var boot, var path, ..] ? new SavedMemoryPlace(Uri.UnescapeDataString(boot), Uri.UnescapeDataString(path)) : null,
    };

    private static string EpochLine(long epoch, string owner) => $"epoch {Number(epoch)} {owner}";

    /// <summary>An agent of 0.1.0 reads no further than the lease.</summary>
    private static string OpenLine(LeaseRecord record)
    {
        string[] words =
        [
            record.Move is { } destination ? Number(destination) : Nothing, record.MoveFailed ? "failed" : Nothing,
            record.Reshape is { } number ? Number(number) : Nothing, record.ReshapeFailed ? "failed" : record.Reshaped ? "done" : Nothing,
            record.Saved is { } saved ? Uri.EscapeDataString(saved.Boot) : Nothing, record.Saved is { } at ? Uri.EscapeDataString(at.Path) : Nothing,
        ];
        var told = words.Length;
        while (told > 0 && words[told - 1] == Nothing) told--;
        return string.Join(' ', ["open", record.Vm.ToString(), Number(record.Lease), .. words[..told]]);
    }

    private static string EndLine(LeaseRecord record) =>
        $"end {record.Vm} {Number(record.Lease)} {record.Exit} {OneLine(record.ExitMessage)}";

    private static string OneLine(string? message) => (message ?? "").ReplaceLineEndings(" ");

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
