using Akka.Actor;
using Akka.Configuration;

namespace Orchestrator.Tests.Akka.Engine;

/// <summary>The texts of errors are ours.</summary>
public sealed class HoconErrorSpec
{
    [Theory]
    [InlineData("a = 1\nb = {\n  c = 2\n", "line 4, column 1")]
    [InlineData("a = 1\nb = \"open\n", "line 2, column 5")]
    [InlineData("a = ${nowhere.at.all}", "line 1, column 5")]
    [InlineData("a 1\n", "line 1, column")]
    [InlineData("a = [1, 2\n", "line 2, column 1")]
    [InlineData("a = ${b}\nb = ${a}", "refers to itself")]
    [InlineData("a = ]", "line 1, column 5")]
    public void An_error_names_line_and_column(string text, string place)
    {
        var error = Assert.Throws<ConfigurationException>(() => ConfigurationFactory.ParseString(text));
        Assert.Contains(place, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_of_the_wrong_kind_names_its_path()
    {
        var config = ConfigurationFactory.ParseString("a.b = soon");
        Assert.Contains("a.b", Assert.Throws<ConfigurationException>(() => config.GetInt("a.b")).Message, StringComparison.Ordinal);
        Assert.Contains("a.b", Assert.Throws<ConfigurationException>(() => config.GetTimeSpan("a.b")).Message, StringComparison.Ordinal);
    }
}
