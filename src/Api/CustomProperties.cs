using System.Collections.Frozen;
using System.Text.RegularExpressions;

namespace Orchestrator.Api;

/// <summary>The custom properties that VMs of this installation may have, each with the pattern of what it may be: oVirt's
/// UserDefinedVMProperties.</summary>
public sealed class CustomProperties
{
    private readonly FrozenDictionary<string, Property> _all;

    private CustomProperties(IEnumerable<Property> all) => _all = all.ToFrozenDictionary(p => p.Name, StringComparer.Ordinal);

    public static CustomProperties None { get; } = new([]);

    public IEnumerable<string> Names => _all.Keys.Order(StringComparer.Ordinal);

    /// <param name="lines">NAME=REGULAR EXPRESSION, of which the expression must match all of a value.</param>
    /// <exception cref="FormatException">One of them is neither.</exception>
    public static CustomProperties Of(IEnumerable<string> lines) => new(lines.Select(Read));

    public Property? Find(string name) => _all.GetValueOrDefault(name);

    private static Property Read(string line)
    {
        var at = line.IndexOf('=', StringComparison.Ordinal);
        // Hooks get them as environment variables.
        if (at < 1 || !char.IsAsciiLetter(line[0]) || !line[..at].All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
            throw new FormatException($"'{line}' is no custom property: NAME=REGULAR EXPRESSION, the name of letters, digits and '_'");
        try
        {
            var pattern = line[(at + 1)..];
            return new Property(line[..at], pattern, new Regex($"^(?:{pattern})$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant));
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new FormatException($"the custom property '{line}' has no regular expression: {e.Message}", e);
        }
    }

    public sealed record Property(string Name, string Pattern, Regex Expression)
    {
        public bool Allows(string value) => Expression.IsMatch(value);
    }
}
