using Orchestrator.Actors.Host;

namespace Orchestrator.Tests.Deciders;

public sealed class StartQuietTests
{
    [Theory]
    [InlineData(0, 0, 7)]
    [InlineData(3, 2, 5)]
    [InlineData(8, 7, 0)]
    [InlineData(30, 1, 6)] // its owner has just begun to listen, and the engine has not run for long
    [InlineData(60, 0, 0)] // another node takes over while the engine runs
    public void A_host_is_listened_to_before_an_engine_that_has_just_started_cuts_its_power(int age, int listened, int left) =>
        Assert.Equal(
            TimeSpan.FromSeconds(left),
            StartQuiet.Left(TimeSpan.FromSeconds(age), TimeSpan.FromSeconds(listened), TimeSpan.FromSeconds(5)));
}
