using Akka.Actor;
using Akka.Configuration;

namespace Orchestrator.Tests.Akka;

public sealed class HoconSpec
{
    [Fact]
    public void Objects_dots_and_comments_are_read()
    {
        var config = ConfigurationFactory.ParseString("""
            # a comment
            a { b = 1, c : two words // another
              d { e = "quoted # not a comment" } }
            a.d.f = on
            "dotted.key" = x
            """);
        Assert.Equal(1, config.GetInt("a.b"));
        Assert.Equal("two words", config.GetString("a.c"));
        Assert.Equal("quoted # not a comment", config.GetString("a.d.e"));
        Assert.True(config.GetBoolean("a.d.f"));
        Assert.Equal("x", config.GetString("\"dotted.key\""));
        Assert.False(config.HasPath("dotted.key"));
    }

    [Fact]
    public void Later_keys_win_and_objects_merge()
    {
        var config = ConfigurationFactory.ParseString("""
            a { x = 1, y = 2 }
            a { y = 3 }
            b = { p = 1 }
            b = 5
            """);
        Assert.Equal((1, 3, 5), (config.GetInt("a.x"), config.GetInt("a.y"), config.GetInt("b")));
    }

    [Fact]
    public void A_fallback_is_below()
    {
        var config = ConfigurationFactory.ParseString("a.x = 1")
            .WithFallback(ConfigurationFactory.ParseString("a { x = 9, y = 2 }"));
        Assert.Equal((1, 2), (config.GetInt("a.x"), config.GetInt("a.y")));
    }

    [Fact]
    public void References_name_other_values_also_later_ones()
    {
        var config = ConfigurationFactory.ParseString("""
            a { b = ${c}, list = ${later}, of = ${object} }
            c = 5
            later = [1, 2]
            object { x = 1 }
            """);
        Assert.Equal((5, 1), (config.GetInt("a.b"), config.GetInt("a.of.x")));
        Assert.Equal(["1", "2"], config.GetStringList("a.list"));
    }

    [Fact]
    public void A_reference_to_nothing_is_an_error() =>
        Assert.ThrowsAny<Exception>(() => ConfigurationFactory.ParseString("a = ${missing}"));

    [Fact]
    public void Lists_are_separated_by_commas_or_lines()
    {
        var config = ConfigurationFactory.ParseString("""
            a = [1, 2]
            c = [
              x
              "y z"
            ]
            none = []
            """);
        Assert.Equal(["1", "2"], config.GetStringList("a"));
        Assert.Equal(["x", "y z"], config.GetStringList("c"));
        Assert.Empty(config.GetStringList("none"));
        Assert.Equal(["d"], config.GetStringList("missing", ["d"]));
    }

    [Fact]
    public void Quoted_texts_have_escapes()
    {
        var config = ConfigurationFactory.ParseString("""a = "tab\t quote\" back\\ line\n" """);
        Assert.Equal("tab\t quote\" back\\ line\n", config.GetString("a"));
    }

    [Fact]
    public void A_subtree_is_a_configuration_of_its_own_also_over_a_fallback()
    {
        var config = ConfigurationFactory.ParseString("a.b { x = 1 }")
            .WithFallback(ConfigurationFactory.ParseString("a.b { x = 9, y = 2 }, a.c = 3"));
        var sub = config.GetConfig("a.b");
        Assert.Equal((1, 2), (sub.GetInt("x"), sub.GetInt("y")));
        Assert.False(sub.HasPath("c"));
    }

    [Fact]
    public void An_inner_value_over_an_object_of_the_fallback_hides_it()
    {
        var config = ConfigurationFactory.ParseString("a = 1")
            .WithFallback(ConfigurationFactory.ParseString("a { x = 2 }"));
        Assert.Equal(1, config.GetInt("a"));
    }

    [Theory]
    [InlineData("10 s", 10_000)]
    [InlineData("500ms", 500)]
    [InlineData("1.5 s", 1500)]
    [InlineData("2 minutes", 120_000)]
    [InlineData("250", 250)]
    [InlineData("\"1h\"", 3_600_000)]
    public void Durations_have_units(string text, int milliseconds) => Assert.Equal(
        TimeSpan.FromMilliseconds(milliseconds), ConfigurationFactory.ParseString("t = " + text).GetTimeSpan("t"));

    [Fact]
    public void Infinite_is_a_duration_and_sizes_have_units()
    {
        var config = ConfigurationFactory.ParseString("t = infinite, a = 64KiB, b = 10MB, c = 7");
        Assert.Equal(Timeout.InfiniteTimeSpan, config.GetTimeSpan("t"));
        Assert.Equal((65536L, 10_000_000L, 7L), (config.GetByteSize("a"), config.GetByteSize("b"), config.GetByteSize("c")));
    }

    [Fact]
    public void Triple_quotes_keep_everything()
    {
        var config = ConfigurationFactory.ParseString("a = \"\"\"line 1\n  \"line\" 2\\n\"\"\"\nb = 1");
        Assert.Equal("line 1\n  \"line\" 2\\n", config.GetString("a"));
        Assert.Equal(1, config.GetInt("b"));
    }

    [Fact]
    public void A_missing_value_is_the_default()
    {
        var config = ConfigurationFactory.Empty;
        Assert.Equal((7, "d", true), (config.GetInt("x", 7), config.GetString("x", "d"), config.GetBoolean("x", true)));
        Assert.Equal(TimeSpan.FromSeconds(3), config.GetTimeSpan("x", TimeSpan.FromSeconds(3)));
    }
}
