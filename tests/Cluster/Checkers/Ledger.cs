using System.Collections.Concurrent;
using Orchestrator.Tests.Cluster.Harness;

namespace Orchestrator.Tests.Cluster.Checkers;

public enum CommandKind { Create, Update, Start, Stop, Migrate, Remove }

/// <summary>One command as its client saw it.</summary>
/// <param name="Correlation">In the request, and so in whatever the server keeps of it.</param>
/// <param name="Token">A text that the command's effect must carry (a comment), or null.</param>
public sealed record CommandRecord(
    CommandKind Kind, string Correlation, string? Token, Outcome Outcome, int Status, string Detail,
    DateTimeOffset SentAt, DateTimeOffset AnsweredAt);

/// <summary>What one VM was told, in order; only its own client adds to it.</summary>
public sealed class VmRecord(string name)
{
    private readonly ConcurrentQueue<CommandRecord> _commands = new();

    public string Name { get; } = name;

    /// <summary>Null until the server told it.</summary>
    public Guid? Id { get; set; }

    public IReadOnlyList<CommandRecord> Commands => [.. _commands];

    /// <summary>The comment that must be found, or null when an update in doubt came last.</summary>
    public string? CertainComment =>
        _commands.LastOrDefault(c => c.Kind is CommandKind.Create or CommandKind.Update
            && c.Outcome != Outcome.Refused) is { Outcome: Outcome.Accepted } last ? last.Token : null;

    public bool RemovedForCertain =>
        _commands.Any(c => c is { Kind: CommandKind.Remove, Outcome: Outcome.Accepted });

    public bool RemovedPerhaps =>
        _commands.Any(c => c is { Kind: CommandKind.Remove, Outcome: not Outcome.Refused });

    public void Add(CommandRecord command) => _commands.Enqueue(command);
}

/// <summary>All VMs of a run, and what clients saw that no checker could find out later.</summary>
public sealed class Ledger
{
    private readonly ConcurrentQueue<VmRecord> _vms = new();
    private readonly ConcurrentQueue<Violation> _seen = new();

    public IReadOnlyList<VmRecord> Vms => [.. _vms];

    public IReadOnlyList<Violation> Seen => [.. _seen];

    public void Add(VmRecord vm) => _vms.Enqueue(vm);

    public void Saw(Violation violation) => _seen.Enqueue(violation);

    public string Figures()
    {
        var commands = Vms.SelectMany(v => v.Commands).ToList();
        return string.Join(", ", commands.GroupBy(c => c.Outcome).OrderBy(g => g.Key)
            .Select(g => $"{g.Count()} {g.Key.ToString().ToLowerInvariant()}"));
    }
}
