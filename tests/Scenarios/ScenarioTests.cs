using Orchestrator.Tests.Deciders;

namespace Orchestrator.Tests.Scenarios;

/// <summary>
/// One folder per scenario: script.txt goes in, timeline.txt comes out. `UPDATE_GOLDEN=1 dotnet test tests/Scenarios`
/// rewrites the timelines; their diff is reviewed as what operators will see.
/// </summary>
public sealed class ScenarioTests
{
    private static string Folder { get; } = Path.Combine(Golden.Root(), "tests", "Scenarios");

    public static TheoryData<string> Scenarios =>
    [
        .. Directory.EnumerateFiles(Folder, "script.txt", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(Folder, Path.GetDirectoryName(f)!)).Order(StringComparer.Ordinal),
    ];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public void What_an_operator_sees(string scenario)
    {
        using var stage = new Stage(Script.Read(File.ReadAllText(Path.Combine(Folder, scenario, "script.txt"))));
        Golden.Is($"tests/Scenarios/{scenario}/timeline.txt", stage.Play());
    }

    [Theory]
    [InlineData("hosts 3")]
    [InlineData("# title\nhosts three")]
    [InlineData("# title\n5 s the host of web loses its power")]
    [InlineData("# title\nvm web, very available")]
    [InlineData("# title\nafter is up: stop web")]
    public void A_script_that_nobody_understands_is_refused(string text) =>
        Assert.Throws<FormatException>(() => Script.Read(text));

    [Fact]
    public void A_step_that_does_not_exist_fails_its_scenario()
    {
        using var stage = new Stage(Script.Read("# title\nvm web\n1 s: the host of web explodes\nend 2 s"));
        Assert.ThrowsAny<Exception>(stage.Play);
    }

    [Theory]
    [InlineData("start web")]
    [InlineData("power off web, which is refused")]
    public void An_answer_that_the_script_does_not_say_fails_its_scenario(string step)
    {
        using var stage = new Stage(Script.Read($"# title\nvm web\n1 s: {step}\nend 10 s"));
        Assert.ThrowsAny<Exception>(stage.Play);
    }

    [Fact]
    public void A_line_that_never_comes_fails_its_scenario()
    {
        using var stage = new Stage(Script.Read("# title\nvm web\nafter \"pigs fly\": start web\nend 2 s"));
        Assert.ThrowsAny<Exception>(stage.Play);
    }
}
