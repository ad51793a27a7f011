using Akka.Configuration;

namespace Orchestrator.Tests.Akka.Engine;

/// <summary>What our HOCON understands beyond Akka.NET's own parser: it follows the HOCON specification.</summary>
public sealed class HoconMoreSpec
{
    [Fact]
    public void References_name_other_values_also_later_ones()
    {
        Environment.SetEnvironmentVariable("HOCON_SPEC_VALUE", "from outside");
        var config = ConfigurationFactory.ParseString("""
            url = "http://"${host}":"${port}
            host = example
            port = 80
            base { x = 1, y = 2 }
            more = ${base} { y = 3 }
            env = ${HOCON_SPEC_VALUE}
            kept = old
            kept = ${?HOCON_SPEC_MISSING}
            """);
        Assert.Equal("http://example:80", config.GetString("url"));
        Assert.Equal((1, 3), (config.GetInt("more.x"), config.GetInt("more.y")));
        Assert.Equal("from outside", config.GetString("env"));
        Assert.Equal("old", config.GetString("kept"));
    }

    [Fact]
    public void Lists_join_and_grow()
    {
        var config = ConfigurationFactory.ParseString("""
            a = [1, 2]
            a += 3
            b = ${a} [4]
            c = [
              x
              "y z"
            ]
            """);
        Assert.Equal(["1", "2", "3"], config.GetStringList("a"));
        Assert.Equal(["1", "2", "3", "4"], config.GetStringList("b"));
        Assert.Equal(["x", "y z"], config.GetStringList("c"));
    }

    [Fact]
    public void A_null_hides_what_is_below()
    {
        var config = ConfigurationFactory.ParseString("a = null").WithFallback(ConfigurationFactory.ParseString("a = 1"));
        Assert.Null(config.GetString("a"));
        Assert.Equal(7, config.GetInt("a", 7));
    }

    [Fact]
    public void Keys_keep_the_order_in_which_they_were_first_written() => Assert.Equal(
        ["b", "a", "10", "9"],
        ConfigurationFactory.ParseString("o { b = 1, a = 2, 10 = x, 9 = y, b = 3 }").Keys("o"));
}
