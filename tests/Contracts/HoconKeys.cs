using System.Text.RegularExpressions;
using Akka.Configuration;
using Orchestrator.Tests.Deciders;

namespace Orchestrator.Tests.Contracts;

/// <summary>
/// The files in hocon/ are what an operator knows of the settings: what stands there works, and what works stands
/// there, once, under a comment.
/// </summary>
public sealed partial class HoconKeys
{
    private static readonly string _root = Golden.Root();
    private static readonly HoconKey[] _written =
        [.. Directory.GetFiles(Path.Combine(_root, "hocon"), "*.conf").Order(StringComparer.Ordinal)
            .SelectMany(Written)];

    private static readonly KeyRead[] _read = [.. Sources().SelectMany(Read)];

    /// <summary>Keys that the composition gives the engine itself, whatever the files say.</summary>
    private static readonly HoconKey[] _composed =
        [.. Sources().Where(s => s.File == "src/Host.Node/EngineNode.cs").SelectMany(Composed)];

    /// <summary>Read by the engine, and not for operators: each with the reason.</summary>
    private static readonly (string Key, string Why)[] _internal =
    [
        ("akka.coordinated-shutdown", "the order of the shutdown is the program's, not the operator's"),
        ("akka.actor.serialization-identifiers", "stored with every event: changing one makes the journal unreadable"),
        ("akka.actor.ask-timeout", "every question in the product brings its own limit"),
        ("akka.actor.serializers", "what binds types to the wire is WireNames.Bindings, no choice of an operator"),
        ("akka.actor.serialization-bindings", "as akka.actor.serializers"),
        ("akka.loggers", "log events go where EngineSetup.Loggers sends them"),
        ("akka.test", "only the TestKit reads it"),
    ];

    [Fact]
    public void Both_sides_were_found()
    {
        Assert.True(_written.Length > 80, $"only {_written.Length} keys found in hocon/: has their form changed?");
        Assert.True(_read.Length > 80, $"only {_read.Length} reads found in src/: are keys read in another way now?");
        Assert.Contains(_composed, k => k.Path == "akka.loglevel");
    }

    [Fact]
    public void The_engine_reads_the_files_as_this_test_does()
    {
        foreach (var file in _written.GroupBy(k => k.At.Split(':')[0]))
        {
            var config = ConfigurationFactory.ParseString(File.ReadAllText(Path.Combine(_root, file.Key)));
            None(file.Where(k => !k.IsOptional && !config.HasPath(k.Path))
                .Select(k => $"{k.At}: the engine does not find {k.Path}"));
        }
    }

    [Fact]
    public void Every_key_in_hocon_is_read_by_code() => None(_written
        .Where(k => !_read.Any(r => r.Path == k.Path))
        .Select(k => $"{k.At}: nothing in src reads {k.Path}; remove it, or read it"));

    [Fact]
    public void Every_key_that_code_reads_stands_in_hocon() => None(_read
        .Where(r => !_written.Concat(_composed).Any(k => Under(k.Path, r.Path)) && !IsInternal(r.Path))
        .Select(r => $"{r.At}: {r.Path} stands in no file of hocon/; add it there with meaning, unit, default, and "
            + "what happens when it is too low or too high"));

    [Fact]
    public void Every_key_stands_under_a_comment() => None(_written
        .Where(k => !k.HasComment)
        .Select(k => $"{k.At}: no comment above {k.Path}; say meaning, unit, default, too low, too high"));

    [Fact]
    public void A_key_stands_once() => None(_written
        .GroupBy(k => k.Path).Where(g => g.Count() > 1)
        .Select(g => $"{string.Join(" and ", g.Select(k => k.At))}: {g.Key} stands twice; keep one"));

    /// <summary>Such a key reads well and does nothing.</summary>
    [Fact]
    public void A_key_that_the_composition_overrides_does_not_stand_in_hocon() => None(_written
        .Where(k => _composed.Any(c => c.Path == k.Path)
            && !_read.Any(r => r.Path == k.Path && r.File.StartsWith("src/Host.Node/", StringComparison.Ordinal)))
        .Select(k => $"{k.At}: {k.Path} is overridden at {_composed.First(c => c.Path == k.Path).At}; remove it here"));

    [Fact]
    public void Every_exception_is_still_needed() => None(_internal
        .Where(e => !_read.Any(r => Under(r.Path, e.Key)))
        .Select(e => $"tests/Contracts/HoconKeys.cs: nothing reads {e.Key} any more ({e.Why}); remove the exception"));

    private static void None(IEnumerable<string> complaints)
    {
        var all = string.Join('\n', complaints.Distinct());
        Assert.True(all == "", all);
    }

    private static bool IsInternal(string path) => _internal.Any(e => Under(path, e.Key));

    private static bool Under(string path, string key) =>
        path == key || path.StartsWith(key + ".", StringComparison.Ordinal);

    private static IEnumerable<(string File, string Text)> Sources() =>
        Directory.GetFiles(Path.Combine(_root, "src"), "*.cs", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(_root, f))
            .Where(f => !f.Split('/').Any(part => part is "obj" or "bin"))
            .Order(StringComparer.Ordinal)
            .Select(f => (f, File.ReadAllText(Path.Combine(_root, f))));

    private static IEnumerable<HoconKey> Written(string file) =>
        Parse(Path.GetRelativePath(_root, file), File.ReadAllLines(file), 1);

    /// <summary>The block of HOCON in the composition's code.</summary>
    private static IEnumerable<HoconKey> Composed((string File, string Text) source)
    {
        var lines = source.Text.Split('\n');
        var first = Array.FindIndex(lines, l => l.Contains("ParseString($$\"\"\"", StringComparison.Ordinal)) + 1;
        var last = Array.FindIndex(lines, first, l => l.TrimStart().StartsWith("\"\"\"", StringComparison.Ordinal));
        return Parse(source.File, lines[first..last], first + 1);
    }

    /// <summary>Our files have one key, one opening or one closing a line; anything else is refused here.</summary>
    private static IEnumerable<HoconKey> Parse(string file, string[] lines, int firstNumber)
    {
        var path = new Stack<string>();
        var commented = false;
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i].Trim();
            var at = $"{file}:{firstNumber + i}";
            if (line is "") commented = false;
            else if (OptionalLine().Match(line) is { Success: true } optional)
                yield return new HoconKey(Join(path, optional.Groups[1].Value), at, commented) { IsOptional = true };
            else if (line[0] == '#') commented = true;
            // Keys that the composition writes in: they are somewhere below this path.
            else if (line.StartsWith("{{", StringComparison.Ordinal))
                yield return new HoconKey(Join(path, "*"), at, commented);
            else if (OpeningLine().Match(line) is { Success: true } opening) path.Push(opening.Groups[1].Value);
            else if (line == "}") path.Pop();
            else if (KeyLine().Match(line) is { Success: true } key)
                yield return new HoconKey(Join(path, key.Groups[1].Value), at, commented);
            else Assert.Fail($"{at}: write one key, one opening or one closing a line");
        }

        Assert.True(path.Count == 0, $"{file}: {path.Count} braces are not closed");
    }

    private static string Join(Stack<string> path, string key) => string.Join('.', path.Reverse().Append(key));

    private static IEnumerable<KeyRead> Read((string File, string Text) source)
    {
        var inNode = source.File.StartsWith("src/Host.Node/", StringComparison.Ordinal);
        if (inNode)
            foreach (Match m in NodeRead().Matches(source.Text))
                yield return new KeyRead("orchestrator." + m.Groups[1].Value, source.File, Line(source.Text, m.Index));
        foreach (Match m in FullRead().Matches(source.Text))
            yield return new KeyRead(m.Groups[1].Value, source.File, Line(source.Text, m.Index));

        // GetConfig("a.b") and then GetInt("c") of it.
        if (PartRead().Match(source.Text) is not { Success: true } part) yield break;
        foreach (Match m in RelativeRead().Matches(source.Text))
        {
            yield return new KeyRead(
                $"{part.Groups[1].Value}.{m.Groups[1].Value}", source.File, Line(source.Text, m.Index));
        }
    }

    private static int Line(string text, int index) => text.AsSpan(0, index).Count('\n') + 1;

    [GeneratedRegex(@"^# ([a-z][a-z0-9-]*) = \S")]
    private static partial Regex OptionalLine();

    [GeneratedRegex(@"^([a-z][a-z0-9.-]*) \{$")]
    private static partial Regex OpeningLine();

    [GeneratedRegex(@"^([a-z][a-z0-9.-]*) = \S")]
    private static partial Regex KeyLine();

    [GeneratedRegex("""\b(?:Text|Number|Time|Is)\("([a-z][a-z0-9.-]*)"\)""")]
    private static partial Regex NodeRead();

    [GeneratedRegex(
        @"\b(?:Get(?:String|Int|Long|Double|Boolean|TimeSpan|StringList|ByteSize)|Text|Keys)\(\s*"
        + @"""((?:akka|orchestrator)\.[a-z0-9.-]+)""")]
    private static partial Regex FullRead();

    [GeneratedRegex("""\bGetConfig\("((?:akka|orchestrator)\.[a-z0-9.-]+)"\)""")]
    private static partial Regex PartRead();

    [GeneratedRegex("""\bGet(?:String|Int|Long|Double|Boolean|TimeSpan|StringList|ByteSize)\(\$?"([a-z][a-z0-9-]*)""")]
    private static partial Regex RelativeRead();

    private sealed record HoconKey(string Path, string At, bool HasComment)
    {
        /// <summary>Stands as a comment only: there is no default to be read.</summary>
        public bool IsOptional { get; init; }
    }

    private sealed record KeyRead(string Path, string File, int Line)
    {
        public string At => $"{File}:{Line}";
    }
}
