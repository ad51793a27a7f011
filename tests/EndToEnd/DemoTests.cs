using Xunit.Abstractions;

namespace Orchestrator.Tests.EndToEnd;

/// <summary>The whole path of a user, from a fresh installation to its end, with the demo's own limits.</summary>
[Collection("laboratory")]
public sealed class DemoTests(ITestOutputHelper output)
{
    [SkippableFact]
    public async Task The_demo_keeps_every_promise_on_a_fresh_installation()
    {
        await using var lab = Laboratory.Open(output);
        await lab.Run("do", "up");
        Assert.Contains("up already", await lab.Run("do", "up"));

        string[][] trials =
        [
            // One round: whether the downtimes compare well is for a machine that does nothing else, not for a test.
            ["--rounds", "1", "--takeovers", "1"],
            ["migrations", "4", "--only", "AgentKilled", "--encrypted", "yes"],
            // Undisturbed; with its host's power cut; with the agent killed.
            ["moves", "3", "--seed", "7"],
            ["drain", "3"],
        ];
        foreach (var trial in trials)
        {
            var told = await lab.Run("do", ["demo", .. trial]);
            Assert.Contains("kept", told);
            Assert.DoesNotContain("BROKEN", told);
        }

        Assert.Contains("stopped", await lab.Run("do", "down"));
    }
}
