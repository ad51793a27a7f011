using System.Text.RegularExpressions;

namespace Orchestrator.Tests.Tidy;

/// <summary>What a reviewer would say each time, said by a test: file, line, the better way.</summary>
public sealed class HouseStyle
{
    private static readonly string[] _src = [.. Source.Files("src")];
    private static readonly string[] _tests = [.. Source.Files("tests")];

    /// <summary>Standard output belongs to the programs that people run.</summary>
    private static readonly string[] _programs = ["src/Host.Node/", "src/Cli/", "src/Akka/Engine/LogOutput.cs", "src/Akka/Event/"];

    [Fact]
    public void No_name_says_nothing() => None(_src.Concat(_tests)
        .Where(f => Regex.IsMatch(
            Path.GetFileNameWithoutExtension(f), "(Manager|Helper|Helpers|Util|Utils|Impl|Common|Misc)$"))
        .Select(f => $"{f}:1: name it by what it promises"));

    [Fact]
    public void No_region() => None(Source.Lines(_src.Concat(_tests), @"^\s*#region", "make a file or a type of it"));

    [Fact]
    public void No_open_question_in_the_code() => None(Source.Lines(
        _src.Concat(_tests.Where(f => !f.StartsWith("tests/Tidy/", StringComparison.Ordinal))),
        @"//.*\b(TODO|FIXME|TBD|XXX|HACK)\b", "an open question is an issue"));

    [Fact]
    public void Nothing_writes_to_the_console_but_programs() => None(Source.Lines(
        _src.Where(f => !_programs.Any(p => f.StartsWith(p, StringComparison.Ordinal))),
        @"\bConsole\.(Write|Error)", "log a sentence, or return it"));

    [Fact]
    public void Time_in_tests_is_never_slept_away() => None(Source.Lines(
        _tests.Where(f => !f.StartsWith("tests/Tidy/", StringComparison.Ordinal)), @"\bThread\.Sleep\(",
        "wait for a named event that was armed first"));

    /// <summary>A message compares by value; a list in it would compare by reference.</summary>
    [Fact]
    public void Messages_hold_no_mutable_collection() => None(Source.Lines(
        _src.Where(f => Regex.IsMatch(f, "^src/Actors/.*(Command|Event|Effect|State|View|Config)\\.cs$")),
        @"\b(List|Dictionary|HashSet)<|\w\[\](\s|\?|,|\))", "ImmutableArray or ImmutableDictionary"));

    [Fact]
    public void A_record_is_sealed_or_the_root_of_a_family() => None(Source.Lines(
        _src, @"^\s*(public|internal|private)\s+record\s+(?!struct)", "sealed record, or abstract with a closed family"));

    /// <summary>Pure files are read as laws: nothing of the world is in their usings.</summary>
    [Fact]
    public void Rules_know_nothing_of_the_world() => None(Source.Lines(
        _src.Where(f => Regex.IsMatch(f, "^src/Actors/.*(Decider|State|Command|Event|Effect|Reports|History|Story|Placement|HostLiveness)\\.cs$")),
        @"\b(UtcNow|Guid\.NewGuid|using Akka|using System\.(IO|Net|Threading)|ILogger|\bTask\b)",
        "time, ids and facts come in the command; effects go to the hands"));

    /// <summary>Who knows one entity's folder knows them all.</summary>
    [Fact]
    public void Each_entity_has_the_same_files() => None(
        from decider in _src.Where(f => f.StartsWith("src/Actors/", StringComparison.Ordinal) && f.EndsWith("Decider.cs", StringComparison.Ordinal))
        let folder = Path.GetDirectoryName(decider)!
        let name = Path.GetFileName(folder)
        from part in new[] { "State", "Command", "Event", "Effect", "Decider", "Actor", "Story", "View" }
        where !File.Exists(Path.Combine(Source.Root, folder, $"{name}{part}.cs"))
        select $"{folder}/{name}{part}.cs:1: is missing");

    /// <summary>libvirt has one event loop a process, so whether it runs is the process's own state; Akka.NET's default
    /// decider is a field that programs may set.</summary>
    [Fact]
    public void A_static_field_never_changes() => None(Source.Lines(
        _src.Except(["src/Agent/Libvirt/LibvirtConnection.cs", "src/Akka/Actor/SupervisorStrategy.cs"]), @"^\s*(public|internal|private)\s+static\s+(?!readonly|partial|async|extern|implicit|explicit|event|abstract|virtual|new\s|[^=;(]*\boperator\b)[\w<>\[\]?,. ]+\s_?\w+\s*(=[^>]|;)",
        "readonly, or a field of the one that owns it"));

    [Fact]
    public void No_file_is_far_too_long() => None(_src
        .Where(f => File.ReadLines(Path.Combine(Source.Root, f)).Count() > 700)
        .Select(f => $"{f}:701: make two concepts of it"));

    private static void None(IEnumerable<string> findings)
    {
        var all = findings.ToList();
        Assert.True(all.Count == 0, $"{all.Count} to put in order:\n{string.Join('\n', all)}");
    }
}
