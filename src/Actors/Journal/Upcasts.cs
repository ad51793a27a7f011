using System.Collections.Frozen;
using System.Collections.Immutable;
using Newtonsoft.Json.Linq;

namespace Orchestrator.Actors.Journal;

/// <summary>How what was stored under one name becomes what its successor is. Pure and total for every text that was ever
/// stored under <see cref="From"/>; it may change the document that it is given.</summary>
/// <param name="From">A name that nothing writes any more.</param>
/// <param name="To">The name that came after it, in <see cref="WireNames"/> or itself the start of another step.</param>
public sealed record Upcast(string From, string To, Func<JObject, JObject> Change);

/// <summary>
/// The one place where old shapes become present ones. A field that is added with a default needs nothing here. A change
/// that a default cannot express takes three releases: one that reads the new name (WireNames) and writes the old one,
/// one that writes the new name and has a step here for the old one; the record of the old shape goes with the third.
/// So two adjacent versions always read each other (docs/decisions/0009).
/// </summary>
public sealed class Upcasts
{
    private readonly FrozenDictionary<string, Upcast> _byName;

    /// <exception cref="ArgumentException">Two steps begin at one name, a step begins at a name that is still written,
    /// or a chain does not end at one: it would lose what was stored.</exception>
    public Upcasts(ImmutableArray<Upcast> steps)
    {
        _byName = steps.ToFrozenDictionary(s => s.From, StringComparer.Ordinal);
        foreach (var step in steps)
        {
            if (WireNames.TypeOf(step.From) is not null)
                throw new ArgumentException($"{step.From} is still written: it needs no step", nameof(steps));
            var name = step.To;
            for (var length = 0; WireNames.TypeOf(name) is null; length++)
            {
                if (!_byName.TryGetValue(name, out var next) || length > steps.Length)
                    throw new ArgumentException($"{step.From} leads to {name}, which nobody knows", nameof(steps));
                name = next.To;
            }
        }
    }

    /// <summary>Those of this product. None yet: every name that was ever released is still written.</summary>
    public static Upcasts Released { get; } = new([]);

    public IEnumerable<string> OldNames => _byName.Keys;

    public bool Knows(string name) => _byName.ContainsKey(name);

    /// <summary>The present name and shape of a stored document.</summary>
    public (string Name, JObject Document) Apply(string name, JObject document)
    {
        while (_byName.TryGetValue(name, out var step)) (name, document) = (step.To, step.Change(document));
        return (name, document);
    }
}
