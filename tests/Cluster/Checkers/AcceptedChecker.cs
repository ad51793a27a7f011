using Orchestrator.Tests.Cluster.Harness;

namespace Orchestrator.Tests.Cluster.Checkers;

/// <summary>A VM as the server shows it after the run.</summary>
public sealed record VmSeen(string Status, string Comment);

/// <summary>
/// Promise 2: what was accepted is in the journal, in the order in which it was accepted; what was refused is not; and
/// what the server shows at the end is what the last accepted commands said.
/// </summary>
public static class AcceptedChecker
{
    public static IReadOnlyList<Violation> CheckJournal(IEnumerable<VmRecord> vms, IEnumerable<JournalFact> rows)
    {
        var violations = new List<Violation>();
        var journals = rows.GroupBy(r => r.PersistenceId)
            .ToDictionary(g => g.Key, g => g.OrderBy(r => r.SequenceNr).ToList());
        foreach (var vm in vms)
        {
            if (vm.Id is not { } id)
            {
                // An id was never told: the server accepted nothing.
                continue;
            }

            var journal = journals.FirstOrDefault(j => j.Key.EndsWith(id.ToString(), StringComparison.Ordinal)).Value ?? [];
            var lastFound = 0L;
            foreach (var command in vm.Commands)
            {
                var found = journal.FirstOrDefault(r => Carries(r, command));
                switch (command.Outcome)
                {
                    case Outcome.Accepted when found is null:
                        violations.Add(new Violation("an accepted command is never lost",
                            $"{command.Kind} of vm {vm.Name} {id} ({command.Correlation}), accepted at "
                            + $"{command.AnsweredAt:HH:mm:ss.fff} with {command.Status}, is not among its "
                            + $"{journal.Count} events"));
                        break;
                    case Outcome.Accepted when found.SequenceNr <= lastFound:
                        violations.Add(new Violation("accepted commands keep their order",
                            $"{command.Kind} of vm {vm.Name} ({command.Correlation}) is event {found.SequenceNr}, an "
                            + $"earlier command's is {lastFound}"));
                        break;
                    case Outcome.Accepted when command.Token is { } token
                        && !journal.Any(r => Mentions(r, token)):
                        violations.Add(new Violation("an accepted command is never lost",
                            $"{command.Kind} of vm {vm.Name}: the text {token} is in no event"));
                        break;
                    case Outcome.Refused when found is not null:
                        violations.Add(new Violation("a refused command changes nothing",
                            $"{command.Kind} of vm {vm.Name} ({command.Correlation}), refused with {command.Status}, is "
                            + $"event {found.SequenceNr} ({found.Manifest})"));
                        break;
                }

                if (command.Outcome == Outcome.Accepted && found is not null) lastFound = found.SequenceNr;
            }
        }

        return violations;
    }

    /// <param name="seen">All VMs of a list made after the last command settled.</param>
    public static IReadOnlyList<Violation> CheckEnd(IEnumerable<VmRecord> vms, IReadOnlyDictionary<Guid, VmSeen> seen)
    {
        var violations = new List<Violation>();
        foreach (var vm in vms)
        {
            if (vm.Id is not { } id) continue;
            if (!seen.TryGetValue(id, out var now))
            {
                if (!vm.RemovedPerhaps)
                {
                    violations.Add(new Violation("an accepted command is never lost",
                        $"vm {vm.Name} {id} was created, never removed, and is gone"));
                }

                continue;
            }

            if (vm.RemovedForCertain)
            {
                violations.Add(new Violation("an accepted command is never lost",
                    $"vm {vm.Name} {id} was removed and is still there, {now.Status}"));
            }
            else if (vm.CertainComment is { } comment && comment != now.Comment)
            {
                violations.Add(new Violation("an accepted command is never lost",
                    $"vm {vm.Name} {id} has the comment '{now.Comment}', the last accepted one is '{comment}'"));
            }
            else if (CertainStatus(vm) is { } status && status != now.Status)
            {
                violations.Add(new Violation("an accepted command is never lost",
                    $"vm {vm.Name} {id} is {now.Status}, its last accepted command makes it {status}"));
            }
        }

        return violations;
    }

    /// <summary>up or down, or null when a command in doubt came last.</summary>
    private static string? CertainStatus(VmRecord vm) =>
        vm.Commands.LastOrDefault(c => c.Kind is not CommandKind.Update && c.Outcome != Outcome.Refused) switch
        {
            { Outcome: Outcome.Unknown } => null,
            { Kind: CommandKind.Start or CommandKind.Migrate } => "up",
            { Kind: CommandKind.Create or CommandKind.Stop } => "down",
            _ => null,
        };

    private static bool Carries(JournalFact row, CommandRecord command) => Mentions(row, command.Correlation);

    private static bool Mentions(JournalFact row, string text) => row.Payload.Contains(text, StringComparison.Ordinal);
}
