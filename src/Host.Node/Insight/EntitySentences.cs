using System.Collections.Immutable;
using System.Globalization;
using Orchestrator.Actors.Watching;

namespace Orchestrator.Host.Node.Insight;

/// <summary>Says in words who owns an entity, what it waits for, what it was answered and what helps. Pure.</summary>
internal static class EntitySentences
{
    public static ImmutableArray<string> Of(EntityView view, DateTimeOffset now) =>
    [
        .. Where(view), .. What(view, now), .. Debts(view, now), .. Asked(view, now), .. Jobs(view, now), .. Past(view, now),
        .. view.Missing.Select(m => m + "."),
    ];

    private static IEnumerable<string> Where(EntityView view)
    {
        var shard = $"Shard {view.Shard} of {view.Kind}";
        if (view.Owner is { } owner)
            yield return $"{shard} is owned by {owner.Name ?? $"the node {owner.Node}"} at {owner.Address} under epoch "
                + $"{owner.Epoch} (version {owner.Version}{(owner.IsAskedNode ? ", the node that answers here" : "")}).";
        else
            yield return $"Nobody owns shard {view.Shard} of {view.Kind} now: requests for it wait until a node takes it.";
        if (view.MovesTo is { } next)
            yield return $"{shard} is moving to {next}: requests for it wait until it is there, some tenths of a second.";
    }

    private static IEnumerable<string> What(EntityView view, DateTimeOffset now)
    {
        var name = view.Name.Length > 0 ? $"{view.Kind} {view.Name}" : $"{view.Kind} {view.Id}";
        switch (view.Self)
        {
            case null when view.Document is null && view.Events.IsEmpty && view.Missing.IsEmpty:
                yield return $"Nothing is known of {name}: the journal has no event of it. Its shard gave {view.Silence}.";
                break;
            case null:
                yield return $"{Capital(name)} gave {view.Silence}: {Guess(view)}";
                if (view.Document is { } document)
                    yield return $"Its document, version {document.Version}, says: {document.Status}"
                        + $"{(document.Lease is { } lease ? $", lease {lease}" : "")}.";
                break;
            case { IsResident: false } when view.Document is null && view.Events.IsEmpty && view.Missing.IsEmpty:
                yield return $"Nothing is known of {name}: the journal has no event of it.";
                break;
            case { IsResident: false }:
                yield return $"{Capital(name)} is not in memory: it owes nothing and waits for nothing. The next request "
                    + $"wakes it{(view.Document is { Status.Length: > 0 } d ? $"; its document says: {d.Status}" : "")}.";
                break;
            case { Unreadable: { } row }:
                yield return $"{Capital(name)} CANNOT BE READ: this engine does not understand its event {row}. It answers "
                    + "nothing and changes nothing until this engine is upgraded; nothing is lost.";
                break;
            case { } self:
                yield return $"{Capital(name)} is in the phase {self.Phase}"
                    + string.Concat(self.Summary.Where(s => s.Key != "name" && s.Value.Length > 0).Select(s => $"; {s.Key}: {s.Value}"))
                    + $". It has been in memory for {Durations.Say(now - (self.ResidentSince ?? now))}; its last event is number {self.Sequence}.";
                break;
        }
    }

    /// <summary>An owner that is silent can be silent for these reasons only.</summary>
    private static string Guess(EntityView view) => view switch
    {
        { Owner: null } => "its shard has no owner at this moment.",
        { MovesTo: not null } => "its shard is on the way.",
        { Missing.IsEmpty: false } => "it may be waiting for the database, which does not answer either.",
        { Owner.Name: null, Owner.IsAskedNode: false } =>
            "its node does not answer either: it is frozen or cut off (its lease ends in seconds, then another node takes "
            + "the shard), or of a version that does not know the question.",
        _ => "it is being read back from the journal, or waits for a write of its own.",
    };

    private static IEnumerable<string> Debts(EntityView view, DateTimeOffset now)
    {
        if (view.Self is not { IsResident: true, Unreadable: null } self) yield break;
        var due = self.Debts.Where(d => !d.IsStanding).ToList();
        if (due.Count == 0) yield return "It waits for nothing.";
        foreach (var debt in due)
        {
            yield return $"It has been waiting for {debt.What} for {Durations.Say(now - debt.Since)} (since "
                + $"{debt.Since.UtcDateTime:HH:mm:ss} UTC); it said so {debt.Said.ToString(CultureInfo.InvariantCulture)} {(debt.Said == 1 ? "time" : "times")}"
                + $"{(debt.LastSaid is { } last ? $", last {Ago(last, now)}" : "")}.";
            if (debt.Remedy is { } remedy) yield return $"What helps: {remedy}";
        }

        if (due.Count > 0 && self.Heard.LastOrDefault() is { } heard)
            yield return $"The last that it heard, {Ago(heard.At, now)}: {heard.What}.";
        foreach (var trouble in self.Troubles) yield return $"Trouble, {Ago(trouble.At, now)}: {trouble.What}.";
        if (self.Trace is { } trace) yield return $"Its work belongs to the trace {trace}.";
    }

    private static IEnumerable<string> Asked(EntityView view, DateTimeOffset now)
    {
        foreach (var asked in view.Asked)
        {
            var name = asked.Name.Length > 0 ? $"{asked.Kind} {asked.Name}" : $"{asked.Kind} {asked.Id}";
            if (asked.Self is not { } self)
            {
                yield return $"It waits for {name}, which gave {asked.Silence}.";
                continue;
            }

            yield return self.IsResident
                ? $"It waits for {name}, which is in the phase {self.Phase}"
                    + (self.Unreadable is { } row ? $" and cannot be read ({row})" : "")
                    + string.Concat(self.Summary.Where(s => s.Key is not ("name" or "boot" or "agent")).Select(s => $"; {s.Key}: {s.Value}"))
                    + "."
                : $"It waits for {name}, which is not in memory: the next asking wakes it.";
            foreach (var debt in self.Debts.Where(d => !d.IsStanding))
                yield return $"{Capital(name)} itself waits for {debt.What} for {Durations.Say(now - debt.Since)}."
                    + (debt.Remedy is { } remedy ? $" What helps: {remedy}" : "");
            foreach (var remark in self.Troubles.Concat(self.Heard).OrderBy(r => r.At).TakeLast(3))
                yield return $"{Capital(name)}, {Ago(remark.At, now)}: {remark.What}.";
        }
    }

    private static IEnumerable<string> Jobs(EntityView view, DateTimeOffset now) => view.Jobs.Select(j =>
        $"Job {j.Id} of {j.User}, \"{j.Description}\", runs for {Durations.Say(now - j.StartedAt)}"
        + $"{(j.Correlation is { } c ? $" (correlation {c})" : "")}.");

    private static IEnumerable<string> Past(EntityView view, DateTimeOffset now) => view.Events.IsEmpty
        ? []
        : [$"Its last events: {string.Join(", ", view.Events.Take(5).Select(e => $"{e.Sequence} {e.Name} ({Ago(e.At, now)})"))}."];

    private static string Ago(DateTimeOffset at, DateTimeOffset now) => $"{Durations.Say(now - at)} ago";

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
